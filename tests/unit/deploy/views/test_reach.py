"""What `reach` shows: each hop with its rule, whom an answer is about, and nothing wider than the screen."""

from __future__ import annotations

from deploy.model.reach import Trace, Unjudged
from deploy.model.text import OBEYED
from deploy.reach import ends, matrix
from deploy.reach.world import World
from deploy.views import reach as view
from inventory.snapshot import load
from roles.shared.intent import Intent
from tests.unit.deploy.views.shown import shown

FLEET = load()
WORLD = World(Intent(FLEET))
EVIL = "[bold red]x[/] \x1b]0;title\x07 \u202egnp.exe \x9b2J"


def asked(source: str, to: str) -> tuple[Trace, ...]:
    name, service = ends.split_port(to)
    from_, destinations = ends.sources(source, FLEET), ends.destinations(name, FLEET)
    found = matrix.asked(from_, destinations, service, WORLD) if service else matrix.served(from_, destinations, WORLD)
    return tuple(found)


def test_a_way_is_told_hop_by_hop_with_the_rule_that_decides() -> None:
    text = shown(*view.ways(asked("10.63.10.77", "tie-dns1:udp/53"), FLEET))
    first, *rest = text.splitlines()
    assert first == "Personal Heby 10.63.10.77 → tie-dns1 10.60.10.11, udp/53: open"
    assert [line.split()[0] for line in rest if "lets" in line] == ["heb-gw1", "tie-gw1", "tie-dns1"]
    assert "lan0 → wg1" in text
    assert "udp dport 53 accept" in " ".join(text.split())
    assert "The same by way of heb-gw1, tie-gw2, tie-dns1." in text
    assert max(map(len, rest)) <= 100


def test_of_a_network_those_are_named_whom_it_is_open_to() -> None:
    text = shown(*view.ways(asked("10.60.10.0/24", "kni-sw1:22"), FLEET))
    assert text.startswith(
        "Servrar Tierp 10.60.10.0/24 → kni-sw1 10.64.1.11, tcp/22: "
        "open for tie-adm2 10.60.10.249, tie-adm1 10.60.10.250 alone\n"
    )


def test_many_answers_have_a_line_each_with_what_decides_and_are_counted() -> None:
    text = shown(*view.answers(asked("any", "tie-care1:443"), FLEET))
    assert "heb-gw1: no rule lets it through" in " ".join(text.split())
    assert text.rstrip().endswith("27 answers: 27 closed.")
    assert max(map(len, text.splitlines())) <= 100


def test_hosts_that_let_in_the_same_stand_together_and_what_is_not_known_below() -> None:
    found = asked("any", "heby")
    unjudged = matrix.unjudged(ends.destinations("heby", FLEET), WORLD)
    text = shown(*view.served(found, unjudged, FLEET))
    assert "heb-fw1, heb-sw1, heb-sw2  3 hosts" in text
    assert "tcp/22   tie-adm1 10.60.10.250; tie-adm2 10.60.10.249  open    SSH from the management stations" in text
    assert "Not known" in text
    assert "heb-fw1, heb-sw1, heb-sw2: its role says who may use SSH, SNMP, and nothing of other services." in text
    assert "Everything else is closed, as far as samdrift configures what is on the way." in text
    assert max(map(len, text.splitlines())) <= 100


def test_nothing_of_it_is_obeyed_by_the_terminal() -> None:
    found = asked("10.63.10.77", "tie-dns1:udp/53")
    hops = tuple(
        h.model_copy(update={"host": EVIL, "why": EVIL, "rules": (EVIL,), "by": (EVIL, EVIL)}) for h in found[0].hops
    )
    evil = found[0].model_copy(
        update={"source": EVIL, "host": EVIL, "hops": hops, "alike": ((EVIL,),), "instead": found}
    )
    for parts in (
        view.ways((evil,), FLEET),
        view.answers((evil,), FLEET),
        view.served((evil,), (Unjudged(host=EVIL, why=EVIL),), FLEET),
    ):
        text = shown(*parts, width=1000)
        assert "[bold red]x[/]" in text
        assert not OBEYED.search(text)
