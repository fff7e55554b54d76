"""Emulated devices for integration tests, and sessions on them as samdrift has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from deploy.transport.device import DeviceConnection
from deploy.transport.ssh import Access
from inventory.fleet import Fleet, Host
from roles.shared.device.known import known_vendors
from roles.shared.device.vendor import Vendor
from tests.emulator.device import Device
from tests.emulator.dialects import device
from tests.emulator.samples import SAMPLES
from tests.emulator.server import EmulatedDevices


def on_loopback(fleet: Fleet, key: str) -> Fleet:
    """The same fleet, with its 10.… addresses as 127.…: all of these are this machine.

    The management station is where samdrift comes from here (127.0.0.1), and `key` the one by which it logs in. None
    has an account for looks: `test_looks` gives it.
    """
    station, router = "10.60.10.250", "10.60.10.1"
    text = re.sub(
        r"\b10\.60\.10\.\d+", lambda m: {station: router, router: station}.get(m[0], m[0]), fleet.model_dump_json()
    )
    text = re.sub(r"\b10\.60\.10\.(\d+)", r"127.0.0.\1", text)
    text = re.sub(r"\b10(\.\d+\.\d+\.\d+)", r"127\1", text)
    options = fleet.host("tie-adm1").context["samdrift"]["base"]
    text = re.sub(r',"look_keys":\["[^"]+"\]', "", text)
    return Fleet.model_validate_json(text.replace(options["automation_keys"][0], key))


@dataclass(frozen=True)
class Login:
    """The key that lets samdrift in."""

    key_file: Path
    public: str


@dataclass(frozen=True)
class Rack:
    """One emulated device, and how to reach it."""

    device: Device
    port: int
    host_key: str
    login: Login

    @property
    def vendor(self) -> Vendor:
        """Its vendor, as samdrift knows it."""
        return known_vendors()[self.device.platform]

    def host(self, **changes: object) -> Host:
        """The inventory's host that is this device."""
        data: dict[str, object] = {
            "name": self.device.name,
            "kind": "device",
            "tenant": "heby",
            "site": "heby-school",
            "role": "access-switch",
            "platform": self.device.platform,
            "primary_address": IPv4Address("127.0.0.1"),
            "host_keys": (self.host_key,),
        }
        return Host.model_validate(data | changes)

    def access(self, **changes: object) -> Access:
        """How samdrift logs in to it."""
        data = {"user": "samdrift", "key_file": self.login.key_file, "port": self.port, "connect_timeout": 5}
        data["command_timeout"] = 60
        return Access.model_validate(data | changes)

    def connection(self, **changes: object) -> DeviceConnection:
        """A session that is not open yet; `changes` are of the access."""
        return DeviceConnection(self.host(), self.access(**changes), self.vendor)

    @contextmanager
    def session(self, **changes: object) -> Iterator[DeviceConnection]:
        """A session that is open."""
        connection = self.connection(**changes)
        connection.open()
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def rack(login: Login, platform: str, configuration: str = "", **settings: Any) -> Iterator[Rack]:
    """A device of a platform, with its sample's configuration if none is given."""
    one = device(platform, "sw1", configuration or SAMPLES[platform].configuration, **settings)
    with EmulatedDevices([one], login.public) as running:
        yield Rack(one, running.port("sw1"), running.host_key("sw1"), login)


DECLARES_TEXT = """
from roles.shared.device.configure import configured
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings

PLATFORMS = ("arubaos-cx", "cisco-ios", "fortios", "junos")

class Options(RoleOptions):
    text: str

class Settings(RoleSettings):
    text: str
    platform: str

def settings(host, fleet, options):
    return Settings(text=options.text, platform=host.platform)

def deploy(settings):
    configured(settings.text, platform=settings.platform, managed=MANAGED[settings.platform])
"""
"""A role that declares the text that it is given; `MANAGED`, the sections by platform, is still to be said."""
