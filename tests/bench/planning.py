"""How long a plan of the converged lab takes, beside stock pyinfra's own `--dry`: same roles, same hosts, same run.

Run by `make bench`: brings the lab up and applies everything first. Prints seconds and ratios; fails if a host is
not converged or stock pyinfra does not reach it, since the comparison would mean nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from deploy.engine.session import Session
from deploy.lab.lab import Lab
from deploy.lab.wiring import lab_hosts
from deploy.source.known import with_people
from inventory.fleet import Fleet, Host
from inventory.groups import known_hosts, strict
from inventory.snapshot import load
from roles.shared.catalogue import catalogue
from roles.shared.intent import Intent
from tests.integration.lab import program

RUNS = 3
HOSTS = 9
STEPS = 60
WANTED = 3.0

STOCK_HEAD = """\
from pyinfra import config, host
from deploy.lab.lab import Lab
from inventory.secrets import secrets_in
from inventory.snapshot import load
from roles.shared.catalogue import catalogue, settings_of
from roles.shared.parts.registration import registering

config.SUDO = True
fleet = Lab().overlay(with_people(load()))
settings = settings_of(fleet.host(host.name), fleet)

def deploy(role):
    with registering(role, secrets_in(settings[role])):
        catalogue()[role].deploy(settings[role])

"""


def main() -> int:
    """Measure both, alternating, and print the ratio of the medians."""
    lab = Lab()
    samdrift = program()
    subprocess.run([samdrift, "lab", "up"], check=True)
    subprocess.run([samdrift, "--lab", "apply", "--yes"], check=True, stdout=subprocess.DEVNULL)
    fleet = lab.overlay(with_people(load()))
    hosts = lab_hosts(fleet)[:HOSTS]
    ours: list[float] = []
    stock: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        command = stock_command(lab, hosts, Path(scratch))
        for _ in range(RUNS):
            ours.append(time_ours(lab, fleet, hosts))
            stock.append(time_stock(command, len(hosts)))
    ratio = median(stock) / median(ours)
    print(f"hosts                        {len(hosts):8}")
    print(f"samdrift plan, converged     {median(ours):8.2f} s  (connect and look, median of {RUNS})")
    print(f"stock pyinfra --dry          {median(stock):8.2f} s  (median of {RUNS})")
    print(f"stock / samdrift             {ratio:8.1f} times (wanted: at least {WANTED:g})")
    return 0 if ratio >= WANTED else 1


def time_ours(lab: Lab, fleet: Fleet, hosts: tuple[Host, ...]) -> float:
    """Seconds from nothing connected to a plan in which every host is converged."""
    started = time.monotonic()
    with Session(Intent(fleet), hosts, lab.access()) as session:
        plans = session.look()
    seconds = time.monotonic() - started
    for plan in plans:
        if plan.error or plan.changes or len(plan.steps) < STEPS:
            sys.exit(
                f"{plan.host}: {len(plan.steps)} steps, {len(plan.changes)} changes {plan.error}: nothing to compare"
            )
    print(f"  {min(len(p.steps) for p in plans)}-{max(len(p.steps) for p in plans)} steps a host, "
          f"{max(p.execs for p in plans)} execs at most, {seconds:.2f} s")  # fmt: skip
    return seconds


def stock_command(lab: Lab, hosts: tuple[Host, ...], scratch: Path) -> list[str]:
    """An inventory, a deploy file and host keys for pyinfra's own command line."""
    access = lab.access()
    known = scratch / "known_hosts"
    known.write_text(known_hosts(hosts))
    login = {"ssh_user": access.user, "ssh_key": str(access.key_file)} | strict(known)
    data = [(h.name, {"ssh_hostname": str(h.address), **login}) for h in hosts]
    (scratch / "hosts.py").write_text(f"lab = {data!r}\n")
    # One line a role: pyinfra's command line tells operations apart by the line numbers that lead to them.
    lines = [f"deploy({role!r}) if {role!r} in settings else None\n" for role in catalogue()]
    (scratch / "stock.py").write_text(STOCK_HEAD + "".join(lines))
    return [program("pyinfra"), str(scratch / "hosts.py"), str(scratch / "stock.py"), "--dry"]


def time_stock(command: list[str], hosts: int) -> float:
    """Seconds of one `pyinfra --dry`; it must have compared every operation on every host, and found no change.

    Without `-y`, with which it skips its change detection and is quick to say nothing.
    """
    started = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    unchanged = len(re.findall(r"^ {4}\S.* +- +- *$", said, re.MULTILINE))
    changed = re.findall(r"^ {4}\S.* {2,}\d+ +(?:-|\d+) *$", said, re.MULTILINE)
    if done.returncode or said.count("Connected") < hosts or unchanged < STEPS or changed:
        sys.exit(f"stock pyinfra failed, nothing to compare:\n{said[-3000:]}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
