"""Asks a copy of the checkout what follows from each thing that its role `iperf` says of itself.

Run in the copy, in a process of its own, by `test_add_a_role.py`: it prints, as JSON and by name, what the rest of the
copy makes of it, and what it would make of a role that did not say it.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from pathlib import Path
from types import ModuleType
from typing import Any

from deploy.engine.declare import register
from deploy.engine.unmanaged import declarations_of, searching
from deploy.lab.host import installer_files, kept
from deploy.lab.image import packages
from deploy.lab.overlay import lab_overlay
from deploy.lab.wiring import network_files, shared_addresses
from deploy.model.drift import classify
from deploy.model.plan import HostPlan, Plan, Run, Step, Unmanaged
from deploy.model.record import AppliedStep
from deploy.reach.world import World
from deploy.report.content import report_of
from deploy.report.page import html
from deploy.report.past import past_of
from deploy.runs.commands import _protecting
from deploy.runs.manifest import manifest_now
from deploy.transport.rounds import Rounds
from deploy.transport.ssh import Answer
from deploy.verify.run import verify
from inventory import snapshot
from inventory.errors import SamdriftError
from inventory.fleet import Fleet, Host
from inventory.network import Network
from inventory.organisation import Grant, People, Person
from roles import base, firewall, probes
from roles.shared.catalogue import catalogue, problems_of, problems_of_roles
from roles.shared.intent import Intent
from roles.shared.network.forwarding import forwards_of
from roles.shared.rehearsal import Rehearsal
from roles.shared.settings import Settings
from roles.shared.survey import Socket, Survey
from roles.shared.traffic import ANYWHERE4

ROLE = "iperf"
FLEET = snapshot.load()
HOST = next(h for h in FLEET.hosts if ROLE in h.roles)
HUB = "tie-gw1"
STRANGER = "/etc/systemd/system/iperf3.service.d/by-hand.conf"
AT = "2026-11-23T20:00:00.000Z"


def order() -> bool:
    names = list(catalogue())
    return names.index("monitoring") < names.index(ROLE)


def settings() -> Any:
    found = Intent(FLEET).of(HOST, ROLE)
    assert not isinstance(found, tuple), found
    return found.model_dump(mode="json")


def rules(chain: str) -> list[str]:
    """The lines of one chain of the host's ruleset that are this role's."""
    found = Intent(FLEET).of(HOST, "firewall")
    assert isinstance(found, firewall.Settings)
    text = firewall.ruleset(found).partition(f"chain {chain} ")[2].partition("\n    }")[0]
    return [line.strip() for line in text.splitlines() if f"{ROLE}: " in line]


def let_in() -> bool:
    """Whether another gateway lets others reach what the role serves on the host."""
    return any(_is_in(r.destinations) for r in forwards_of(FLEET.host(HUB), Intent(FLEET)) if r.port == 5202)


def let_out() -> bool:
    """Whether another gateway lets the host out to where the role's results go."""
    out = (r for r in forwards_of(FLEET.host(HUB), Intent(FLEET)) if r.port == 443 and ANYWHERE4 in r.destinations)
    return any(_is_in(r.sources) for r in out)


def let_ask() -> bool:
    """Whether another gateway lets the host ask the servers that keep the role's results."""
    return any(_is_in(r.sources) for r in forwards_of(FLEET.host(HUB), Intent(FLEET)) if r.port == 8086)


def _is_in(networks: Iterable[Network]) -> bool:
    return any(a.ip in network for a in HOST.addresses for network in networks)


def on_debian_12() -> list[str]:
    older = HOST.model_copy(update={"platform": "debian-12"})
    return [p.what for p in problems_of(older, None) if f"role {ROLE} " in p.what]


def unmanaged() -> list[str]:
    def find(commands: Sequence[str]) -> list[Answer]:
        found = base64.b64encode(f"{STRANGER}\0f 644 root:root 3\0\0".encode()).decode() + r"\nended 0\n" + "\n"
        return [Answer(rc=0, stdout=found * c.count("ended %s"), stderr="") for c in commands]

    settings = Intent(FLEET).settings(HOST)
    declared = register([HOST], {HOST.name: settings})[HOST.name]
    rounds = Rounds(find)
    found: list[Unmanaged] = []
    rounds.run(searching(declared, settings, rounds, found, all_roles=False))
    return [thing.path for thing in found if thing.role == ROLE and thing.path]


def found_by_search() -> list[str]:
    """What searches find on a host that says the same to each."""
    settings = {ROLE: Intent(FLEET).settings(HOST)[ROLE]}
    declared = register([HOST], {HOST.name: settings})[HOST.name]
    said = r"nightly\n\nended 0\n" + "\n"
    rounds = Rounds(lambda commands: [Answer(rc=0, stdout=said * c.count("ended %s"), stderr="") for c in commands])
    found: list[Unmanaged] = []
    rounds.run(searching(declared, settings, rounds, found, all_roles=True))
    return [thing.what for thing in found if thing.name]


def expected(kind: str) -> dict[str, list[str]]:
    """What of a kind searches expect on the host, where only this role is asked."""
    settings = {ROLE: Intent(FLEET).settings(HOST)[ROLE]}
    declared = register([HOST], {HOST.name: settings})[HOST.name]
    patterns = declarations_of(declared, settings).expects.get(kind)
    return {kind: list(patterns)} if patterns else {}


def severity_of_drift() -> str:
    step = Step(role=ROLE, name="iperf3.service", intent="i", commands=(Run(text="true"),))
    looked = HostPlan(host=HOST.name, municipality=HOST.tenant, steps=(step,))
    plan = Plan(fleet_digest="f", fleet_source="s", code_digest="c", made_at=AT, made_by="anna", hosts=(looked,))
    applied = {HOST.name: {step.id: AppliedStep(intent="i", after="")}}
    (finding,) = classify(plan, (), applied, controls={}, protecting=_protecting())
    return str(finding.severity)


def controls() -> dict[str, Any]:
    """What a record's manifest and a report say of the role's controls."""
    try:
        manifest = manifest_now()
    except SamdriftError as e:
        return {"error": str(e)}
    (role,) = (r for r in manifest.roles if r.name == ROLE)
    report = report_of(FLEET, FLEET.hosts, past_of([], [h.name for h in FLEET.hosts]), AT, today=manifest)
    titles = {c.id: c.title for c in report.controls if c.title and c.id in role.controls}
    swedish, english = html(report), html(report, "en")
    return {
        "manifest": {c: manifest.titles[c].model_dump() for c in role.controls},
        "page": {c: t.swedish in swedish and t.english in english for c, t in titles.items()},
        "checks": role.checks,
    }


def reached() -> dict[str, list[str]]:
    """What is known of who reaches the host if it has the role alone, and of where it sends what it passes on."""
    alone = HOST.model_copy(update={"context": {"samdrift": {**HOST.samdrift, "roles": {ROLE: True}}}})
    judged = World(Intent(FLEET)).filter_of(alone)
    routes = World(Intent(FLEET)).routes_of(HOST)
    return {
        "filters": [rule.text for rule in judged.lets_in] if judged else [],
        "routes": [route.interface for route in routes if route.interface == "mgt0"],
    }


def without_a_router() -> list[str]:
    """What is wrong with a fleet in which no interface has the gateway of one of the host's networks."""
    lan = next(i for i in HOST.interfaces if i.name == "lan0")
    moved = lan.model_copy(update={"addresses": (IPv4Interface("10.63.10.2/24"),)})
    host = HOST.model_copy(update={"interfaces": tuple(moved if i is lan else i for i in HOST.interfaces)})
    fleet = FLEET.model_copy(update={"hosts": tuple(host if h is HOST else h for h in FLEET.hosts)})
    return [p.what for p in problems_of_roles(Fleet.model_validate(fleet.model_dump())) if p.rule == "gateway-host"]


def told_of_ipv6() -> tuple[str, ...]:
    """What the role does not serve on the host, if that had an address of IPv6."""
    first, *others = HOST.interfaces
    both = first.model_copy(update={"addresses": (*first.addresses, IPv6Interface("2001:db8::2/64"))})
    return catalogue()[ROLE].unserved(HOST.model_copy(update={"interfaces": (both, *others)}), FLEET)


def in_the_lab() -> Any:
    lab = Rehearsal(
        automation_key="ssh-ed25519 AAAA", look_key="ssh-ed25519 AAAB", nameserver=IPv4Address("198.51.100.53")
    )
    return lab_overlay(FLEET, lab, {HOST.name: "ssh-ed25519 AAAA"}).host(HOST.name).samdrift[ROLE]


def installed() -> dict[str, str]:
    """What the lab's installer leaves on the host because of this role."""
    files = installer_files(
        HOST,
        Intent(FLEET),
        user_key="",
        host_key=("", ""),
        nameserver=IPv4Address("198.51.100.53"),
        tunnel_key="made by the lab",
    )
    return {path: content for path, (content, _) in files.items() if ROLE in path}


def first_router() -> str:
    return network_files(HOST, Intent(FLEET)).get("usr/lib/systemd/system/lab-first-router.service", "")


@dataclass
class Session:
    """A host on which every command succeeds and says nothing."""

    hosts: Sequence[Host]
    settings: Mapping[str, Mapping[str, Settings]]
    unreachable: Mapping[str, str] = field(default_factory=dict)
    only_looks: frozenset[str] = frozenset()

    def kept_open(self, _host: str) -> AbstractContextManager[None]:
        return nullcontext()

    def ask(self, host: str, commands: Sequence[str], *, within: float | None = None) -> list[Answer]:  # noqa: ARG002  as checks ask
        return [Answer(rc=0, stdout="", stderr="") for _ in commands]


def verified() -> list[str]:
    """The checks that ran on a host that has the role alone."""
    host = HOST.model_copy(update={"context": {"samdrift": {**HOST.samdrift, "roles": {ROLE: True}}}})
    session = Session(hosts=[host], settings={HOST.name: Intent(FLEET).settings(HOST, [ROLE])})
    return [check.name for check in verify(session, FLEET)]


def sudo_rules() -> list[str]:
    """What sudo on the host lets somebody run who is granted the role's duty."""
    day = date(2026, 1, 1)
    given = Grant(function="measurer", duties=(f"{ROLE}.measuring",), of=(HOST.tenant,), since=day)
    person = Person(
        name="maja", full_name="Maja", home=HOST.tenant, since=day, keys=("ssh-ed25519 AAAA",), grants=(given,)
    )
    found = Intent(FLEET.model_copy(update={"people": People(everybody=(person,))})).of(HOST, "base")
    assert isinstance(found, base.Settings), found
    return [rule for duty in found.duties for rule in duty.sudo]


def adopted() -> dict[str, Any]:
    """What the role proposes for a host on which a program listens at another port, and what it would end there."""
    seen = Survey(sockets=(Socket(protocol="tcp", address="", port=5299, program="iperf3"),))
    role, settings = catalogue()[ROLE], Intent(FLEET).settings(HOST)[ROLE]
    return {"adopts": role.adopts(settings, seen), "loses": [loss.what for loss in role.loses(settings, seen)]}


def tried() -> list[str]:
    """Where monitoring tries the role's host."""
    of_probes = Intent(FLEET).of(FLEET.host("tie-mon1"), "probes")
    assert isinstance(of_probes, probes.Settings), of_probes
    return [t.target for tries in of_probes.tries for t in tries.targets if t.target.endswith(":5202")]


def shown_certificates() -> list[str]:
    """The certificates that the authority signs for the role's host, each with where it is shown."""
    shown = catalogue()[ROLE].issued(Intent(FLEET).required(HOST, ROLE))
    return [f"{one.certificate} at {one.address}:{one.port}" for one in shown]


ASKED: Mapping[str, Callable[[], object]] = {
    "settings": settings,
    "checks": verified,
    "listens": lambda: rules("input"),
    "PLATFORMS": on_debian_12,
    "AFTER": order,
    "OWNS": unmanaged,
    "PROTECTS": severity_of_drift,
    "SWEDISH": lambda: manifest_now().role(ROLE).swedish.summary,
    "CONTROLS": controls,
    "CONTROL_TITLES": controls,
    "FORWARDED": let_in,
    "ways_out": let_out,
    "asks": let_ask,
    "probed": tried,
    "issued": shown_certificates,
    "forwards": lambda: rules("forward"),
    "exemptions": lambda: rules("origin"),
    "filters": lambda: reached()["filters"],
    "routes": lambda: reached()["routes"],
    "adopts": lambda: adopted()["adopts"],
    "loses": lambda: adopted()["loses"],
    "shared_addresses": lambda: [*map(str, _shared(HOST)), *without_a_router()],
    "SHARING_PROGRAM": first_router,
    "left": lambda: catalogue()[ROLE].left(Intent(FLEET).settings(HOST)[ROLE].model_copy(update={"port": 80})),
    "unserved": told_of_ipv6,
    "DUTIES": sudo_rules,
    "MAKES": lambda: expected("stray"),
    "expects": lambda: expected("module"),
    "SEARCHES": found_by_search,
    "BACKS_UP": lambda: dict(catalogue()[ROLE].backs_up),
    "in_lab": in_the_lab,
    "LAB_CACHES": lambda: tuple(kept(HOST, Path("/lab"))),
    "LAB_STORE": lambda: tuple(kept(HOST, Path("/lab"))),
    "LAB_FILES": installed,
    "LAB_PACKAGES": lambda: "iperf3" in packages(),
    "TUNNEL_KEY": installed,
}


def _shared(host: Host) -> Iterator[IPv4Address]:
    return (shared.address for shared in shared_addresses(host, Intent(FLEET)))


@contextmanager
def unsaid(module: ModuleType, name: str) -> Iterator[None]:
    """The role as if it did not say this."""
    said = getattr(module, name)
    delattr(module, name)
    catalogue.cache_clear()
    try:
        yield
    finally:
        setattr(module, name, said)
        catalogue.cache_clear()


def main() -> None:
    """Ask everything, with the role as it is, and without what is asked about."""
    module = importlib.import_module(f"roles.{ROLE}")
    answers: dict[str, dict[str, object]] = {}
    for name, ask in ASKED.items():
        answers[name] = {"said": ask()}
        if name not in {"settings", "checks", "listens"}:  # without which there is nothing to ask
            with unsaid(module, name):
                answers[name]["unsaid"] = ask()
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
