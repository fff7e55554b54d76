"""Which differences are accepted today: waivers of the inventory, asked about steps, files, lines and checks. Pure.

A difference is accepted as it was seen. Where another one stands at the same place, that is told, and still left as it
is, until somebody has decided. Not here: the file (`inventory.waivers`), and how accepted differences are shown
(`views`, `report`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import yaml

from deploy.model.evidence import Note
from deploy.model.findings import WAIVABLE, Finding, Kind, severity
from deploy.model.messages import Message, MessageId
from deploy.model.plan import Step, Unmanaged
from deploy.model.record import CheckResult
from deploy.model.waived import Waived
from inventory.errors import UsageError
from inventory.fleet import Fleet
from inventory.selection import select
from inventory.waivers import About, Waiver

ENDS_SOON = timedelta(days=14)
"""So long before its last day, a waiver is told to end."""


@dataclass(frozen=True)
class Waivers:
    """The waivers of an inventory on a day.

    Attributes:
        hosts: by the name of a waiver, the hosts that it is about.
        lost: by the name of a waiver, why it is about no host.
        days: for so many at most; 0: for as long as a waiver says.
        unowned: by the name of a waiver, its hosts for which its owner may not answer, or not any more.
    """

    all: tuple[Waiver, ...] = ()
    today: date = date.max
    hosts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)
    unowned: Mapping[str, frozenset[str]] = field(default_factory=dict)
    days: int = 0

    def on_step(self, host: str, step: Step) -> Step:
        """Return a step with the waiver that is about its change; a restart has none of its own."""
        if not step.commands or step.handler:
            return step
        return step.model_copy(update={"waived": self._of(host, step.role, "step", step.name, difference(step))})

    def on_unmanaged(self, host: str, stranger: Unmanaged) -> Unmanaged:
        """Return an unmanaged file or line with the waiver that is about it."""
        what = "\n".join(line.strip() for line in stranger.line.splitlines()) or stranger.what
        waived = self._of(host, stranger.role, "unmanaged", what, difference(stranger))
        return stranger.model_copy(update={"waived": waived})

    def on_check(self, check: CheckResult) -> CheckResult:
        """Return a check with the waiver that is about its failure."""
        if check.outcome != "failed":
            return check
        waived = self._of(check.host, check.role, "check", check.name, difference(check))
        return check.model_copy(update={"waived": waived})

    def _of(self, host: str, role: str, about: About, what: str, seen: str) -> Waived | None:
        """Return the waiver about this: one that accepts it, or else one that has not expired, or else any."""
        found = [
            Waived(name=w.name, owner=w.owner, reason=w.reason, until=w.until.isoformat(), standing=standing)
            for w in self.all
            if (w.role, w.about) == (role, about) and host in self.hosts[w.name] and _names(w, what)
            for standing in (("expired",) if w.until < self.today else ("accepted",) if _saw(w, seen) else ("moved",))
        ]
        return min(found, key=lambda w: ("accepted", "moved", "expired").index(w.standing), default=None)


NO_WAIVERS = Waivers()


def waivers_of(found: Iterable[Waiver], fleet: Fleet, today: date, days: int = 0) -> Waivers:
    """Return the waivers as they are today, each with its hosts of this fleet.

    Who may approve a change for a municipality may answer for a difference there; where nobody is known, anybody.
    """
    found, hosts, lost = tuple(found), dict[str, frozenset[str]](), dict[str, str]()
    for waiver in found:
        hosts[waiver.name] = frozenset()
        try:
            hosts[waiver.name] = frozenset(h.name for h in select(waiver.hosts, fleet, fleet.hosts))
        except UsageError as e:  # a host that is gone must not stop what is done on others
            lost[waiver.name] = e.what
    unowned = {w.name: _unowned(w, hosts[w.name], fleet) for w in found}
    return Waivers(found, today, hosts, lost, unowned, days)


def _unowned(waiver: Waiver, hosts: Iterable[str], fleet: Fleet) -> frozenset[str]:
    """Return the hosts for which the owner of a waiver may not answer."""
    owner = fleet.people.person(waiver.owner)
    asked = hosts if fleet.people.everybody else ()
    return frozenset(h for h in asked if owner is None or not owner.may("approve", fleet.host(h).tenant))


def difference(of: Step | Unmanaged | CheckResult) -> str:
    """Return the digest (16 hex digits) by which a waiver knows what was accepted; of secrets, only seals are in it."""
    match of:
        case Step() if (change := of.change) is not None:
            after = of.wanted or change.after
            what: object = [change.live_digest, change.meta_before, after, change.meta_after]
        case Step():
            what = [str(command) for command in of.commands]
        case Unmanaged():
            what = [of.path, of.state, of.line, *((of.kind, of.name) if of.kind else ())]
        case CheckResult():
            what = [of.detail]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def _saw(waiver: Waiver, seen: str) -> bool:
    return not waiver.seen or seen in waiver.seen


def _names(waiver: Waiver, what: str) -> bool:
    """Tell whether a waiver names this. Of an unmanaged thing or a device's line, `*` stands for any letters, and for
    no line below it; `[*]` is a star, and ` / ` the end of a line.
    """
    if waiver.unmanaged is None or what.startswith("/"):
        return waiver.what == what
    meant = {"*": r"[^\n]*", "[*]": re.escape("*"), " / ": r"(?: / |\n)"}
    words = re.split(r"(\[\*\]|\*| / )", waiver.unmanaged)
    pattern = "".join(meant.get(word, re.escape(word)) for word in words)
    return re.fullmatch(pattern, what) is not None


def waiver_notes(waived: Waived | None) -> Iterator[Note]:
    """Yield what to know of a waiver that does not accept what is there: it accepted something else, or has expired."""
    if waived is not None and not waived.accepted:
        about = MessageId.ACCEPTED_OTHERWISE if waived.holds else MessageId.ACCEPTED_UNTIL
        yield Note(message=about(waiver=waived.name, owner=waived.owner, until=waived.until))


def waiver_findings(
    waivers: Waivers, municipalities: Mapping[str, str], used: Collection[str] | None = None
) -> tuple[Finding, ...]:
    """Return what is to be done about waivers that are about these hosts: those that have expired or are about no host
    of the fleet; and as notices, those that end soon or accept nothing that is there.

    Args:
        municipalities: of each host that the run is about, its municipality.
        used: names of waivers that accept something on these hosts; None where that is not known.
    """
    return tuple(_judged(waivers, municipalities, used))


def _judged(waivers: Waivers, municipalities: Mapping[str, str], used: Collection[str] | None) -> Iterator[Finding]:
    for waiver in waivers.all:
        about = waivers.hosts[waiver.name]
        mine = {host: municipalities[host] for host in sorted(about & municipalities.keys())}
        ends = {"waiver": waiver.name, "owner": waiver.owner, "until": waiver.until.isoformat()}
        if waiver.name in waivers.lost:
            yield _found(Kind.WAIVER, waiver, MessageId.WAIVER_OF_NO_HOST(waiver=waiver.name), {"": ""})
        elif waiver.until < waivers.today:
            yield from _each(Kind.WAIVER, waiver, MessageId.WAIVER_EXPIRED(**ends), mine)
        elif unowned := {host: whose for host, whose in mine.items() if host in waivers.unowned.get(waiver.name, ())}:
            yield from _each(
                Kind.WAIVER, waiver, MessageId.WAIVER_OF_NO_OWNER(waiver=waiver.name, owner=waiver.owner), unowned
            )
        elif waivers.days and waiver.until - waivers.today > timedelta(days=waivers.days):
            too_long = MessageId.WAIVER_TOO_LONG(waiver=waiver.name, until=ends["until"], days=waivers.days)
            yield from _each(Kind.WAIVER, waiver, too_long, mine)
        elif used is not None and waiver.name not in used and about <= municipalities.keys():
            yield from _each(Kind.NOTICE, waiver, MessageId.WAIVER_UNUSED(waiver=waiver.name), mine)
        elif waiver.until - waivers.today <= ENDS_SOON:
            yield from _each(Kind.NOTICE, waiver, MessageId.WAIVER_ENDS_SOON(**ends), mine)


def _each(kind: Kind, waiver: Waiver, message: Message, hosts: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding for each municipality: nothing of another's stands in its report."""
    for municipality in sorted(set(hosts.values())):
        yield _found(kind, waiver, message, {h: whose for h, whose in hosts.items() if whose == municipality})


def _found(kind: Kind, waiver: Waiver, message: Message, hosts: Mapping[str, str]) -> Finding:
    return Finding(
        kind=kind,
        host=next(iter(hosts)) if len(hosts) == 1 else "",
        municipality=next(iter(hosts.values())),
        step=f"waiver {waiver.name}",
        message=message,
        advice=MessageId.RENEW_OR_REMOVE(waiver=waiver.name),
        severity=severity(kind, message.id),
    )


def proposed(found: Iterable[Finding]) -> str:
    """Return the text of waivers that would accept these findings, for a person to complete: the same one of several
    hosts is one waiver.
    """
    alike: dict[tuple[str, About, str], list[Finding]] = {}
    for finding in found:
        if finding.kind in WAIVABLE and finding.differences and not finding.accepted:
            alike.setdefault((finding.role, _about(finding), finding.step), []).append(finding)
    waivers: dict[str, object] = {}
    for (role, about, what), of in alike.items():
        name = re.sub(r"[^a-z0-9]+", "-", f"{of[0].host if len(of) == 1 else role} {what}".lower())[:60].strip("-")
        waivers[name if name not in waivers else f"{name}-{len(waivers)}"] = {
            "hosts": " or ".join(sorted({f.host for f in of})),
            "role": role,
            about: what.replace("*", "[*]")
            if about == "unmanaged" and not (of[0].several or what.startswith("/"))
            else what,
            "seen": sorted({digest for f in of for digest in f.differences}),
            "owner": "",
            "reason": "",
            "until": "",
        }
    return yaml.safe_dump(waivers, sort_keys=False, allow_unicode=True, width=10**6) if waivers else ""


def _about(finding: Finding) -> About:
    if finding.kind is Kind.UNMANAGED:
        return "unmanaged"
    return "check" if finding.kind is Kind.FAILED_CHECK else "step"
