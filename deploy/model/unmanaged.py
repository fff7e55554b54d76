"""Findings about what nobody declares, each with what to do: declare it, remove it, or accept it. Pure.

Many of a kind on one host are one finding with a list: a host that people ran before has hundreds. Not here: how they
are found (`engine.unmanaged`, `roles.shared.searches`), and which are accepted (`waivers`).
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

from deploy.model.evidence import Note
from deploy.model.findings import Finding, Kind, severity
from deploy.model.messages import Message, MessageId, as_written, samdrift
from deploy.model.plan import HostPlan, Unmanaged
from deploy.model.text import inline
from deploy.model.waivers import difference, waiver_notes

Controls = Mapping[str, tuple[str, ...]]
"""Role name to what auditors ask for that this role answers."""

FEW = 5
"""So many things of a kind on a host are a finding each; more are one."""
NAMED = 8
"""Things that a finding about more names in its one line."""
LONGEST_COMMAND = 400
"""Letters of a command that is advised."""

SAYS: Mapping[str, MessageId] = {
    "login": MessageId.LOGIN_UNDECLARED,
    "password": MessageId.PASSWORD_UNDECLARED,
    "uid": MessageId.UID_UNDECLARED,
    "member": MessageId.MEMBER_UNDECLARED,
    "sudo": MessageId.SUDO_UNDECLARED,
    "key": MessageId.KEY_UNDECLARED,
    "startup": MessageId.STARTUP_UNDECLARED,
    "stray": MessageId.STRAY_UNDECLARED,
    "generated": MessageId.GENERATED_UNDECLARED,
    "setuid": MessageId.SETUID_UNDECLARED,
    "capability": MessageId.CAPABILITY_UNDECLARED,
    "package": MessageId.PACKAGE_UNDECLARED,
    "transient-unit": MessageId.TRANSIENT_UNIT_UNDECLARED,
    "foreign-package": MessageId.FOREIGN_PACKAGE_UNDECLARED,
    "package-file": MessageId.PACKAGE_FILE_UNDECLARED,
    "unit": MessageId.UNIT_UNDECLARED,
    "port": MessageId.PORT_UNDECLARED,
    "table": MessageId.TABLE_UNDECLARED,
    "module": MessageId.MODULE_UNDECLARED,
}
"""What is said of a thing that a search of this kind found; of others, its kind and name."""


def unmanaged_findings(host: HostPlan, controls: Controls, protecting: Collection[str]) -> Iterator[Finding]:
    """Yield the findings about what nobody declares on a host, in the order in which it was found.

    Args:
        protecting: roles that keep others out: what is strange there is serious.
    """

    def kind(thing: Unmanaged) -> tuple[str, str, str]:
        return thing.role, thing.kind if thing.name else "", thing.waived.model_dump_json() if thing.waived else ""

    for (_, of_search, _), alike in groupby(sorted(host.unmanaged, key=kind), kind):
        things = tuple(alike)
        together = [things] if of_search and len(things) > FEW else [(thing,) for thing in things]
        yield from (_finding(host, some, controls, protecting) for some in together)


def _finding(host: HostPlan, things: Sequence[Unmanaged], controls: Controls, protecting: Collection[str]) -> Finding:
    first = things[0]
    alone = len(things) == 1
    message = _message(first) if alone else _message_of_several(things)
    about = message.id if alone else SAYS.get(first.kind, MessageId.THING_UNDECLARED)
    listed = () if alone else (Note(message=as_written(inline(f"{t.name}  {t.state}".rstrip()))) for t in things)
    return Finding(
        kind=Kind.UNMANAGED,
        host=host.host,
        municipality=host.municipality,
        role=first.role,
        step=first.what if alone else f"{first.kind} *",
        message=message,
        evidence=(*waiver_notes(first.waived), *listed),
        advice=_advice(host.host, things),
        severity=severity(Kind.UNMANAGED, about, protects=first.role in protecting),
        controls=controls.get(first.role, ()),
        waived=first.waived,
        difference=difference(first) if alone else "",
        several=() if alone else tuple(sorted(map(difference, things))),
    )


def _message(thing: Unmanaged) -> Message:
    if thing.path:
        return MessageId.FILE_UNDECLARED(path=thing.path, role=thing.role)
    if thing.line:
        return MessageId.LINE_UNDECLARED(line=thing.what, role=thing.role)
    if not thing.name:
        return MessageId.SEARCH_UNREAD(kind=thing.kind, why=thing.state)
    about = SAYS.get(thing.kind, MessageId.THING_UNDECLARED)
    known = {"kind": thing.kind, "name": thing.name, "state": thing.state}
    return about(**{name: known[name] for name in about.parameters})


def _message_of_several(things: Sequence[Unmanaged]) -> Message:
    names = ", ".join(inline(thing.name) for thing in things[:NAMED])
    more = ", …" if len(things) > NAMED else ""
    return MessageId.SEVERAL_UNDECLARED(kind=things[0].kind, count=str(len(things)), names=names + more)


def _advice(host: str, things: Sequence[Unmanaged]) -> Message:
    first = things[0]
    if not first.kind:
        return _removal(host, first)
    if not first.name:
        return MessageId.SEE_WHY_THEN_DRIFT(drift=samdrift("drift", "--limit", host))
    propose = samdrift("waivers", "propose", "--limit", host)
    if command := _command(things):
        return MessageId.EXPECT_OR_REMOVE_WITH(kind=first.kind, host=host, command=command, propose=propose)
    return MessageId.EXPECT_OR_REMOVE(kind=first.kind, host=host, propose=propose)


def _command(things: Sequence[Unmanaged]) -> str:
    """Return a command that removes these things; empty where none does, or none that can be read and pasted."""
    words = {thing.remove[:-1] for thing in things}
    if len(words) != 1 or not all(thing.remove and inline(thing.remove[-1]) == thing.remove[-1] for thing in things):
        return ""
    command = shlex.join((*words.pop(), *(thing.remove[-1] for thing in things)))
    return command if len(command) <= LONGEST_COMMAND else ""


def _removal(host: str, stranger: Unmanaged) -> Message:
    """Advise how to remove a file or a line that nobody declares: by a command, if it can be read and pasted as it is.

    A path with a line break or an invisible character is shown escaped, and the command would name another file.
    """
    if (section := stranger.section) and inline(section) == section:
        plan = samdrift("plan", "--limit", host, "--remove", host, section)
        return MessageId.DECLARE_OR_NAME(role=stranger.role, host=host, plan=plan)
    if not stranger.path or inline(stranger.path) != stranger.path:
        return MessageId.DECLARE_OR_REMOVE(role=stranger.role, host=host)
    command = shlex.join(("rm", "--", stranger.path))
    return MessageId.DECLARE_OR_REMOVE_WITH(role=stranger.role, host=host, command=command)
