"""A lab that is set apart has a network of its own, with one way out; what it was given goes again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

UNSHARE = ("unshare", "--net", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))
"""The machine's own network stays as it is: a new, empty one plays it."""

PROGRAM = """
import json, os, socket, subprocess, sys
from pathlib import Path
from deploy.lab.mounts import unmount
from deploy.lab.station import Station
from deploy.lab.switch import ALIAS, Switch

def said(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

directory = Path(sys.argv[1])
station, switch, seen = Station(directory, f"{ALIAS}{directory}"), Switch(directory), {}
said("ip", "link", "set", "lo", "up")
said("ip", "address", "add", "198.51.100.1/32", "dev", "lo")
seen["before"] = station.exists
station.enter()
for _ in range(2):
    station.lay()
seen["there"], seen["cables"] = station.exists, len(switch.interfaces())
with socket.create_server(("198.51.100.1", 0)) as outside:
    reading, writing = os.pipe()
    if os.fork() == 0:
        station.enter()
        with socket.create_connection(outside.getsockname(), timeout=5) as connection:
            own = connection.getsockname()[0]
        forwards = Path("/proc/sys/net/ipv4/ip_forward").read_text().strip()
        os.write(writing, json.dumps([own, forwards, len(switch.interfaces())]).encode())
        os._exit(0)
    os.wait()
    seen["inside"] = json.loads(os.read(reading, 1000))
    peer = outside.accept()[1][0]
    seen["translated"] = peer
station.remove()
switch.remove()
unmount(directory)
seen["after"] = [station.exists, len(switch.interfaces()), said("nft", "list", "tables")]
print(json.dumps(seen))
"""


def test_the_station_has_a_way_out_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    if subprocess.run([*UNSHARE, "nft", "list", "tables"], check=False, capture_output=True).returncode:
        pytest.skip("needs namespaces and nft, which this machine gives to nobody")
    argv = [*UNSHARE, sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    own, forwards, cables = seen["inside"]
    assert (seen["before"], seen["there"], seen["cables"]) == (False, True, 1)
    assert (own.startswith("169.254."), forwards, cables) == (True, "1", 0), "it is in another network"
    assert seen["translated"] == own, "to the machine itself it goes as it is"
    assert seen["after"] == [False, 0, ""]
