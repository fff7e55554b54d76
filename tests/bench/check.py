"""The pure part of `samdrift check` on 2,000 hosts with roles: settings, problems, rendering; judges apart.

With one `Intent`, and with one that forgets: settings computed anew whenever somebody asks for them, as it was before.
Each runs in a process of its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

from deploy.engine.declare import declarations
from inventory.errors import Problem
from inventory.fleet import Fleet, Host
from inventory.snapshot import load
from roles.shared.catalogue import problems_of_roles
from roles.shared.intent import Intent
from roles.shared.settings import Settings
from tests.bench.large import large_fleet

HOSTS = 2000
LIKE = "tie-web1"
"""The host of the shipped fleet whose roles, and options of roles, the hosts have."""


class Forgetful(Intent):
    """An intent that computes settings whenever they are asked for."""

    def of(self, host: Host, role: str) -> Settings | tuple[Problem, ...]:
        self._computed.clear()
        return super().of(host, role)


def fleet_with_roles(hosts: int) -> Fleet:
    """The shipped fleet, and so many virtual machines more that are like one of its own."""
    fleet, like = large_fleet(devices=0, vms=hosts), load().host(LIKE)
    own = {"status": "active", "role": like.role, "context": like.context}
    shipped = {h.name for h in load().hosts}
    made = tuple(h if h.name in shipped else h.model_copy(update=own) for h in fleet.hosts)
    return fleet.model_copy(update={"hosts": made})


def measured(kind: type[Intent], hosts: int) -> dict[str, float]:
    """Check a fleet; how long each part took in seconds, and what memory it took at most in MiB."""
    fleet = fleet_with_roles(hosts)
    before, marks = _peak(), [time.perf_counter()]
    intent = kind(fleet)
    wrong = [*problems_of_roles(fleet)]
    marks.append(time.perf_counter())
    checked = [h for h in fleet.hosts if h.roles]
    wrong += [p for h in checked for p in intent.problems(h)]
    marks.append(time.perf_counter())
    rendered = [declarations(h, intent) for h in checked]
    marks.append(time.perf_counter())
    if wrong:
        raise AssertionError(wrong[0])
    parts = dict(zip(("options", "settings", "rendering"), map(_between, marks, marks[1:]), strict=True))
    files = sum(len(files) for files, _ in rendered)
    return parts | {"hosts": len(checked), "files": files, "MiB": _peak() - before, "whole": marks[-1] - marks[0]}


def _between(start: float, end: float) -> float:
    return end - start


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


KINDS: dict[str, type[Intent]] = {"one intent": Intent, "computed anew": Forgetful}


def main(hosts: int) -> None:
    """Measure both, one after the other, and print how they compare."""
    print("the pure part of samdrift check; seconds, and MiB at most beyond the fleet itself\n")
    found = {}
    for name in KINDS:
        command = [sys.executable, "-m", "tests.bench.check", name, str(hosts)]
        found[name] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        shown = ", ".join(f"{part} {found[name][part]:.1f} s" for part in ("options", "settings", "rendering"))
        one = found[name]
        print(
            f"  {name:14} {one['hosts']:.0f} hosts, {one['files']:.0f} files:"
            f" {one['whole']:.1f} s ({shown}), {one['MiB']:.0f} MiB",
            flush=True,
        )
    now, before = found.values()
    print(f"\n  time {now['whole'] / before['whole']:.2f}, memory {now['MiB'] / before['MiB']:.2f} of what it was")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(measured(KINDS[sys.argv[1]], int(sys.argv[2]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else HOSTS)
