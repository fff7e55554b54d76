"""Never one's own way in: a change that would shut samdrift out is refused, and nothing is typed. On emulated devices.

Whom a device lets in is `tests.emulator.letting_in`'s; what a change takes away, part by part, is a unit test's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.engine.apply import Apply
from deploy.engine.results import ApplyResult
from deploy.engine.session import Session
from deploy.model.drift import plan_findings
from deploy.model.findings import Exit, Kind, exit_code
from deploy.model.plan import HostPlan
from deploy.model.words import evidence_in_words, in_words
from deploy.transport.ssh import Access, HostLost
from inventory.fleet import Fleet, Host
from inventory.organisation import Platform
from roles.shared.device.letting_in import key_hash
from roles.shared.intent import Intent
from tests.applying import nothing_to_check, plan_of
from tests.emulator.device import Device
from tests.emulator.dialects import device
from tests.emulator.server import EmulatedDevices
from tests.integration.devices import DECLARES_TEXT, Login, rack
from tests.sshd import fleet_of, free_port, keygen
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryJournal

MakeRole = Callable[[str, str], None]

ROLE = f"""{DECLARES_TEXT}
MANAGED = dict.fromkeys(PLATFORMS, ((".*",),))
"""

AT = "127.0.1.9"
STARTS: dict[str, str] = {
    "arubaos-cx": """\
hostname sw1
user samdrift group administrators password ciphertext AQB2
user samdrift authorized-key KEY
ssh server vrf default
access-list ip MANAGEMENT
    10 permit tcp 127.0.0.1 any eq ssh
    9000 deny tcp any any eq ssh
    9010 permit any any any
apply access-list ip MANAGEMENT control-plane vrf default
vlan 1
vlan 101
interface vlan 101
    ip address 127.0.1.9/24
ip route 0.0.0.0/0 127.0.1.1
""",
    "cisco-ios": """\
hostname sw1
username samdrift privilege 15 secret 9 $9$abc
vlan 101
interface Vlan101
 ip address 127.0.1.9 255.255.255.0
ip default-gateway 127.0.1.1
ip ssh version 2
ip ssh pubkey-chain
 username samdrift
  key-hash ssh-ed25519 HASH
ip access-list standard MANAGEMENT
 10 permit 127.0.0.1
line vty 0 4
 access-class MANAGEMENT in
 transport input ssh
""",
    "junos": """\
set system host-name sw1
set system login user samdrift uid 2000
set system login user samdrift class super-user
set system login user samdrift authentication ssh-ed25519 "KEY"
set system services ssh protocol-version v2
set interfaces irb unit 101 family inet address 127.0.1.9/24
set routing-options static route 0.0.0.0/0 next-hop 127.0.1.1
""",
    "fortios": """\
config system global
    set hostname "sw1"
end
config system interface
    edit "internal5"
        set vdom "root"
        set ip 127.0.1.9 255.255.255.0
        set allowaccess ping ssh
    next
end
config system admin
    edit "samdrift"
        set trusthost1 127.0.0.1 255.255.255.255
        set accprofile "super_admin"
        set vdom "root"
        set ssh-public-key1 "KEY"
        set password ENC AAAA
    next
end
config router static
    edit 1
        set gateway 127.0.1.1
        set device "internal5"
    next
end
""",
}
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGyEcPTacAAZq77B3Ulk2ToRvSZREr26Nehpt0s1RMVh"
INSTEAD: dict[str, list[tuple[str, str, str]]] = {
    "arubaos-cx": [
        ("privilege", "group administrators", "group operators"),
        ("address", "127.0.1.9/24", "127.0.1.8/24"),
        ("access", "permit tcp 127.0.0.1", "permit tcp 127.0.0.2"),
    ],
    "cisco-ios": [
        ("privilege", "privilege 15", "privilege 1"),
        ("address", "127.0.1.9 255", "127.0.1.8 255"),
        ("route", "ip default-gateway 127.0.1.1", "ip default-gateway 127.0.1.2"),
        ("service", "transport input ssh", "transport input telnet"),
    ],
    "junos": [
        ("privilege", "class super-user", "class read-only"),
        ("service", "protocol-version v2", "no-public-keys"),
    ],
    "fortios": [
        ("privilege", "super_admin", "prof_admin"),
        ("key", "KEY", OTHER),
        ("address", "set ip 127.0.1.9", "set ip 127.0.1.8"),
        ("service", "allowaccess ping ssh", "allowaccess ping"),
        ("route", "set gateway 127.0.1.1", "set gateway 127.0.1.2"),
        ("access", "trusthost1 127.0.0.1", "trusthost1 127.0.0.2"),
    ],
}
"""By vendor: a part of the way in, what of it stands in the running configuration, and what the role wants instead."""


@dataclass(frozen=True)
class Place:
    """A device, and how samdrift reaches it."""

    device: Device
    start: str
    key: str
    host: Host
    access: Access

    def wanting(self, text: str) -> tuple[Fleet, Session]:
        """The fleet in which the role wants this of the device, and a session."""
        context = {"samdrift": {"roles": {"own_way_in": True}, "own_way_in": {"text": text}}}
        of = fleet_of(self.host.model_copy(update={"context": context}))
        cli = Platform(slug=self.host.platform, name=self.host.platform, family="cli")
        of = of.model_copy(update={"platforms": (*of.platforms, cli)})
        return of, Session(Intent(of), of.hosts, self.access)

    def look(self, text: str) -> HostPlan:
        """What a plan says of it."""
        _, session = self.wanting(text)
        with session:
            (live,) = session.look()
        return live

    def apply(self, text: str) -> ApplyResult:
        """What an apply makes of it."""
        of, session = self.wanting(text)
        with session:
            plan = plan_of(of, session.look())
            return Apply(session, plan, nothing_to_check, MemoryJournal(), MemoryApplied()).go()


@pytest.fixture
def place(tmp_path: Path, make_role: MakeRole, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A device of the platform that the test is about, that lets samdrift in at the address that it has."""
    make_role("own_way_in", ROLE)
    platform = str(request.param)
    key = keygen(tmp_path / "key")
    start = STARTS[platform].replace("KEY", key).replace("HASH", key_hash(key))
    one, port = device(platform, "sw1", start), free_port(AT)
    with EmulatedDevices([one], key, {"sw1": AT}, port) as running:
        assert one.configuration == device(platform, "sw1", start).configuration, "it lets samdrift in as it is"
        data = {"name": "sw1", "kind": "device", "tenant": "tierp", "site": "tierp-datahall", "role": "access-switch"}
        keys = {"primary_address": AT, "host_keys": (running.host_key("sw1"),), "platform": platform}
        access = Access(key_file=tmp_path / "key", port=port, connect_timeout=5)
        yield Place(one, start, key, Host.model_validate({**data, **keys}), access)


every_vendor = pytest.mark.parametrize("place", sorted(STARTS), indirect=True)


@every_vendor
def test_a_change_that_would_shut_samdrift_out_is_shown_and_not_made(place: Place) -> None:
    before = place.device.configuration
    for part, old, new in INSTEAD[place.host.platform]:
        text = place.start.replace(old.replace("KEY", place.key), new)
        assert text != place.start
        (step,) = place.look(text).changes
        assert part in {lost.part for lost in step.shuts_out}, (part, old)
        if part == "privilege":
            done = place.apply(text)
            assert [(h.outcome, h.changed) for h in done.hosts] == [("failed", ())]
            assert [f.kind for f in done.findings] == [Kind.REFUSED]
    assert place.device.configuration == before
    assert place.look(place.start).changes == (), "and samdrift gets in as before"


@every_vendor
def test_a_role_that_says_nothing_of_the_way_in_takes_none_of_it_away(place: Place) -> None:
    before = place.device.configuration
    name = place.start.splitlines(keepends=True)
    text = "".join(name[:3] if place.host.platform == "fortios" else name[:1])
    live = place.look(text)
    assert (live.error, live.changes) == ("", ())
    assert [h.outcome for h in place.apply(text).hosts] == ["in sync"]
    assert place.device.configuration == before


@pytest.mark.parametrize("place", ["junos"], indirect=True)
def test_the_finding_names_what_would_go_and_what_to_do_in_both_languages(place: Place) -> None:
    text = place.start.replace("class super-user", "class read-only")
    of, session = place.wanting(text)
    with session:
        found = plan_findings(plan_of(of, session.look()), controls={})
    (finding,) = found
    assert (finding.kind, exit_code(found)) == (Kind.REFUSED, Exit.ERROR)
    assert "system login user samdrift class super-user" in finding.summary
    assert "nekad" in in_words(finding.message, "sv")
    evidence = [evidence_in_words(e, "sv") for e in finding.evidence]
    assert evidence[:2] == [
        "samdrifts konto skulle få göra mindre: system login user samdrift class super-user",
        "i stället skulle där stå: system login user samdrift class read-only",
    ]
    assert finding.remedy.endswith("samdrift plan --limit sw1")


# The emulator, which lets in whom its configuration lets in.

GONE: dict[str, tuple[str, ...]] = {
    "arubaos-cx": ("no user samdrift authorized-key",),
    "cisco-ios": ("ip ssh pubkey-chain", "no username samdrift", "exit"),
    "junos": ("delete system login user samdrift authentication",),
    "fortios": ("config system admin", 'edit "samdrift"', "unset ssh-public-key1", "next", "end"),
}


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Login:
    path = tmp_path_factory.mktemp("login") / "key"
    return Login(path, keygen(path))


@pytest.mark.parametrize("platform", sorted(GONE))
def test_whoever_takes_his_own_key_away_does_not_get_in_again(login: Login, platform: str) -> None:
    with rack(login, platform) as at:
        with at.session() as session:
            assert session.configure(GONE[platform], minutes=None).rc == 0
        with pytest.raises(HostLost, match="login as samdrift failed"):
            at.connection().open()
