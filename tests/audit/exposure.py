"""Read what `systemd-analyze security` says of a host's services: from 0.0 (nothing may be done) to 10.0 (anything)."""

from __future__ import annotations

import json
import re

VERSION = "systemd-analyze --version | head -n 1"
"""Another version weighs settings otherwise."""
SCRIPT = """\
systemd-analyze security --no-pager --json=short
echo
{ systemctl list-units --type=service --state=running --no-legend --plain | cut -d ' ' -f 1
  grep -ls 'Managed by samdrift' /etc/systemd/system/*.service | xargs -r -n 1 basename; } | sort -u
"""
AT_MOST = 4.5
NOT_OURS = re.compile(r"(systemd-.*|dbus|.*getty.*|user@.*)\.service")
"""Debian's own, which no role configures."""
UNBOUND = frozenset({"ssh.service", "unattended-upgrades.service"})
"""Who logs in must be able to do everything; so must what may install packages while the host goes down."""


def exposures(said: str) -> dict[str, float]:
    """Return how exposed each service of ours is that runs on the host or that samdrift wrote."""
    document, _, units = said.partition("\n\n")
    known = {row["unit"]: float(row["exposure"]) for row in json.loads(document) if row.get("exposure")}
    ours = (u for u in units.split() if not NOT_OURS.fullmatch(u) and u not in UNBOUND and "@." not in u)
    return {unit: known[unit] for unit in ours if unit in known}


def too_exposed(found: dict[str, float]) -> dict[str, float]:
    """Return the services that may do more than they need to."""
    return {unit: exposure for unit, exposure in found.items() if exposure > AT_MOST}
