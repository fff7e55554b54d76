"""Role base, as the running host shows it: who gets in, what the kernel says, what logs, updates and speaks Swedish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from roles.base import ADMINS_GROUP, AUTOMATION
from roles.shared.hardening import RARE_MODULES
from roles.shared.parts.kernel import KernelValue, look_command, read_values

if TYPE_CHECKING:
    from roles.base import Settings

ASK_WITHOUT_KEY = (
    "ssh -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=5 "
    "-o PreferredAuthentications=none {user}@127.0.0.1 true"
)


def test_sshd_runs_and_comes_back_at_boot(host: Any) -> None:
    assert host.service("ssh").is_running
    assert host.service("ssh").is_enabled


@pytest.mark.parametrize("user", [AUTOMATION, "root"])
def test_sshd_offers_nothing_but_keys(host: Any, user: str) -> None:
    answer = host.run(ASK_WITHOUT_KEY.format(user=user))
    assert answer.rc == 255
    assert "Permission denied (publickey)." in answer.stderr


def test_sshd_shows_whose_host_it_is_before_the_login(host: Any, settings: Settings) -> None:
    banner = host.run(ASK_WITHOUT_KEY.format(user=AUTOMATION)).stderr
    assert f"{settings.host} tillhör {settings.municipality}." in banner
    assert "Endast behöriga får logga in." in banner


def test_sshd_has_an_ed25519_host_key_and_no_other(host: Any) -> None:
    keys = host.run("ssh-keyscan -T 5 -t ed25519,rsa,ecdsa 127.0.0.1 2>/dev/null").stdout
    assert [line.split()[1] for line in keys.splitlines() if not line.startswith("#")] == ["ssh-ed25519"]


def test_sshd_would_start_again_with_its_configuration(host: Any) -> None:
    assert host.run("/usr/sbin/sshd -t").rc == 0


def test_root_has_no_key_that_sshd_would_read(host: Any) -> None:
    effective = host.run("/usr/sbin/sshd -T -C user=root,addr=127.0.0.1").stdout.splitlines()
    assert "permitrootlogin no" in effective
    assert "authorizedkeysfile /etc/ssh/authorized_keys/%u" in effective
    assert not host.file("/etc/ssh/authorized_keys/root").exists


def test_samdrift_may_become_root(host: Any) -> None:
    assert "NOPASSWD: ALL" in host.run("sudo -l -U %s", AUTOMATION).stdout


def test_every_admin_may_become_root(host: Any, settings: Settings) -> None:
    if not settings.admins:
        pytest.skip("not applicable: the inventory names no admins for this host")
    for admin in settings.admins:
        assert ADMINS_GROUP in host.run("id -nG %s", admin.name).stdout.split(), admin.name
        assert "NOPASSWD: ALL" in host.run("sudo -l -U %s", admin.name).stdout, admin.name


def test_nobody_else_is_an_admin(host: Any, settings: Settings) -> None:
    members = host.run("getent group %s", ADMINS_GROUP).stdout.strip().split(":")[-1]
    assert set(filter(None, members.split(","))) == {a.name for a in settings.admins}


def test_no_account_has_a_password(host: Any) -> None:
    shadow = [line.split(":") for line in host.run("getent shadow").stdout.splitlines()]
    assert shadow
    assert [name for name, password, *_ in shadow if not password.startswith(("!", "*"))] == []


def test_former_admins_are_locked_out(host: Any, settings: Settings) -> None:
    if not settings.former_admins:
        pytest.skip("not applicable: the inventory names no former admins for this host")
    for name in settings.former_admins:
        account = host.run("getent shadow %s", name).stdout.strip()
        assert not account or account.split(":")[7] == "1", f"{name} has not expired"
        assert host.run("ps -o pid= -u %s", name).stdout.strip() == "", f"{name} still has processes"
        assert not host.file(f"/etc/ssh/authorized_keys/{name}").exists


@pytest.mark.parametrize("theme", ["ipv4", "ipv6", "kernel", "filesystem"])
def test_kernel_settings_are_in_force(host: Any, settings: Settings, theme: str) -> None:
    wanted = settings.kernel[theme]
    values = read_values(host.run(look_command(tuple(wanted))).stdout.splitlines())
    wrong = [v for v in values if v.value != wanted[v.key]]
    assert _told([v for v in wrong if v.writable]) == ""
    if wrong:
        pytest.skip(f"not applicable: the outer machine's, read-only in this container: {_told(wrong)}")
    if not values:
        pytest.skip(f"not applicable: this kernel has none of {', '.join(wanted)}")


def _told(values: list[KernelValue]) -> str:
    return ", ".join(v.line.strip() for v in values)


def test_no_rare_network_protocol_is_loaded(host: Any) -> None:
    loaded = {line.split()[0] for line in host.run("cat /proc/modules").stdout.splitlines()} & set(RARE_MODULES)
    if loaded and host.run("systemd-detect-virt --container --quiet").rc == 0:
        pytest.skip(f"not applicable: loaded by the outer machine of this container: {', '.join(sorted(loaded))}")
    assert loaded == set()


def test_no_memory_dumps(host: Any) -> None:
    assert host.run("sudo -n -u nobody sh -c 'ulimit -Hc'").stdout.strip() == "0"


def test_what_people_write_is_not_for_everybody(host: Any) -> None:
    assert host.run("su - %s -c umask", AUTOMATION).stdout.strip() == "0027"


def test_the_journal_is_kept_and_bounded(host: Any, settings: Settings) -> None:
    said = host.run("journalctl -u systemd-journald -g '^System Journal' -n 1 -q -o cat --no-pager").stdout
    assert "/var/log/journal/" in said
    assert f"max {settings.journal_max}" in said


def test_security_updates_come_by_themselves(host: Any) -> None:
    for unit in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert host.service(unit).is_running, unit
        assert host.service(unit).is_enabled, unit
    says = host.run("apt-config dump APT::Periodic; apt-config dump Unattended-Upgrade::Origins-Pattern").stdout
    assert 'APT::Periodic::Unattended-Upgrade "1";' in says
    assert "label=Debian-Security" in says


def test_packages_come_the_right_way(host: Any, settings: Settings) -> None:
    says = host.run("apt-config dump Acquire::http::Proxy").stdout
    assert (f'"{settings.apt_proxy}"' in says) if settings.apt_proxy else ("http://" not in says)


def test_the_host_knows_its_name_and_address(host: Any, settings: Settings) -> None:
    assert host.run("hostname").stdout.strip() == settings.host
    assert host.run("getent ahostsv4 %s", settings.host).stdout.split()[0] == str(settings.address)


def test_time_zone_is_swedish(host: Any) -> None:
    assert host.run("date +%Z").stdout.strip() in {"CET", "CEST"}


def test_language_is_swedish_where_people_see_it(host: Any) -> None:
    assert host.run("LC_ALL=sv_SE.UTF-8 locale decimal_point").stdout.strip() == ","
    assert "LANG=sv_SE.UTF-8" in host.run(f"su - {AUTOMATION} -c locale").stdout


def test_accounts_cannot_be_read_or_changed_by_everybody(host: Any) -> None:
    modes = host.run("stat -c '%a %U %n' /etc/passwd /etc/group /etc/shadow /etc/gshadow /root").stdout.splitlines()
    assert modes == [
        "644 root /etc/passwd",
        "644 root /etc/group",
        "640 root /etc/shadow",
        "640 root /etc/gshadow",
        "700 root /root",
    ]
