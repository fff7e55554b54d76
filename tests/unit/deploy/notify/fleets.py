"""Fleets of several municipalities, and what a scan of one finds there, for tests of what is told to whom."""

from __future__ import annotations

from ipaddress import IPv4Interface
from typing import Any

from hypothesis import strategies as st

from deploy.model.findings import Finding
from deploy.model.kinds import Kind, Severity
from deploy.model.messages import MessageId
from deploy.model.record import HostResult, Record
from inventory.fleet import Host, Interface

MUNICIPALITIES = ("alvkarleby", "heby", "tierp")


def host(name: str, municipality: str, *addresses: str, shared: bool = False) -> Host:
    """A managed host."""
    interfaces = tuple(Interface(name=f"eth{n}", addresses=(IPv4Interface(a),)) for n, a in enumerate(addresses))
    return Host(
        name=name,
        kind="vm",
        tenant=municipality,
        site=f"{municipality}-kommunhus",
        role="server",
        platform="debian-13",
        tags=("shared",) if shared else (),
        interfaces=interfaces,
        primary_address=interfaces[0].addresses[0].ip if interfaces else None,
        context={"samdrift": {"roles": {"base": True}}},
    )


def finding(about: Host, text: str, **more: Any) -> Finding:
    """A finding about a host, of this text."""
    given = {"kind": Kind.DRIFT, "severity": Severity.MEDIUM, "role": "base", "step": text, **more}
    return Finding(host=about.name, municipality=about.tenant, message=MessageId.AS_WRITTEN(text=text), **given)


def record(number: int, findings: tuple[Finding, ...], *hosts: Host, unknown: tuple[str, ...] = ()) -> Record:
    """The record of a scan of these hosts."""
    return Record(
        id=f"2026112{number}T030000.000Z-drift-{number:04}",
        command="drift",
        who="samdrift-watch@tie-adm1",
        started=f"2026-11-2{number}T03:00:00.000Z",
        finished=f"2026-11-2{number}T03:01:00.000Z",
        fleet_digest="f",
        fleet_source="snapshot",
        code_digest="c",
        exit_code=2,
        findings=findings,
        hosts=tuple(
            HostResult(host=h.name, municipality=h.tenant, outcome="unknown" if h.name in unknown else "differs")
            for h in hosts
        ),
    )


NUMBERS = st.integers(0, 255)


@st.composite
def fleets(draw: st.DrawFn) -> tuple[Host, ...]:
    """Hosts of three municipalities, some shared, in networks of their own and one that all are in."""
    made: list[Host] = []
    for number, municipality in enumerate(MUNICIPALITIES):
        kinds = draw(st.lists(st.sampled_from(["gw", "sw", "dns", "db"]), min_size=1, max_size=4))
        for n, kind in enumerate(kinds):
            name = f"{draw(st.sampled_from([municipality[:3], municipality, 'norr']))}-{kind}{number}{n}"
            own, all_in = f"10.{60 + number}.{draw(NUMBERS)}.{n + 1}/24", f"10.59.0.{10 * number + n + 1}/24"
            made.append(host(name, municipality, own, all_in, shared=draw(st.integers(0, 4)) == 0))
    return tuple(made)
