"""Verify: the state checks of every role (`tests/state/`), run against the real hosts over their open connections.

pytest runs in this process, shut off from the project's own configuration and plugins, from the environment and
from stdout. Nothing passes by not having run: a check file that cannot be read, a role without checks and a
check that did not end are errors. What a check is and how hosts are asked: `verify.plugin`.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from deploy.model.observer import Observer, Quiet
from deploy.model.record import CheckResult
from deploy.verify.plugin import Asking, StateChecks
from inventory.errors import SamdriftError
from inventory.fleet import Fleet
from inventory.paths import CHECKS

ALONE = (
    "--disable-plugin-autoload",
    *(
        f"-pno:{plugin}"
        for plugin in (
            "terminal",
            "cacheprovider",
            "logging",
            "warnings",
            "faulthandler",
            "unraisableexception",
            "threadexception",
            "doctest",
            "junitxml",
            "unittest",
        )
    ),
    "--capture=no",
    "--import-mode=importlib",
    f"-c{os.devnull}",
)
"""A pytest that is only ours: no installed plugin, no ini file, and nothing that hooks into the process as a whole."""


class ChecksBroken(SamdriftError):
    """The state checks themselves are at fault: they cannot be read, or did not run."""


def verify(
    session: Asking,
    fleet: Fleet,
    observer: Observer | None = None,
    hosts: Collection[str] | None = None,
    *,
    directory: Path = CHECKS,
    ahead: bool = True,
    to_come: Collection[str] = (),
) -> tuple[CheckResult, ...]:
    """Run every state check of the session's roles on every host that can be reached; return the results.

    A host that dies on the way has no checks in the answer; `session.unreachable` says why.

    Args:
        hosts: only these hosts of the session.
        directory: where the check files are.
        ahead: answer the checks' questions together, before they run; otherwise one exec for each.
        to_come: the hosts that the run is still to change.

    Raises:
        ChecksBroken: naming the check file to mend.
    """
    reachable = [h for h in session.hosts if h.name not in session.unreachable]
    asked = [h for h in reachable if session.settings[h.name] and (hosts is None or h.name in hosts)]
    if not asked:
        return ()
    files = [_file(role, directory) for role in sorted({r for h in asked for r in session.settings[h.name]})]
    observer = observer or Quiet()
    observer.stage("verifying", [h.name for h in asked])
    plugin = StateChecks(session, fleet, asked, observer, ahead=ahead, to_come=to_come)
    _run(plugin, files, directory)
    if plugin.broken:
        complaints = "; ".join(f"{place or 'pytest'}: {why}" for place, why in plugin.broken)
        raise ChecksBroken(complaints, where="tests/state", fix="mend the check file")
    if silent := plugin.silent():
        host, role = silent[0]
        raise ChecksBroken(
            f"the checks of role {role} did not all run on {host}",
            where=f"tests/state/test_{role}.py",
            fix="a check file has at least one test function, and none of them ends the run",
        )
    return plugin.checks()


def _file(role: str, directory: Path) -> Path:
    path = directory / f"test_{role}.py"
    if not path.is_file():
        place = f"tests/state/{path.name}"
        raise ChecksBroken(f"role {role} has no state checks", where=place, fix="write them, as for other roles")
    return path


def _run(plugin: StateChecks, files: list[Path], directory: Path) -> None:
    """Let pytest run the files. The plugin keeps the results; pytest's exit status says only whether it could run."""
    arguments = [*ALONE, f"--rootdir={directory}", f"--confcutdir={directory}", *map(str, files)]
    with _environment_without("PYTEST_ADDOPTS", "PYTEST_PLUGINS"), contextlib.redirect_stdout(sys.stderr):
        try:
            status = pytest.main(arguments, plugins=[plugin])
        finally:
            _forget_modules(directory)
    if plugin.broken:
        return
    if status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}:
        raise ChecksBroken(f"pytest ended with status {int(status)}", where="tests/state", fix="see what it says above")


@contextlib.contextmanager
def _environment_without(*names: str) -> Iterator[None]:
    """Remove these environment variables for the length of a block."""
    saved = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(saved)


def _forget_modules(directory: Path) -> None:
    """Let the next run import the check files anew; pytest would take another directory's of the same name."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).parent == directory:
            del sys.modules[name]
