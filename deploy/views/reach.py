"""What `reach` shows: a packet's way hop by hop, many answers in a table, and what hosts let in from whom.

Not here: how the answers are found out (`reach`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from itertools import groupby

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from deploy.model.reach import Answer, Hop, Trace, Unjudged
from deploy.model.text import inline, several
from deploy.views.parts import empty_table, indented
from inventory.fleet import Fleet
from inventory.network import Network

COLOURS: Mapping[Answer, str] = {"open": "green", "closed": "bold red", "not known": "bold yellow"}
MOST = 4
"""Networks that are named one by one."""
Named = Mapping[Network, str]
"""The host that has an address."""
Served = tuple[str, str, Answer, str]
"""A service, who may use it, whether, and why."""


def ways(found: Sequence[Trace], fleet: Fleet) -> Iterator[RenderableType]:
    """Show each way hop by hop, with the rule that decides at each."""
    named = _named(fleet)
    for trace in found:
        to = _networks((trace.destination,), named)
        yield Text.assemble(
            (inline(_source(trace, trace.asked, named)), "bold"),
            f" → {inline(to)}, {trace.service}: ",
            (trace.answer, COLOURS[trace.answer]),
            inline(_part(trace, named)),
        )
        yield indented(_hops(trace.hops))
        for path in trace.alike:
            yield indented(Text(inline(f"The same by way of {', '.join(path)}."), "dim"))
        for other in trace.instead:
            answer = f"{other.answer}{_part(other, named)}, by {_in_a_line(other.decided_by)}"
            yield indented(Text(inline(f"Otherwise by way of {', '.join(other.path)}: {answer}."), "bold yellow"))
        yield Text()
    yield _counted(found)


def _hops(hops: Sequence[Hop]) -> Table:
    table = empty_table()
    for head in ("Host", "By", "", "Which rule, and why"):
        table.add_column(head, overflow="fold")
    for hop in hops:
        does = f"{hop.does}: {hop.answer}" if hop.host else hop.answer
        rules = "\n".join(map(inline, hop.rules))
        why = Text("" if hop.why in rules else inline(hop.why), "dim" if hop.rules else "")
        table.add_row(
            Text(inline(hop.host or "?"), "bold"),
            Text(inline(" → ".join(filter(None, hop.by)))),
            Text(does, COLOURS[hop.answer]),
            Text("\n").join(text for text in (Text(rules), why) if text),
        )
    return table


def answers(found: Sequence[Trace], fleet: Fleet) -> Iterator[RenderableType]:
    """Show many answers about one service, a line each, with what decides it."""
    named = _named(fleet)
    table = empty_table()
    for head in ("From", "To", "Service", "Answer", "Decided by"):
        table.add_column(head, overflow="fold")
    for trace in found:
        table.add_row(
            Text(inline(_source(trace, trace.asked, named))),
            Text(inline(_networks((trace.destination,), named)), "bold"),
            Text(str(trace.service)),
            Text(inline(trace.answer + _part(trace, named)), COLOURS[trace.answer]),
            Text(inline(_in_a_line(trace.decided_by))),
        )
    yield table
    yield Text()
    yield _counted(found)


def served(found: Sequence[Trace], unjudged: Sequence[Unjudged], fleet: Fleet) -> Iterator[RenderableType]:
    """Show what hosts let in from whom: those once that let in the same."""
    named = _named(fleet)
    alike: dict[tuple[Served, ...], list[str]] = {}
    for host, of_host in groupby(sorted(found, key=lambda t: t.host), key=lambda t: t.host):
        alike.setdefault(tuple(_services(tuple(of_host), named)), []).append(host)
    for rows, hosts in alike.items():
        count = f"  {several(len(hosts), 'host')}" if len(hosts) > 1 else ""
        yield indented(Text.assemble((inline(", ".join(hosts)), "bold"), (count, "dim")), 0)
        table = empty_table()
        for head in ("Service", "From", "Answer", "Why"):
            table.add_column(head, overflow="fold")
        for service, sources, answer, why in rows:
            shown = (Text(service), Text(inline(sources)), Text(answer, COLOURS[answer]), Text(inline(why), "dim"))
            table.add_row(*shown)
        yield indented(table)
        yield Text()
    yield from _unjudged(unjudged)
    yield Text("Everything else is closed, as far as samdrift configures what is on the way.", "bold")


def _services(found: Sequence[Trace], named: Named) -> Iterator[Served]:
    """Yield each service with everybody who has one answer for one reason."""
    alike: dict[tuple[str, Answer, str], list[str]] = {}
    for trace in found:
        deciding = trace.decided_by
        why = _in_a_line(deciding) if trace.answer == "not known" else deciding.why
        alike.setdefault((str(trace.service), trace.answer, why), []).append(_source(trace, trace.reaching, named))
    for (service, answer, why), sources in alike.items():
        yield service, "; ".join(dict.fromkeys(sources)), answer, why


def _unjudged(unjudged: Sequence[Unjudged]) -> Iterator[RenderableType]:
    alike: dict[str, list[str]] = {}
    for one in unjudged:
        alike.setdefault(one.why, []).append(one.host)
    if alike:
        yield Text("Not known", "bold yellow")
        for why, hosts in alike.items():
            yield indented(indented(Text(inline(f"{', '.join(hosts)}: {why}."))), 0)
        yield Text()


def _in_a_line(hop: Hop) -> str:
    return f"{hop.host}: {hop.why}" if hop.host else hop.why


def _part(trace: Trace, named: Named) -> str:
    """Return for whom the answer holds, if that is not everybody who was asked about."""
    is_partly = trace.answer != "closed" and trace.reaching != trace.asked
    return f" for {_networks(trace.reaching, named)} alone" if is_partly else ""


def _source(trace: Trace, networks: Sequence[Network], named: Named) -> str:
    """Return whom an answer is about: what it is called, and its addresses."""
    addresses = _networks(networks, named)
    has_a_name = trace.source in {"", addresses} or all(n in named for n in networks)
    return trace.source if trace.source == "internet" else addresses if has_a_name else f"{trace.source} {addresses}"


def _networks(networks: Sequence[Network], named: Named) -> str:
    if len(networks) > MOST:
        return f"({several(sum(n.num_addresses for n in networks), 'address', 'addresses')})"
    single = {n: f"{named.get(n, '')} {n.network_address}".strip() for n in networks if n.num_addresses == 1}
    return ", ".join(single.get(n, str(n)) for n in networks)


def _named(fleet: Fleet) -> Named:
    return {ip_network(a.ip): h.name for h in reversed(fleet.hosts) for a in h.addresses}


def _counted(found: Sequence[Trace]) -> Text:
    counts = Counter(t.answer for t in found)
    each = ", ".join(f"{n} {answer}" for answer, n in counts.items())
    return Text(f"{several(len(found), 'answer')}: {each}.", "bold")
