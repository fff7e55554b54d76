"""Devices for another process to talk to: `python -m tests.emulator KEY.pub DEVICES.json PORT`.

DEVICES.json lists the name, platform, address and configuration of each. One JSON document on stdout says their host
keys, by name, once they listen; they are there until stdin is closed.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from tests.emulator.dialects import device
from tests.emulator.server import EmulatedDevices


def main() -> None:
    """Be the devices."""
    parser = argparse.ArgumentParser(prog="python -m tests.emulator", description="Emulated switches and firewalls.")
    parser.add_argument("key", type=Path, help="file of the public key that lets one in")
    parser.add_argument("devices", type=Path, help="file that says which")
    parser.add_argument("port", type=int, help="where all of them listen, each on its own address")
    given = parser.parse_args()
    told = json.loads(given.devices.read_text())
    devices = [device(d["platform"], d["name"], d["configuration"], model=d["model"]) for d in told]
    logging.getLogger("paramiko").addHandler(logging.NullHandler())  # it tells of every connection that ends
    authorized = " ".join(given.key.read_text().split()[:2])
    with EmulatedDevices(devices, authorized, {d["name"]: d["address"] for d in told}, given.port) as emulated:
        sys.stdout.write(f"{json.dumps({d.name: emulated.host_key(d.name) for d in devices})}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
