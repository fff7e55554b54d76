"""Sessions by NETCONF with switches of Junos, and what is different of them. On emulated devices.

That they are planned, applied, guarded and lost as by their command line is in `test_devices`; what a real NETCONF
server makes of the same operations, in `test_netconf`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.engine.apply import Apply
from deploy.engine.results import ApplyResult
from deploy.engine.session import Session
from deploy.model.findings import Kind
from deploy.model.plan import HostPlan
from deploy.model.words import evidence_in_words
from deploy.transport.netconf_connection import NetconfConnection
from deploy.transport.ssh import Access, HostLost
from inventory import snapshot
from inventory.fleet import Fleet, Host
from inventory.organisation import Platform
from roles.shared.intent import Intent
from tests.applying import nothing_to_check, plan_of
from tests.emulator.device import Device
from tests.emulator.dialects import device
from tests.emulator.samples import SAMPLES
from tests.emulator.server import EmulatedDevices
from tests.integration.devices import DECLARES_TEXT, Login, Rack, rack
from tests.integration.lab import samdrift
from tests.integration.test_device_checks import in_the_rack, with_secrets
from tests.sshd import fleet_of, free_port, keygen
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryJournal

MakeRole = Callable[[str, str], None]

SERVED = "set system services netconf ssh\n"
CONFIGURATION = SAMPLES["junos"].configuration + SERVED
ROLE = f"""{DECLARES_TEXT}
MANAGED = {{"junos": (("system", "host-name"), ("vlans",), ("system", "services"))}}
"""
WANTED = "set system host-name sw1\nset vlans personal vlan-id 30\nset system services netconf ssh\n"
WANTED += "set system services ssh\n"
MINUTE = 2.0


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Login:
    path = tmp_path_factory.mktemp("login") / "key"
    return Login(path, keygen(path))


@contextmanager
def session(at: Rack, **changes: object) -> Iterator[NetconfConnection]:
    host = at.host(context={"samdrift": {"transport": "netconf", "netconf_port": at.port}})
    connection = NetconfConnection(host, at.access(**changes), at.vendor)
    connection.open()
    try:
        yield connection
    finally:
        connection.close()


def test_a_switch_says_by_netconf_what_it_says_on_its_command_line(login: Login) -> None:
    with rack(login, "junos", CONFIGURATION) as at, session(at) as one, at.session() as line:
        commands = [at.vendor.show, "show system commit", "show nonsense"]
        by_netconf, typed = one.ask(commands), line.ask(commands)
        assert [a.stdout for a in by_netconf[:2]] == [a.stdout for a in typed[:2]]
        assert [a.rc for a in by_netconf] == [a.rc for a in typed] == [0, 0, 1]
        assert one.came_in is not None
        assert one.came_in.netconf_port == at.port


@pytest.mark.parametrize("statement", ["set systemm x y", "set interfaces ge-0/0/1 unit"])
def test_a_refused_statement_leaves_nothing_in_force_and_the_configuration_free(login: Login, statement: str) -> None:
    with rack(login, "junos", CONFIGURATION) as at, session(at) as one:
        before = at.device.configuration
        done = one.configure(["set vlans personal vlan-id 30", statement, "set vlans other vlan-id 31"], minutes=1)
        assert (done.rc, done.taken) == (1, 0)
        assert done.stderr.startswith("refused: ")
        assert at.device.configuration == before
        assert at.device.timer is None
        with at.session() as line:
            assert line.configure(["set vlans personal vlan-id 30"], minutes=None).rc == 0


def test_a_commit_says_why(login: Login) -> None:
    with rack(login, "junos", CONFIGURATION) as at:
        with session(at, reason="CHG 17: <nät> & mer") as one:
            assert one.configure(["set system host-name sw2"], minutes=5).rc == 0
        with session(at, reason="CHG 17") as one:
            assert one.confirm().rc == 0
        assert at.device.remarks_of_commits == ["CHG 17: nat mer", "CHG 17"]


def test_the_removal_of_what_is_not_there_is_no_refusal_and_any_other_warning_is(login: Login) -> None:
    with rack(login, "junos", CONFIGURATION) as at, session(at) as one:
        done = one.configure(["delete vlans nobody", "set vlans personal vlan-id 30"], minutes=None)
        assert (done.rc, done.stdout) == (0, "warning: statement not found: nobody ([edit])\n")
        at.device.remarks = [("mtu", "warning: this platform has no such thing")]
        refused = one.configure(["set interfaces ge-0/0/1 mtu 9000"], minutes=None)
        assert (refused.rc, refused.stderr) == (1, "refused: this platform has no such thing")
        assert "mtu 9000" not in at.device.configuration


@pytest.mark.parametrize(
    ("held", "why"), [("locked", "configuration database locked by"), ("changed", "configuration database modified")]
)
def test_while_somebody_else_has_the_configuration_nothing_is_written(login: Login, held: str, why: str) -> None:
    with rack(login, "junos", CONFIGURATION) as at, session(at) as one:
        if held == "locked":
            at.device.drafted_by = "somebody"
        else:
            at.device.changed_by_others = "configuration database modified"
        before, at.device.typed = at.device.configuration, []
        refused = one.configure(["set vlans personal vlan-id 30"], minutes=1)
        assert (refused.rc, refused.taken, why in refused.stderr) == (1, 0, True)
        assert (at.device.configuration, at.device.typed) == (before, [])


def test_a_switch_that_says_nothing_more_is_lost_in_time(login: Login) -> None:
    with rack(login, "junos", CONFIGURATION) as at:
        host = at.host(context={"samdrift": {"transport": "netconf", "netconf_port": at.port}})
        one = NetconfConnection(host, at.access(command_timeout=0.5), at.vendor)
        one.open()
        at.device.stall(at="set vlans")
        with pytest.raises(HostLost, match=r"not taken within 0\.5 s"):
            one.configure(["set vlans personal vlan-id 30"], minutes=None)
        assert "personal" not in at.device.configuration


@pytest.mark.parametrize(
    ("role", "why"),
    [("primary:node0", "node of a chassis cluster"), ("linecard:1", "not the master of its virtual chassis")],
)
def test_what_a_prompt_tells_of_a_member_or_a_node_is_told_by_netconf_too(login: Login, role: str, why: str) -> None:
    with rack(login, "junos", CONFIGURATION, modes={"role": role}) as at:
        with pytest.raises(HostLost) as by_netconf, session(at):
            pass
        with pytest.raises(HostLost) as by_prompt, at.session():
            pass
        assert why in by_netconf.value.what
        assert why in by_prompt.value.what


def test_a_switch_with_no_netconf_is_lost_with_what_to_type(login: Login) -> None:
    with rack(login, "junos") as at, pytest.raises(HostLost) as lost, session(at):
        pass
    assert "set system services netconf ssh" in str(lost.value.fix)


def test_an_account_that_may_only_look_is_shown_no_secret_and_changes_nothing(login: Login) -> None:
    key = f'set system login user looker authentication ssh-ed25519 "{login.public}"\n'
    rights = "".join(f"set system login class looks permissions {p}\n" for p in ("view", "view-configuration"))
    account = f"{rights}set system login user looker class looks\n{key}"
    server = 'set system tacplus-server 10.0.0.1 secret "$9$abc"\n'
    with rack(login, "junos", CONFIGURATION + account + server) as at, session(at, user="looker") as one:
        (shown,) = one.ask([at.vendor.show])
        assert (shown.rc, "abc" in shown.stdout, "SECRET-DATA" in shown.stdout) == (0, False, True)
        before = at.device.configuration
        refused = one.configure(["set vlans personal vlan-id 30"], minutes=1)
        assert (refused.rc, refused.stderr) == (1, "its configuration is not free: permission denied")
        assert at.device.configuration == before


class Place:
    """A switch that is talked to by NETCONF, and a fleet that wants it as `WANTED`."""

    def __init__(self, switch: Device, fleet: Fleet, access: Access) -> None:
        self.switch, self.fleet, self.access = switch, fleet, access

    def session(self) -> Session:
        return Session(Intent(self.fleet), self.fleet.hosts, self.access)

    def look(self) -> HostPlan:
        with self.session() as one:
            (live,) = one.look()
        return live

    def apply(self) -> ApplyResult:
        with self.session() as one:
            plan = plan_of(self.fleet, one.look())
            return Apply(one, plan, nothing_to_check, MemoryJournal(), MemoryApplied()).go()


@pytest.fixture
def place(tmp_path: Path, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Place]]:
    """Makes the place, with what is wanted."""
    make_role("vlans", ROLE)
    monkeypatch.setattr("deploy.transport.device_session.MINUTE", MINUTE)
    authorized = keygen(tmp_path / "key")
    switch = device("junos", "sw1", CONFIGURATION, minute=MINUTE)
    port = free_port("127.0.1.1")
    with EmulatedDevices([switch], authorized, {"sw1": "127.0.1.1"}, port) as running:

        def make(wanted: str = WANTED) -> Place:
            context = {
                "roles": {"vlans": True},
                "vlans": {"text": wanted},
                "transport": "netconf",
                "netconf_port": port,
            }
            host = Host.model_validate(
                {
                    "name": "sw1",
                    "kind": "device",
                    "tenant": "tierp",
                    "site": "tierp-datahall",
                    "role": "access-switch",
                    "platform": "junos",
                    "primary_address": "127.0.1.1",
                    "host_keys": (running.host_key("sw1"),),
                    "context": {"samdrift": context},
                }
            )
            fleet = fleet_of(host)
            cli = Platform(slug="junos", name="Junos", family="cli")
            access = Access(key_file=tmp_path / "key", port=1, connect_timeout=5, guard_seconds=60)
            return Place(switch, fleet.model_copy(update={"platforms": (*fleet.platforms, cli)}), access)

        yield make


def test_a_change_that_an_earlier_run_left_unconfirmed_is_told(place: Callable[..., Place]) -> None:
    at = place()
    with at.session() as one:
        one.look()
        connection = one._connections["sw1"]
        assert isinstance(connection, NetconfConnection)
        assert connection.configure(["set vlans personal vlan-id 30"], minutes=5).rc == 0
    assert at.look().armed == "rollback pending"


def test_the_netconf_server_that_samdrift_came_by_stays_where_it_listens(place: Callable[..., Place]) -> None:
    at = place(WANTED.replace("netconf ssh", "netconf ssh port 2222"))
    before = at.switch.configuration
    done = at.apply()
    (found,) = done.findings
    assert found.kind is Kind.REFUSED
    assert any("set system services netconf ssh" in evidence_in_words(each) for each in found.evidence)
    assert at.switch.configuration == before


# The real program, which a person runs.


def test_the_program_plans_applies_verifies_and_looks_again_by_netconf(tmp_path: Path) -> None:
    port = free_port("127.63.1.4")
    with in_the_rack(("heb-sw1", "heb-fw1"), tmp_path / "key", port) as (shipped, devices):
        by_netconf = [
            h.model_copy(update={"context": _with(h.context, transport="netconf", netconf_port=port)})
            if h.name == "heb-sw1"
            else h
            for h in shipped.hosts
        ]
        fleet = shipped.model_copy(update={"hosts": tuple(by_netconf)})
        snapshot.dump(fleet, tmp_path / "fleet")
        with_secrets(fleet, [fleet.host("heb-sw1")], tmp_path)
        switch = devices["heb-sw1"]
        switch.running = switch.grammar.load(f"{switch.configuration}set system services netconf ssh port {port}\n")

        def run(*arguments: str, expect: int) -> Any:
            options = {"source": "fleet", "state": "state", "key": "key", "identity": "identity"}
            said = [text for name, file in options.items() for text in (f"--{name}", str(tmp_path / file))]
            return samdrift(*said, "--limit", "heb-sw1", *arguments, expect=expect)

        applied = run("apply", "--yes", expect=0)
        assert [(h["host"], h["outcome"]) for h in applied["hosts"]] == [("heb-sw1", "changed")]
        assert {c["outcome"] for c in applied["checks"]} == {"passed"}
        assert f"set system services netconf ssh port {port}\n" in switch.configuration
        (again,) = run("plan", expect=0)["plan"]["hosts"]
        assert [step["commands"] for step in again["steps"]] == [[]]
        assert switch.timer is None
        assert not any(line.startswith(("configure", "commit")) for line in switch.typed)  # nobody typed anything


def _with(context: dict[str, Any], **more: Any) -> dict[str, Any]:
    return context | {"samdrift": context["samdrift"] | more}
