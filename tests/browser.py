"""A real browser: Chromium without a window, told what to do by its own protocol (CDP) over a pipe.

Not here: what is asked of pages (`test_accessible` and `test_watch_browser` in `tests.unit.deploy.report`,
`tests.bench.report`).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

AXE = Path(__file__).resolve().parents[1] / ".venv" / "axe-core" / "axe.min.js"
"""The accessibility engine, as the set-up fetches it."""

READS, WRITES = 3, 4
"""Where Chromium expects its pipe."""


def cannot_browse() -> str:
    """Why there is no browser here; empty if there is one."""
    return "" if shutil.which("chromium") else "there is no chromium here: make setup as root installs it"


class Page:
    """One page of a browser."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session
        self.tell("Page.enable")

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.tell(method, self._session, **parameters)

    def resize(self, width: int, height: int = 800) -> None:
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def before(self, script: str) -> None:
        """Have a script run in whatever is opened, before anything of it."""
        self.tell("Page.addScriptToEvaluateOnNewDocument", source=script)

    def open(self, file: Path) -> None:
        """Open a file, and wait until all of it is there."""
        self.go(file.resolve().as_uri())

    def go(self, url: str) -> None:
        """Open an address, and wait until all that it asks for is there."""
        self.tell("Page.navigate", url=url)
        self._browser.wait("Page.loadEventFired", self._session)

    def ask(self, expression: str) -> Any:
        """Evaluate JavaScript; a promise is waited for."""
        told = self.tell("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise AssertionError(json.dumps(told["exceptionDetails"])[:2000])
        return told["result"].get("value")

    def close(self) -> None:
        self.tell("Page.close")


class Browser:
    """A running Chromium."""

    def __init__(self, process: subprocess.Popen[bytes], reads: int, writes: int) -> None:
        self._process, self._reads, self._writes = process, reads, writes
        self._asked, self._rest, self._events = 0, b"", list[dict[str, Any]]()

    def page(self) -> Page:
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        return Page(self, self.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    def tell(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        self._asked += 1
        asked: dict[str, Any] = {"id": self._asked, "method": method, "params": parameters}
        os.write(self._writes, json.dumps(asked | ({"sessionId": session} if session else {})).encode() + b"\0")
        while (told := self._next()).get("id") != self._asked:
            self._events.append(told)
        if "error" in told:
            raise AssertionError(f"{method}: {told['error']}")
        result: dict[str, Any] = told["result"]
        return result

    def wait(self, event: str, session: str) -> None:
        """Wait until something has happened on a page."""
        events, self._events = self._events, []
        if any(e.get("method") == event and e.get("sessionId") == session for e in events):
            return
        while True:
            told = self._next()
            if told.get("method") == event and told.get("sessionId") == session:
                return

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._reads, 1 << 20)
            if not read:
                raise AssertionError("chromium ended")
            self._rest += read
        one, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(one)
        return told


def _pipe() -> tuple[int, int]:
    """Open a pipe whose ends are not where Chromium expects its own."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, WRITES + 1) for fd in ends)
    for fd in ends:
        os.close(fd)
    return moved[0], moved[1]


@contextmanager
def browser() -> Iterator[Browser]:
    """Run Chromium, with nothing of its own left behind."""
    (theirs, writes), (reads, their_answers) = _pipe(), _pipe()

    def as_expected() -> None:
        os.dup2(theirs, READS)
        os.dup2(their_answers, WRITES)

    options = ["--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run", "--disable-extensions"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # root has none; its pages are our own, and nothing else is opened
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            ["chromium", *options, f"--user-data-dir={profile}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(READS, WRITES),
            preexec_fn=as_expected,  # noqa: PLW1509  nothing but two descriptors is moved before it starts
            start_new_session=True,
        )
        os.close(theirs)
        os.close(their_answers)
        try:
            yield Browser(process, reads, writes)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(reads)
            os.close(writes)
