"""Faults of hosts, and of what they need, in one run: each is told, the others go on, and nothing is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from deploy.lab.cgroups import is_program, processes
from deploy.lab.lab import Lab
from deploy.model.findings import Exit
from tests.integration.lab import NETBOX, by_hand, lab_fleet, samdrift

pytestmark = [pytest.mark.lab, pytest.mark.long]

READ_ONLY, NO_SUDO, NO_MIRROR, WELL = GATEWAYS = ("kni-gw1", "heb-gw1", "alv-gw1", "ost-gw1")
RESOLVERS = ("tie-dns1", "tie-dns2")
CACHE = "tie-cache1"
FILE = "/etc/lldpd.conf"
RULES = "/etc/sudoers.d/samdrift"
DISK = "/etc /usr /var/lib"
"""What can be made read-only below programs that run."""


@pytest.fixture(scope="module", autouse=True)
def lab(machine: None) -> None:
    """The lab as it should be: as the main job left it, or else applied for these tests."""
    samdrift("lab", "up")
    seen = samdrift("--lab", "--limit", " or ".join(GATEWAYS), "plan")["plan"]["hosts"]
    if any(host["error"] or any(step["commands"] for step in host["steps"]) for host in seen):
        samdrift("--lab", "--limit", f"not {NETBOX}", "apply", "--yes")


def inside(host: str, *command: str) -> None:
    """Do something in a host from outside, as whoever has its hypervisor can: sudo may not work there."""
    init = next(p for p in sorted(processes(Lab().id)[host]) if is_program(p, "systemd"))
    into = ["nsenter", f"--target={init}", "--mount", "--pid", "--root", "--wd"]
    subprocess.run([*into, *command], check=True, capture_output=True)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A store of the test's own."""
    return tmp_path / "state"


@pytest.fixture
def faults() -> Iterator[ExitStack]:
    """One host cannot write to its disk, one refuses sudo, and one misses a package that nobody hands out, until this
    is closed.
    """
    with ExitStack() as mended:
        for host in GATEWAYS:
            by_hand(host, f"echo '# by hand' >> {FILE}")
        by_hand(NO_MIRROR, "dpkg --purge --force-depends lldpd && apt-get clean")
        by_hand(CACHE, "systemctl stop apt-cacher-ng.service")
        mended.callback(by_hand, CACHE, "systemctl start apt-cacher-ng.service")
        inside(READ_ONLY, "sh", "-c", f"for d in {DISK}; do mount --bind $d $d && mount -o remount,bind,ro $d; done")
        mended.callback(inside, READ_ONLY, "umount", "--lazy", *DISK.split())  # programs may have begun there
        inside(NO_SUDO, "mv", RULES, "/root/rules")
        mended.callback(inside, NO_SUDO, "mv", "/root/rules", RULES)
        yield mended


def about(state: Path, *words: str) -> list[str]:
    return ["--lab", "--state", str(state), "--limit", " or ".join(GATEWAYS), *words]


def run(state: Path, *words: str, expect: int = 0) -> Any:
    return samdrift(*about(state, *words), expect=expect)


def test_one_run_meets_a_read_only_disk_a_refused_sudo_and_a_mirror_that_is_away(
    state: Path, faults: ExitStack
) -> None:
    record = run(state, "apply", "--yes", "--role", "lldp", expect=Exit.ERROR)
    assert {h["host"]: h["outcome"] for h in record["hosts"]} == {
        READ_ONLY: "failed",
        NO_SUDO: "unknown",
        NO_MIRROR: "failed",
        WELL: "changed",
    }
    told = {f["host"]: (f["kind"], f["summary"] + f["detail"]) for f in record["findings"]}
    assert {host: kind for host, (kind, _) in told.items()} == {
        READ_ONLY: "failed step",
        NO_SUDO: "unknown",
        NO_MIRROR: "failed step",
    }
    assert "Read-only file system" in told[READ_ONLY][1]
    assert "sudo: a password is required" in told[NO_SUDO][1]
    assert f"Could not connect to {lab_fleet().host(CACHE).address}" in told[NO_MIRROR][1]

    faults.close()
    after = run(state, "apply", "--yes", "--role", "lldp")
    assert {h["host"]: h["outcome"] for h in after["hosts"]} == dict.fromkeys(GATEWAYS, "changed") | {WELL: "in sync"}
    assert run(state, "plan", "--detailed-exitcode")["exit_code"] == Exit.OK
    records = {r["id"]: r["ended"] for r in samdrift("history", "--state", str(state))["records"]}
    assert records.keys() >= {record["id"], after["id"]}
    assert all(records.values())


def test_where_the_resolvers_are_away_hosts_are_looked_at_changed_and_verified(state: Path) -> None:
    by_hand(WELL, f"echo '# by hand' >> {FILE}")
    try:
        for host in RESOLVERS:
            by_hand(host, "systemctl stop unbound.service")
        record = run(state, "apply", "--yes", "--role", "lldp")
    finally:
        for host in RESOLVERS:
            by_hand(host, "systemctl start unbound.service")
    assert {h["host"]: h["outcome"] for h in record["hosts"]} == dict.fromkeys(GATEWAYS, "in sync") | {WELL: "changed"}
    assert {c["outcome"] for c in record["checks"]} == {"passed"}
