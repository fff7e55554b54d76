"""Role base, as the running host shows it: who gets in, what the kernel says, what logs, updates and speaks Swedish."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from roles.base import ADMINS_GROUP, ASK_WITHOUT_KEY, AUTOMATION, HELPERS_GROUP, HOST_KEYS_SHOWN
from roles.shared.hardening import RARE_MODULES
from roles.shared.parts.kernel import KernelValue, look_command, read_values
from roles.shared.people import RUNS_AS

if TYPE_CHECKING:
    from roles.base import Settings


EVERYTHING = "(ALL : ALL) NOPASSWD: ALL"
NOT_FOUND = 2
"""How getent ends that knows nobody of this name."""
TAGS = re.compile(r"^(?:(?:[A-Z]+:|NOTAFTER=\S+) )+")
"""What stands before a command in a rule, as sudo lists it."""
KNOWN_TO_ALL = "kernel.ostype"
"""A setting that every kernel has: who says nothing of it was not heard."""
MODULES = "cat /proc/version; if [ -e /proc/modules ]; then cat /proc/modules; fi"
"""A kernel that was built without modules has no list of them."""
SECURITY = '"origin=Debian,codename=${distro_codename}-security,label=Debian-Security";'


def commands(host: Any, user: str) -> list[str]:
    """What sudo lets a user run, each as sudo lists it."""
    return [line.strip() for line in host.check_output("sudo -l -U %s", user).splitlines()]


def test_sshd_runs_and_comes_back_at_boot(unit: Any) -> None:
    assert unit("ssh") == ("active", "enabled")


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
    keys = host.check_output(HOST_KEYS_SHOWN)
    assert [line.split()[1] for line in keys.splitlines() if not line.startswith("#")] == ["ssh-ed25519"]


def test_sshd_would_start_again_with_its_configuration(host: Any) -> None:
    assert host.run("/usr/sbin/sshd -t").rc == 0


def test_root_has_no_key_that_sshd_would_read(host: Any) -> None:
    effective = host.check_output("/usr/sbin/sshd -T -C user=root,addr=127.0.0.1").splitlines()
    assert "permitrootlogin no" in effective
    assert "authorizedkeysfile /etc/ssh/authorized_keys/%u" in effective
    assert not host.file("/etc/ssh/authorized_keys/root").exists


def test_samdrift_may_become_root(host: Any) -> None:
    assert EVERYTHING in commands(host, AUTOMATION)


def test_every_admin_may_become_root(host: Any, settings: Settings) -> None:
    if not settings.admins:
        pytest.skip("not applicable: the inventory names no admins for this host")
    for admin in settings.admins:
        assert ADMINS_GROUP in host.check_output("id -nG %s", admin.name).split(), admin.name
        assert EVERYTHING in commands(host, admin.name), admin.name


def test_nobody_else_is_an_admin(host: Any, settings: Settings) -> None:
    _, _, number, members = host.check_output("getent group %s", ADMINS_GROUP).split(":")
    accounts = [line.split(":") for line in host.check_output("getent passwd").splitlines()]
    by_account = {name for name, _, _, group, *_ in accounts if group == number}
    assert {*filter(None, members.split(",")), *by_account} == {a.name for a in settings.admins}


def test_helpers_may_do_what_their_duties_say_and_nothing_else_as_root(host: Any, settings: Settings) -> None:
    _, _, _, members = host.check_output("getent group %s", HELPERS_GROUP).split(":")
    assert {*filter(None, members.split(","))} == {user.name for user in settings.helpers}
    for user in settings.helpers:
        listed = " ".join(host.check_output("sudo -l -U %s", user.name).split())  # sudo breaks long lines
        _, *rules = re.split(r" \((?=(?:ALL|root|samdrift)\b[^()|]*\) )", listed)
        as_root = [rule.partition(") ")[2] for rule in rules if not rule.startswith(f"{RUNS_AS})")]
        own = [c.sudo for duty in settings.duties if duty.user == user.name for c in duty.commands]
        assert sorted(TAGS.sub("", rule) for rule in as_root) == sorted(own), user.name
        assert all("NOEXEC:" in rule for rule in as_root), user.name


def test_whoever_leaves_on_a_known_day_cannot_log_in_from_the_next_on(host: Any, settings: Settings) -> None:
    if not (users := (*settings.admins, *settings.helpers)):
        pytest.skip("not applicable: nobody may log in to this host")
    for user in users:
        expires = host.check_output("getent shadow %s", user.name).split(":")[7]
        days = "" if user.until is None else str((user.until - date(1970, 1, 1)).days + 1)
        assert expires == days, f"{user.name} expires on day {expires or 'never'}"


def test_no_account_has_a_password(host: Any) -> None:
    shadow = [line.split(":") for line in host.check_output("getent shadow").splitlines()]
    assert {"root", AUTOMATION} <= {name for name, *_ in shadow}
    assert [name for name, password, *_ in shadow if not password.startswith(("!", "*"))] == []


def test_former_admins_are_locked_out(host: Any, settings: Settings) -> None:
    if not settings.former_admins:
        pytest.skip("not applicable: the inventory names no former admins for this host")
    owners = host.check_output("ps -e -o user:64=").split()
    assert "root" in owners
    for name in settings.former_admins:
        account = host.run_expect([0, NOT_FOUND], "getent shadow %s", name)
        assert account.rc == NOT_FOUND or account.stdout.split(":")[7] == "1", f"{name} has not expired"
        assert name not in owners, f"{name} still has processes"
        assert not host.file(f"/etc/ssh/authorized_keys/{name}").exists


@pytest.mark.parametrize("theme", ["ipv4", "ipv6", "kernel", "filesystem"])
def test_kernel_settings_are_in_force(host: Any, settings: Settings, theme: str) -> None:
    wanted = settings.kernel[theme]
    values = read_values(host.check_output(look_command((KNOWN_TO_ALL, *wanted))).splitlines())
    assert KNOWN_TO_ALL in {v.key for v in values}
    asked = [v for v in values if v.key in wanted]
    wrong = [v for v in asked if v.value != wanted[v.key]]
    assert _told([v for v in wrong if v.writable]) == ""
    if wrong:
        pytest.skip(f"not applicable: the outer machine's, read-only in this container: {_told(wrong)}")
    if not asked:
        pytest.skip(f"not applicable: this kernel has none of {', '.join(wanted)}")


def _told(values: list[KernelValue]) -> str:
    return ", ".join(v.line.strip() for v in values)


def test_no_rare_network_protocol_is_loaded(host: Any) -> None:
    said = host.check_output(MODULES)
    assert said.startswith("Linux version ")
    loaded = {line.split()[0] for line in said.splitlines()[1:]} & set(RARE_MODULES)
    if loaded and host.run_expect([0, 1], "systemd-detect-virt --container --quiet").rc == 0:
        pytest.skip(f"not applicable: loaded by the outer machine of this container: {', '.join(sorted(loaded))}")
    assert loaded == set()


def test_no_memory_dumps(host: Any) -> None:
    assert host.check_output("systemctl show -p DefaultLimitCORE --value") == "0"
    assert host.check_output(f"su - {AUTOMATION} -c 'ulimit -Hc'") == "0"


def test_what_people_write_is_not_for_everybody(host: Any) -> None:
    assert host.check_output("su - %s -c umask", AUTOMATION) == "0027"


def test_the_journal_is_kept_and_bounded(host: Any, settings: Settings) -> None:
    said = host.check_output("journalctl -u systemd-journald -g '^System Journal' -n 1 -q -o cat --no-pager")
    assert "/var/log/journal/" in said
    assert re.findall(r" max (\S+?),", said) == [settings.journal_max]


def test_security_updates_come_by_themselves(host: Any, unit: Any) -> None:
    for timer in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert unit(timer) == ("active", "enabled"), timer
    periodic = host.check_output("apt-config dump APT::Periodic").splitlines()
    assert {f'APT::Periodic::{what} "1";' for what in ("Enable", "Update-Package-Lists", "Unattended-Upgrade")} <= set(
        periodic
    )
    origins = host.check_output("apt-config dump Unattended-Upgrade::Origins-Pattern").splitlines()
    assert f"Unattended-Upgrade::Origins-Pattern:: {SECURITY}" in origins


def test_packages_come_the_right_way(host: Any, settings: Settings) -> None:
    says = dict(line.rstrip(";").split(" ", 1) for line in host.check_output("apt-config dump").splitlines())
    assert "APT::Architecture" in says
    assert says.get("Acquire::http::Proxy", '""') == f'"{settings.apt_proxy}"'


def test_the_host_knows_its_name_and_address(host: Any, settings: Settings) -> None:
    assert host.check_output("hostname") == settings.host
    for version in {a.version for a in settings.addresses}:
        found = host.check_output(f"getent ahostsv{version} %s", settings.host).splitlines()
        assert {line.split()[0] for line in found} == {str(a) for a in settings.addresses if a.version == version}


def test_time_zone_is_swedish(host: Any) -> None:
    assert host.check_output("readlink /etc/localtime").endswith("/Europe/Stockholm")
    assert host.check_output("date +%Z") in {"CET", "CEST"}


def test_language_is_swedish_where_people_see_it(host: Any) -> None:
    assert host.check_output("LC_ALL=sv_SE.UTF-8 locale decimal_point") == ","
    assert "LANG=sv_SE.UTF-8" in host.check_output(f"su - {AUTOMATION} -c locale").splitlines()


def test_accounts_cannot_be_read_or_changed_by_everybody(host: Any) -> None:
    asked = "stat -c '%a %U %n' /etc/passwd /etc/group /etc/shadow /etc/gshadow /root"
    assert host.check_output(asked).splitlines() == [
        "644 root /etc/passwd",
        "644 root /etc/group",
        "640 root /etc/shadow",
        "640 root /etc/gshadow",
        "700 root /root",
    ]
