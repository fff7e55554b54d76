"""Waves come in the order that the data says, hold every host once, and do not depend on the order of the list."""

from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.model.waves import Candidate, Order, order_of, waves
from inventory.fleet import Host
from inventory.rules.gates import Gates
from inventory.snapshot import load


def host(number: int, wave: int) -> Host:
    return Host(
        name=f"tie-h{number}",
        kind="vm",
        tenant="tierp",
        site="s",
        role="server",
        platform="debian-13",
        context={"samdrift": {"wave": wave}},
    )


@given(st.lists(st.integers(0, 4), max_size=12))
def test_every_host_is_in_one_wave_and_no_wave_comes_before_a_lower_one(numbers: list[int]) -> None:
    hosts = [host(i, wave) for i, wave in enumerate(numbers)]
    groups = waves(hosts)
    assert sorted(h.name for g in groups for h in g) == sorted(h.name for h in hosts)
    assert [g[0].wave for g in groups] == sorted(set(numbers))
    assert all(len({h.wave for h in g}) == 1 for g in groups)
    assert waves(hosts[::-1]) == groups


ROLES = st.frozensets(st.sampled_from(["base", "dns", "mail", "web"]), max_size=3)
GROUPS = st.frozensets(st.sampled_from(["a", "b"]), max_size=2)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(ROLES, GROUPS), min_size=1, max_size=10),
    st.builds(Gates, canaries=st.booleans(), at_once=st.integers(0, 3)),
)
def test_batches_hold_every_host_once_and_none_that_must_be_apart(
    drawn: list[tuple[frozenset[str], frozenset[str]]], gates: Gates
) -> None:
    left = {f"tie-h{n}": Candidate(host(n, 10), roles) for n, (roles, _) in enumerate(drawn)}
    order = Order(gates, {f"tie-h{n}": groups for n, (_, groups) in enumerate(drawn)})
    proved: set[str] = set()
    while left:
        batch = order.batch(left.values(), proved)
        assert batch == order.batch([*left.values()][::-1], proved)
        changing = [c for c in batch if c.roles]
        unproved = [r for c in changing for r in c.roles - proved if gates.canaries]
        groups = [g for c in changing for g in order.redundant[c.name]]
        assert len(unproved) == len(set(unproved))
        assert len(groups) == len(set(groups))
        assert not gates.at_once or len(changing) <= gates.at_once
        for one in batch:
            proved |= left.pop(one.name).roles


def test_the_shipped_fleet_says_who_stands_in_for_whom_and_who_is_behind_whom() -> None:
    order = order_of(load(), Gates())
    of = order.redundant
    pairs = {frozenset(other for other in of if of[other] & of[name]) for name in of}
    assert pairs == {frozenset({f"tie-{kind}1", f"tie-{kind}2"}) for kind in ("core", "dns", "gw")}
    assert {"heb-gw1", "heb-sw1", "tie-sw1"} <= order.behind["tie-gw1"].keys()
    assert order.behind["tie-gw1"] == order.behind["tie-gw2"]
    assert str(order.behind["tie-gw1"]["heb-gw1"]) == "10.63.1.1", "by the tunnel, as those behind it are reached"
    assert order.behind["heb-gw1"].keys() == {"heb-fw1", "heb-sw1", "heb-sw2"}
    assert "tie-dns1" not in order.behind["tie-gw1"], "it is in the station's own network"


def test_a_host_whose_context_says_no_wave_comes_in_wave_50() -> None:
    early, silent = host(1, 10), host(2, 10).model_copy(update={"context": {}})
    assert [[h.name for h in g] for g in waves([silent, early])] == [["tie-h1"], ["tie-h2"]]
