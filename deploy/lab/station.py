"""The station of a lab that is set apart: a network namespace in which its controller has its addresses.

A lab has the real hosts' addresses. Set apart, it takes none of them from the machine, which goes on reaching the real
ones: whatever is to reach the lab enters the station. One cable leads out of it, into the machine's own network. Not
here: the lab's wires (`lab.switch`), which are laid in whatever namespace the process is in.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from ipaddress import IPv4Address
from pathlib import Path

from deploy.lab.machine import LabError, run
from deploy.lab.mounts import mounts

CLONE_NEWNET = 0x40000000
OUT = "out0"
"""The station's end of the cable."""


class Station:
    """The station of one lab. `handle` is the file that keeps its namespace.

    Args:
        alias: what the machine's end of the cable is known by, as all interfaces of this lab are.
    """

    def __init__(self, directory: Path, alias: str) -> None:
        self.handle, self._alias = directory / "station", alias
        number = int(hashlib.sha256(str(directory).encode()).hexdigest()[:4], 16)
        self._name, self._table = f"sds{number:04x}", f"samdrift_station_{number:04x}"
        base = IPv4Address("169.254.0.0") + (number % 0x3FF0 + 4) * 4  # of link-local addresses, four for each lab
        self._here, self._there = base + 1, base + 2

    @property
    def exists(self) -> bool:
        """Tell whether the lab is set apart."""
        return bool(mounts(self.handle))

    def lay(self) -> None:
        """Make the namespace, and the cable out of it; harmless if they are there."""
        if not self.exists:
            self.handle.touch()
            run("unshare", f"--net={self.handle}", "true")
            run("ip", "link", "add", self._name, "type", "veth", "peer", "name", OUT)
            run("ip", "link", "set", self._name, "alias", self._alias)
            run("ip", "link", "set", OUT, "netns", self.handle)
        run("ip", "-batch", "-", stdin=f"addr replace {self._here}/30 dev {self._name}\nlink set {self._name} up\n")
        inside = (
            "link set lo up",
            f"addr replace {self._there}/30 dev {OUT}",
            f"link set {OUT} up",
            f"route replace default via {self._here}",
        )
        run("nsenter", f"--net={self.handle}", "--", "ip", "-batch", "-", stdin="".join(f"{line}\n" for line in inside))
        run("nsenter", f"--net={self.handle}", "--", "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        run("nft", "-f", "-", stdin=self._rules())

    def enter(self) -> None:
        """Have this process, and what it starts, in the station from now on; do nothing if the lab is not set apart."""
        if not self.exists:
            return
        with self.handle.open("rb") as handle:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(handle.fileno(), CLONE_NEWNET):
                why = os.strerror(ctypes.get_errno())
                raise LabError(
                    f"the lab is set apart, and cannot be entered: {why}", fix="run it as root, or with sudo"
                )

    def remove(self) -> None:
        """Remove what is in the machine's own network. The namespace goes when its mount does."""
        if f"table ip {self._table}" in run("nft", "list", "tables").splitlines():
            run("nft", "delete", "table", "ip", self._table)

    def _rules(self) -> str:
        """Return the machine's table: who comes out of the station goes on under the machine's address."""
        return f"""table ip {self._table}
delete table ip {self._table}
table ip {self._table} {{
    chain forward {{
        type filter hook forward priority filter; policy accept;
        oifname "{self._name}" ct state != {{ established, related }} drop
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {self._there} masquerade
    }}
}}
"""
