"""Devices on the network: SSH by paramiko's server side, with a host key each, on addresses of loopback.

Whom a device lets in stands in its running configuration (`letting_in`). Works with gevent's patched threads and
without.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from types import TracebackType

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)

from tests.emulator.device import Device
from tests.emulator.dialects import command_line
from tests.emulator.grammar import applied
from tests.emulator.letting_in import Caller, first_setup, has_address, lets_in, serves_netconf
from tests.emulator.netconf import NetconfServer

USER = "samdrift"


class EmulatedDevices:
    """Listens for some devices while it is entered.

    Args:
        devices: what they are.
        authorized: the public key, as `type base64`, by which the first set-up lets in the account `samdrift`, on those
            that do not let it in already.
        addresses: where each of them listens, by its name; 127.0.0.1 for those that are not named.
        port: on which port all of them do; a free one each if none is given.
    """

    def __init__(
        self, devices: Iterable[Device], authorized: str, addresses: Mapping[str, str] | None = None, port: int = 0
    ) -> None:
        self.devices = list(devices)
        self._authorized = authorized
        self._addresses, self._port = addresses or {}, port
        self._at: dict[str, _Listener] = {}

    def __enter__(self) -> EmulatedDevices:
        for device in self.devices:
            address = self._addresses.get(device.name, "127.0.0.1")
            set_up(device, USER, self._authorized)
            self._at[device.name] = _Listener(device, address, self._port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listener in self._at.values():
            listener.stop()

    def port(self, name: str) -> int:
        """Where a device listens."""
        return self._at[name].port

    def host_key(self, name: str) -> str:
        """A device's host key, as the inventory has it."""
        key = self._at[name].key
        return f"{key.get_name()} {key.get_base64()}"


def set_up(device: Device, user: str, key: str) -> None:
    """Do on a device what a person does on the console of a new one, unless its configuration lets in already."""
    if not lets_in(device.platform, device.running, Caller(user, key, "127.0.0.1", "127.0.0.1")):
        device.running = applied(device.platform, device.running, first_setup(device.platform, user, key))
        device.save()


class _Listener:
    def __init__(self, device: Device, address: str, port: int) -> None:
        self.device, self._address = device, address
        self._is_named = has_address(device.running, address)
        self.key = paramiko.ECDSAKey.generate()
        self._socket = socket.create_server((address, port), backlog=64)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Nobody is let in any more, and who is in is put out."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        self.device.stop()

    def _listen(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            if not self.device.reachable:
                peer.close()
                continue
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = paramiko.Transport(peer)
        try:
            transport.add_server_key(self.key)
            door = _Door(self.device, peer.getpeername()[0], self._address, needs_address=self._is_named)
            transport.start_server(server=door)
            channel = transport.accept(20)
            if channel is None or not door.asked.wait(20):
                return
            kind = NetconfServer if door.by_netconf else _Terminal
            kind(self.device, transport, channel).run()
        except (OSError, EOFError, paramiko.SSHException):
            return  # whoever it was is gone
        finally:
            transport.close()


class _Door(paramiko.ServerInterface):
    """Lets in whom the device's running configuration lets in, to a terminal or to NETCONF where that is served.

    NETCONF is a subsystem at a port of its own, or at that of SSH (Juniper, NETCONF Developer Guide, "Connect to the
    NETCONF Server Using SSH": the port can be left out); here it is the latter.
    """

    def __init__(self, device: Device, source: str, address: str, *, needs_address: bool) -> None:
        self._device, self._source, self._address = device, source, address
        self._needs_address = needs_address
        self.asked = threading.Event()
        self.by_netconf = False

    def get_allowed_auths(self, _username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        device = self._device
        caller = Caller(username, f"{key.get_name()} {key.get_base64()}", self._source, self._address)
        known = lets_in(device.platform, device.running, caller, needs_address=self._needs_address)
        return AUTH_SUCCESSFUL if known else AUTH_FAILED

    def check_channel_request(self, kind: str, _number: int) -> int:
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_pty_request(self, *_arguments: object) -> bool:
        return True

    def check_channel_shell_request(self, _channel: paramiko.Channel) -> bool:
        self.asked.set()
        return True

    def check_channel_subsystem_request(self, _channel: paramiko.Channel, name: str) -> bool:
        if name != "netconf" or not serves_netconf(self._device.platform, self._device.running):
            return False
        self.by_netconf = True
        self.asked.set()
        return True


class _Terminal:
    """One session: what is typed is echoed and carried out, and what the device says comes in pages."""

    def __init__(self, device: Device, transport: paramiko.Transport, channel: paramiko.Channel) -> None:
        self.device, self._transport, self._channel = device, transport, channel
        self._cli = command_line(device, transport.get_username() or "")
        self._keys: list[str] = []
        self._silent = False

    def kill(self) -> None:
        self._silent = True
        self._transport.close()

    def say(self, text: str) -> None:
        self._send(text)

    def run(self) -> None:
        """Until the session ends."""
        self.device.sessions.append(self)
        if not self.device.reachable:
            return
        try:
            self._send(f"{self.device.banner}{self._cli.prompt}")
            while not self._cli.over:
                self._line(self._read_line())
        finally:
            if self.device.drafted_by is self._cli:
                self.device.drafted_by = None
            if self in self.device.sessions:
                self.device.sessions.remove(self)

    def _line(self, line: str) -> None:
        fault = None
        if line.strip():
            self.device.typed.append(line.strip())
            fault = self.device.fault_at(line.strip())
            if self.device.thinks_at and re.search(self.device.thinks_at[0], line):
                time.sleep(self.device.thinks_at[1])
        if fault and fault.instead:
            self._fail(fault.kind)
            return
        said = self._cli.typed(line)
        if fault:
            self._fail(fault.kind)
            return
        self._print(said)
        self._send(self._cli.prompt)

    def _fail(self, kind: str) -> None:
        if kind == "stall":
            self._silent = True
        elif kind == "drop":
            self.kill()
        else:
            self.device.reboot(0.3)

    def _print(self, text: str) -> None:
        lines = text.splitlines(keepends=True)
        while (self._cli.paging or self.device.always_pages) and len(lines) >= self.device.page_length:
            page, lines = lines[: self.device.page_length - 1], lines[self.device.page_length - 1 :]
            self._send("".join(page) + self._cli.pager)
            key = self._read_key()
            self._send(self._cli.erase)
            if key == "q":
                return
        if self.device.pauses_after:
            for number, line in enumerate(lines):
                if re.search(self.device.pauses_after, line):
                    self._send("".join(lines[: number + 1]).removesuffix("\n"))
                    time.sleep(0.15)
                    lines = ["\n", *lines[number + 1 :]]
                    break
        self._send("".join(lines))

    def _send(self, text: str) -> None:
        if not self._silent and text:
            self._channel.sendall(re.sub(r"(?<!\r)\n", "\r\n", text).encode("utf-8", "surrogateescape"))

    def _read_line(self) -> str:
        line = ""
        while (key := self._read_key()) not in "\r\n":
            if key == "?":  # help, at once, and what was typed so far again
                self._send(f"?\r\n% Unrecognized command\r\n{self._cli.prompt}{line}")
                continue
            line += key
            self._send(key)
        self._send("\n")
        return line

    def _read_key(self) -> str:
        while not self._keys:
            data = self._channel.recv(65536)
            if not data:
                raise EOFError
            self._keys.extend(reversed(data.decode("utf-8", "replace").replace("\r\n", "\n")))
        return self._keys.pop()
