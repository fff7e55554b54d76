"""What `waivers` shows: each accepted difference with who answers for it, why and until when.

Not here: whether it is accepted today (`model.waivers`), and what of it was found (`views.findings`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from deploy.model.findings import Finding
from deploy.model.text import inline, several
from deploy.model.waivers import Waivers
from deploy.views.findings import findings
from deploy.views.parts import fact_table, indented
from inventory.waivers import Waiver


def waivers(
    shown: Sequence[Waiver],
    known: Waivers,
    about: Collection[str],
    found: Sequence[Finding],
    names: Mapping[str, str],
) -> Iterator[RenderableType]:
    """Show waivers, and then what is to be done about some.

    Args:
        about: the hosts that were asked about.
    """
    for waiver in shown:
        expired = waiver.until < known.today
        title = Text.assemble((inline(waiver.name), "bold"), f"  until {waiver.until}")
        yield title.append("  expired" if expired else "", "bold yellow")
        hosts = sorted(known.hosts[waiver.name] & set(about))
        facts = [
            (f"{waiver.about} of role {waiver.role}", waiver.what),
            ("hosts", ", ".join(hosts) or f"none: {known.lost.get(waiver.name, 'no such host')}"),
            ("owner", waiver.owner),
            ("reason", waiver.reason),
        ]
        yield indented(fact_table(facts))
    yield Text()
    yield from findings(found, names)
    yield Text(f"{several(len(shown), 'waiver')}. To accept a difference: samdrift waivers propose", "bold")
