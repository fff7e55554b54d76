"""What audits found, as it is kept beside them, and what became worse since. Not here: how it is found, or shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pydantic import Field

from inventory.frozen import Frozen
from tests.audit.exposure import AT_MOST, too_exposed

KINDS = {
    "hub gateway": "tie-gw1",
    "site gateway": "heb-gw1",
    "resolver": "tie-dns1",
    "log server": "tie-log1",
    "monitoring": "tie-mon1",
    "package cache": "tie-cache1",
    "NetBox": "tie-netbox1",
}
"""A host of each kind that the lab has: two with the same roles are not both audited. A site's gateway serves DHCP,
names and printing, too; NetBox's host is in the lab where it is named.
"""
ASKED = 0.95
"""Who judges less than this share of what was judged before was kept from looking: what is not asked cannot fail."""
CONTENT = "ssg-debian"
"""The package of the rules that OpenSCAP judges by."""
KEPT = Path(__file__).with_name("last.json")
WANTED = 85
"""The least index of a host, without what its being a container costs it."""
CONTAINER = {"ACCT-9628": 1, "FILE-6310": 2, "FILE-6374": 1, "MACF-6290": 1, "USB-3000": 7}
"""The points of each test that a container cannot have and a server has: docs/audits.md says of each why."""
Versions = dict[str, str]
"""The version of each package of the auditors."""


class Judged(Frozen):
    """What a profile's rules say of a host."""

    passed: int
    failed: tuple[str, ...]

    @property
    def count(self) -> int:
        """Return how many rules were judged."""
        return self.passed + len(self.failed)

    @property
    def share(self) -> float:
        """Return the share of the judged rules that passed."""
        return self.passed / self.count


class HostAudit(Frozen):
    """What was found on one host.

    `lynis_lost` has the points that each test did not give. `reached` has the ports that answer and that no role
    declares for who asked, by where they were asked from. `ssh` and `tls` are what their auditors call failures.
    `passed` has the rules of OpenSCAP that passed; it is long, and not kept.
    """

    host: str
    lynis: int
    lynis_points: int
    lynis_lost: dict[str, int]
    openscap: dict[str, Judged]
    exposure: dict[str, float]
    ssh: tuple[str, ...]
    tls: tuple[str, ...] = ()
    passed: tuple[str, ...] = Field(default=(), exclude=True)
    reached: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def on_a_server(self) -> int:
        """Return the index that Lynis would give it on a machine of its own, made as Lynis makes it."""
        cost = sum(min(self.lynis_lost.get(test, 0), most) for test, most in CONTAINER.items())
        return (self.lynis_points - sum(self.lynis_lost.values()) + cost) * 100 // self.lynis_points


class Audits(Frozen):
    """What was found on a host of each kind, and on a fresh one, by which versions of the auditors.

    `held` has the rules of OpenSCAP that were judged on some kind of host and failed on none, once all were audited.
    """

    auditors: Versions
    fresh: HostAudit
    kinds: dict[str, HostAudit]
    held: tuple[str, ...] = ()


def audits_of(auditors: Versions, fresh: HostAudit, kinds: Mapping[str, HostAudit], last: Audits | None) -> Audits:
    """Return what was found now, with the kinds of hosts that were audited last and not now."""
    everyone = {**(last.kinds if last else {}), **kinds}
    failed = {rule for audit in everyone.values() for judged in audit.openscap.values() for rule in judged.failed}
    passed = {rule for audit in kinds.values() for rule in audit.passed}.union(last.held if last else ())
    held = passed - failed if KINDS.keys() <= everyone.keys() else ()  # of what was not audited nothing is known
    return Audits(auditors=auditors, fresh=fresh, kinds=everyone, held=tuple(sorted(held)))


def regressions(last: Audits | None, now: Audits, waived: Collection[str]) -> Iterator[str]:
    """Yield what became worse on any kind of host; what has its line in docs/hardening.md is waived."""
    same = {name for name, version in now.auditors.items() if last and last.auditors.get(name) == version}
    for kind, audit in now.kinds.items():
        if last and (before := last.kinds.get(kind)):
            yield from (f"{kind}: {worse}" for worse in _worse(before, audit, waived, same=same))
        yield from (f"{kind}: {bad}" for bad in _bad(audit))


def _worse(before: HostAudit, now: HostAudit, waived: Collection[str], *, same: Collection[str]) -> Iterator[str]:
    """Yield what one host lost. Other versions of an auditor ask other things, so its figures are not compared."""
    if "lynis" in same:
        yield from _worse_by_lynis(before, now, waived)
    if CONTENT in same:
        for profile, judged in now.openscap.items():
            had = before.openscap.get(profile, judged).failed
            yield from (f"{profile}: {r} fails" for r in judged.failed if r not in had and r not in waived)
            if judged.count < ASKED * before.openscap.get(profile, judged).count:
                yield f"{profile} judges {judged.count} rules alone, were {before.openscap[profile].count}"
    for unit, exposure in now.exposure.items() if "systemd" in same else ():
        if exposure > before.exposure.get(unit, exposure):
            yield f"{unit} exposed {exposure}, was {before.exposure[unit]}"


def _worse_by_lynis(before: HostAudit, now: HostAudit, waived: Collection[str]) -> Iterator[str]:
    if now.lynis_points < ASKED * before.lynis_points:
        yield f"Lynis gives {now.lynis_points} points at most, were {before.lynis_points}"
    if now.lynis < before.lynis:
        yield f"Lynis {now.lynis}, was {before.lynis}"
    for test, points in now.lynis_lost.items():
        had = before.lynis_lost.get(test, 0)
        if points > had and test not in waived:
            yield f"Lynis {test}: {points} points lost, were {had}"


def _bad(now: HostAudit) -> Iterator[str]:
    """Yield what must be on no host, whatever there was before."""
    if now.on_a_server < WANTED:
        yield f"Lynis {now.on_a_server} without what the container costs, and {WANTED} is the least"
    for unit, exposure in too_exposed(now.exposure).items():
        yield f"{unit} exposed {exposure}, and {AT_MOST} is the most"
    yield from (f"ssh-audit: {failure}" for failure in now.ssh)
    yield from (f"TLS: {failure}" for failure in now.tls)
    for where, ports in now.reached.items():
        yield from (f"{port} answers {where}, and no role declares it" for port in ports)


def below_fresh(audits: Audits) -> Iterator[str]:
    """Yield where a host is judged worse than a fresh Debian."""
    fresh = audits.fresh
    for kind, audit in audits.kinds.items():
        if audit.lynis < fresh.lynis:
            yield f"{kind}: Lynis {audit.lynis}, a fresh Debian {fresh.lynis}"
        for profile, judged in audit.openscap.items():
            if judged.share < fresh.openscap[profile].share:
                yield f"{kind}: {profile} {judged.share:.0%}, a fresh Debian {fresh.openscap[profile].share:.0%}"


def failing(audits: Audits, profiles: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return every rule of these profiles that fails on any kind of host, and on which."""
    found: dict[str, set[str]] = {}
    for kind, audit in audits.kinds.items():
        for profile in profiles:
            for rule in audit.openscap[profile].failed:
                found.setdefault(rule, set()).add(kind)
    return {rule: tuple(sorted(kinds)) for rule, kinds in sorted(found.items())}


def without_line(audits: Audits, profiles: Collection[str], waived: Collection[str]) -> list[str]:
    """Return the rules that fail and have no line in docs/hardening.md."""
    return [rule for rule in failing(audits, profiles) if rule not in waived]


def needless_lines(audits: Audits, waived: Collection[str]) -> list[str]:
    """Return the rules of OpenSCAP that have a line in docs/hardening.md, and are judged and fail nowhere."""
    return sorted({*waived} & {*audits.held})
