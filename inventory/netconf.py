"""Whether a device is talked to by NETCONF, as its config context says, and where. Pure.

Not here: that the context is sound (`rules.contexts`), and what is said by NETCONF (`deploy.transport`).
"""

from __future__ import annotations

from inventory.fleet import Host

PORT = 830
"""Where a NETCONF server is found by SSH unless somebody says otherwise (RFC 6242, section 7)."""


def netconf_port(host: Host) -> int | None:
    """Return the port of a device's NETCONF server, if it is talked to so (`samdrift.transport: netconf`)."""
    if host.samdrift.get("transport") != "netconf":
        return None
    port = host.samdrift.get("netconf_port", PORT)
    return port if isinstance(port, int) else PORT
