"""What netmiko takes to show the configurations of some devices, as its documentation has it: a thread a session.

Run as a file, and not as a part of this package, whose first import patches threads. It believes the same host keys as
samdrift does, and no others. Takes a file of devices and how many are talked to at once; prints one JSON document.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from netmiko import ConnectHandler

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # it tells of every connection that ends


def shown(device: dict[str, Any]) -> int:
    """How many lines a device shows."""
    with ConnectHandler(**device["login"], conn_timeout=60, banner_timeout=60, auth_timeout=60) as session:
        said = session.send_command(device["show"], read_timeout=120)
    return len(str(said).splitlines())


def main() -> None:
    """Show all of them."""
    devices = json.loads(Path(sys.argv[1]).read_text())
    started = time.monotonic()
    with ThreadPoolExecutor(int(sys.argv[2])) as pool:
        lines = list(pool.map(shown, devices))
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {"seconds": time.monotonic() - started, "lines": lines, "megabytes": used.ru_maxrss / 1024}
    sys.stdout.write(json.dumps(told | {"cpu": used.ru_utime + used.ru_stime}))


if __name__ == "__main__":
    main()
