"""Role base, as the running host shows it: who gets in, what the kernel says, what logs, updates and speaks Swedish."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from roles.base import (
    ADMINS_GROUP,
    ASK_WITHOUT_KEY,
    AUTOMATION,
    BECOME_BY_SU,
    HELPERS_GROUP,
    HOST_KEYS_SHOWN,
    UMASK,
)
from roles.shared.hardening import MAY_HAVE_SHELLS, RARE_MODULES
from roles.shared.parts.accounts import FIRST_PERSON, LAST_PERSON
from roles.shared.parts.debian import UPGRADES
from roles.shared.parts.hardened import PACKAGES_LOGS, PEOPLES_HOMES, SHARED_MEMORY, SU_GROUP
from roles.shared.parts.kernel import KernelValue, look_command, read_values
from roles.shared.parts.trusted import BELIEVE, OURS, trusted_files
from roles.shared.parts.watched import LISTED_AT, REBOOT, RESTARTS, RESTARTS_FILE, ROTATION
from roles.shared.people import RUNS_AS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
GUESSED = {"sunshine": False, "vind7+Kajuta_norr": True}
"""Passwords, and whether the dictionary lets them pass. Without any dictionary PAM refuses every password."""
ANSWERS, COUNTS = "pam_unix.so", "pam_faillock.so"
"""PAM's modules that take a password, and that count the wrong ones."""
BY_HAND = (
    "PAM's common files are not as they were put together: pam-auth-update leaves them alone once they were edited by "
    "hand, or a profile is off. What is wanted of the edits belongs into a profile (/usr/share/pam-configs); then "
    "pam-auth-update --force puts all together"
)
LIST_MODE = "perl -e 'our %nrconf; do $_ for sort glob q(/etc/needrestart/conf.d/*.conf); print $nrconf{restart}'"
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


def test_sshd_forwards_nothing_and_knows_keys_alone(host: Any) -> None:
    said = host.check_output(f"/usr/sbin/sshd -T -C user={AUTOMATION},addr=127.0.0.1").splitlines()
    wanted = {"disableforwarding yes", "gssapiauthentication no", "kerberosauthentication no", "ignorerhosts yes"}
    assert wanted - set(said) == set()


def test_sshd_does_not_shut_out_management_stations_that_connect_and_do_not_log_in(
    host: Any, settings: Settings
) -> None:
    if not settings.penalises:
        pytest.skip("not applicable: sshd penalises nobody before OpenSSH 9.8, which this release does not have")
    said = host.check_output(f"/usr/sbin/sshd -T -C user={AUTOMATION},addr=127.0.0.1").splitlines()
    assert [line.split()[1] for line in said if line.startswith("persourcepenaltyexemptlist ")] == [
        ",".join(settings.exempt)
    ]


def test_commands_of_sudo_have_a_terminal_of_their_own_and_are_not_looked_for_where_one_stands(host: Any) -> None:
    said = host.check_output("sudo -V").splitlines()
    assert {
        "Always run commands in a pseudo-tty",
        "Ignore '.' in $PATH",
        "Reset the environment to a default set of variables",
    } <= {line.strip() for line in said}


def test_nobody_but_root_becomes_somebody_else_by_su(host: Any) -> None:
    answer = host.run(BECOME_BY_SU)
    assert (answer.rc, "Permission denied" in answer.stderr) == (1, True), answer.stderr
    assert host.check_output("getent group %s", SU_GROUP).split(":")[3] == ""


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


def test_no_account_of_the_system_may_log_in(host: Any, settings: Settings) -> None:
    accounts = [line.split(":") for line in host.check_output("getent passwd").splitlines()]
    assert {"root", AUTOMATION} <= {account[0] for account in accounts}
    may = {*MAY_HAVE_SHELLS, *settings.kept_shells}
    of_system = [a for a in accounts if not FIRST_PERSON <= int(a[2]) < LAST_PERSON and a[0] not in may]
    assert {a[0]: a[6] for a in of_system if not a[6].endswith(("/nologin", "/false"))} == {}


def test_peoples_homes_and_dotfiles_are_not_open_to_others(host: Any) -> None:
    said = host.check_output(f"{PEOPLES_HOMES} | xargs stat -c '%a %n'").splitlines()
    homes = dict(reversed(line.split(" ", 1)) for line in said)
    assert "/root" in homes
    assert [f"{mode} {home}" for home, mode in homes.items() if int(mode, 8) & 0o027] == []
    dotfiles_of = "find \"$home\" -xdev -maxdepth 1 -name '.?*' -printf '%m %y %p\\n'"
    found = host.check_output(f"{PEOPLES_HOMES} | while read -r home; do {dotfiles_of}; done")
    dotfiles = [line.split(" ", 2) for line in found.splitlines()]
    assert f"/home/{AUTOMATION}/.bashrc" in {path for _, _, path in dotfiles}
    assert [
        f"{mode} {path}"
        for mode, kind, path in dotfiles
        if kind == "f" and int(mode, 8) & 0o037 and not path.startswith("/root/")
    ] == []


def test_former_admins_are_locked_out(host: Any, settings: Settings) -> None:
    if not settings.former_admins:
        pytest.skip("not applicable: the inventory names no former admins for this host")
    # Not by ps, which looks for itself in /proc by a number that it has in the look's own namespace alone.
    owners = {line.split()[1] for line in host.run("grep -hs '^Uid:' /proc/[0-9]*/status").stdout.splitlines()}
    assert "0" in owners
    for name in settings.former_admins:
        person = host.run_expect([0, NOT_FOUND], "getent passwd %s", name)
        account = host.run_expect([0, NOT_FOUND], "getent shadow %s", name)
        assert account.rc == NOT_FOUND or account.stdout.split(":")[7] == "1", f"{name} has not expired"
        assert person.rc == NOT_FOUND or person.stdout.split(":")[2] not in owners, f"{name} still has processes"
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


def test_no_rare_module_is_loaded(host: Any, settings: Settings) -> None:
    said = host.check_output(MODULES)
    assert said.startswith("Linux version ")
    refused = {module.replace("-", "_") for module in RARE_MODULES if module not in settings.kept_modules}
    loaded = {line.split()[0] for line in said.splitlines()[1:]} & refused
    if loaded and host.run_expect([0, 1], "systemd-detect-virt --container --quiet").rc == 0:
        pytest.skip(f"not applicable: loaded by the outer machine of this container: {', '.join(sorted(loaded))}")
    assert loaded == set()


def test_rare_modules_would_not_be_loaded(host: Any, settings: Settings) -> None:
    said = set(host.check_output("modprobe -c | grep -E '^(install|blacklist) '").splitlines())
    refused = [module.replace("-", "_") for module in RARE_MODULES if module not in settings.kept_modules]
    wanted = {line for module in refused for line in (f"install {module} /bin/false", f"blacklist {module}")}
    assert wanted - said == set()


def test_services_run_under_the_profiles_that_their_packages_bring(host: Any, settings: Settings) -> None:
    if not settings.own_kernel:
        pytest.skip("not applicable: in a container AppArmor is the outer machine's (option own_kernel is false)")
    assert host.check_output("cat /sys/module/apparmor/parameters/enabled") == "Y"
    loaded = host.check_output("cat /sys/kernel/security/apparmor/profiles").splitlines()
    assert {f"{profile} (enforce)" for profile in settings.confined} - set(loaded) == set()


def test_the_kernel_tells_who_changes_what_protects_the_host(host: Any, unit: Any, settings: Settings) -> None:
    if not settings.own_kernel:
        pytest.skip("not applicable: auditd cannot be in a container (option own_kernel is false)")
    assert unit("auditd") == ("active", "enabled")
    assert host.check_output("auditctl -s").splitlines()[0] == "enabled 1"
    rules = host.check_output("auditctl -l").splitlines()
    watched = {line.split()[1] for line in rules if line.startswith("-w ")}
    assert {"/etc/passwd", "/etc/shadow", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssh", "/etc/pam.d"} <= watched
    assert any("init_module" in line for line in rules)


def test_what_is_plugged_into_usb_later_is_used_only_if_it_is_known(host: Any, settings: Settings, unit: Any) -> None:
    if not settings.usb_guard:
        pytest.skip("not applicable: USB is not this host's to guard (option usb_guard, or own_kernel, is false)")
    buses = host.check_output("ls /sys/bus").split()
    assert buses, "no list of buses"
    if "usb" not in buses:
        pytest.skip("not applicable: this host has no USB")
    assert unit("usbguard") == ("active", "enabled")
    assert host.check_output("usbguard get-parameter %s", "ImplicitPolicyTarget") == "block"
    assert host.check_output("usbguard get-parameter %s", "InsertedDevicePolicy") == "apply-policy"
    rules = host.check_output("usbguard list-rules").splitlines()
    assert [rule.partition(": ")[2] for rule in rules if "match-all" in rule] == [
        "allow with-interface match-all { 03:*:* 09:00:* }"
    ]


def test_no_memory_dumps(host: Any) -> None:
    assert host.check_output("systemctl show -p DefaultLimitCORE --value") == "0"
    assert host.check_output(f"su - {AUTOMATION} -c 'ulimit -Hc'") == "0"
    kept = host.check_output("systemd-analyze cat-config systemd/coredump.conf").splitlines()
    assert [line for line in kept if line.startswith(("Storage=", "ProcessSizeMax="))] == [
        "Storage=none",
        "ProcessSizeMax=0",
    ]


def test_no_program_is_run_from_the_memory_that_programs_share(host: Any, settings: Settings) -> None:
    if settings.exec_shared_memory:
        pytest.skip("not applicable: the inventory says that programs of this host are run from there")
    wanted = {"nodev", "noexec", "nosuid"}
    *_, mounted = host.check_output(f"findmnt --noheadings --output OPTIONS --mountpoint {SHARED_MEMORY}").splitlines()
    assert wanted - set(mounted.split(",")) == set(), f"mounted with {mounted}"
    lines = [line.split() for line in host.check_output("cat /etc/fstab").splitlines()]
    assert [wanted - set(line[3].split(",")) for line in lines if line[1:2] == [SHARED_MEMORY]] == [set()]


def test_a_password_that_is_given_in_an_emergency_is_dear_to_guess(host: Any) -> None:
    lines = [line.split() for line in host.check_output("cat /etc/login.defs").splitlines()]
    said = {line[0]: line[1] for line in lines if len(line) == 2}
    assert said["ENCRYPT_METHOD"] == "YESCRYPT"
    assert int(said["YESCRYPT_COST_FACTOR"]) >= 8
    assert min(int(said[f"SHA_CRYPT_{which}_ROUNDS"]) for which in ("MIN", "MAX")) >= 65536
    by_pam = [line.split() for line in host.check_output("cat /etc/pam.d/common-password").splitlines()]
    assert ["yescrypt" in line for line in by_pam if "pam_unix.so" in line] == [True]
    judged = host.check_output(f"printf '%s\\n' {' '.join(GUESSED)} | /usr/sbin/cracklib-check").splitlines()
    assert [line.rpartition(": ")[2] == "OK" for line in judged] == list(GUESSED.values()), judged


def test_wrong_passwords_lock_an_account_for_a_while(host: Any) -> None:
    auth, account = (_asked(host, of) for of in ("auth", "account"))
    asked = [word for words in auth for word in words if word in {ANSWERS, "preauth", "authfail"}]
    assert list(dict.fromkeys(asked)) == ["preauth", ANSWERS, "authfail"], BY_HAND
    counting = [words for words in (*auth, *account) if COUNTS in words]
    assert {words[0] for words in counting if words[1] in {"required", "requisite"}} == {"auth", "account"}, BY_HAND
    given = {word.partition("=")[0] for words in counting for word in words[words.index(COUNTS) + 1 :]}
    assert given & {"deny", "fail_interval", "unlock_time", "even_deny_root"} == set(), "said there, against the file"
    lines = host.check_output("cat /etc/security/faillock.conf").splitlines()
    said = dict(line.replace(" ", "").partition("=")[::2] for line in lines if line[:1].isalpha())
    assert 1 <= int(said["deny"]) <= 3
    assert min(int(said[name]) for name in ("fail_interval", "unlock_time")) >= 900
    assert "even_deny_root" not in said, "whoever is at the console could lock root out of it"


def _asked(host: Any, of: str) -> list[list[str]]:
    """The lines of a common file of PAM's, word by word."""
    lines = [line.split() for line in host.check_output(f"cat /etc/pam.d/common-{of}").splitlines()]
    return [words for words in lines if words[:1] == [of]]


@pytest.mark.parametrize("how", ["logged in", "for one command"])
def test_what_people_write_is_not_for_everybody(host: Any, how: str) -> None:
    assert host.check_output(UMASK[how]) == "0027"


def test_an_idle_prompt_logs_out(host: Any) -> None:
    assert host.check_output(f"su - {AUTOMATION} -c 'declare -p TMOUT'") == 'declare -r TMOUT="600"'


def test_logs_of_packages_are_not_for_everybody(host: Any) -> None:
    said = host.check_output(f"stat -c '%a %U %G' {' '.join(PACKAGES_LOGS)}").splitlines()
    assert said == ["640 root adm"] * len(PACKAGES_LOGS)


def test_logs_are_rotated(host: Any, unit: Any) -> None:
    assert unit("logrotate.timer") == ("active", "enabled")
    answer = host.run(ROTATION)
    assert (answer.rc, "reading config file /etc/logrotate.conf" in answer.stderr) == (0, True), answer.stderr
    assert "error:" not in answer.stderr


def test_what_waits_for_a_restart_is_known(host: Any, unit: Any, due: Callable[[Iterable[str]], None]) -> None:
    assert unit("samdrift-restarts.timer") == ("active", "enabled")
    told = metrics(host)
    services = [name.split('"')[1] for name in told if name.startswith("samdrift_restart_due{")]
    due([*([REBOOT] if told["samdrift_reboot_due"] == "1" else []), *services])
    assert told["samdrift_reboot_due"] in {"0", "1"}
    assert int(told["samdrift_restarts_due"]) == len(services)
    assert host.check_output("systemctl show -p Result samdrift-restarts.service") == "Result=success"


def test_which_updates_wait_is_known_and_since_when(host: Any) -> None:
    told = metrics(host)
    assert told.get("samdrift_security_updates_due", "").isdecimal()
    newest = max(int(at) for at in host.run(f"stat -c %Y {' '.join(LISTED_AT)}").stdout.split())
    assert 0 < int(told.get("samdrift_package_lists_timestamp_seconds", "0")) <= newest


def metrics(host: Any) -> dict[str, str]:
    """What the host tells of what is due, by series."""
    lines = [line for line in host.check_output("cat %s", RESTARTS_FILE).splitlines() if not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


def test_what_asks_for_restarts_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(RESTARTS) == []


def test_an_update_restarts_nothing_by_itself(host: Any) -> None:
    assert host.check_output(LIST_MODE) == "l"


def test_nothing_is_installed_that_was_only_recommended(host: Any) -> None:
    said = host.check_output("apt-config dump APT::Install-Recommends")
    assert said == 'APT::Install-Recommends "false";'


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


def test_it_updates_at_its_own_hour_and_at_no_other(host: Any, settings: Settings) -> None:
    """Of hosts that stand in for each other, one at a time: what was missed, while both were off, waits."""
    shown = host.check_output(f"systemctl show -p TimersCalendar -p RandomizedDelayUSec -p Persistent {UPGRADES}")
    said = dict(line.split("=", 1) for line in shown.splitlines())
    hours = re.findall(r"OnCalendar=(.*?) ;", said["TimersCalendar"])
    assert hours == [f"*-*-* {settings.update_hour:02}:00:00 UTC"]
    assert (said["RandomizedDelayUSec"], said["Persistent"]) == ("30min", "no")


def test_packages_come_the_right_way(host: Any, settings: Settings) -> None:
    says = dict(line.rstrip(";").split(" ", 1) for line in host.check_output("apt-config dump").splitlines())
    assert "APT::Architecture" in says
    assert says.get("Acquire::http::Proxy", '""') == f'"{settings.apt_proxy}"'


def test_the_host_knows_its_name_and_address(host: Any, settings: Settings) -> None:
    assert host.check_output("hostname") == settings.host
    for version in {a.version for a in settings.addresses}:
        found = host.check_output(f"getent ahostsv{version} %s", settings.host).splitlines()
        assert {line.split()[0] for line in found} == {str(a) for a in settings.addresses if a.version == version}


def test_programs_trust_the_organisations_authorities_and_no_earlier_one(host: Any, settings: Settings) -> None:
    if not settings.authorities:
        pytest.skip("not applicable: the organisation names no authorities")
    named = {one.file: one.pem for one in trusted_files(settings.authorities)}
    assert [file for file, pem in named.items() if host.run(f"cat {file}").stdout.strip() != pem.strip()] == []
    assert [(file, how) for file in named for how in BELIEVE if host.run(f"{how} {file}").rc != 0] == []
    assert set(host.check_output(OURS).split()) == {*named}


def test_time_zone_is_swedish(host: Any) -> None:
    assert host.check_output("readlink /etc/localtime").endswith("/Europe/Stockholm")
    assert host.check_output("date +%Z") in {"CET", "CEST"}


def test_language_is_swedish_where_people_see_it(host: Any) -> None:
    assert host.check_output("LC_ALL=sv_SE.UTF-8 locale decimal_point") == ","
    assert "LANG=sv_SE.UTF-8" in host.check_output(f"su - {AUTOMATION} -c locale").splitlines()


def test_what_runs_at_times_is_roots_alone(host: Any) -> None:
    places = ("cron.d", "cron.hourly", "cron.daily", "cron.weekly", "cron.monthly", "cron.allow", "at.allow")
    said = host.check_output(f"stat -c '%a %U %n' {' '.join(f'/etc/{place}' for place in places)}").splitlines()
    assert said == [f"{'600' if place.endswith('allow') else '700'} root /etc/{place}" for place in places]


def test_accounts_cannot_be_read_or_changed_by_everybody(host: Any) -> None:
    asked = "stat -c '%a %U %n' /etc/passwd /etc/group /etc/shadow /etc/gshadow /root"
    assert host.check_output(asked).splitlines() == [
        "644 root /etc/passwd",
        "644 root /etc/group",
        "640 root /etc/shadow",
        "640 root /etc/gshadow",
        "700 root /root",
    ]


PROVES = {
    "accounts": (
        "no account of the system may log in",
        "accounts cannot be read or changed by everybody",
    ),
    "authentication": (
        "sshd runs and comes back at boot",
        "sshd offers nothing but keys",
        "sshd shows whose host it is before the login",
        "sshd has an ed25519 host key and no other",
        "sshd would start again with its configuration",
        "root has no key that sshd would read",
        "sshd forwards nothing and knows keys alone",
        "sshd does not shut out management stations that connect and do not log in",
    ),
    "configuration": (
        "sshd would start again with its configuration",
        "the host knows its name and address",
        "language is swedish where people see it",
        "programs trust the organisations authorities and no earlier one",
    ),
    "hardening": (
        "sshd forwards nothing and knows keys alone",
        "commands of sudo have a terminal of their own and are not looked for where one stands",
        "kernel settings are in force",
        "no rare module is loaded",
        "rare modules would not be loaded",
        "services run under the profiles that their packages bring",
        "what is plugged into usb later is used only if it is known",
        "no memory dumps",
        "no program is run from the memory that programs share",
        "what asks for restarts may do what it needs and nothing else",
    ),
    "leavers": (
        "whoever leaves on a known day cannot log in from the next on",
        "former admins are locked out",
    ),
    "log access": ("logs of packages are not for everybody",),
    "log storage": (
        "logs are rotated",
        "the journal is kept and bounded",
    ),
    "logging": (
        "the kernel tells who changes what protects the host",
        "the journal is kept and bounded",
    ),
    "passwords": (
        "no account has a password",
        "a password that is given in an emergency is dear to guess",
        "wrong passwords lock an account for a while",
    ),
    "permissions": (
        "peoples homes and dotfiles are not open to others",
        "what people write is not for everybody",
        "logs of packages are not for everybody",
        "what runs at times is roots alone",
    ),
    "rights": (
        "nobody but root becomes somebody else by su",
        "samdrift may become root",
        "every admin may become root",
        "nobody else is an admin",
        "helpers may do what their duties say and nothing else as root",
    ),
    "session": ("an idle prompt logs out",),
    "software": (
        "nothing is installed that was only recommended",
        "packages come the right way",
    ),
    "time": ("time zone is swedish",),
    "updates": (
        "which updates wait is known and since when",
        "what waits for a restart is known",
        "what asks for restarts may do what it needs and nothing else",
        "an update restarts nothing by itself",
        "security updates come by themselves",
        "it updates at its own hour and at no other",
    ),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "sshd runs and comes back at boot": "sshd är igång och startar med värden",
    "sshd offers nothing but keys": "sshd släpper bara in med nyckel",
    "sshd shows whose host it is before the login": "sshd visar före inloggningen vems värden är",
    "sshd has an ed25519 host key and no other": "sshd har en värdnyckel av typen ed25519 och ingen annan",
    "sshd would start again with its configuration": "sshd skulle starta igen med sin konfiguration",
    "root has no key that sshd would read": "root har ingen nyckel som sshd läser",
    "sshd forwards nothing and knows keys alone": "sshd vidarebefordrar inget och känner bara nycklar",
    "sshd does not shut out management stations that connect and do not log in": (
        "sshd stänger inte ute administrationsstationer som ansluter utan att logga in"
    ),
    "commands of sudo have a terminal of their own and are not looked for where one stands": (
        "sudo ger kommandon en egen terminal och letar inte efter dem i katalogen där man står"
    ),
    "nobody but root becomes somebody else by su": "ingen utom root byter konto med su",
    "samdrift may become root": "samdrift får bli root",
    "every admin may become root": "varje administratör får bli root",
    "nobody else is an admin": "ingen annan är administratör",
    "helpers may do what their duties say and nothing else as root": (
        "medhjälpare får göra det som deras uppgifter säger som root och inget annat"
    ),
    "whoever leaves on a known day cannot log in from the next on": (
        "den som slutar en känd dag kan inte logga in från dagen efter"
    ),
    "no account has a password": "inget konto har lösenord",
    "no account of the system may log in": "inget systemkonto får logga in",
    "peoples homes and dotfiles are not open to others": "hemkataloger och punktfiler är inte öppna för andra",
    "former admins are locked out": "tidigare administratörer är utestängda",
    "kernel settings are in force": "kärnans inställningar gäller",
    "no rare module is loaded": "ingen ovanlig modul är inläst",
    "rare modules would not be loaded": "ovanliga moduler skulle inte läsas in",
    "services run under the profiles that their packages bring": (
        "tjänster körs under de profiler som deras paket har med sig"
    ),
    "the kernel tells who changes what protects the host": "kärnan berättar vem som ändrar det som skyddar värden",
    "what is plugged into usb later is used only if it is known": (
        "det som ansluts till USB senare används bara om det är känt"
    ),
    "no memory dumps": "inga minnesdumpar",
    "no program is run from the memory that programs share": "inget program körs ur minnet som program delar",
    "a password that is given in an emergency is dear to guess": "ett lösenord som sätts i nödfall är dyrt att gissa",
    "wrong passwords lock an account for a while": "fel lösenord låser ett konto en stund",
    "what people write is not for everybody": "det som folk skriver är inte läsbart för alla",
    "an idle prompt logs out": "en prompt där inget skrivs loggar ut",
    "logs of packages are not for everybody": "paketens loggar är inte läsbara för alla",
    "logs are rotated": "loggar roteras",
    "what waits for a restart is known": "det är känt vad som väntar på omstart",
    "which updates wait is known and since when": "det är känt vilka uppdateringar som väntar och sedan när",
    "what asks for restarts may do what it needs and nothing else": (
        "det som frågar efter omstarter får göra vad det behöver och inget annat"
    ),
    "an update restarts nothing by itself": "en uppdatering startar inte om något av sig själv",
    "nothing is installed that was only recommended": "inget är installerat som bara var rekommenderat",
    "the journal is kept and bounded": "journalen sparas och har en gräns",
    "security updates come by themselves": "säkerhetsuppdateringar kommer av sig själva",
    "it updates at its own hour and at no other": "värden uppdaterar på sin egen timme och ingen annan",
    "packages come the right way": "paket kommer rätt väg",
    "the host knows its name and address": "värden känner sitt namn och sin adress",
    "programs trust the organisations authorities and no earlier one": (
        "program litar på organisationens utfärdare och på ingen tidigare"
    ),
    "time zone is swedish": "tidszonen är svensk",
    "language is swedish where people see it": "språket är svenska där människor ser det",
    "what runs at times is roots alone": "det som körs på tid är bara roots",
    "accounts cannot be read or changed by everybody": "kontona kan inte läsas eller ändras av alla",
}
"""What its checks are called in a Swedish report."""
