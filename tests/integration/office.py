"""What a computer in an office asks over the wire: an address, names, and to print, in the protocols themselves.

A `Client` knows nothing but what it is told. It asks by this module again, run in its network
(`python -m tests.integration.office`).
"""

from __future__ import annotations

import json
import secrets
import shlex
import socket
import struct
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from inventory.paths import CODE
from tests.integration.client import INTERFACE, Client

PROJECT = CODE
PATIENCE, TRIES = 5.0, 4
"""Seconds that an answer is waited for, and how often it is asked for."""


@dataclass(frozen=True)
class Lease:
    """What a DHCP server lent and told."""

    address: IPv4Address
    prefix_length: int
    router: IPv4Address
    resolvers: tuple[IPv4Address, ...]
    domain: str
    seconds: int


def lease(client: Client) -> Lease:
    """Ask for an address, as a computer that was just switched on, and use it."""
    loose = f"net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.{INTERFACE}.rp_filter=0"
    client.run(f"sysctl -qw {loose}")  # or no answer reaches who has no address yet
    said = _asked(client, "lease")
    lent = Lease(
        address=IPv4Address(said["address"]),
        prefix_length=int(said["prefix_length"]),
        router=IPv4Address(said["router"]),
        resolvers=tuple(map(IPv4Address, said["resolvers"])),
        domain=str(said["domain"]),
        seconds=int(said["seconds"]),
    )
    client.run(
        f"ip address replace {lent.address}/{lent.prefix_length} dev {INTERFACE}",
        f"ip route replace default via {lent.router}",
    )
    return lent


def resolve(client: Client, resolver: IPv4Address, name: str) -> list[str]:
    """The addresses of a name, as this resolver answers."""
    found: list[str] = _asked(client, "resolve", str(resolver), name)
    return found


def print_job(client: Client, server: IPv4Address, queue: str, document: str) -> int:
    """Print this on a queue; the IPP status of the answer, below 0x100 if it was taken."""
    return int(_asked(client, "print", str(server), queue, document))


def page_of(client: Client, url: str) -> int:
    """The HTTP status that a page is answered with."""
    return int(_asked(client, "page", url))


def _asked(client: Client, *words: str) -> Any:
    return json.loads(client.run(f"cd {PROJECT}", shlex.join([sys.executable, "-m", __name__, *words])))


# In the client's network


def _lease() -> dict[str, Any]:
    """Discover, offer, request, acknowledgement (RFC 2131)."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((INTERFACE, 0))
        mac: bytes = s.getsockname()[4]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, INTERFACE.encode())
        s.bind(("0.0.0.0", 68))  # noqa: S104  it has no other address yet
        offered, offer = _exchange(s, mac, 1, b"")
        chosen = b"\x32\x04" + offered + b"\x36\x04" + offer[54]
        address, told = _exchange(s, mac, 3, chosen)
    return {
        "address": socket.inet_ntoa(address),
        "prefix_length": int.from_bytes(told[1], "big").bit_count(),
        "router": socket.inet_ntoa(told[3][:4]),
        "resolvers": [socket.inet_ntoa(told[6][i : i + 4]) for i in range(0, len(told[6]), 4)],
        "domain": told[15].decode(),
        "seconds": int.from_bytes(told[51], "big"),
    }


def _exchange(s: socket.socket, mac: bytes, kind: int, options: bytes) -> tuple[bytes, dict[int, bytes]]:
    """Send a message of this type until the next one comes; the address in it, and its options."""
    number = secrets.token_bytes(4)
    asked_for = b"\x37\x05\x01\x03\x06\x0f\x33"  # mask, router, resolvers, domain, lease time
    head = struct.pack("!BBBB4sHH16s16s192x", 1, 1, 6, 0, number, 0, 0x8000, b"", mac)
    message = head + b"\x63\x82\x53\x63" + bytes([53, 1, kind]) + options + asked_for + b"\xff"
    s.settimeout(PATIENCE)
    for _ in range(TRIES):
        s.sendto(message, ("255.255.255.255", 67))
        try:
            while True:
                answer = s.recv(2048)
                told = dict(_options(answer[240:]))
                if answer[4:8] == number and told.get(53) == bytes([kind + (2 if kind == 3 else 1)]):
                    return answer[16:20], told
        except TimeoutError:
            continue
    sys.exit("no DHCP server answers")


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        yield data[at], data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]


def _resolve(resolver: str, name: str) -> list[str]:
    """Ask for a name's addresses (RFC 1035); an error's number is told as text."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.strip(".").split("."))
    number = secrets.token_bytes(2)
    question = number + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(PATIENCE)
        for _ in range(TRIES):
            s.sendto(question, (resolver, 53))
            try:
                answer = s.recv(4096)
                break
            except TimeoutError:
                continue
        else:
            sys.exit(f"{resolver} does not answer")
    if code := answer[3] & 15:
        return [f"rcode {code}"]
    found, at = [], len(question)
    for _ in range(struct.unpack("!H", answer[6:8])[0]):
        while answer[at] and answer[at] < 192:
            at += 1 + answer[at]
        at += 2 if answer[at] else 1
        kind, length = struct.unpack("!H6xH", answer[at : at + 10])
        if kind == 1:
            found.append(socket.inet_ntoa(answer[at + 10 : at + 14]))
        at += 10 + length
    return found


def _print(server: str, queue: str, document: str) -> int:
    """Print-Job (RFC 8011)."""

    def attribute(tag: int, name: str, value: str) -> bytes:
        return struct.pack("!BH", tag, len(name)) + name.encode() + struct.pack("!H", len(value)) + value.encode()

    message = struct.pack("!BBHIB", 1, 1, 2, 1, 1)
    message += attribute(0x47, "attributes-charset", "utf-8") + attribute(0x48, "attributes-natural-language", "sv")
    message += attribute(0x45, "printer-uri", f"ipp://{server}/printers/{queue}")
    message += attribute(0x42, "requesting-user-name", "elsa") + b"\x03" + document.encode()
    request = urllib.request.Request(
        f"http://{server}:631/printers/{queue}", data=message, headers={"Content-Type": "application/ipp"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        (status,) = struct.unpack("!2xH", answer.read()[:4])
        return int(status)


def _page(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310  it is HTTP
            return int(answer.status)
    except urllib.error.HTTPError as e:
        return e.code


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    sys.stdout.write(json.dumps({"lease": _lease, "resolve": _resolve, "print": _print, "page": _page}[what](*words)))  # type: ignore[operator]
