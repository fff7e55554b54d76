"""Which ports of a host answer, asked from elsewhere, beside those that its roles declare for who asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from xml.etree import ElementTree

from inventory.fleet import Host
from inventory.network import Address
from roles.firewall import Settings
from roles.shared.intent import Intent

TCP = ("nmap", "-n", "-Pn", "-sS", "-p-", "-T4", "--min-rate=3000", "--max-retries=1", "-oX", "-")
UDP = ("nmap", "-n", "-Pn", "-sU", "--top-ports=100", "-T4", "--max-retries=1", "-oX", "-")
"""The hundred ports that services are found at most often: what does not answer at UDP costs a second each."""


def open_ports(scan: str) -> Iterator[tuple[str, int]]:
    """Yield the ports that answered, by nmap's XML; not those of which nothing was heard."""
    for port in ElementTree.fromstring(scan).iter("port"):  # noqa: S314  of our own scanner
        state = port.find("state")
        if state is not None and state.get("state") == "open":
            yield port.get("protocol", ""), int(port.get("portid", "0"))


def declared(host: Host, intent: Intent, asker: Address) -> set[tuple[str, int]]:
    """Return the ports that the roles of a host open to an address."""
    openings = intent.required(host, "firewall")
    assert isinstance(openings, Settings)
    return {
        (opening.listen.protocol, opening.listen.port)
        for opening in openings.openings
        if any(asker in network for network in opening.listen.sources)
    }


def undeclared(scan: str, host: Host, intent: Intent, asker: str) -> tuple[str, ...]:
    """Return the ports that answered an address to which no role opens them."""
    allowed = declared(host, intent, ip_address(asker))
    return tuple(f"{protocol}/{port}" for protocol, port in sorted({*open_ports(scan)} - allowed))


EVERYWHERE = ("0.0.0.0", "*", "::")  # noqa: S104  as `ss` says it
"""The addresses of a service that waits at all of its host's."""
LISTENING = "ss --no-header --tcp --listening --numeric --oneline"


def listening(said: str) -> Iterator[tuple[str, int]]:
    """Yield the addresses and ports that a host's services wait at for TCP; not those of the host's own alone."""
    for line in said.splitlines():
        address, _, port = line.split()[3].rpartition(":")
        address = address.partition("%")[0].strip("[]")
        if not (address.startswith("127.") or address == "::1"):
            yield address, int(port)


def knock(address: Address, ports: Iterable[int]) -> str:
    """Return the script, for another host, that prints the address with each of these TCP ports that answers."""
    wanted = " ".join(map(str, ports))
    return f"""\
for port in {wanted}; do
  timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/$0' "$port" 2>/dev/null && echo "{address} $port" &
done
wait
"""
