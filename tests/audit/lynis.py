"""Read what Lynis says of a host: its hardening index, and which tests did not give all their points."""

from __future__ import annotations

import re

from tests.audit.inside import TOOLS

SCRIPT = f"""\
cd {TOOLS}/usr/share/lynis
out={TOOLS}/out
{TOOLS}/usr/sbin/lynis audit system --cronjob --profile {TOOLS}/etc/lynis/default.prf \\
  --plugindir {TOOLS}/etc/lynis/plugins --logfile $out/log --report-file $out/report > $out/said 2>&1 ||
  grep -q ^hardening_index= $out/report || {{ cat $out/said >&2; exit 1; }}
cat $out/report $out/log
"""

TEST = re.compile(r"Performing test ID (\S+)")
POINTS = re.compile(
    r"Hardening: assigned (?:partial|maximum) number of hardening points(?: for this item)? \((\d+)(?: of (\d+))?\)"
)
SUGGESTED = re.compile(r"^(?:suggestion|warning)\[\]=([A-Z]+-\d+)\|", re.MULTILINE)
INDEX = re.compile(r"^hardening_index=(\d+)$", re.MULTILINE)


def index(said: str) -> int:
    """Return the hardening index, out of 100."""
    found = INDEX.search(said)
    if not found:
        raise ValueError("Lynis gave no hardening index")
    return int(found[1])


def lost_points(said: str) -> dict[str, int]:
    """Return the points that each test did not give, 0 where it only suggests; without those that are content."""
    lost: dict[str, int] = dict.fromkeys(SUGGESTED.findall(said), 0)
    test = ""
    for line in said.splitlines():
        if begun := TEST.search(line):
            test = begun[1]
        elif (points := POINTS.search(line)) and points[2] and points[1] != points[2]:
            lost[test] = lost.get(test, 0) + int(points[2]) - int(points[1])
    return dict(sorted(lost.items()))


def all_points(said: str) -> int:
    """Return how many points there were to be had."""
    return sum(int(points[2] or points[1]) for points in POINTS.finditer(said))
