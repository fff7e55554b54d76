"""What a look keeps of a server besides what its roles declare: the configurations that they name, whole."""

from __future__ import annotations

import pytest

from deploy.engine.looking import _read_whole
from deploy.engine.unmanaged import but_for_guards
from deploy.model.plan import Unmanaged
from deploy.transport.rounds import Rounds
from deploy.transport.ssh import Answer
from inventory.fleet import Host
from roles.shared.catalogue import catalogue
from tests.unit.deploy.lab_fleet import host

GATEWAY = host("heb-gw1", ("wan0", "10.59.0.63/24"))


def test_of_a_gateway_frr_and_nftables_are_backed_up_and_of_others_nothing() -> None:
    named = {name: tuple(role.backs_up) for name, role in catalogue().items() if role.backs_up}
    assert named == {"edge_gateway": ("FRR", "nftables")}


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (Answer(rc=0, stdout="hostname heb-gw1\n", stderr=""), ["hostname heb-gw1\n"]),
        (Answer(rc=0, stdout="\n", stderr=""), []),
        (Answer(rc=127, stdout="sh: vtysh: not found", stderr=""), []),
    ],
    ids=["it is there", "it says nothing", "there is no such program"],
)
def test_a_configuration_is_kept_as_it_is_and_one_that_is_not_there_is_none(answer: Answer, kept: list[str]) -> None:
    saw: list[tuple[Host, str, str]] = []
    rounds = Rounds(lambda commands: [answer] * len(commands))
    rounds.run([lambda: _read_whole(GATEWAY, "FRR", "vtysh", rounds, lambda *seen: saw.append(seen))])
    assert saw == [(GATEWAY, "FRR", text) for text in kept]


def test_what_an_unconfirmed_change_keeps_on_its_host_is_not_told_again() -> None:
    guards = ("/etc/systemd/system/samdrift-guard.timer", "/etc/ssh/.sshd_config.samdrift-kept~")
    others = ("/etc/systemd/system/samdrift-guards.timer", "/etc/ssh/sshd_config.samdrift-kept~")
    found = [Unmanaged(role="base", kind="stray", name=path) for path in (*guards, *others)]
    kept = Unmanaged(role="base", path="/etc/sudoers.d/.samdrift.samdrift-kept~")
    assert [thing.name for thing in but_for_guards([*found, kept], "run 7")] == list(others)
    assert but_for_guards([*found, kept], "") == [*found, kept], "nobody hides behind the name of a guard"
