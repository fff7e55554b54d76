"""`samdrift review` on 2,000 servers more than are shipped: one template changed, so that every host differs.

Both sides are rendered by their own code, in processes of their own, as the command does it; time, and the most memory
that a process took.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.model.review import Review
from deploy.report.review_markdown import markdown
from deploy.review.comparing import review
from deploy.review.sides import Side, rendered
from inventory import snapshot
from inventory.fleet import Fleet, Host
from inventory.order import in_order
from inventory.paths import CODE
from tests.bench.check import HOSTS, fleet_with_roles

BUDGET = 60.0


def sound_fleet(hosts: int) -> Fleet:
    """Return the fleet with names that are sound by the house rules, which let a name end with three digits."""
    fleet = fleet_with_roles(hosts)
    named = {h.name: f"tie-srv{'abcdefgh'[n // 999]}{n % 999 + 1}" for n, h in enumerate(_made(fleet))}
    renamed = (h.model_copy(update={"name": named.get(h.name, h.name)}) for h in fleet.hosts)
    return in_order(fleet.model_copy(update={"hosts": tuple(renamed)}))


def _made(fleet: Fleet) -> list[Host]:
    return [h for h in fleet.hosts if h.name.startswith("tie-app")]


def changed_tree(directory: Path) -> Path:
    """Copy this checkout, with one line of one template changed."""
    for room in ("deploy", "inventory", "roles", "templates"):
        shutil.copytree(CODE / room, directory / room, ignore=shutil.ignore_patterns("__pycache__"))
    template = directory / "templates" / "time" / "chrony.conf.j2"
    template.write_text(template.read_text().replace("maxupdateskew 100.0", "maxupdateskew 50.0"))
    return directory


def measured(directory: Path, hosts: int) -> tuple[Review, dict[str, float]]:
    """Review the change; return it, with how long each part took in seconds."""
    inventory = directory / "snapshot"
    snapshot.dump(sound_fleet(hosts), inventory)
    before = Side(changed_tree(directory / "tree"), inventory, "before")
    marks = [time.perf_counter()]
    states = rendered((before, Side(CODE, inventory, "after")), directory, date(2026, 11, 30))
    marks.append(time.perf_counter())
    made = review(states[0], states[1], "before", "after")
    marks.append(time.perf_counter())
    found = len(made.alike), len(markdown(made))
    marks.append(time.perf_counter())
    parts = {"rendering": marks[1] - marks[0], "comparing": marks[2] - marks[1], "showing": marks[3] - marks[2]}
    if len(made.hosts) < hosts or found[0] != 1:
        raise AssertionError(f"{len(made.hosts)} hosts, {found[0]} differences")
    return made, parts | {"whole": marks[-1] - marks[0]}


def main(hosts: int) -> int:
    """Measure, print, and end with 1 where it takes longer than it may."""
    with TemporaryDirectory(prefix="samdrift-bench-") as name:
        made, parts = measured(Path(name), hosts)
    sides, own = (resource.getrusage(of).ru_maxrss / 1024 for of in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    shown = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in parts.items())
    print(f"review of {made.compared[0]} hosts, {made.compared[1]} steps: {shown}")
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"  {(cpu.ru_utime + cpu.ru_stime) / 2:.1f} s of CPU a side; the load was {os.getloadavg()[0]:.1f}")
    print(f"  at most {sides:.0f} MiB a side, {own:.0f} MiB to compare (the fleet that was made included)")
    return int(parts["whole"] > BUDGET)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else HOSTS))
