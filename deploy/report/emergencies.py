"""Compute which emergencies stand out in a report: those that nobody has signed off for its municipalities. Pure.

Not here: what leaves one open (`model.emergency`), and the rest of the report (`report.content`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from deploy.model.emergency import UNTOUCHED, Emergency
from deploy.report.document import OpenEmergency


def open_emergencies(
    emergencies: Iterable[Emergency], hosts: Collection[str], called: Mapping[str, str]
) -> Iterator[OpenEmergency]:
    """Yield the emergencies that are open for these municipalities; of others' hosts nothing is said.

    Args:
        hosts: names of the hosts that the report is about.
        called: the municipalities that it is about, slug to name.
    """
    for one in emergencies:
        whose = [m for m in one.open if m in called]
        touched = [h.host for h in one.record.hosts if h.outcome not in UNTOUCHED and h.municipality in whose]
        if whose:
            yield OpenEmergency(
                record=one.record.id,
                who=one.record.who,
                started=one.record.started,
                reason=one.record.reason,
                hosts=tuple(h for h in touched if h in hosts),
                municipalities=tuple(called[m] for m in whose),
            )
