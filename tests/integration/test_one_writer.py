"""One writer a host, on a real one: its lock is its own, whoever comes, from wherever; and nobody's change is lost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.engine.apply import Apply
from deploy.engine.results import ApplyResult
from deploy.engine.session import Session
from deploy.lab.lab import Lab
from deploy.model.findings import Exit, Kind
from deploy.model.observer import Quiet
from deploy.store.ports import Holder
from roles.shared.intent import Intent
from tests.applying import nothing_to_check, plan_of
from tests.integration.lab import by_hand, lab_fleet, program, samdrift
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryJournal

pytestmark = [pytest.mark.lab, pytest.mark.long]

HOST, OTHER = "tie-dns1", "tie-dns2"
FILE = "/etc/login.defs"
ONE = ("--lab", "--limit", HOST)
ROLE = ("--role", "base")
"""Needs nothing that the image has not."""
APPLY = ("apply", "--yes", "--reason", "a test of locks", *ROLE)
BO = Holder(who="bo@tie-adm2", since="2026-11-29T08:00:00.000Z", command="samdrift apply", run="0b0b0b0b")


@pytest.fixture(scope="module", autouse=True)
def lab(machine: None) -> None:
    """Two hosts as they should be."""
    samdrift("lab", "up")
    samdrift("--lab", "--limit", f"{HOST} or {OTHER}", *APPLY)


@pytest.fixture(autouse=True)
def as_it_should_be() -> Iterator[None]:
    yield
    by_hand(HOST, "rm -f /run/samdrift/lock")
    samdrift(*ONE, *APPLY)  # it looks until nothing is left to change


def locked(by: Holder, seconds: int = 600) -> None:
    """Let another run have the host."""
    text = f"'{by.run}' $(( $(cut -d. -f1 /proc/uptime) + {seconds} )) '{by.model_dump_json()}'"
    by_hand(HOST, rf"umask 077; mkdir -p /run/samdrift; printf '%s\n' {text} > /run/samdrift/lock")


def kinds(host: str) -> set[str]:
    """What a drift finds there, whatever else was applied to it."""
    argv = [program(), "--json", "--lab", "--limit", host, "drift"]
    document = subprocess.run(argv, check=False, capture_output=True, text=True).stdout
    return {found["kind"] for found in json.loads(document)["findings"]}


def something_to_do(what: str = "# by hand") -> None:
    by_hand(HOST, f"echo '{what}' >> {FILE}")


def test_a_host_that_another_run_has_is_left_alone_and_others_are_not(tmp_path: Path) -> None:
    something_to_do()
    locked(BO)
    record = samdrift("--lab", "--limit", f"{HOST} or {OTHER}", *APPLY, expect=Exit.LOCKED)
    assert {h["host"]: h["outcome"] for h in record["hosts"]} == {HOST: "skipped", OTHER: "in sync"}
    (found,) = record["findings"]
    assert (found["kind"], "bo@tie-adm2" in found["summary"]) == (Kind.LOCKED, True)
    # A look waits for nobody, and says what it cannot know.
    assert kinds(OTHER).isdisjoint({Kind.UNKNOWN, Kind.LOCKED})
    drift = samdrift(*ONE, "drift", expect=Exit.INCOMPLETE)
    assert [f["kind"] for f in drift["findings"]] == [Kind.UNKNOWN]
    assert "another run is changing it just now" in drift["findings"][0]["detail"]
    assert "--take-over 0b0b0b0b" in found["remedy"]
    state = str(tmp_path / "store")
    record = samdrift(*ONE, "--state", state, *APPLY, "--take-over", BO.run)
    assert [h["outcome"] for h in record["hosts"]] == ["changed"]
    assert by_hand(HOST, "ls /run/samdrift/lock 2> /dev/null || echo none") == "none\n"


@pytest.mark.parametrize("number", [2, pytest.param(10, marks=pytest.mark.soak)])
def test_runs_at_the_same_time_with_stores_of_their_own_change_a_host_once(tmp_path: Path, number: int) -> None:
    something_to_do()
    runs = []
    for n in range(number):
        argv = [program(), "--json", *ONE, "--state", str(tmp_path / str(n)), *APPLY]
        runs.append(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    ended = [(run.communicate(), run.returncode) for run in runs]
    codes = [code for _, code in ended]
    assert set(codes) <= {Exit.OK, Exit.LOCKED, Exit.STALE}, ended
    outcomes = [json.loads(out)["hosts"][0]["outcome"] for (out, _), _ in ended]
    assert outcomes.count("changed") == 1, outcomes
    assert set(outcomes) <= {"changed", "in sync", "skipped", "stale"}
    assert by_hand(HOST, f"ls -a /etc | grep -c '^[.].*[.]samdrift$'; tail -1 {FILE}").startswith("0\n")


def test_a_run_that_was_killed_here_holds_up_nobody(tmp_path: Path) -> None:
    something_to_do()
    argv = [program(), *ONE, "--state", str(tmp_path), *APPLY]
    held = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert held.stderr is not None
    assert any("verifying" in line for line in held.stderr)
    held.kill()
    held.communicate()
    assert json.loads(by_hand(HOST, "sed 1,2d /run/samdrift/lock"))["process"]["pid"] == held.pid
    record = samdrift(*ONE, *APPLY)
    assert {h["outcome"] for h in record["hosts"]} <= {"changed", "in sync"}


class _At(Quiet):
    """Does something just before a step is carried out."""

    def __init__(self, step: str, act: Callable[[], object]) -> None:
        self._step, self._act = step, act

    def host(self, host: str, state: str, detail: str = "") -> None:  # noqa: ARG002  the observer's signature
        if state == "step" and detail == self._step:
            self._act()


def applied(observer: Quiet) -> ApplyResult:
    fleet = lab_fleet()
    with Session(Intent(fleet), [fleet.host(HOST)], Lab().access(), observer, only_roles=["base"]) as hosts:
        plan = plan_of(fleet, hosts.look())
        return Apply(hosts, plan, nothing_to_check, MemoryJournal(), MemoryApplied()).go()


def test_what_somebody_changes_while_other_steps_run_is_not_overwritten() -> None:
    something_to_do()
    by_hand(HOST, "echo '# by hand' >> /etc/hosts")
    result = applied(_At("base: file /etc/hosts", lambda: something_to_do("# just now")))
    assert [(h.outcome, h.changed) for h in result.hosts] == [("failed", ("base: file /etc/hosts",))]
    (found,) = result.findings
    assert (found.kind, found.step) == (Kind.STALE, f"file {FILE}")
    assert by_hand(HOST, f"tail -2 {FILE}") == "# by hand\n# just now\n"
