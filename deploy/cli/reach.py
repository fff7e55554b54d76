"""`samdrift reach`: who may reach what, from what hosts are to be; nothing is connected to.

Not here: how it is found out (`reach`), and how it looks (`views.reach`).
"""

from __future__ import annotations

import click

from deploy.cli.command import Common, answer, command
from deploy.cli.subject import fleet_of, hosts_of, intent_of
from inventory.errors import UsageError

SHOWN_IN_FULL = 6
"""Ways that are shown hop by hop; of more, what each ends with."""


@command("reach")
@click.argument("asking", metavar="[FROM]", default="any")
@click.argument("destination", metavar="[TO[:PORT]]", default="any")
def reach(common: Common, asking: str, destination: str) -> None:
    r"""Who may reach what, on which port, and which rule says so.

    FROM and TO are a host, an address, a network, a municipality, a site, a prefix' description, internet, or any.
    With a PORT (443, tcp/443, udp/53, ping), the way to there, and what decides at each hop; without, what TO lets in.

    \b
        samdrift reach any tie-care1
        samdrift reach heby tie-dns1:udp/53
        samdrift reach 10.63.30.9 [2001:db8:60:10::32]:443
    """
    from deploy.reach import ends, matrix
    from deploy.reach.world import World
    from deploy.views import reach as view

    known = fleet_of(common)
    fleet, world = known.fleet, World(intent_of(known))
    name, service = ends.split_port(destination)
    from_, to = ends.sources(asking, fleet), ends.destinations(name, fleet)
    if common.limit or common.lab:
        chosen = {h.name for h in hosts_of(common, fleet)}
        to = tuple(end for end in to if end.host is None or end.host.name in chosen)
    if service is None and not any(end.host for end in to):
        raise UsageError(
            "which services are there, nobody here knows", where=f"TO {name!r}", fix=f"name one: {name}:443"
        )
    found = tuple(matrix.asked(from_, to, service, world) if service else matrix.served(from_, to, world))
    if service and not found:
        what = f"{asking} and {name} have no family of IP in common"
        raise UsageError(what, where="FROM, TO", fix="samdrift show HOST lists a host's addresses")
    unjudged = () if service else matrix.unjudged(to, world)
    document = {
        "source": known.source,
        "time": known.time,
        "digest": fleet.digest,
        "from": asking,
        "to": name,
        "service": service.model_dump(mode="json") if service else None,
        "answers": [t.model_dump(mode="json") for t in found],
        "not_known": [u.model_dump(mode="json") for u in unjudged],
    }
    if service is None:
        page = view.served(found, unjudged, fleet)
    elif len(found) <= SHOWN_IN_FULL:
        page = view.ways(found, fleet)
    else:
        page = view.answers(found, fleet)
    answer(common, document, page)
