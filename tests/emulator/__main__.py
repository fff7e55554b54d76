"""Devices for another process to talk to: `python -m tests.emulator KEY.pub N [--lines L]`.

One JSON document on stdout says where each listens and its host key; they are there until stdin is closed.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import cycle, islice
from pathlib import Path

from tests.emulator.dialects import DIALECTS, device
from tests.emulator.samples import long_configuration
from tests.emulator.server import EmulatedDevices


def main() -> None:
    """Be the devices."""
    parser = argparse.ArgumentParser(prog="python -m tests.emulator", description="Emulated switches and firewalls.")
    parser.add_argument("key", type=Path, help="file of the public key that lets one in")
    parser.add_argument("number", type=int, help="how many devices")
    parser.add_argument("--lines", type=int, default=300, help="lines of each one's configuration, about")
    parser.add_argument("--platform", action="append", choices=sorted(DIALECTS), help="instead of every one in turn")
    given = parser.parse_args()
    platforms = islice(cycle(given.platform or sorted(DIALECTS)), given.number)
    devices = [
        device(platform, f"sw{number}", long_configuration(platform, f"sw{number}", given.lines))
        for number, platform in enumerate(platforms, 1)
    ]
    authorized = " ".join(given.key.read_text().split()[:2])
    with EmulatedDevices(devices, authorized) as emulated:
        told = [
            {"name": d.name, "platform": d.platform, "port": emulated.port(d.name), "key": emulated.host_key(d.name)}
            for d in devices
        ]
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
