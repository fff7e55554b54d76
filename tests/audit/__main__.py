"""`make audit`: deploy the lab, audit a host of each kind and a fresh one, and compare with what was found last.

Fails where something became worse, where a rule fails without its line in docs/hardening.md, or where a host is judged
worse than a fresh Debian; what was found last is then left as it is. Otherwise what was found takes its place, and the
tables of docs/audits.md are written anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from deploy.lab.image import Machine
from deploy.lab.lab import Lab
from deploy.lab.machine import environment_option
from deploy.lab.place import lab_directory
from roles.shared.intent import Intent
from tests.audit import exposure, lynis, openscap, ports, ssh, tls
from tests.audit.auditors import Auditors, auditors
from tests.audit.hardening import waived_here
from tests.audit.inside import AuditError, from_host, inside
from tests.audit.openscap import BINDING, PROFILES
from tests.audit.page import PAGE, with_figures
from tests.audit.results import (
    KEPT,
    KINDS,
    Audits,
    HostAudit,
    audits_of,
    below_fresh,
    needless_lines,
    regressions,
    without_line,
)
from tests.integration.lab import NETBOX, by_hand, lab_fleet, samdrift, spare_migrations

FRESH = "tie-mon1"
ASKERS = {"a management station": "", "another site": "ost-gw1"}
"""From where ports are asked, besides a neighbour: a host, or this machine, which is the lab's management station."""
NEIGHBOUR = "tie-dns2"
SSH = ("tcp", 22)
AT_ONCE = 3
"""So many hosts are audited at once: most of the time an audit waits for ports that say nothing."""
SCANNING = Lock()
"""All TCP ports of one host at a time: who asks faster than a machine can answer hears less."""


def main() -> int:
    """Audit; 0 if nothing is amiss."""
    options = argparse.ArgumentParser(prog="python -m tests.audit", description=__doc__)
    options.add_argument(
        "--as-it-is", action="store_true", help="audit the lab that is up; a fresh host is as it was last"
    )
    options.add_argument("--out", type=Path, help="write what was found here too, whatever it is")
    options.add_argument("kinds", nargs="*", help=f"audit these kinds of host alone: {', '.join(KINDS)}")
    given = options.parse_args()
    last = Audits.model_validate_json(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else None
    audits, not_audited = audited(given.kinds or [*KINDS], last, as_it_is=given.as_it_is)
    if given.out:
        given.out.write_text(audits.model_dump_json(indent=1), encoding="utf-8")
    amiss = list(dict.fromkeys([*not_audited, *found_amiss(last, audits)]))
    for line in amiss:
        print(f"amiss: {line}")
    if amiss:
        print(f"{len(amiss)} amiss. A rule that is not followed has its line in docs/hardening.md, with the reason.")
        return 1
    keep(audits, last)
    return 0


def keep(audits: Audits, last: Audits | None) -> None:
    """Let what was found take the place of what was found last."""
    KEPT.write_text(audits.model_dump_json(indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), audits, last), encoding="utf-8")


def found_amiss(last: Audits | None, audits: Audits) -> Iterator[str]:
    """Yield everything for which the audit fails."""
    waived = waived_here()
    yield from regressions(last, audits, waived)
    yield from (f"{rule} fails, and has no line in docs/hardening.md" for rule in without_line(audits, BINDING, waived))
    yield from (f"{line} has a line in docs/hardening.md, and fails nowhere" for line in needless_lines(audits, waived))
    yield from below_fresh(audits)


def audited(kinds: Sequence[str], last: Audits | None, *, as_it_is: bool = False) -> tuple[Audits, list[str]]:
    """Audit a fresh host; then deploy the lab, and audit a host of each of these kinds. Beside it, what failed."""
    programs = auditors(lab_directory() / "auditors", Machine.here(environment_option("SAMDRIFT_MIRROR")))
    lab, hosts = Lab(), {kind: KINDS[kind] for kind in kinds}
    if as_it_is and last:
        fresh = last.fresh
    else:
        lab.down()
        samdrift("lab", "up")
        fresh = audit(lab, FRESH, programs, deployed=False)
        if NETBOX in hosts.values():
            spare_migrations()
            samdrift("lab", "up", NETBOX)  # the lab has it where it is named
        samdrift("--lab", "apply", "--yes")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        audits = {kind: pool.submit(audit, lab, host, programs) for kind, host in hosts.items()}
    found, failed = {}, []
    for kind, of_host in audits.items():
        try:
            found[kind] = of_host.result()
        except (AuditError, subprocess.SubprocessError, ValueError) as e:
            failed.append(f"{kind}: not audited: {e}")
    if not as_it_is:
        samdrift("--lab", "drift")  # it ends with 0: the auditors left nothing behind
    versions = {**programs.versions, "systemd": by_hand(FRESH, exposure.VERSION).strip().removeprefix("systemd ")}
    return audits_of(versions, fresh, found, None if found.keys() == KINDS.keys() else last), failed


def audit(lab: Lab, name: str, programs: Auditors, *, deployed: bool = True) -> HostAudit:
    """Return what all auditors say of a host."""
    print(f"auditing {name}" + ("" if deployed else ", as it is fresh"), flush=True)
    intent = Intent(lab_fleet())
    host = intent.fleet.host(name)
    address = str(host.address)
    profiles = {profile: openscap.script(profile) for profile in PROFILES}
    results = inside(lab, name, programs, {"lynis": lynis.SCRIPT, **profiles})
    said = results.pop("lynis")
    judged = {profile: openscap.judged(result) for profile, result in results.items()}
    failed = {rule for found in judged.values() for rule in found.failed}
    reached = {}
    if deployed:
        for where, asker in {**ASKERS, "a neighbour": neighbour(name)}.items():
            asks_as = json.loads(from_host(lab, asker, programs, "ip", "-json", "route", "get", address))[0]["prefsrc"]
            with SCANNING:
                tcp = from_host(lab, asker, programs, *ports.TCP, address)
            scans = (tcp, from_host(lab, asker, programs, *ports.UDP, address))
            if not asker and SSH not in ports.open_ports(scans[0]):
                raise AuditError(f"nmap finds no SSH on {name}, which is there: what it does not find says nothing")
            reached[where] = tuple(p for scan in scans for p in ports.undeclared(scan, host, intent, asks_as))
    served = sorted(
        {(address if a in ports.EVERYWHERE else a, port) for a, port in ports.listening(by_hand(name, ports.LISTENING))}
    )
    return HostAudit(
        host=name,
        lynis=lynis.index(said),
        lynis_points=lynis.all_points(said),
        lynis_lost=lynis.lost_points(said),
        openscap=judged,
        passed=tuple({rule for result in results.values() for rule in openscap.passed(result)} - failed),
        exposure=exposure.exposures(by_hand(name, exposure.SCRIPT)),
        ssh=tuple(ssh.failures(address)),
        tls=tuple(f for at in served for f in tls.failures(from_host(lab, name, programs, *tls.scan(*at)))),
        reached=reached,
    )


def neighbour(host: str) -> str:
    """Return a host that a host shares a network with."""
    return "tie-gw2" if host.endswith("gw1") else NEIGHBOUR


if __name__ == "__main__":
    sys.exit(main())
