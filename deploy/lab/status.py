"""What `samdrift lab status` says: values. How it is found out is `lab.lab`'s."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

from inventory.frozen import Frozen


class HostStatus(Frozen):
    """One host of the lab. `seconds` is how long it has been up; `cut_off` that its cables are pulled out."""

    name: str
    address: IPv4Address
    running: bool
    cut_off: bool = False
    seconds: float = 0.0


class LabStatus(Frozen):
    """The whole lab. `leftovers` is what a crash left behind and `down` would remove."""

    directory: Path
    hosts: tuple[HostStatus, ...]
    leftovers: tuple[str, ...]
