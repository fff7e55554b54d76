"""The main job on the lab's real hosts, from empty disks to the report, through the command line as a user has it.

The tests of this module are one story and run in this order on one lab: each leaves it as the next expects it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

import pytest
from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all, disconnect_all

from deploy.engine.session import Session
from deploy.lab.lab import Lab
from deploy.lab.wiring import lab_hosts
from deploy.model.plan import HostPlan
from deploy.model.plan_file import read_plan_file
from inventory.fleet import Fleet, Host
from inventory.groups import known_hosts
from inventory.paths import CODE
from inventory.secrets import secrets_in
from inventory.snapshot import dump, load
from roles.shared.intent import Intent
from tests.audit.exposure import SCRIPT, exposures, too_exposed
from tests.audit.ports import LISTENING, declared, knock, listening
from tests.audit.results import KINDS
from tests.audit.ssh import failures
from tests.integration.lab import DEPLOYED, NETBOX, by_hand, program, samdrift, tell
from tests.stock import our_commands, stock_commands
from tests.unit.hostile import PERSON, WORST, sound, write
from tests.unit.inventory.netbox_rows import rows_of

pytestmark = pytest.mark.lab


ALL = ("--lab", "--limit", f"not {NETBOX}")
"""The whole lab, but for the NetBox that may be deployed meanwhile."""
EDGE, RESOLVER, LOST, COMPARED = "heb-gw1", "tie-dns2", "ost-gw1", "tie-log1"


@pytest.fixture(scope="module")
def lab(empty_lab: Fleet) -> Fleet:
    return empty_lab


def look(fleet: Fleet, host: str) -> HostPlan:
    with Session(Intent(fleet), [fleet.host(host)], Lab().access(), vault=Lab().vault()) as session:
        return session.look()[0]


def stock(fleet: Fleet, name: str, directory: Path) -> dict[str, list[str]]:
    """What stock pyinfra computes for this host, over its own SSH connector and with its own sudo."""
    host, access = fleet.host(name), Lab().access()
    known = directory / "known_hosts"
    known.write_text(known_hosts([host]))
    secrets = secrets_in(dict(Intent(fleet).settings(host)))
    data = {
        "veil": Lab().vault().open(dict.fromkeys(secrets, "a test")),
        "ssh_hostname": str(host.address),
        "ssh_user": access.user,
        "ssh_key": str(access.key_file),
        "ssh_known_hosts_file": str(known),
    }
    state = State(Inventory(([(name, data)], {})), Config(SUDO=True))
    connect_all(state)
    try:
        return stock_commands(state, fleet, name)
    finally:
        disconnect_all(state)


def test_an_empty_host_is_planned_as_stock_pyinfra_would(lab: Fleet, tmp_path: Path) -> None:
    plan = look(lab, COMPARED)
    assert plan.changes
    assert our_commands(plan) == stock(lab, COMPARED, tmp_path)


def test_every_empty_host_converges_in_one_apply_and_passes_its_checks(lab: Fleet, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    samdrift("--lab", "plan", "--out", str(plan))
    assert all(host.changes for host in read_plan_file(plan).plan.hosts)

    def hear(progress: str) -> None:
        if progress.startswith("wave 3: "):  # the edges' turn: Tierp's servers are deployed and well
            tell(DEPLOYED)

    record = samdrift("--lab", "apply", str(plan), "--yes", hear=hear)
    assert Counter(h["outcome"] for h in record["hosts"]) == {"changed": len(lab_hosts(lab))}
    outcomes = Counter(c["outcome"] for c in record["checks"])
    assert outcomes["passed"] > 40 * len(lab_hosts(lab))
    assert outcomes["failed"] == 0
    assert all(c["detail"] for c in record["checks"] if c["outcome"] == "not applicable")


def test_every_role_applied_twice_changes_nothing_the_second_time(lab: Fleet) -> None:
    hosts = samdrift(*ALL, "plan", "--detailed-exitcode")["plan"]["hosts"]
    assert {h["host"] for h in hosts} == {h.name for h in lab_hosts(lab)}
    for host in hosts:
        assert [s["name"] for s in host["steps"] if s["commands"]] == []
        assert len(host["steps"]) >= 60
        assert host["execs"] <= 3
        assert host["unmanaged"] == []


def test_ssh_audit_finds_no_failure_on_any_host(lab: Fleet) -> None:
    assert {h.name: failures(str(h.address), 22) for h in lab_hosts(lab)} == {h.name: [] for h in lab_hosts(lab)}


def test_no_service_may_do_more_than_it_needs_on_any_kind_of_host(lab: Fleet) -> None:
    found = {host.name: too_exposed(exposures(by_hand(host.name, SCRIPT))) for host in of_each_kind(lab)}

    assert not any(found.values()), found


def of_each_kind(lab: Fleet) -> list[Host]:
    """A host of each kind that is audited; NetBox's is in the lab only where it is named."""
    return [host for host in lab_hosts(lab) if host.name in KINDS.values()]


def test_only_ports_that_roles_declare_for_a_neighbour_answer_it(lab: Fleet) -> None:
    intent, neighbour = Intent(lab), lab.host(RESOLVER)
    audited = {h.address: h for h in of_each_kind(lab)}
    asked = {address: {p for _, p in listening(by_hand(h.name, LISTENING))} for address, h in audited.items()}
    said = by_hand(RESOLVER, "".join(knock(address, ports) for address, ports in asked.items()))
    answered = {(ip_address(address), ("tcp", int(port))) for address, port in map(str.split, said.splitlines())}

    assert all(asked.values())
    assert answered, "the neighbour was let in nowhere"
    for address, port in answered:
        assert port in declared(audited[address], intent, neighbour.address), f"{audited[address].name} {port}"


@pytest.mark.long
def test_a_converged_host_is_planned_as_stock_pyinfra_would(lab: Fleet, tmp_path: Path) -> None:
    assert our_commands(look(lab, COMPARED)) == stock(lab, COMPARED, tmp_path)


@pytest.mark.long
def test_three_changes_by_hand_are_three_findings_and_apply_mends_them(lab: Fleet) -> None:
    by_hand(EDGE, 'echo "PermitTunnel yes" >> /etc/ssh/sshd_config')
    by_hand(EDGE, "systemctl stop chrony.service")
    by_hand(RESOLVER, "nft add rule inet samdrift input tcp dport 8080 accept")
    findings = samdrift(*ALL, "drift", expect=2)["findings"]
    assert [(f["kind"], f["host"], f["municipality"], f["role"], f["step"]) for f in findings] == [
        ("drift", EDGE, "heby", "base", "file /etc/ssh/sshd_config"),
        ("drift", EDGE, "heby", "time", "chrony.service running"),
        ("drift", RESOLVER, "tierp", "firewall", "nftables ruleset in force"),
    ]
    assert "-PermitTunnel yes" in findings[0]["detail"]
    assert "dport 8080 accept" in findings[2]["detail"]
    changed = {h["host"]: h["outcome"] for h in samdrift(*ALL, "apply", "--yes")["hosts"]}
    assert {host for host, outcome in changed.items() if outcome == "changed"} == {EDGE, RESOLVER}
    assert samdrift(*ALL, "drift")["findings"] == []


@pytest.mark.long
def test_a_drifted_host_is_planned_as_stock_pyinfra_would_and_as_before_once_mended(lab: Fleet, tmp_path: Path) -> None:
    by_hand(COMPARED, "rm /etc/rsyslog.conf; chmod 600 /etc/issue.net; systemctl stop rsyslog.service")
    plan = look(lab, COMPARED)
    assert len([s for s in plan.changes if not s.handler]) == 3
    assert our_commands(plan) == stock(lab, COMPARED, tmp_path)
    samdrift("--lab", "--limit", COMPARED, "apply", "--yes")
    assert look(lab, COMPARED).changes == ()


def test_a_plan_that_a_host_moved_away_from_is_stale_and_writes_nothing(lab: Fleet, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    by_hand(EDGE, "rm /etc/motd")
    samdrift("--lab", "--limit", EDGE, "plan", "--out", str(plan))
    by_hand(EDGE, "systemctl stop chrony.service")
    record = samdrift("--lab", "--limit", EDGE, "apply", str(plan), "--yes", expect=5)
    assert [h["outcome"] for h in record["hosts"]] == ["stale"]
    assert {s.name for s in look(lab, EDGE).changes} >= {"file /etc/motd", "chrony.service running"}
    samdrift("--lab", "--limit", EDGE, "apply", "--yes")


def test_a_host_with_a_wrong_key_is_refused_and_told_where_to_look(lab: Fleet) -> None:
    other = lab.host(RESOLVER).host_keys
    liar = lab.host(EDGE).model_copy(update={"host_keys": other})
    fleet = lab.model_copy(update={"hosts": tuple(liar if h.name == EDGE else h for h in lab.hosts)})
    plan = look(fleet, EDGE)
    assert "host key" in plan.error
    assert f"host {EDGE}, field host_keys" in plan.error
    assert plan.steps == ()


@pytest.mark.long
def test_a_host_that_is_cut_off_is_unknown_and_the_others_are_reported(lab: Fleet) -> None:
    samdrift("lab", "cut", LOST)
    try:
        record = samdrift(*ALL, "drift", expect=3)
    finally:
        samdrift("lab", "mend", LOST)
    assert [(f["kind"], f["host"]) for f in record["findings"]] == [("unknown", LOST)]
    outcomes = {h["host"]: h["outcome"] for h in record["hosts"]}
    assert outcomes.pop(LOST) == "unknown"
    assert set(outcomes.values()) == {"in sync"}


def test_the_report_holds_every_host_finding_and_check_and_needs_nothing_but_itself(lab: Fleet, tmp_path: Path) -> None:
    samdrift("--lab", "report", "--out", str(tmp_path))
    page, document = (tmp_path / "report.html").read_text(), json.loads((tmp_path / "report.json").read_text())
    for host in lab.hosts:
        assert host.name in page
    assert LOST in json.dumps(document)
    assert "<svg" in page
    assert "<script" not in page
    assert 'src="http' not in page


def test_pyinfra_itself_runs_a_command_on_the_fleet_and_believes_no_other_key(lab: Fleet, tmp_path: Path) -> None:
    own_pyinfra = [program("pyinfra"), str(CODE / "inventory" / "hosts.py"), "-y"]
    access = Lab().access()

    def said(fleet: Fleet) -> str:
        dump(fleet, tmp_path / "snapshot")
        own = {"SAMDRIFT_SOURCE": str(tmp_path / "snapshot"), "SAMDRIFT_USER": access.user}
        done = subprocess.run(
            [*own_pyinfra, "--limit", "municipality_heby", "exec", "--", "hostname"],
            env=os.environ | own | {"SAMDRIFT_KEY": str(access.key_file)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    assert "Grand total" in said(lab)
    assert re.search(rf"\[{EDGE}\].*\b{EDGE}\b", re.sub(r"\x1b\[[0-9;]*m", "", said(lab)))
    strangers = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKlwf356ynlCcL7IV/q87443vtb/rwd3ZD2diwAAfpe4"
    other = lab.host(EDGE).model_copy(update={"host_keys": (strangers,)})
    refused = said(lab.model_copy(update={"hosts": tuple(other if h.name == EDGE else h for h in lab.hosts)}))
    assert "No hosts remaining" in refused


def test_one_municipality_reaches_another_only_where_a_role_says_so(lab: Fleet) -> None:
    """Real routing: the answer comes back from Heby's own network by way of Tierp's gateway, and BGP told the way."""
    with Session(Intent(lab), [lab.host("tie-gw1"), lab.host(EDGE)], Lab().access(), vault=Lab().vault()) as session:
        route, asked, across = (
            session.ask("tie-gw1", ["ip -4 route get 10.63.10.1"])[0].stdout,
            session.ask(EDGE, ["timeout 5 bash -c 'exec 3<>/dev/tcp/10.60.10.11/53 && echo open'"])[0].stdout,
            session.ask(EDGE, ["timeout 2 bash -c 'exec 3<>/dev/tcp/10.61.10.1/22 && echo open'"])[0].stdout,
        )
    assert "via 10.59.1.63" in route
    assert asked == "open\n"
    assert across == ""


@pytest.mark.long
def test_a_hostile_name_is_applied_as_a_name(lab: Fleet, tmp_path: Path) -> None:
    rows = rows_of(load())
    write(rows, described=WORST, person=WORST)
    fleet = sound(rows)
    assert fleet is not None
    dump(fleet, tmp_path / "inventory")
    samdrift("--lab", "--source", str(tmp_path / "inventory"), "--limit", RESOLVER, "apply", "--yes")
    assert by_hand(RESOLVER, f"getent passwd {PERSON}").split(":")[4] == WORST
    assert not Path("/tmp/harm").exists()
    assert by_hand(RESOLVER, "ls -d /tmp/harm /harm /root/harm 2> /dev/null || true") == ""
    by_hand(RESOLVER, f"userdel {PERSON}; rm -f /etc/ssh/authorized_keys/{PERSON}")
    samdrift("--lab", "--limit", RESOLVER, "apply", "--yes")
