"""How long a plan of 200 switches takes, beside netmiko alone showing their configurations: same devices, same run.

Run by `make bench`; needs neither root nor the lab. The switches are those of the shipped fleet, many times over, each
as its role wants it, emulated in a process of its own. Both are run in a process of their own too, in turn, talk to as
many devices at once, and believe the same host keys. netmiko reads; samdrift also asks each whether a change is
unconfirmed, and compares. Prints seconds, memory and the ratio; fails if anything differs, for then samdrift would not
have seen what it should.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Interface
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from deploy.cli.entry import COLLECTED_AFTER
from deploy.engine.declare import declarations
from deploy.engine.session import Session
from deploy.transport.ssh import AT_ONCE, Access
from deploy.vault.made_up import MadeUp
from inventory.fleet import Fleet, Host, Interface
from inventory.snapshot import load
from roles.shared.device.configure import compared
from roles.shared.device.known import known_vendors
from roles.shared.intent import Intent
from tests.emulator.grammar import applied, grammar
from tests.emulator.samples import MODELS
from tests.integration.devices import on_loopback
from tests.sshd import free_port, keygen

DEVICES = 200
RUNS = 5
WANTED = 1.3
LINES = 150

PORTS = {"alv-sw1": "1/1/{}", "heb-sw1": "ge-0/0/{}", "ost-sw1": "GigabitEthernet1/0/{}"}
"""A switch of each vendor, and what its ports are called."""

GIVEN = {"arubaos-cx": "vlan 1\n"}
"""What a device has of which its role says nothing."""


def main() -> int:
    """Measure both, alternating, and print the ratio of the medians."""
    with tempfile.TemporaryDirectory() as scratch, emulated(Path(scratch)) as told:
        ours, theirs = [], []
        for _ in range(RUNS):
            ours.append(measured("-m", "tests.bench.devices", scratch))
            theirs.append(measured(str(Path(__file__).with_name("netmiko_alone.py")), told, str(AT_ONCE)))
            lines = theirs[-1]["lines"]
            if ours[-1]["wrong"] or len(lines) != DEVICES or min(lines) < LINES:
                sys.exit(f"nothing to compare: {ours[-1]['wrong'][:3]}, {len(lines)} devices, {min(lines)} lines")
            print(f"  samdrift {ours[-1]['seconds']:.2f} s, netmiko {theirs[-1]['seconds']:.2f} s")
    mine, its = (median(run["seconds"] for run in runs) for runs in (ours, theirs))
    print(f"devices                      {DEVICES:8}    ({min(lines)}-{max(lines)} lines each, {AT_ONCE} at once)")
    for name, runs in (("samdrift plan, converged", ours), ("netmiko alone, show", theirs)):
        seconds, cpu, megabytes = (median(run[of] for run in runs) for of in ("seconds", "cpu", "megabytes"))
        print(f"{name:28} {seconds:8.2f} s  (median of {RUNS}; {cpu:.1f} s of CPU, {megabytes:.0f} MB at most)")
    print(f"samdrift / netmiko           {mine / its:8.2f} times (wanted: at most {WANTED:g})")
    return 0 if mine / its <= WANTED else 1


def measured(*command: str) -> dict[str, Any]:
    """What a measurement in a process of its own says."""
    done = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def plan(scratch: Path) -> None:
    """Plan all devices, from nothing connected to every one known to be as it should be; print how it went."""
    fleet = Fleet.model_validate_json((scratch / "fleet.json").read_text())
    access = Access.model_validate_json((scratch / "access.json").read_text())
    hosts = [h for h in fleet.hosts if "bench" in h.tags]
    gc.set_threshold(*COLLECTED_AFTER)  # as the program does
    started = time.monotonic()
    with Session(Intent(fleet), hosts, access, vault=MadeUp(scratch / "secrets.json")) as session:
        plans = session.look()
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "seconds": time.monotonic() - started,
        "cpu": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss / 1024,
        "wrong": [f"{p.host}: {p.error or len(p.changes)}" for p in plans if p.error or p.changes or not p.steps],
    }
    sys.stdout.write(json.dumps(told))


@contextmanager
def emulated(scratch: Path) -> Iterator[str]:
    """The devices, in a process of their own. What samdrift needs to know is in `scratch`; told is netmiko's file."""
    fleet = with_switches(on_loopback(load(), keygen(scratch / "key")), DEVICES)
    hosts = [h for h in fleet.hosts if "bench" in h.tags]
    devices = [
        {
            "name": h.name,
            "platform": h.platform,
            "address": str(h.address),
            "configuration": as_wanted(h, fleet),
            "model": MODELS.get(h.device_type or "", ""),
        }
        for h in hosts
    ]
    (scratch / "devices.json").write_text(json.dumps(devices))
    port = free_port(str(hosts[0].address))
    command = [sys.executable, "-m", "tests.emulator", *map(str, (scratch / "key.pub", scratch / "devices.json", port))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        keys = json.loads(process.stdout.readline())
        access = Access(key_file=scratch / "key", port=port, connect_timeout=60, fact_timeout=120, look_timeout=300)
        known = {h.name: h.model_copy(update={"host_keys": (keys[h.name],)}) for h in hosts}
        fleet = fleet.model_copy(update={"hosts": tuple(known.get(h.name, h) for h in fleet.hosts)})
        (scratch / "fleet.json").write_text(fleet.model_dump_json())
        (scratch / "access.json").write_text(access.model_dump_json())
        yield for_netmiko(list(known.values()), access, scratch)
        process.stdin.close()


def for_netmiko(hosts: Sequence[Host], access: Access, scratch: Path) -> str:
    """A file that tells netmiko how to log in to these hosts and what to ask them."""
    known = scratch / "known_hosts"
    known.write_text("".join(f"[{h.address}]:{access.port} {h.host_keys[0]}\n" for h in hosts))
    strict = {"ssh_strict": True, "alt_host_keys": True, "alt_key_file": str(known)}
    login = {"username": access.user, "use_keys": True, "key_file": str(access.key_file), "port": access.port, **strict}
    told = [
        {
            "login": {**login, "host": str(h.address), "device_type": known_vendors()[h.platform].netmiko},
            "show": known_vendors()[h.platform].show,
        }
        for h in hosts
    ]
    path = scratch / "netmiko.json"
    path.write_text(json.dumps(told))
    return str(path)


def with_switches(fleet: Fleet, number: int) -> Fleet:
    """The fleet, and so many switches more, of every vendor in turn, with the tag `bench`."""
    more = [switch(fleet.host(like), ports, n) for n, (like, ports) in enumerate(islice(cycle(PORTS.items()), number))]
    return fleet.model_copy(update={"hosts": (*fleet.hosts, *more)})


def switch(like: Host, ports: str, number: int) -> Host:
    """A switch like this one with 48 ports, with the next free name and address."""
    address = IPv4Address(int(like.address) + 30 + number // len(PORTS))
    management = next(i for i in like.interfaces if i.addresses)
    uplink = next(i for i in like.interfaces if len(i.tagged_vlans) > 1)
    at = IPv4Interface(f"{address}/{management.addresses[0].network.prefixlen}")
    interfaces = {uplink.name: uplink, management.name: management.model_copy(update={"addresses": (at,)})}
    for n in range(1, 49):
        name = ports.format(n)
        interfaces.setdefault(name, Interface(name=name, description=f"Arbetsplats {n}", untagged_vlan=110))
    return like.model_copy(
        update={
            "name": f"{like.name[:3]}-sw{100 + number}",
            "tags": ("bench",),
            "primary_address": address,
            "interfaces": tuple(interfaces.values()),
        }
    )


def as_wanted(host: Host, fleet: Fleet) -> str:
    """What a device shows that was given what its role wants."""
    _files, (wanted,) = declarations(host, Intent(fleet))
    given = GIVEN.get(host.platform, "")
    language = grammar(host.platform)
    return language.show(applied(host.platform, language.load(given), compared(given, wanted).entries))


if __name__ == "__main__":
    if sys.argv[1:]:
        plan(Path(sys.argv[1]))
    else:
        sys.exit(main())
