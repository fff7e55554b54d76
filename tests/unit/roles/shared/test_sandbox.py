"""What a service may do: made as lines of its unit, and judged by what systemd and the kernel say of it.

What a host answers is in the words of systemd 257; that its real answers are judged so, the lab's state checks hold.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from deploy.engine.declare import register
from inventory.snapshot import load
from roles.shared.intent import Intent
from roles.shared.look_program import is_fixed
from roles.shared.sandbox import AT_MOST, QUESTION, STRICTEST, Need, Sandbox, without

UNIT = "dhcp.service"
CONFINED = Sandbox(
    unit=UNIT,
    needs=(
        Need(directive="CapabilityBoundingSet", value="CAP_NET_RAW CAP_NET_BIND_SERVICE", why="Raw sockets."),
        *without("NoNewPrivileges", "ProtectProc", why="Two of one reason."),
        Need(directive="SystemCallFilter", value="@system-service mount", why="It mounts."),
        Need(directive="ReadWritePaths", value="/var/lib/dhcp", why="Its leases."),
    ),
)
SHOWN = {
    **STRICTEST,
    "CapabilityBoundingSet": "cap_net_bind_service cap_net_raw",
    "NoNewPrivileges": "no",
    "ProtectProc": "default",
    "SystemCallFilter": "mount read",
    "NeedDaemonReload": "no",
    "Type": "notify",
}
HELD = {"CapBnd": "0000000000002400", "NoNewPrivs": "0", "Seccomp": "2"}


def answer(shown: dict[str, str] | None = None, *, exposure: float = 2.1, held: dict[str, str] | None = None) -> str:
    """What a host says of the service, as it should be but for this."""
    lines = [f"{name}={value}" for name, value in (SHOWN | (shown or {})).items()]
    lines += [f"{name}:\t{value}" for name, value in (HELD if held is None else held).items()]
    return "\n".join([*lines, f"→ Overall exposure level for {UNIT}: {exposure} OK 🙂", ""])


def test_a_reason_stands_above_what_it_is_for_and_once_above_several() -> None:
    lines = CONFINED.text.splitlines()
    assert lines[:3] == [
        "# Raw sockets.",
        "CapabilityBoundingSet=",
        "CapabilityBoundingSet=CAP_NET_RAW CAP_NET_BIND_SERVICE",
    ]
    assert lines[3:6] == ["# Two of one reason.", "NoNewPrivileges=no", "ProtectProc=default"]
    assert "ReadWritePaths=/var/lib/dhcp" in lines


def test_every_directive_is_said_and_what_debians_unit_says_of_it_is_replaced() -> None:
    said = [line.partition("=")[0] for line in CONFINED.text.splitlines() if not line.startswith("#")]
    assert set(said) == {*STRICTEST, "ReadWritePaths", "SystemCallErrorNumber"}
    anew = {line for line in CONFINED.text.splitlines() if line.endswith("=")}
    assert anew == {"CapabilityBoundingSet=", "RestrictAddressFamilies=", "SystemCallFilter="}


def test_a_service_that_is_held_to_what_it_needs_violates_nothing() -> None:
    assert CONFINED.violations(answer()) == []


@pytest.mark.parametrize(
    "shown",
    [
        {"ProtectHome": "no"},
        {"CapabilityBoundingSet": "cap_net_bind_service cap_net_raw cap_sys_admin"},
        {"RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX AF_PACKET"},
        {"SystemCallFilter": "mount ptrace read"},
        {"SystemCallFilter": ""},  # every call, or every one but some
        {"UMask": "0022"},
        {"NeedDaemonReload": "yes"},
    ],
)
def test_what_systemd_holds_it_to_is_compared_with_what_it_needs(shown: dict[str, str]) -> None:
    (violation,) = CONFINED.violations(answer(shown))
    assert re.match(rf"{next(iter(shown))} is |systemd has not read", violation)


@pytest.mark.parametrize(
    ("held", "violation"),
    [
        ({"CapBnd": "0000000000202400"}, "its process may have the capabilities SYS_ADMIN"),
        ({"Seccomp": "0"}, "its process may make every system call"),
    ],
)
def test_a_process_that_started_before_it_was_confined_is_told(held: dict[str, str], violation: str) -> None:
    assert CONFINED.violations(answer(held=HELD | held)) == [violation]


def test_what_does_not_run_all_the_time_has_no_process_to_ask_about() -> None:
    assert CONFINED.violations(answer({"Type": "oneshot"}, held={})) == []
    assert len(CONFINED.violations(answer({"Type": "simple"}, held={}))) == 2


SYSTEMCTL = """\
#!/bin/sh
case "$*" in
*MainPID*) head -n 1 {pids}; sed -i '1{{$!d}}' {pids} ;;
*SystemCallFilter*) echo read ;;
*) echo Type=oneshot ;;
esac
"""
"""Tells the numbers of a file, one after the other, as a service's main process."""


@pytest.mark.parametrize(("begins_as", "asked"), [("systemd-executor", "second"), ("service", "first")])
def test_a_process_that_is_systemds_own_yet_is_not_asked_about_but_what_it_becomes(
    tmp_path: Path, begins_as: str, asked: str
) -> None:
    programs, pids, begun = tmp_path / "bin", tmp_path / "pids", tmp_path / "systemd" / begins_as
    programs.mkdir()
    begun.parent.mkdir()
    shutil.copy(shutil.which("sleep") or "", begun)
    for name, text in (("systemctl", SYSTEMCTL.format(pids=pids)), ("systemd-analyze", "#!/bin/sh\necho exposed\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    confined = ["setpriv", "--no-new-privs", "sleep", "60"]
    with subprocess.Popen([begun, "60"]) as first, subprocess.Popen(confined) as second:
        try:
            pids.write_text(f"{first.pid}\n{second.pid}\n")
            path = {"PATH": f"{programs}:{os.environ['PATH']}"}
            told = subprocess.check_output(["sh", "-c", CONFINED.question], env=path, text=True)
        finally:
            first.kill()
            second.kill()
    assert f"NoNewPrivs:\t{int(asked == 'second')}\n" in told
    assert told.endswith("exposed\n")


def test_more_exposure_than_is_allowed_is_told_and_so_is_silence() -> None:
    assert CONFINED.violations(answer(exposure=AT_MOST)) == []
    assert CONFINED.violations(answer(exposure=4.6)) == ["its exposure is 4.6, and not 4.5 at most"]
    assert len(CONFINED.violations("")) >= len(STRICTEST)


def test_a_unit_of_debians_may_say_what_it_likes_as_long_as_it_is_little_exposed() -> None:
    by_debian = Sandbox(unit=UNIT, by_debian=True)
    loose = {"ProtectHome": "no", "CapabilityBoundingSet": "cap_net_bind_service cap_net_raw"}
    assert by_debian.violations(answer(loose)) == []
    assert by_debian.violations(answer(held=HELD | {"CapBnd": "000001ffffffffff"})) != []
    assert by_debian.violations(answer(exposure=9.6)) != []
    assert len(by_debian.violations("")) >= len(STRICTEST)


def test_a_need_is_of_a_directive_that_there_is() -> None:
    with pytest.raises(ValidationError, match="ProtectHom"):
        Need(directive="ProtectHom", value="no", why="A slip of the pen, which systemd would pass over.")
    with pytest.raises(ValidationError, match="SystemCallFilter"):
        Need(directive="SystemCallFilter", value="mount", why="And nothing else.")


def test_an_account_that_only_looks_may_ask_it_of_every_unit() -> None:
    assert is_fixed(Sandbox(unit="postgresql@17-main.service").question, [QUESTION])


APART = {
    "apparmor.service": "it loads profiles into the kernel, and ends",
    "auditd.service": "it hears the kernel itself, from before anything else is up",
    "ssh.service": "whoever logs in must be able to do everything",
    "unattended-upgrades.service": "it installs packages when the host is shut down",
}
BY_DEBIAN = {"chrony.service", "valkey-server.service"}
STARTED_WHERE_IT_CAN = {"usbguard.service"}
"""Confined by Debian's own unit, and started on no host without USB, which is all that its drop-in says."""


def test_every_service_that_a_role_has_run_is_confined() -> None:
    fleet, intent = load(), Intent(load())
    hosts = [
        fleet.host(f"{name}1") for name in ("heb-gw", *(f"tie-{n}" for n in ("cache", "gw", "log", "mon", "netbox")))
    ]
    declared = register(hosts, {h.name: intent.settings(h) for h in hosts})
    run, confined = set(), set()
    for host in declared.values():
        run |= {o.name.removesuffix(" running") for o in host.operations if o.name.endswith(".service running")}
        for file in host.files:
            found = re.fullmatch(r"/etc/systemd/system/([^/]+[.]service)([.]d/samdrift[.]conf)?", file.path)
            if found and found[1] not in STARTED_WHERE_IT_CAN:
                assert "SystemCallFilter=@system-service" in file.content, file.path
                confined.add(found[1])
    unconfined = {unit for unit in run - confined if re.sub("@[^.]*", "@", unit) not in confined}
    assert unconfined == APART.keys() | BY_DEBIAN
