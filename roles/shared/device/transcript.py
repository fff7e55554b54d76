"""A transcript: what a device answered, read-only, to everything that samdrift relies on; and what that proves. Pure.

Each vendor's commands are its data (`Vendor`). Not here: how a device is asked (`deploy.runs.probe`), and how a
transcript becomes anonymous (`anonymous`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import yaml
from pydantic import Field

from inventory.frozen import Frozen
from roles.shared.device.answers import NotUnderstood, rows
from roles.shared.device.difference import difference
from roles.shared.device.masking import masked
from roles.shared.device.ownership import ANYTHING
from roles.shared.device.reading import tame
from roles.shared.device.said import modes_in
from roles.shared.device.series import Mode
from roles.shared.device.vendor import Vendor

EVERYTHING = (("(.|\n)*",),)
"""Every line, as of a role that manages all of a device."""


class Exchange(Frozen):
    """What a device answered to one command.

    Attributes:
        refused: the device did not take the command.
    """

    typed: str
    answer: str
    seconds: float
    refused: bool = False


class Transcript(Frozen):
    """What one device answered, without what says of whom it is.

    Attributes:
        code: digest of the code that asked.
        note: where it comes from, in somebody's words.
    """

    format: Literal[1] = 1
    code: str
    taken: str
    platform: str
    series: str = ""
    note: str = ""
    exchanges: tuple[Exchange, ...]

    def answer(self, command: str) -> Exchange | None:
        """Return what was answered to a command; None if it was not asked."""
        return next((exchange for exchange in self.exchanges if exchange.typed == command), None)


class Judgement(Frozen):
    """Whether one behaviour that samdrift relies on was seen."""

    about: str
    outcome: Literal["ok", "not as believed", "refused", "not seen"]
    detail: str = Field(default="", description="in a few words; nothing of the answer")


def commands_of(vendor: Vendor) -> tuple[str, ...]:
    """Return every command that a vendor's devices are probed with, each once. All only show something."""
    pending = (vendor.confirm.pending,) if vendor.confirm else ()
    modes = (mode.command for mode in vendor.refused_modes)
    asks = (question.command for question in vendor.asks.values())
    return tuple(dict.fromkeys(filter(None, (*vendor.identifies, vendor.show, *pending, *modes, *asks))))


def series_of(vendor: Vendor, running: str) -> str:
    """Return the name of the series that a device is of, as far as what it prints tells one."""
    found = vendor.series_printed(running)
    return found.name if found else ""


def judged(vendor: Vendor, transcript: Transcript) -> tuple[Judgement, ...]:
    """Judge everything that samdrift relies on and that can be seen without changing a device."""
    return tuple(_judged(vendor, transcript))


def _judged(vendor: Vendor, transcript: Transcript) -> Iterator[Judgement]:
    shown = (transcript.answer(command) for command in (vendor.show, vendor.looking.show) if command)
    configuration = next((exchange for exchange in shown if exchange), None)
    yield _configuration(vendor, configuration)
    if vendor.series:
        yield _series(vendor, configuration)
    if vendor.confirm:
        yield _pending(vendor, transcript.answer(vendor.confirm.pending))
    for mode in vendor.refused_modes:
        exchange = transcript.answer(mode.command)
        about = f"mode: {mode.command or 'before the prompt'}"
        yield _seen(about, exchange) or _mode(about, mode, exchange)
    for asked, question in vendor.asks.items():
        about = f"{asked}: {question.command}"
        exchange = transcript.answer(question.command)
        if question.of_some and exchange is not None and exchange.refused:
            yield Judgement(about=about, outcome="not seen", detail="it refuses to tell: it may have no such thing")
            continue
        yield _seen(about, exchange) or _parsed(vendor, asked, about, exchange)


def _seen(about: str, exchange: Exchange | None) -> Judgement | None:
    """Return the judgement of what was not answered."""
    if exchange is None:
        return Judgement(about=about, outcome="not seen", detail="it was not asked")
    if exchange.refused:
        return Judgement(about=about, outcome="refused")
    return None


def _configuration(vendor: Vendor, exchange: Exchange | None) -> Judgement:
    about = f"configuration: {vendor.show}"
    if (unseen := _seen(about, exchange)) or exchange is None:
        return unseen or Judgement(about=about, outcome="not seen")
    running = tame(exchange.answer)
    try:
        change = difference(vendor, running, running, EVERYTHING, ours=ANYTHING)
    except Exception as e:  # noqa: BLE001  whatever it is, this configuration is not read
        return Judgement(about=about, outcome="not as believed", detail=f"it is not read: {type(e).__name__}")
    if change.entries:
        lines = f"{len(change.entries)} lines would be typed to make it what it is"
        return Judgement(about=about, outcome="not as believed", detail=lines)
    if not change.after.strip():
        return Judgement(about=about, outcome="not as believed", detail="no line of it was understood")
    return Judgement(about=about, outcome="ok", detail=f"{len(change.after.splitlines())} lines, read, no difference")


def _series(vendor: Vendor, exchange: Exchange | None) -> Judgement:
    about = "series"
    if unseen := _seen(about, exchange):
        return unseen
    running = tame(exchange.answer) if exchange else ""
    says = vendor.series_printed(running)
    if says is None:
        return Judgement(about=about, outcome="not seen", detail="its configuration does not say of which it is")
    if vendor.exact and not vendor.exact.is_printed(running):
        detail = f"the device says {says.name}, and NetBox {vendor.exact.name}"
        return Judgement(about=about, outcome="not as believed", detail=detail)
    return Judgement(about=about, outcome="ok", detail=vendor.exact.name if vendor.exact else says.name)


def _pending(vendor: Vendor, exchange: Exchange | None) -> Judgement:
    assert vendor.confirm is not None  # noqa: S101  who asks knows
    about = f"timer: {vendor.confirm.pending}"
    if exchange is None:
        return Judgement(about=about, outcome="not seen", detail="it was not asked")
    lines = [line.strip() for line in exchange.answer.splitlines()]
    if any(re.search(vendor.confirm.pending_pattern, line) for line in lines):
        return Judgement(about=about, outcome="not as believed", detail="it says that it is counting")
    idle = vendor.confirm.idle_pattern
    if idle and not any(re.search(idle, line) for line in lines):
        return Judgement(about=about, outcome="refused" if exchange.refused else "not as believed")
    if exchange.refused and not idle:
        return Judgement(about=about, outcome="refused")
    return Judgement(about=about, outcome="ok", detail="it does not count")


def _mode(about: str, mode: Mode, exchange: Exchange | None) -> Judgement:
    if exchange and any(modes_in(exchange.answer, (mode,), mode.command)):
        return Judgement(about=about, outcome="not as believed", detail="in this mode it is not managed")
    return Judgement(about=about, outcome="ok")


def _parsed(vendor: Vendor, asked: str, about: str, exchange: Exchange | None) -> Judgement:
    answer = exchange.answer if exchange else ""
    try:
        found = rows(vendor, asked, answer)
    except NotUnderstood:  # what it says quotes the answer
        return Judgement(about=about, outcome="not as believed", detail="it is not understood")
    if found:
        return Judgement(about=about, outcome="ok", detail=f"{len(found)} found")
    return Judgement(about=about, outcome="not seen", detail="it has none to show")


def kept_secret(transcript: Transcript) -> Judgement:
    """Judge whether anything that may be a secret is left in a transcript."""
    left = [exchange.typed for exchange in transcript.exchanges if masked(exchange.answer) != exchange.answer]
    detail = f"in the answer to {', '.join(left)}" if left else ""
    return Judgement(about="no secret is left", outcome="not as believed" if left else "ok", detail=detail)


def told_otherwise(vendor: Vendor, one: Transcript, other: Transcript) -> list[str]:
    """Return the questions to which two transcripts name other ports: no name of a port is anybody's."""
    return [asked for asked in vendor.asks if ports_told(vendor, one, asked) != ports_told(vendor, other, asked)]


def ports_told(vendor: Vendor, transcript: Transcript, asked: str) -> list[str]:
    """Return the ports that are named in the answer to a question, if it is understood."""
    exchange = transcript.answer(vendor.asks[asked].command)
    try:
        ports = [row["port"] for row in rows(vendor, asked, exchange.answer) if "port" in row] if exchange else []
    except NotUnderstood:  # that is judged apart
        return []
    return [str(port) for each in ports for port in (each if isinstance(each, list) else [each])]


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _as_block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _as_block)


def as_yaml(transcript: Transcript) -> str:
    """Write a transcript as a file has it."""
    return yaml.dump(transcript.model_dump(mode="json"), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def from_yaml(text: str) -> Transcript:
    """Read the transcript of a file."""
    return Transcript.model_validate(yaml.safe_load(text))
