"""Files of nobody's are told by name, whatever they are called; what healthy hosts have besides is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roles.shared.searches.search import STRAY, Declarations, Found
from roles.shared.searches.stray_files import FEW, undeclared
from roles.shared.searches.walk import PLACES
from tests.unit.roles.shared.searches.walking import DIGEST, walk


def names(text: str, declared: Declarations = Declarations()) -> list[str]:  # noqa: B008  a frozen value
    return [found.name for found in undeclared(text, declared)]


def test_a_file_of_nobodys_is_told_with_what_tells_it_from_another_of_its_name() -> None:
    (found,) = undeclared(walk("/etc/cron.d/x"), Declarations())
    assert found == Found(name="/etc/cron.d/x", state=f"f 644 root:root 12 {DIGEST}")


def test_a_file_that_a_role_declares_makes_or_tells_by_itself_is_not_told() -> None:
    declared = Declarations(
        files=frozenset({"/etc/a.conf"}),
        owned=frozenset({"/etc/sudoers.d"}),
        expects={STRAY: ("/etc/wireguard/private.key", "/opt/netbox/*")},
    )
    ours = ("/etc/a.conf", "/etc/sudoers.d/x", "/etc/wireguard/private.key", "/opt/netbox/venv/bin/python")
    assert names(walk(*ours, "/etc/sudoers.e/x"), declared) == ["/etc/sudoers.e/x"]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd-",
        "/etc/machine-id",
        "/etc/ssh/ssh_host_ed25519_key.pub",
        "/etc/ssl/certs/ca-certificates.crt",
        "/boot/initrd.img-6.12.0-1-amd64",
        "/usr/lib/modules/6.12.0-1-amd64/modules.dep.bin",
        "/etc/systemd/network/10-eth0.network",
        "/etc/pam.d/common-auth",
        "/etc/cron.daily/x.dpkg-old",
    ],
)
def test_what_healthy_hosts_have_beside_their_packages_is_not_told(path: str) -> None:
    assert names(walk(path)) == []


@pytest.mark.parametrize(
    "path",
    [
        "/etc/ld.so.preload",
        "/etc/rc.local",
        "/etc/profile.d/x.sh",
        "/etc/apt/apt.conf.d/99x",
        "/etc/ssl/certs/evil.pem",
        "/etc/default/grub.d/x.cfg",
        "/etc/initramfs-tools/hooks/x",
        "/usr/lib/modules/6.12.0-1-amd64/extra/x.ko",
        "/usr/lib/systemd/system-generators/x",
        "/usr/sbin/nologin ",
        "/usr/local/bin/ls",
        "/var/lib/systemd/linger/anna",
        "/boot/grubx/x",
    ],
)
def test_what_hides_beside_the_known_is_told(path: str) -> None:
    assert names(walk(path)) == [path]


def test_of_a_link_it_counts_where_it_leads() -> None:
    links = {
        "/etc/alternatives/awk": "/usr/bin/mawk",
        "/etc/rc2.d/S01ssh": "../init.d/ssh",
        "/etc/mtab": "../proc/self/mounts",
        "/etc/systemd/system/x.service": "/dev/null",
        "/etc/cron.d/home": "/home/x/job",
        "/etc/cron.d/up": "../../var/tmp/job",
        "/etc/profile.d/etcetera.sh": "/etcetera/x",
        "/etc/profile.d/devil.sh": "/dev/null/../shm/x",
        "/etc/profile.d/null.sh": "/dev/nullx",
    }
    told = {
        "/etc/cron.d/home",
        "/etc/cron.d/up",
        "/etc/profile.d/etcetera.sh",
        "/etc/profile.d/devil.sh",
        "/etc/profile.d/null.sh",
    }
    assert set(names(walk(links=links))) == told


def test_many_files_below_a_directory_of_nobodys_are_that_directory() -> None:
    paths = [f"/opt/app/lib/{n}" for n in range(FEW + 1)]
    text = walk(*paths, "/opt/tool/one", directories=("/opt", "/opt/app", "/opt/app/lib", "/opt/tool"))
    assert sorted(names(text)) == ["/opt/app", "/opt/tool/one"]


@pytest.mark.parametrize("place", ["/opt", "/usr/local/bin", "/var/www/html"])
def test_no_directory_that_every_host_has_is_told(place: str) -> None:
    paths = sorted(f"{place}/{n}" for n in range(FEW + 1))
    assert sorted(names(walk(*paths, directories=(place,)))) == paths


def test_another_file_below_a_directory_of_nobodys_is_another_state() -> None:
    paths = [f"/opt/app/{n}" for n in range(FEW + 1)]
    (before,) = undeclared(walk(*paths, directories=("/opt/app",)), Declarations())
    (after,) = undeclared(walk(*paths, "/opt/app/more", directories=("/opt/app",)), Declarations())
    assert before.name == after.name
    assert before.state != after.state


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1))
def test_no_name_hides_a_file(name: str) -> None:
    place = f"{PLACES[0]}/cron.d/"
    assert names(walk(f"{place}{name}", f"{place}x")) == [f"{place}{name}", f"{place}x"] or name == "x"


def test_a_host_whose_packages_were_not_read_is_not_known() -> None:
    with pytest.raises(ValueError, match="dpkg's lists"):
        names(walk("/usr/bin/dpkg"))
    with pytest.raises(ValueError, match="dpkg's lists"):
        names("")
    for text in ("nobodys\n", walk().replace("\t", " ")):
        with pytest.raises((ValueError, KeyError)):
            names(text)
