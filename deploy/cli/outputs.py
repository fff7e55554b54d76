"""`--junit`, `--sarif`, `--prometheus`, `--markdown`: what a run found, for other programs to read, any number at once.

A file that cannot be written costs no other, is told, and ends the command with 1. A run that broke off leaves no
earlier file for its own: it says so in all but the metrics, which stay as they are and so grow old. Not here: what
stands in the files (`report.cases` and the modules that it names), and how a file is written (`cli.written`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deploy.cli.command import FILE, Common, aside
from deploy.cli.written import refuse_unwritable, write
from deploy.model.kinds import Exit

if TYPE_CHECKING:
    from deploy.check.judge import Judgement
    from deploy.model.record import Record
    from deploy.report.cases import Case
    from inventory.fleet import Fleet

FOR_THE_EXPORTER = 0o644
"""Who may read metrics: the node exporter runs as a user of its own."""


@dataclass(frozen=True)
class Outputs:
    """The files that a run is to be written to."""

    junit: Path | None = None
    sarif: Path | None = None
    prometheus: Path | None = None
    markdown: Path | None = None

    @property
    def named(self) -> dict[str, Path]:
        """Return by format the file that was named."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: file for name, file in given.items() if file is not None}


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name files; the function gets one `Outputs`."""
    meanings = {
        "junit": "Write it as JUnit XML here.",
        "sarif": "Write its findings as SARIF 2.1.0 here.",
        "prometheus": "Write its numbers here, as the node exporter reads them (*.prom).",
        "markdown": "Write it as Markdown here, for a merge request's comment.",
    }

    @wraps(function)
    def taking_outputs(common: Common, **given: Any) -> Any:
        outputs = Outputs(**{name: given.pop(name) for name in meanings})
        return function(common, outputs=outputs, **given)

    made: Callable[..., Any] = taking_outputs
    for name, meaning in reversed(meanings.items()):
        made = click.option(f"--{name}", metavar="FILE", type=FILE, help=meaning)(made)
    return made


@contextmanager
def told_if_it_breaks_off(common: Common, outputs: Outputs, command: str) -> Iterator[None]:
    """Refuse what cannot be written before the run begins; where it breaks off, write that."""
    refuse_unwritable(outputs.named.values(), "output")
    try:
        yield
    except BaseException as e:
        but_metrics = replace(outputs, prometheus=None)
        if but_metrics.named:
            put_outputs(common, but_metrics, _broken_off(common, command, e), {})
        raise


def put_outputs(
    common: Common, outputs: Outputs, record: Record, names: Mapping[str, str], also: Iterable[Case] = ()
) -> Record:
    """Write a run to the files that were named, and return its record: if one failed, it ends with 1.

    Args:
        names: municipalities' names by slug.
        also: cases that the record does not say.
    """
    from deploy.report.cases import cases_of
    from deploy.report.run_junit import junit
    from deploy.report.run_markdown import markdown
    from deploy.report.run_metrics import metrics
    from deploy.report.run_sarif import sarif

    if not outputs.named:
        return record
    cases = cases_of(record, also)
    formats: Mapping[str, Callable[[], str]] = {
        "junit": lambda: junit(record, cases),
        "sarif": lambda: sarif(record, cases),
        "prometheus": lambda: metrics(record, cases),
        "markdown": lambda: markdown(record, cases, names),
    }
    failed = False
    for name, file in outputs.named.items():
        try:
            write(file, formats[name](), mode=FOR_THE_EXPORTER if name == "prometheus" else None)
        except Exception as e:  # noqa: BLE001  whatever one format fails at, the others are written
            failed = True
            why = e.strerror if isinstance(e, OSError) else f"{type(e).__name__}: {e}"
            aside(common, f"error: --{name} {file} is not written: {why}")
    return record.model_copy(update={"exit_code": Exit.ERROR}) if failed else record


def judged(judgements: Sequence[Judgement], fleet: Fleet) -> Iterator[Case]:
    """Yield a case for each file and configuration that a check judged; of one that was refused there is a finding."""
    from deploy.report.cases import Case, Ended

    for judgement in judgements:
        if judgement.outcome == "refused":
            continue
        ended = Ended.PASSED if judgement.outcome == "accepted" else Ended.NOT_APPLICABLE
        why = "" if ended is Ended.PASSED else judgement.detail
        first, *others = judgement.hosts
        owners = {fleet.host(name).tenant for name in judgement.hosts}
        yield Case(
            host="" if others else first,
            municipality=owners.pop() if len(owners) == 1 else "",
            role=judgement.role,
            name=f"{judgement.path} as on {first}" if others else judgement.path,
            ended=ended,
            summary=why,
            detail=", ".join((why, *judgement.hosts)) if why else "",
        )


def sound(hosts: int, record: Record) -> Iterator[Case]:
    """Yield the case that an inventory is sound, if hosts were checked and nothing is wrong with any."""
    from deploy.model.kinds import Kind
    from deploy.report.cases import Case, Ended

    if hosts and not any(finding.kind is Kind.UNSOUND for finding in record.findings):
        yield Case(name="it is sound", ended=Ended.PASSED)


def _broken_off(common: Common, command: str, error: BaseException) -> Record:
    """Make the record of a run of which nothing is known but that it broke off; it is kept nowhere."""
    from deploy.cli.running import check_record, why_it_broke_off
    from deploy.cli.subject import source_of
    from deploy.model import clock
    from deploy.model.findings import Finding, severity
    from deploy.model.kinds import Kind
    from deploy.model.messages import MessageId
    from deploy.source.known import SourcedFleet
    from inventory.fleet import Fleet

    why, code = why_it_broke_off(error)
    message = MessageId.RUN_ENDED(command=command, why=why)
    finding = Finding(kind=Kind.FAILED_STEP, message=message, severity=severity(Kind.FAILED_STEP, message.id))
    nothing = SourcedFleet(Fleet(), source_of(common), "")
    made = check_record(common, nothing, [finding], clock.now(), common.limit)
    return made.model_copy(update={"command": command, "id": made.id.replace("check", command), "exit_code": code})
