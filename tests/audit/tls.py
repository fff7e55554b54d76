"""Read what sslscan says of a port: nothing where TLS is not spoken."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

FINE = {("tls", "1.2"), ("tls", "1.3")}
STRONG = 128
"""Bits of a cipher's key."""


def scan(address: str, port: int) -> tuple[str, ...]:
    """Return the command that looks at a port of an address."""
    at = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return ("sslscan", "--no-colour", "--no-check-certificate", "--xml=-", at)


def failures(said: str) -> Iterator[str]:
    """Yield the protocols and ciphers that are offered and should not be, and Heartbleed."""
    document = ElementTree.fromstring(said)  # noqa: S314  of our own scanner
    for protocol in document.iter("protocol"):
        spoken = (protocol.get("type", ""), protocol.get("version", ""))
        if protocol.get("enabled") == "1" and spoken not in FINE:
            yield f"{spoken[0].upper()} {spoken[1]} is spoken"
    for cipher in document.iter("cipher"):
        if cipher.get("strength") in {"weak", "null", "anonymous"} or int(cipher.get("bits", STRONG)) < STRONG:
            yield f"cipher {cipher.get('cipher')} is offered"
    for heartbleed in document.iter("heartbleed"):
        if heartbleed.get("vulnerable") == "1":
            yield "Heartbleed"
