"""By which account a host is looked at: the one for looks, once it was given it, and no sooner, which is said."""

from __future__ import annotations

from copy import deepcopy

import pytest

from deploy.model.record import AppliedStep
from deploy.model.step_id import StepId
from deploy.runs.looks import look_accounts, not_given_yet
from deploy.transport.ssh import Access
from inventory.snapshot import load
from roles.shared.intent import Intent
from roles.shared.look_program import NOT_LET
from roles.shared.parts.looks import LOOK, LOOK_KEYS
from roles.shared.searches.search import Declarations, Search, Unread
from tests.unit.deploy.store.in_memory import MemoryApplied

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
GIVEN = StepId("base", f"file {LOOK_KEYS}")


def accounts(*, keys: list[str], steps: tuple[StepId, ...]) -> dict[str, str]:
    fleet = load()
    host = fleet.host("tie-log1")
    context = deepcopy(dict(host.context))
    context["samdrift"]["base"]["look_keys"] = keys
    changed = host.model_copy(update={"context": context})
    applied = MemoryApplied()
    applied.steps[host.name] = {step: AppliedStep(intent="i") for step in steps}
    return look_accounts(Intent(fleet), applied, [changed])


@pytest.mark.parametrize(
    ("keys", "steps", "found"),
    [
        ([KEY], (GIVEN,), {"tie-log1": LOOK}),
        ([KEY], (), {}),
        ([KEY], (StepId("base", "file /etc/motd"),), {}),
        ([], (GIVEN,), {}),
    ],
)
def test_a_server_is_looked_at_by_the_account_that_it_was_given_and_is_to_have(
    keys: list[str], steps: tuple[StepId, ...], found: dict[str, str]
) -> None:
    assert accounts(keys=keys, steps=steps) == found


def test_which_hosts_are_to_have_an_account_for_looks_and_were_not_given_it_yet_is_known() -> None:
    """The snapshot names a key for all servers, and by that of the management stations for devices, too."""
    fleet = load()
    intent, applied = Intent(fleet), MemoryApplied()
    hosts = [fleet.host(name) for name in ("tie-log1", "tie-dns1", "tie-sw1", "heb-fw1")]
    given = {"tie-dns1": LOOK}
    assert list(not_given_yet(intent, given, hosts)) == ["tie-log1", "tie-sw1"]
    assert look_accounts(intent, applied, hosts) == {}


def test_who_names_another_account_looks_as_that_one() -> None:
    assert Access().for_looks(LOOK).user == LOOK
    assert Access(look_user="samdrift").for_looks(LOOK).looks is False
    assert Access(look_user="anna").for_looks(LOOK).user == "anna"


def test_a_search_that_a_host_does_not_let_the_account_make_yet_says_so_and_finds_nothing() -> None:
    """A newer samdrift asks more as root than the host has in its list."""
    search = Search(kind="table", question="nft list tables", undeclared=lambda _answer, _declared: (), as_root=True)
    with pytest.raises(Unread, match="until role base is applied"):
        search.unexpected("", Declarations(), rc=NOT_LET)
