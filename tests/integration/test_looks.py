"""The account that may only look: devices are planned, watched, verified and probed by it, and it changes nothing.

On emulated devices of each vendor, whose log-in and rights are those that their running configuration gives
(`tests.emulator.letting_in`, `rights`). What it is not shown is compared in a unit test.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from copy import deepcopy

import pytest

from deploy.model.findings import Exit, Kind
from deploy.model.plan import Plan
from deploy.model.plan_file import plan_file
from deploy.model.record import Record
from deploy.model.words import evidence_in_words
from deploy.runs import commands as runs
from deploy.runs.admission import admit
from deploy.runs.adopt import NotLookedAt, adopt
from deploy.runs.applying import apply
from deploy.runs.invocation import Invocation
from deploy.runs.looks import look_accounts
from deploy.runs.probe import probe
from deploy.transport.ssh import Access
from deploy.vault.made_up import MadeUp
from inventory.fleet import Fleet
from roles.shared.device.known import known_vendors
from roles.shared.intent import Intent
from tests.emulator.device import Device
from tests.emulator.dialects import command_line
from tests.emulator.grammar import applied as typed
from tests.integration.test_device_checks import in_the_rack
from tests.sshd import free_port, keygen
from tests.unit.deploy.runs.test_runs import run_of

NAMES = ("alv-sw1", "heb-sw1", "ost-sw1", "heb-fw1")
"""A switch of each vendor, and a firewall."""
LOOK = "samdrift-look"


@dataclasses.dataclass(frozen=True)
class Place:
    """Devices to which the account for looks was given, and a run that knows it."""

    run: Invocation
    devices: dict[str, Device]

    def by(self, **changes: object) -> Invocation:
        """The run, with another way in."""
        return dataclasses.replace(self.run, access=self.run.access.model_copy(update=changes))

    def of(self, name: str, **changes: object) -> Invocation:
        """The run, about one device alone."""
        return dataclasses.replace(self.by(**changes), hosts=(self.run.fleet.host(name),))

    def device(self, platform: str) -> Device:
        """The device of a platform."""
        return next(d for d in self.devices.values() if d.platform == platform)


def with_look_key(fleet: Fleet, key: str) -> Fleet:
    """The fleet, whose management station names a key for looks, and its firewall, too."""
    station = fleet.host("tie-adm1")
    context = deepcopy(station.context)
    context["samdrift"]["base"]["look_keys"] = [key]
    hosts = {station.name: station.model_copy(update={"context": context})}
    firewall = fleet.host("heb-fw1")  # of a vendor that is given the account where its own role names the keys
    context = deepcopy(firewall.context)
    context["samdrift"].setdefault("edge_firewall", {})["look_keys"] = [key]
    hosts[firewall.name] = firewall.model_copy(update={"context": context})
    return fleet.model_copy(update={"hosts": tuple(hosts.get(h.name, h) for h in fleet.hosts)})


def applied(run: Invocation, planned: Plan | None = None) -> Record:
    """Apply, whatever the plan says."""
    admitted = None if planned is None else admit(run, plan_file(planned))
    return apply(run, lambda _: None, admitted, no_rollback=NAMES)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The devices, after the first apply."""
    at = tmp_path_factory.mktemp("looks")
    look_key, port = keygen(at / "look"), free_port("127.63.1.4")
    with in_the_rack(NAMES, at / "key", port) as (plain, devices):
        fleet = with_look_key(plain, look_key)
        run = dataclasses.replace(
            run_of(),
            intent=Intent(fleet),
            hosts=tuple(fleet.host(name) for name in NAMES),
            access=Access(key_file=at / "key", look_key_file=at / "look", port=port),
            vault=MadeUp(at / "secrets.json"),
        )
        assert look_accounts(run.intent, run.stores.applied, run.hosts) == {}, "nobody was given it yet"
        assert {h.host: (h.outcome, h.detail) for h in applied(run).hosts} == dict.fromkeys(NAMES, ("changed", ""))
        yield Place(run, devices)


@pytest.fixture
def place(given: Place) -> Iterator[Place]:
    """The same, and after the test as before it."""
    kept = {name: d.running for name, d in given.devices.items()}
    for emulated in given.devices.values():
        emulated.typed.clear()
    yield given
    for name, running in kept.items():
        given.devices[name].running = running


def only_looked(place: Place) -> bool:
    """Whether the account that changes devices was not there, and nothing was typed that changes anything."""
    said = [line for d in place.devices.values() for line in d.typed]
    verbs = {line.split()[0] for line in said}
    return bool(said) and verbs <= {"show", "get", "diagnose", "terminal", "set", "no", "enable"}


def test_plan_drift_verify_and_probe_go_by_the_account_that_may_only_look(place: Place) -> None:
    nobody = place.run.access.look_key_file
    run = place.by(key_file=nobody)  # whoever looks needs no other key
    assert look_accounts(run.intent, run.stores.applied, run.hosts) == dict.fromkeys(NAMES, LOOK)

    made, _ = runs.plan(run, detailed=True)
    assert [(h.host, h.error, h.changes) for h in made.hosts] == [(name, "", ()) for name in NAMES]
    hides = {h.name for h in run.hosts if known_vendors()[h.platform].looking.hides}
    assert {h.host for h in made.hosts if h.concealed} == hides
    checks = runs.verify(run).checks
    assert [(c.host, c.name, c.detail) for c in checks if c.outcome == "failed"] == []
    assert {c.host for c in checks if c.outcome == "passed"} == set(NAMES)
    found = runs.drift(run)
    assert {h.host for h in found.hosts if f"not shown to {LOOK}" in h.detail} == hides
    assert [(f.kind, f.host, f.step) for f in found.findings if f.kind is not Kind.UNMANAGED] == []
    for host in run.hosts:
        by_look = probe(run, host).judgements
        assert not [j for j in by_look if j.outcome == "refused"], host.name
        assert [(j.about.split(":")[0], j.outcome) for j in by_look] == [
            (j.about.split(":")[0], j.outcome) for j in probe(place.by(look_user="samdrift"), host).judgements
        ]
    assert only_looked(place)


def test_a_device_that_is_not_whole_to_it_is_not_backed_up_by_it_and_that_is_told_once_a_vendor(place: Place) -> None:
    run = dataclasses.replace(place.run, not_backed_up={})
    kept = {name: len(run.stores.backups.of(name)) for name in NAMES}
    for name in NAMES:
        host = run.fleet.host(name)
        hand = {"junos": "set vlans x vlan-id 999", "fortios": None}.get(host.platform, "vlan 999")
        lines = [hand] if hand else ["config system global", "set timezone 26", "end"]
        place.devices[name].running = typed(host.platform, place.devices[name].running, lines)
    runs.plan(run, detailed=False)
    more = {name: len(run.stores.backups.of(name)) - kept[name] for name in NAMES}
    assert more == {name: 0 if known_vendors()[run.fleet.host(name).platform].looking.hides else 1 for name in NAMES}
    assert len(run.not_backed_up) == 2


WRITES = {
    "arubaos-cx": (
        "configure terminal", "configure", "write memory", "copy running-config startup-config", "boot system",
        "checkpoint auto 5", "erase startup-config", "start-shell", "enable", "no vlan 1", "page",
    ),
    "cisco-ios": (
        "configure terminal", "write memory", "copy running-config flash:x", "reload", "delete flash:x", "write erase",
        "configure terminal revert timer 5", "clear counters", "debug all", "show startup-config",
    ),
    "junos": (
        "configure", "edit", "request system reboot", "request system zeroize", "start shell", "restart routing",
        "clear arp", "file delete x", "configure exclusive", "rollback 1", "ssh other",
    ),
    "fortios": (
        "config system global", "execute reboot", "execute factoryreset", "execute backup config flash x",
        "config system admin", "execute ssh 10.0.0.1", "exec reboot",
    ),
}  # fmt: skip
"""What changes a device, or leaves its command line."""


@pytest.mark.parametrize("platform", sorted(WRITES))
def test_the_account_cannot_change_the_device(place: Place, platform: str) -> None:
    emulated = place.device(platform)
    before = deepcopy(emulated.running)
    for line in WRITES[platform]:
        cli = command_line(emulated, LOOK)
        said = cli.typed(line)
        assert known_vendors()[platform].refused(said), (line, said)
        assert cli.editor is None
        assert not cli.over
        cli.typed("y")
    assert emulated.running == before
    assert emulated.timer is None
    cli = command_line(emulated, LOOK)
    assert not known_vendors()[platform].refused(cli.typed(known_vendors()[platform].show_to(looks=True)))


def test_who_names_a_user_or_looks_as_somebody_else_is_taken_at_his_word(place: Place) -> None:
    made, _ = runs.plan(place.by(look_user="samdrift"), detailed=False)
    assert [(h.host, h.error, h.concealed) for h in made.hosts] == [(name, "", ()) for name in NAMES]
    made, _ = runs.plan(place.by(look_user="nobody"), detailed=False)
    assert all("login as nobody failed" in h.error for h in made.hosts)


def test_an_account_that_a_device_lost_makes_it_unknown_and_says_what_helps(place: Place) -> None:
    switch = place.devices["alv-sw1"]
    lines = {
        "junos": [f"delete system login user {LOOK}"],
        "arubaos-cx": [f"no user {LOOK}"],
        "cisco-ios": [f"no username {LOOK}"],
    }[switch.platform]
    switch.running = typed(switch.platform, switch.running, lines)
    made, record = runs.plan(place.of("alv-sw1"), detailed=False)
    (lost,) = made.hosts
    assert f"login as {LOOK} failed" in lost.error
    assert "--look-key" in lost.error
    assert "(--user)" in lost.error
    assert record.exit_code == Exit.INCOMPLETE
    assert [h.outcome for h in applied(place.of("alv-sw1")).hosts] == ["changed"]
    made, _ = runs.plan(place.of("alv-sw1"), detailed=False)
    assert not any(h.error or h.changes for h in made.hosts)


def test_a_device_that_shows_an_account_nothing_is_unknown_and_not_all_to_be_typed(place: Place) -> None:
    """As people met it who back up by an account of a low privilege level (oxidized#677, cisco.ios#709)."""
    switch = place.device("cisco-ios")
    kept = len(place.run.stores.backups.of(switch.name))
    switch.running = typed("cisco-ios", switch.running, ["no file privilege 5"])
    made, _ = runs.plan(place.run, detailed=False)
    planned = made.host(switch.name)
    assert planned is not None
    assert "shows this account nothing of its configuration" in planned.error
    assert planned.changes == ()
    assert len(place.run.stores.backups.of(switch.name)) == kept


def test_somebodys_own_read_only_account_of_aos_cx_may_be_named(place: Place) -> None:
    """Its group as people publish one, which may not even end paging."""
    switch = place.device("arubaos-cx")
    look = f"user {LOOK} authorized-key "
    key = next(line for line in switch.running if line.startswith(look)).removeprefix(look)
    theirs = [
        "user-group read-only-ops",
        'permit cli command "show running-config"',
        'permit cli command "show startup-config"',
        "exit",
        "user backup-ops group read-only-ops password plaintext abc",
        f"user backup-ops authorized-key {key}",
    ]
    switch.running = typed("arubaos-cx", switch.running, theirs)
    made, _ = runs.plan(place.of(switch.name, look_user="backup-ops"), detailed=False)
    assert [(h.error, h.changes, h.looked_as) for h in made.hosts] == [("", (), "backup-ops")]


def test_a_plan_by_the_account_that_looks_is_applied_by_the_other_as_it_stands(place: Place) -> None:
    for emulated in place.devices.values():
        vendor = known_vendors()[emulated.platform]
        hand = {
            "junos": ["set system host-name annan"],
            "fortios": ["config system global", "set hostname annan", "end"],
        }.get(vendor.platform, ["hostname annan"])
        emulated.running = typed(emulated.platform, emulated.running, hand)
    made, _ = runs.plan(place.run, detailed=False)
    assert all(h.changes for h in made.hosts)
    done = applied(place.run, made)
    assert {h.host: (h.outcome, h.detail) for h in done.hosts} == dict.fromkeys(NAMES, ("changed", ""))


def test_a_plan_that_was_not_shown_a_difference_is_stale_and_says_how_to_plan(place: Place) -> None:
    firewall = place.devices["heb-fw1"]
    by_hand = ["config system global", "set hostname annan", "end"]
    by_hand += ["config system admin", 'edit "samdrift"', "unset vdom", "next", "end"]
    firewall.running = typed("fortios", firewall.running, by_hand)
    made, _ = runs.plan(place.of("heb-fw1"), detailed=False)
    before = firewall.configuration
    done = applied(place.of("heb-fw1"), made)
    assert [h.outcome for h in done.hosts] == ["stale"]
    assert firewall.configuration == before
    (found,) = done.findings
    assert 'config system admin / edit "samdrift"' in "\n".join(map(evidence_in_words, found.evidence))
    assert found.remedy == "read a new plan: samdrift plan --limit heb-fw1 --user samdrift"
    seen, _ = runs.plan(place.of("heb-fw1", look_user="samdrift"), detailed=False)
    assert [h.outcome for h in applied(place.of("heb-fw1"), seen).hosts] == ["changed"]


def test_adopt_looks_at_a_managed_device_by_it_too(place: Place) -> None:
    run = place.by(key_file=place.run.access.look_key_file)
    host = run.fleet.host("ost-sw1")
    assert adopt(run, host).adoption.host == "ost-sw1"
    assert only_looked(place)
    with pytest.raises(NotLookedAt, match="login as nobody failed"):
        adopt(place.by(look_user="nobody"), host)
