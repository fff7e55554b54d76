"""Find the fleet's own servers that every other host is told of. Pure.

At which address a host reaches one, `roles.shared.families` says.
"""

from __future__ import annotations

from inventory.fleet import Fleet, Host


def time_servers(fleet: Fleet) -> tuple[Host, ...]:
    """Return the active hosts that serve the time, by name."""
    return tuple(h for h in fleet.with_role("time") if h.samdrift.get("time", {}).get("server") is True)
