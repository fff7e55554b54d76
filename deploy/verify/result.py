"""How a state check's item of pytest becomes a result: its name in words, its outcome, and what its failure says.

Not here: running items (`verify.plugin`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from deploy.model.record import CheckResult
from deploy.verify.names import in_words
from inventory.fleet import Host
from roles.shared.device.answers import NotUnderstood
from roles.shared.device.heard import Heard
from roles.shared.device.known import known_vendors
from roles.shared.device.masking import masked
from roles.shared.device.vendor import WITHHELD

LINES, WIDTH = 6, 240
"""How much of an assertion's text is kept."""

PYTHON = re.compile(
    r"<class |<built-in method |<bound method |<testinfra\.host|= run\(|"
    r"^Use -v |^Omitting \d+ |^\.\.\.Full output"
)
"""What an assertion's text says about Python and pytest, and not about the host."""

UNKNOWN_SECRET = re.compile(
    r"\$[0-9a-z]{1,8}\$[^\s'\":]+"  # a password, as crypt(5) has it
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\\n|[A-Za-z0-9+/=\s])*(?:-----END [A-Z ]*-----)?"
    r"|AGE-SECRET-KEY-1[0-9A-Z]+"
    r"|(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])"  # a key of WireGuard's
)
"""What is one by its form. Values that samdrift knows are hidden before a check sees them; of what was made on a host,
or set there by somebody, a check that fails may quote a line."""


def role_of(path: Path) -> str:
    """Return the role whose checks this file holds."""
    return path.stem.removeprefix("test_")


def result_of(
    item: pytest.Function,
    host: Host,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
    *,
    strangers: Iterable[Heard],
    restarts: Iterable[str],
) -> CheckResult:
    """Return pytest's report of one item as the result of a state check."""
    outcome, detail = _outcome(item, call, report)
    if host.platform in known_vendors():  # it quotes what a device said
        detail = masked(detail)
    return CheckResult.model_validate(
        {
            "host": host.name,
            "municipality": host.tenant,
            "role": role_of(item.path),
            "name": _name(item),
            "outcome": outcome,
            "detail": detail,
            "strangers": tuple(strangers),
            "restarts": tuple(restarts),
        }
    )


def _name(item: pytest.Function) -> str:
    """Return a test's name in words, with its own parameters behind it."""
    words = in_words(item.originalname)
    others = [str(value) for name, value in item.callspec.params.items() if name != "target"]
    return f"{words} [{', '.join(others)}]" if others else words


def _outcome(item: pytest.Function, call: pytest.CallInfo[None], report: pytest.TestReport) -> tuple[str, str]:
    if report.passed:
        return "passed", ""
    if call.excinfo is None:
        return "failed", "it passed, though it is marked to fail"
    error = call.excinfo.value
    if isinstance(error, pytest.skip.Exception):
        reason = (error.msg or "").removeprefix("not applicable").lstrip(": ")
        return ("not applicable", reason) if reason else ("failed", "skipped without a reason")
    text = UNKNOWN_SECRET.sub(WITHHELD, str(error))
    shown = "\n".join(_shortened(text.splitlines())) or "it said nothing"
    if not isinstance(error, AssertionError | pytest.fail.Exception | NotUnderstood):
        shown = f"the check itself broke: {type(error).__name__}: {shown}"
    lines = [entry.lineno + 1 for entry in call.excinfo.traceback if Path(entry.path) == item.path]
    place = f"tests/state/{item.path.name}" + (f":{lines[-1]}" if lines else "")
    return "failed", f"{shown}\n({place})"


def _shortened(lines: Iterable[str]) -> list[str]:
    """Return the first lines that say something, each cut where it is no longer read."""
    telling = [line.strip() for line in lines if line.strip() and not PYTHON.search(line.strip())]
    return [line if len(line) <= WIDTH else f"{line[:WIDTH]}..." for line in telling[:LINES]]
