"""The names of checks that a record keeps are those that a run of the checks gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from deploy.transport.ssh import Answer
from deploy.verify.names import checks_of, in_words
from deploy.verify.run import verify
from inventory import snapshot
from inventory.fleet import Host
from roles.shared.intent import Intent
from roles.shared.settings import Settings


class _NotAsked:
    """A session whose hosts are asked nothing: every check ends at its first question, named and without a failure."""

    only_looks: frozenset[str] = frozenset()

    def __init__(self, hosts: Sequence[Host], settings: Mapping[str, Mapping[str, Settings]]) -> None:
        self.hosts, self.settings = hosts, settings
        self.unreachable: Mapping[str, str] = {}

    def kept_open(self, _host: str) -> AbstractContextManager[None]:
        return nullcontext()

    def ask(self, host: str, commands: Sequence[str], *, within: float | None = None) -> list[Answer]:  # noqa: ARG002
        pytest.skip("not applicable: nobody is asked here")


@pytest.mark.long
def test_every_check_that_runs_is_named_as_the_record_names_it() -> None:
    fleet = snapshot.load(snapshot.DEFAULT)
    intent, hosts, roles = Intent(fleet), list[Host](), set[str]()
    for host in fleet.hosts:  # the first host of each role will do
        if not roles.issuperset(host.roles):
            hosts.append(host)
            roles |= set(host.roles)
    session = _NotAsked(hosts, {h.name: intent.settings(h) for h in hosts})

    ran: dict[str, set[str]] = {}
    for check in verify(session, fleet, ahead=False):
        ran.setdefault(check.role, set()).add(check.name.partition(" [")[0])

    assert ran == {role: set(checks_of(role)) for role in roles}


def test_checks_stand_in_the_order_of_their_file(tmp_path: Path) -> None:
    (tmp_path / "test_time.py").write_text(
        "def test_b_c():\n    pass\ndef helper():\n    pass\ndef test_a():\n    pass\n"
    )
    assert checks_of("time", tmp_path) == ("b c", "a")
    assert in_words("test_b_c") == "b c"


@pytest.mark.parametrize("text", [None, "def test_(:", "\0"])
def test_checks_that_cannot_be_read_stop_no_record(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "test_time.py").write_text(text)
    assert checks_of("time", tmp_path) == ()
