"""Begin a session on a device's command line by netmiko, over a transport that is logged in already.

netmiko knows how each vendor's session begins (paging, width, privileges). Not here: the login, and whether the device
is believed (`transport.ssh`), and what is typed into the session (`transport.device`).
"""

from __future__ import annotations

import codecs
import logging
from typing import Any

import paramiko
from netmiko import BaseConnection
from netmiko.channel import SSHChannel
from netmiko.ssh_dispatcher import ssh_dispatcher

from deploy.transport.channel import require_bounded
from roles.shared.device.vendor import Vendor

logging.getLogger("netmiko").disabled = True  # it writes down every line that is typed, also one with a secret


def begin_session(transport: paramiko.Transport, vendor: Vendor, seconds: float) -> NetmikoSession:
    """Begin a session of netmiko's class for this vendor, ready to be typed into.

    Args:
        seconds: how long netmiko may wait for the device.
    """
    kind = ssh_dispatcher(vendor.netmiko)
    made: type[NetmikoSession] = type(kind.__name__, (NetmikoSession, kind), {})
    session = made(
        host=vendor.platform,
        device_type=vendor.netmiko,
        auto_connect=False,
        conn_timeout=seconds,
        read_timeout_override=seconds,
    )
    session.transport = transport
    session.ansi_escape_codes = True
    try:
        session._open()
    except BaseException:
        session.disconnect()
        raise
    return session


class NetmikoSession(BaseConnection):
    """Beside one of netmiko's classes, makes a session of it that neither connects, nor logs in, nor writes."""

    transport: paramiko.Transport
    bytes: _Bytes

    def establish_connection(self, width: int = 511, height: int = 1000) -> None:
        """Open a shell in the one session of a transport that is logged in already."""
        self.remote_conn = channel = self.transport.open_session(timeout=self.conn_timeout)
        channel.get_pty(term="vt100", width=width, height=height)
        channel.invoke_shell()
        self.channel = self.bytes = _Bytes(channel)
        self.special_login_handler()

    def session_preparation(self) -> None:
        """Begin the session as the vendor's begin; become privileged if that needs no password."""
        super().session_preparation()
        self.enable()

    def send_multiline(self, *_args: Any, **_arguments: Any) -> str:
        """Do nothing: by this netmiko writes to the configuration of devices that have no other way to end paging."""
        return ""

    def _get_output_mode(self) -> str:
        """Say that paging is off: netmiko asks a firewall for it in `config global`, and then does what is not done."""
        return "standard"

    def cleanup(self, command: str = "") -> None:
        """Do nothing: the end of the connection ends the session."""

    def paramiko_cleanup(self) -> None:
        """Close the connection, which nobody else uses."""
        self.transport.close()


class _Bytes(SSHChannel):
    """netmiko's channel, which can tell the end of a session from silence, and half a letter from a wrong one.

    A device that does not stop to send is lost, before it fills memory.
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        super().__init__(channel, "utf-8")
        self._channel = channel
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._since_written = 0

    def write_channel(self, out_data: str) -> None:
        """Type something; what is sent from now on is the answer to it."""
        self._since_written = 0
        super().write_channel(out_data)

    def read_buffer(self) -> str:
        """Return what has arrived so far."""
        return self.wait(0) or ""

    def wait(self, seconds: float | None) -> str | None:
        """Return what arrives next; None if nothing does in time."""
        self._channel.settimeout(seconds)
        try:
            data = self._channel.recv(65536)
        except TimeoutError:
            return None
        finally:
            self._channel.settimeout(None)
        if not data:
            raise EOFError("the device ended the session")
        self._since_written += len(data)
        require_bounded(self._since_written)
        return self._decoder.decode(data)
