"""`samdrift report` and `report verify`: what auditors and others read, of the inventory and of earlier runs.

No host is looked at. Not here: what a report says (`report.content`), and how its page looks (`report.page`).
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from deploy.cli.command import FILE, READABLE, WORDS, Common, WithDefault, answer, aside, command
from deploy.cli.reported import ReportSubject
from deploy.cli.subject import fleet_of, stores_of
from deploy.model import clock
from deploy.model.kinds import Exit
from deploy.model.text import inline
from inventory.errors import UsageError
from inventory.organisation import TIME_ZONE

if TYPE_CHECKING:
    from deploy.model.words import Language
    from deploy.report.bundle import Claim
    from deploy.report.open_version import AnyReport
    from deploy.store.ports import StoreError
    from inventory.fleet import Fleet

SINCE_LAST_TIME = 91
"""So many days before it, the board met last, if nobody says otherwise."""


class _Report(WithDefault):
    """The group whose first command is `report` itself: its help is that command's."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        next(iter(self.commands.values())).format_options(ctx, formatter)
        super().format_options(ctx, formatter)


@click.group("report", cls=_Report, options_metavar="[OPTIONS]", subcommand_metavar="| verify DIR")
def report() -> None:
    """Write what auditors read: how the hosts stood when last looked at.

    WHEN is a day or a time as people in the municipalities live it; a day ends a period with its last moment. A report
    of some municipalities (--limit heby) says nothing of others; an auditor's is about one. A record that is damaged is
    told, the report is made of the others, and it ends with 1. `report verify` says whether a report is unaltered.
    """


@command("make", of=report)
@click.option(
    "--out",
    metavar="DIR",
    type=FILE,
    default=Path("report"),
    show_default=True,
    help="Where report.html, report.json and what proves them go.",
)
@click.option(
    "--for",
    "reader",
    type=click.Choice(["operations", "auditor", "board", "procurement", "consolidation"]),
    default="operations",
    show_default=True,
    help="Who is to read it.",
)
@click.option("--at", metavar="WHEN", type=WORDS, help="How it stood then: 2026-11-29, 2026-11-29T07:30. [now]")
@click.option("--from", "since", metavar="WHEN", type=WORDS, help="Say what happened since then, too.")
@click.option("--to", "until", metavar="WHEN", type=WORDS, help="The end of that period, and how it stood then. [now]")
@click.option("--lang", type=click.Choice(["sv", "en"]), default="sv", show_default=True, help="Of the page.")
@click.option("--oscal", is_flag=True, help="Write oscal.json, too: OSCAL assessment results (NIST).")
@click.option("--csv", "as_tables", is_flag=True, help="Write tables for spreadsheets, too: report.*.csv.")
@click.option("--pdf", "as_pdf", is_flag=True, help="Write report.pdf, too: the page as PDF/UA.")
@click.option("--open", "is_open", is_flag=True, help="The version for anybody: what may serve an attacker is masked.")
@click.option("--sign", is_flag=True, help="Sign it with your SSH key.")
@click.option("--signing-key", metavar="FILE", type=READABLE, help="Sign it with this key. [the agent's, or ~/.ssh]")
def make(  # noqa: PLR0917  click tells options by name
    common: Common,
    out: Path,
    reader: str,
    at: str | None,
    since: str | None,
    until: str | None,
    lang: Language,
    oscal: bool,
    as_tables: bool,
    as_pdf: bool,
    is_open: bool,
    sign: bool,
    signing_key: Path | None,
) -> int:
    """Write what auditors and others read."""
    from deploy.report.bundle import DATA, EVIDENCE, OSCAL, PAGE, PDF, SIGNATURE, SUMS, as_json, sums_of
    from deploy.report.forms import oscal_of, page_of, tables_of
    from deploy.report.open_version import open_version
    from deploy.report.page import write
    from deploy.report.pdf import pdf_of

    if at and until:
        raise UsageError("--at and --to both say when", fix="give one of them")
    moment = _moment_of("--at" if at else "--to", at or until, ends=True) or clock.now()
    beginning = _moment_of("--from", since, ends=False)
    if beginning > moment:
        raise UsageError("the period ends before it begins", where="--from", fix="give an earlier --from")
    if reader in {"board", "consolidation"}:
        beginning = beginning or clock.later(moment, -24 * SINCE_LAST_TIME)
    faults: list[StoreError] = []
    subject = ReportSubject(common, moment, faults)
    document, line = _written(reader, subject, beginning)
    if is_open:
        document = open_version(document)
    data, page = as_json(document), page_of(document, lang)
    files = {
        PAGE: page.encode(errors="surrogatepass"),
        DATA: data,
        EVIDENCE: as_json(subject.evidence(data if common.limit else None)),
    }
    if oscal:
        files[OSCAL] = oscal_of(document)
    if as_tables:
        files |= tables_of(document, lang)
    if as_pdf:
        files[PDF] = pdf_of(page)
    sums = sums_of(files)
    lines = [Text(line, "bold"), Text(f"Read it: {out / PAGE}"), Text(f"As data: {out / DATA}")]
    files[SUMS] = sums.encode()
    if sign or signing_key is not None:
        files[SIGNATURE], by = _signed(sums, subject.fleet, signing_key)
        lines.append(
            Text(f"Signed by {inline(by)}; whether it is unaltered says: samdrift report verify {inline(out)}")
        )
    write(files, out, is_open=is_open)
    answer(common, document.model_dump(mode="json"), lines)
    for fault in dict.fromkeys(map(str, faults)):
        aside(common, f"warning: {fault}")
    return Exit.ERROR if faults else Exit.OK


def _signed(sums: str, fleet: Fleet, file: Path | None) -> tuple[bytes, str]:
    """Sign the sums of a report's files with a key at hand; return the signature, and who signed."""
    from deploy.runs.approving import known_keys
    from deploy.runs.signing import sign, verify_statement

    key, place, person = known_keys(fleet, file)[0]
    signature = sign(sums, "report", key, place)
    verify_statement(sums, signature, "report", person)  # before anybody relies on it
    return signature.encode(), f"{person.full_name} ({person.name})"


@command("verify", of=report)
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
def report_verify(common: Common, directory: Path) -> int:
    """Say whether a report is unaltered: who signed it, its files, and the records that it is made of.

    The history is compared where it is (--state). Ends with 1 if anything does not hold, or nobody signed it; what
    nobody can tell here is said.
    """
    from deploy.report.bundle import (
        ASKED_FOR,
        DATA,
        EVIDENCE,
        PAGE,
        SIGNATURE,
        SUMS,
        Claim,
        judge_files,
        judge_history,
        read_evidence,
    )
    from deploy.views.reports import claims_of_report

    names = (PAGE, DATA, EVIDENCE, *ASKED_FOR, SUMS, SIGNATURE)
    there = {name: (directory / name).read_bytes() for name in names if (directory / name).is_file()}
    claims = [_judge_signature(common, there.get(SUMS), there.get(SIGNATURE)), *judge_files(there.get(SUMS), there)]
    evidence = read_evidence(there.get(EVIDENCE))
    if evidence is None:
        words = f"{EVIDENCE} cannot be read: of which records the report is made is not known"
        claims.append(Claim(about="history", holds=False, words=words))
    else:
        history = stores_of(common).history
        claims += judge_history(evidence, history.chain(), history.links(), history.kept())
    failed = sum(c.holds is False for c in claims)
    document = {"claims": [c.model_dump(mode="json") for c in claims], "exit_code": int(bool(failed))}
    answer(common, document, claims_of_report(claims))
    return Exit.ERROR if failed else Exit.OK


def _judge_signature(common: Common, sums: bytes | None, signature: bytes | None) -> Claim:
    """Say who signed a report, and whether just these sums."""
    from deploy.model.approval import key_of
    from deploy.report.bundle import SIGNATURE, Claim
    from deploy.runs.signing import SigningError, signed_by, verify_statement

    if signature is None or sums is None:
        words = "nobody signed it: whoever had it may have changed it, sums and all"
        return Claim(about="signature", holds=False, words=words)
    try:
        text = signature.decode()
        key = signed_by(text)
        person = next((p for p in fleet_of(common).fleet.people.everybody if key in map(key_of, p.keys)), None)
        if person is None:
            words = f"it is signed by a key that nobody of inventory/people.yaml has: {key}"
            return Claim(about="signature", holds=False, words=words)
        verify_statement(sums.decode(), text, "report", person)
    except (SigningError, UnicodeDecodeError) as e:
        return Claim(about="signature", holds=False, words=f"{SIGNATURE}: {e}")
    words = f"signed by {person.full_name} ({person.name}), with {key}"
    if person.employment == "ended":
        words = f"{words}, who has left: whether it was signed before, nobody can tell here"
    return Claim(about="signature", holds=None if person.employment == "ended" else True, words=words)


def _written(reader: str, subject: ReportSubject, since: str) -> tuple[AnyReport, str]:
    """Return a reader's document, and what it says in a line."""
    from deploy.report.board import board
    from deploy.report.consolidation import consolidation
    from deploy.report.page import headline

    limited = bool(subject.common.limit)
    if reader in {"board", "consolidation"} and limited:
        raise UsageError(f"a report for {reader} is about all municipalities", where="--limit", fix="leave it out")
    if reader == "auditor" and len({h.tenant for h in subject.about}) != 1:
        raise UsageError("an auditor's report is about one municipality", where="--limit", fix="such as: --limit heby")
    if reader == "board":
        then = subject.report(since)
        of_board = board(subject.report(subject.at, since), then if then.run else None, subject.procurement())
        return of_board, f"To decide: {len(of_board.decisions)}"
    if reader == "procurement":
        bought = subject.procurement()
        return bought, f"{len(bought.devices)} devices, {len(bought.models)} models"
    if reader == "consolidation":
        then_runs = subject.past(since).latest
        apart = consolidation(subject.fleet, subject.about, then_runs, subject.at, since)
        return apart, f"{len(apart.shared)} shared, {len(apart.separate)} separate systems"
    made = subject.report(subject.at, since)
    return made, headline(made).english


def _moment_of(option: str, given: str | None, *, ends: bool) -> str:
    """Return a moment as somebody gave it, in UTC; empty if nobody did.

    Args:
        ends: a day means its last moment, and not its first.

    Raises:
        UsageError: it is no moment, or still to come.
    """
    if given is None:
        return ""
    try:
        meant = datetime.fromisoformat(given)
    except ValueError:
        raise UsageError(f"not a time: {given}", where=option, fix="2026-11-29, or 2026-11-29T07:30") from None
    if len(given) <= len("2026-11-29"):
        meant = datetime.combine(meant, time.max if ends else time.min)
    local = meant if meant.tzinfo else meant.replace(tzinfo=TIME_ZONE)
    moment = local.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    now = clock.now()
    if moment <= now:
        return moment
    if ends and meant.time() == time.max and local.date() == datetime.fromisoformat(now).astimezone(TIME_ZONE).date():
        return now  # today has not ended
    raise UsageError("that is still to come", where=option, fix="give an earlier time")
