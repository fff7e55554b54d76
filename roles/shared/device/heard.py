"""Who is heard at a port of a device by LLDP: a value, for checks, records and findings. Not here: how it is read."""

from __future__ import annotations

from inventory.frozen import Frozen


class Heard(Frozen):
    """Who is heard at a port.

    Attributes:
        port: its whole name.
        host: the name that it tells, without its domain; may be empty.
        id: by which it tells itself from others, as a rule a MAC address.
    """

    port: str
    host: str
    id: str
