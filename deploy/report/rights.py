"""Who may do what where, and since when: the part of the report that is about people. Pure.

It says what the organisation grants as the report is made, also what has ended or is to come; whether hosts are so, the
state checks of role `base` say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from deploy.report.document import Right
from inventory.fleet import Fleet, Host
from inventory.organisation import ADMINISTER, ALL, Grant, Person


def rights(fleet: Fleet, hosts: Sequence[Host], municipalities: Collection[str]) -> tuple[Right, ...]:
    """Return every right that anybody has for these municipalities, by municipality and name.

    Args:
        hosts: the hosts that the report is about.
    """
    found = (*_granted(fleet.people.everybody, hosts, municipalities), *_of_contexts(hosts))
    return tuple(sorted(found, key=lambda r: (r.municipality, r.person, r.since, r.function)))


def _granted(people: Iterable[Person], hosts: Sequence[Host], municipalities: Collection[str]) -> Iterator[Right]:
    for person in people:
        for grant in person.grants:
            for slug in municipalities if ALL in grant.of else sorted({*grant.of} & {*municipalities}):
                yield Right(
                    municipality=slug,
                    person=person.name,
                    full_name=person.full_name,
                    home=person.home,
                    function=grant.title,
                    duties=grant.duties,
                    runs=grant.runs,
                    hosts=tuple(host.name for host in hosts if host.tenant == slug and _is_held_at(grant, host)),
                    since=grant.since.isoformat(),
                    until=grant.until.isoformat() if grant.until else "",
                    employment=grant.employment,
                )


def _is_held_at(grant: Grant, host: Host) -> bool:
    """Tell whether a grant lets somebody log in to a host: one of its roles declares a duty of it."""
    roles = {"base" if duty == ADMINISTER else duty.partition(".")[0] for duty in grant.duties}
    return host.is_managed and not roles.isdisjoint(host.roles)


def _of_contexts(hosts: Iterable[Host]) -> Iterator[Right]:
    """Yield who is root on a host because its config context says so, and not the organisation's file."""
    for host in hosts:
        options = host.samdrift.get("base", {})
        admins = options.get("admins", {}) if isinstance(options, dict) else {}
        for name, admin in admins.items() if isinstance(admins, dict) else ():
            entry = admin if isinstance(admin, dict) else {}
            if entry.get("absent") is not True:
                yield Right(
                    municipality=host.tenant,
                    person=str(name),
                    full_name=str(entry.get("full_name", "")),
                    home="",
                    function="",
                    duties=(ADMINISTER,),
                    runs=(),
                    hosts=(host.name,),
                    since="",
                    until="",
                    employment="now",
                )
