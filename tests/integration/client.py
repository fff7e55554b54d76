"""A client in one of the lab's networks: a network namespace whose one interface is plugged into that network's bridge.

It has no address until it is lent one, as a computer in an office.
"""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import sys
from ipaddress import IPv4Address, IPv4Network
from types import TracebackType
from typing import Self

from deploy.lab.machine import run
from deploy.lab.place import lab_directory
from deploy.lab.switch import Switch
from deploy.lab.wiring import segment_name

INTERFACE = "eth0"
PING = """\
import socket, struct
ping = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
ping.settimeout(1)
ping.sendto(struct.pack("!BBHHH", 8, 0, 0xFFFF - 0x0800 - 59 - 1, 59, 1), ("{address}", 0))
raise SystemExit(ping.recv(64)[20] != 0)
"""
"""One echo request and its answer: a bare Debian has no ping."""


class Client:
    """A client of this prefix, as a context manager; one of each name."""

    def __init__(self, prefix: IPv4Network, name: str = "") -> None:
        self.prefix = prefix
        self.name = f"client-{hashlib.sha256(f'{prefix} {name}'.encode()).hexdigest()[:8]}"
        self._switch = Switch(lab_directory().resolve())
        self._handle = self._switch.directory / self.name  # in the lab's directory: what is left ends with the lab

    def __enter__(self) -> Self:
        port = f"sdk{self.name[-8:]}"
        subprocess.run(["umount", self._handle], capture_output=True, check=False)  # of a run that was killed
        self._handle.touch()
        run("unshare", f"--net={self._handle}", "true")
        try:
            ends = (INTERFACE, "netns", self._handle, "type", "veth", "peer", port, "netns", self._switch.handle)
            run("ip", "link", "add", *ends)
            run(*self._switch.inside("ip", "link", "set", port, "master", segment_name(self.prefix), "up"))
            self.run("ip link set lo up", f"ip link set {INTERFACE} up")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        run("umount", self._handle)  # and with it its interface, and that one's other end
        self._handle.unlink()

    def run(self, *commands: str, timeout: float = 30) -> str:
        """What these shell commands print in the client's network; an error if one of them fails."""
        done = self.try_to(" && ".join(commands), timeout=timeout)
        assert done.returncode == 0, f"{commands} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def address(self) -> str:
        """The address that it has now."""
        return self.run(f"ip -4 -o address show dev {INTERFACE}").split()[3].partition("/")[0]

    def pings(self, address: IPv4Address) -> bool:
        """Whether an address answers a ping within a second."""
        script = shlex.quote(PING.format(address=address))
        return self.try_to(f"{shlex.quote(sys.executable)} -c {script}").returncode == 0

    def try_to(self, command: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
        """How a shell command ends in the client's network."""
        argv = ["nsenter", f"--net={self._handle}", "--", "sh", "-c", command]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=timeout)
