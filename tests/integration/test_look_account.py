"""The account for looks on real hosts: it sees what root sees, and whoever has its key changes nothing in any way."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from deploy.lab.lab import Lab
from deploy.lab.place import STATE, lab_directory
from deploy.runs import commands as runs
from deploy.runs.invocation import Invocation
from deploy.runs.looks import look_accounts
from deploy.runs.recording import Recording
from deploy.store.opening import open_stores
from deploy.store.ports import Applied
from deploy.transport.ssh import Access, Connection
from inventory.groups import known_hosts
from roles.base import AUTOMATION
from roles.shared.intent import Intent
from roles.shared.look_program import PROGRAM
from roles.shared.parts.looks import LOOK
from tests.integration.lab import by_hand, lab_fleet, samdrift
from tests.sshd import keygen
from tests.unit.deploy.runs.test_runs import run_of
from tests.unit.deploy.store.in_memory import MemoryApplied, in_memory
from tests.ways_to_write import CONNECTIONS, WAYS, changed, seen_of

pytestmark = pytest.mark.lab

HOSTS = ("tie-gw1", "tie-cache1", "tie-log1", "tie-dns1", "tie-mon1", "heb-gw1")
"""Hosts of the lab that have each of its roles between them."""
LIMIT = " or ".join(HOSTS)
TRIED = "tie-log1"
"""The host on which everything is tried."""


@dataclasses.dataclass(frozen=True)
class Place:
    """The lab's hosts with an account for looks, a run about them, and its key."""

    run: Invocation
    key: Path
    known_hosts: Path

    def by(self, user: str) -> Invocation:
        """A run that looks as this account, whatever the hosts were given."""
        access = self.run.access.model_copy(update={"look_user": user})
        return dataclasses.replace(self.run, access=access, recording=Recording())

    def looking(self) -> Connection:
        """Whoever has the key for looks, and knows how samdrift asks."""
        access = self.run.access.for_looks(LOOK)
        return Connection(self.run.fleet.host(TRIED), access)


@pytest.fixture(scope="module")
def place(machine: None, tmp_path_factory: pytest.TempPathFactory) -> Place:
    samdrift("lab", "up")
    if any(s["commands"] for h in samdrift("--lab", "--limit", LIMIT, "plan")["plan"]["hosts"] for s in h["steps"]):
        samdrift("--lab", "--limit", LIMIT, "apply", "--yes")
    fleet, access, stores = lab_fleet(), Lab().access(), in_memory()
    assert access.look_key_file is not None
    assert isinstance(stores.applied, MemoryApplied)
    stores.applied.steps = {name: applied().last_applied(name) for name in HOSTS}
    run = dataclasses.replace(
        run_of(),
        intent=Intent(fleet),
        hosts=tuple(fleet.host(name) for name in HOSTS),
        access=access,
        vault=Lab().vault(),
        stores=stores,
    )
    return Place(run, access.look_key_file, tmp_path_factory.mktemp("look") / "known_hosts")


def applied() -> Applied:
    """What was applied to the lab's hosts, where `samdrift` keeps it."""
    return open_stores(Path(os.environ.get("SAMDRIFT_STATE") or lab_directory() / STATE)).applied


def test_a_host_that_was_given_the_account_is_looked_at_by_it(place: Place) -> None:
    hosts = place.run.hosts
    assert look_accounts(place.run.intent, place.run.stores.applied, hosts) == {h.name: LOOK for h in hosts}


@pytest.mark.long
def test_plan_drift_and_verify_come_by_it_without_being_told(place: Place) -> None:
    limit = ("--lab", "--limit", TRIED)
    (planned,) = samdrift(*limit, "plan")["plan"]["hosts"]
    assert (planned["looked_as"], planned["error"]) == (LOOK, "")
    for command in ("drift", "verify"):
        (host,) = samdrift(*limit, command)["hosts"]
        assert (host["looked_as"], host["outcome"]) == (LOOK, "in sync")
    (planned,) = samdrift(*limit, "--user", AUTOMATION, "plan")["plan"]["hosts"]
    assert planned["looked_as"] == AUTOMATION, "who names the account that changes means it"


def test_who_has_the_key_for_looks_alone_needs_no_other(place: Place) -> None:
    run = dataclasses.replace(place.run, access=Access(look_key_file=place.key), recording=Recording())
    made, _ = runs.plan(run, detailed=False)
    assert [(h.looked_as, h.error) for h in made.hosts] == [(LOOK, "")] * len(HOSTS)


def test_a_host_that_refuses_the_key_for_looks_is_unknown_and_no_other_key_is_tried(
    place: Place, tmp_path: Path
) -> None:
    keygen(tmp_path / "stranger")
    limit = ("--lab", "--limit", TRIED, "--look-key", str(tmp_path / "stranger"))
    (found,) = samdrift(*limit, "drift", expect=3)["findings"]
    assert (found["kind"], "login as samdrift-look failed: 1 key refused" in found["detail"]) == ("unknown", True)
    assert "look as the one that changes it (--user), and apply" in found["detail"]


@pytest.mark.long
def test_a_host_that_was_not_given_the_account_yet_is_looked_at_by_the_other_which_is_said(place: Place) -> None:
    known, said = applied().last_applied(TRIED), list[str]()
    applied().forget(TRIED)
    try:
        (planned,) = samdrift("--lab", "--limit", TRIED, "plan", hear=said.append)["plan"]["hosts"]
    finally:
        samdrift("--lab", "--limit", TRIED, "apply", "--yes")
    assert planned["looked_as"] == AUTOMATION
    assert f"gives them one for looks: {TRIED}" in "".join(said)
    assert applied().last_applied(TRIED) == known


def test_the_plan_is_the_same_whoever_looks(place: Place) -> None:
    by_hand(TRIED, "chmod 600 /etc/issue.net; nft add rule inet samdrift input tcp dport 8080 accept")
    try:
        by_look, by_root = (runs.plan(place.by(user), detailed=False)[0] for user in (LOOK, AUTOMATION))
    finally:
        by_hand(TRIED, "chmod 644 /etc/issue.net; nft -f /etc/nftables.conf")
    assert [(h.host, h.error) for h in by_look.hosts if h.error] == []
    assert {h.host: [s.name for s in h.changes] for h in by_look.hosts if h.changes} == {
        TRIED: ["file /etc/issue.net", "nftables ruleset in force"]
    }
    assert [(h.host, h.fingerprint, h.unmanaged) for h in by_look.hosts] == [
        (h.host, h.fingerprint, h.unmanaged) for h in by_root.hosts
    ]


@pytest.mark.long
def test_every_check_ends_as_it_does_by_root_but_for_those_that_ask_more_than_a_look_may(place: Place) -> None:
    by_look, by_root = (
        {(c.host, c.role, c.name): (c.outcome, c.detail) for c in runs.verify(place.by(user)).checks}
        for user in (LOOK, AUTOMATION)
    )
    assert by_look.keys() == by_root.keys()
    beyond = {check for check, (_, detail) in by_look.items() if "more than a look may ask" in detail}
    differ = {c: (by_look[c], by_root[c]) for c in by_look.keys() - beyond if by_look[c][0] != by_root[c][0]}
    assert differ == {}
    assert {role for _, role, _ in beyond} <= {"certificates", "netbox", "package_cache"}


def test_whoever_has_the_key_changes_nothing_in_any_way(place: Place) -> None:
    assert len(WAYS) >= 40

    def ask(script: str) -> str:
        return by_hand(TRIED, script)

    before = seen_of(WAYS, ask)
    connection = place.looking()
    connection.open()
    for way in WAYS:  # each alone, so that one that ends the look ends no other
        connection.ask([way.command])
    assert [a.stdout for a in connection.ask(CONNECTIONS)] == [""] * len(CONNECTIONS)
    connection.close()
    assert changed(before, seen_of(WAYS, ask)) == []


def ssh(place: Place, *options: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Whoever has the key for looks, by OpenSSH."""
    host = place.run.fleet.host(TRIED)
    known = place.known_hosts
    known.write_text(known_hosts([host]))
    argv = ["ssh", "-F", "/dev/null", "-i", str(place.key), "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes"]
    argv += [*options[:-1], f"{LOOK}@{host.address}", *options[-1:]]
    return subprocess.run(argv, input=given, capture_output=True, check=False, timeout=30)


@pytest.mark.parametrize("command", ["touch /tmp/way-90", "sudo -n touch /tmp/way-90", "bash -i"])
def test_the_key_runs_no_command_but_the_one_program(place: Place, command: str) -> None:
    said = ssh(place, command, given=b"touch /tmp/way-90\n")
    assert said.returncode == 77
    assert b"these are no questions" in said.stderr
    assert by_hand(TRIED, "ls /tmp/way-90 2>/dev/null || true") == ""


def test_the_key_opens_no_terminal_forwards_nothing_and_copies_no_file(place: Place) -> None:
    assert b"PTY allocation request failed" in ssh(place, "-tt", "true").stderr
    forwarded = ssh(place, "-N", "-o", "ExitOnForwardFailure=yes", "-R", "127.0.0.1:0:127.0.0.1:22", "true")
    assert forwarded.returncode == 255
    assert ssh(place, "-s", "sftp", given=b"\0\0\0\5\1\0\0\0\3").stdout == b""


@pytest.mark.parametrize("user", [LOOK, AUTOMATION])
def test_a_key_of_samdrifts_is_good_from_the_management_stations_alone(place: Place, user: str) -> None:
    key = place.key if user == LOOK else Path(str(place.run.access.key_file))
    script = (
        f"umask 077; cat > /tmp/key <<'END'\n{key.read_text()}END\n"
        "ssh -i /tmp/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
        f"{user}@127.0.0.1 true 2>&1; echo $?; rm /tmp/key"
    )
    assert "Permission denied (publickey)." in by_hand(TRIED, script)
    log = by_hand(TRIED, "journalctl -q -u ssh -n 20 -o cat --no-pager")
    assert "correct key but not from a permitted host" in log


def test_whatever_is_looked_at_is_told_of_by_sudo_in_the_journal(place: Place) -> None:
    said = by_hand(TRIED, "journalctl -q -t sudo -g COMMAND= -n 200 -o cat --no-pager").splitlines()
    assert {line.partition("COMMAND=")[2] for line in said if line.strip().startswith(LOOK)} == {PROGRAM}
