"""Probe: ask a device everything that samdrift relies on, and make an anonymous transcript of it. Nothing is changed.

Not here: which commands a vendor's devices are asked, and how answers are judged (`roles.shared.device.transcript`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.engine.session import Session
from deploy.model import clock
from deploy.model.code import code_digest
from deploy.model.kinds import Exit
from deploy.runs.invocation import Invocation
from deploy.runs.looks import look_accounts
from deploy.transport.ssh import HostLost
from inventory.errors import SamdriftError, UsageError
from inventory.fleet import Fleet, Host
from roles.shared.device.anonymous import Anonymiser
from roles.shared.device.answers import NotUnderstood, rows
from roles.shared.device.known import known_vendors, vendor_of
from roles.shared.device.transcript import (
    Exchange,
    Judgement,
    Transcript,
    commands_of,
    judged,
    kept_secret,
    ports_told,
    series_of,
    told_otherwise,
)
from roles.shared.device.vendor import Vendor
from roles.shared.intent import Intent


class NotProbed(SamdriftError):
    """The device cannot be reached, is not who it should be, or works in a way that is not known (exit code 3)."""

    exit_code = int(Exit.INCOMPLETE)


@dataclass(frozen=True)
class Probed:
    """The anonymous transcript of a device, and how its answers were judged before it was made anonymous."""

    transcript: Transcript
    judgements: tuple[Judgement, ...]

    @property
    def is_as_believed(self) -> bool:
        """Return whether everything was answered, and as it is relied on."""
        return all(judgement.outcome in {"ok", "not seen"} for judgement in self.judgements)


def probe(run: Invocation, host: Host) -> Probed:
    """Ask a device, one command after the other; judge its answers, and make them anonymous.

    Raises:
        UsageError: the host is no device.
        NotProbed: it was not asked anything.
    """
    if host.platform not in known_vendors():
        raise UsageError("it is no device", where=f"host {host.name}", fix="see: samdrift hosts")
    vendor = vendor_of(host, run.fleet)
    accounts = look_accounts(run.intent, run.stores.applied, [host])
    looks = run.access.for_looks(accounts.get(host.name, "")).looks
    vendor = vendor.model_copy(update={"show": vendor.show_to(looks=looks)})
    exchanges, lost = _asked(run, host, vendor, accounts)
    taken, code = clock.now(), code_digest()
    as_answered = Transcript(code=code, taken=taken, platform=vendor.platform, exchanges=tuple(exchanges))
    running = as_answered.answer(vendor.show)
    names = (*_names(run.fleet, host), *_neighbours(vendor, as_answered))
    ports = [port for asked in vendor.asks for port in ports_told(vendor, as_answered, asked)]
    anonymiser = Anonymiser(vendor, names, secrets.token_bytes(16), ports)
    answers = anonymiser.anonymised({s.typed: s.answer for s in exchanges})
    transcript = as_answered.model_copy(
        update={
            "exchanges": tuple(s.model_copy(update={"answer": answers[s.typed]}) for s in exchanges),
            "series": series_of(vendor, running.answer) if running else "",
        }
    )
    before, after = judged(vendor, as_answered), judged(vendor, transcript)
    other = [b.about for b, a in zip(before, after, strict=True) if b.outcome != a.outcome]
    other += told_otherwise(vendor, as_answered, transcript)
    return Probed(transcript, (*lost, *before, kept_secret(transcript), *_own(anonymiser, transcript, other)))


def _asked(
    run: Invocation, host: Host, vendor: Vendor, accounts: Mapping[str, str]
) -> tuple[list[Exchange], list[Judgement]]:
    """Ask each command; what follows one at which the session is lost is not asked."""
    bare = host.model_copy(update={"context": {}, "local_context": {}})  # no role, so that nothing is declared
    others = tuple(h for h in run.fleet.hosts if h.name != host.name)
    intent = Intent(run.fleet.model_copy(update={"hosts": (*others, bare)}))
    exchanges: list[Exchange] = []
    about = [intent.fleet.host(host.name)]
    with Session(intent, about, run.access, run.observer, look_accounts=accounts) as session:
        for command in commands_of(vendor):
            begun = time.monotonic()
            try:
                (answer,) = session.ask(host.name, [command])
            except HostLost as e:
                if not exchanges:
                    raise NotProbed(e.what, where=f"host {host.name}") from e
                detail = "the session was lost; what follows was not asked"
                return exchanges, [Judgement(about=f"session: {command}", outcome="not as believed", detail=detail)]
            seconds = round(time.monotonic() - begun, 1)
            exchanges.append(Exchange(typed=command, answer=answer.stdout, seconds=seconds, refused=bool(answer.rc)))
    return exchanges, []


def _names(fleet: Fleet, host: Host) -> set[str]:
    """Return the names by which anybody would know the fleet."""
    places = (
        *((s.slug, s.name) for s in fleet.sites),
        *((t.slug, t.name) for t in fleet.tenants),
        *((r.slug, r.name) for r in fleet.regions),
    )
    return {host.name, *(h.name for h in fleet.hosts), *(name for names in places for name in names)}


def _neighbours(vendor: Vendor, transcript: Transcript) -> set[str]:
    """Return the names that neighbours tell."""
    if (question := vendor.asks.get("neighbours")) is None or (exchange := transcript.answer(question.command)) is None:
        return set()
    try:
        names = {str(row["host"]) for row in rows(vendor, "neighbours", exchange.answer)}
    except NotUnderstood:  # that is judged apart
        return set()
    return {name for host in names for name in (host, host.split(".")[0])}


def _own(anonymiser: Anonymiser, transcript: Transcript, other: Sequence[str]) -> tuple[Judgement, ...]:
    """Judge the transcript itself: whether a known name is left in it, and whether it says what the device did.

    Args:
        other: of what it does not.
    """
    left = [s.typed for s in transcript.exchanges if anonymiser.left(s.answer)]
    return (
        Judgement(
            about="no known name is left",
            outcome="not as believed" if left else "ok",
            detail=f"in the answer to {', '.join(left)}" if left else "",
        ),
        Judgement(
            about="the transcript says what the device did",
            outcome="not as believed" if other else "ok",
            detail=f"not of {', '.join(other)}" if other else "",
        ),
    )
