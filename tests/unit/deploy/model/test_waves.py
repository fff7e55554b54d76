"""Waves come in the order that the data says, hold every host once, and do not depend on the order of the list."""

from hypothesis import given
from hypothesis import strategies as st

from deploy.model.waves import waves
from inventory.fleet import Host


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


def test_a_host_whose_context_says_no_wave_comes_in_wave_50() -> None:
    early, silent = host(1, 10), host(2, 10).model_copy(update={"context": {}})
    assert [[h.name for h in g] for g in waves([silent, early])] == [["tie-h1"], ["tie-h2"]]
