"""`packages`: Debian packages that must be installed. The package lists are read only when one is missing."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra import host
from pyinfra.api import FactBase, operation
from pyinfra.api.operation import OperationMeta

APT = (
    "DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -q -y -o DPkg::Lock::Timeout=120 "
    "-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
)
"""Nobody is asked anything, and needrestart does not look through all processes after each of a run's installations:
role `base` asks it by itself what waits for a restart."""
FINISH = "DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure -a"
"""Finishes what an installation that died left half configured; apt refuses to work before."""

FRESH = "find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mmin -60 2>/dev/null | grep -q ."
"""True while the package lists are less than an hour old, or were read since."""
DATED = "find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -exec touch {} +"
"""Dates the package lists by now: apt dates them by the mirror, so that each installation would read them anew."""


class InstalledPackages(FactBase[set[str]]):
    """The names of all installed packages."""

    default = set

    def command(self) -> str:
        return r"dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n'"

    def process(self, output: list[str]) -> set[str]:
        return {line.split()[1] for line in output if line[1:2] == "i" and len(line.split()) == 2}


def packages(*names: str) -> OperationMeta:
    """Declare that these packages are installed."""
    return install(name=f"packages {', '.join(names)}", names=tuple(sorted(names)))


@operation()
def install(names: tuple[str, ...]) -> Generator[str]:
    """Install what is missing, reading the package lists first if they are old, or what they name is gone."""
    missing = [n for n in names if n not in host.get_fact(InstalledPackages)]
    if not missing:
        host.noop(f"{', '.join(names)} installed")
        return
    wanted = f"{APT} install --no-install-recommends {' '.join(shlex.quote(n) for n in missing)}"
    yield f"{FINISH} && {{ {{ {FRESH} && {wanted}; }} || {{ {APT} update && {wanted} && {DATED}; }}; }}"
