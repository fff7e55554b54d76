"""The pyinfra connector: how pyinfra's facts and commands travel over a `Connection`.

While a look is under way a command is a question, answered by the round it falls in. Otherwise it is run at
once. The connection is already root, so pyinfra's sudo, su and doas are refused rather than doubled.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from io import StringIO
from typing import IO, Any

from pyinfra.api.command import StringCommand
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput, OutputLine, make_unix_command

from deploy.engine import lock_script
from deploy.engine.guard_script import GUARDED_STEP, still_armed
from deploy.transport.batch import TIMED_OUT
from deploy.transport.rounds import Rounds
from deploy.transport.ssh import Answer, Connection
from inventory.errors import SamdriftError
from inventory.secrets import MARK
from roles.shared.look_program import KILL_AFTER
from roles.shared.parts.expected import Expected, expectation

ELEVATIONS = ("_sudo", "_su_user", "_doas", "_dzdo")
SAFE_UPLOAD = "umask 077; rm -f {path}; set -C; cat > {path} || {{ rm -f {path}; exit 1; }}"
"""Into a file of our own making, whatever lay there (a link elsewhere, an older and looser file); a full disk leaves
none."""

WAITS = 30
"""Seconds that a command waits for an earlier one that is still running on the host."""


class LookFailed(SamdriftError):
    """A question of a look was not answered as it must be, so that the state of the host is unknown.

    Not an OSError on purpose: pyinfra would swallow that, use the fact's default, and plan a phantom change.
    """


class SessionConnector(BaseConnector):
    """A pyinfra connector over a connection that is the session's.

    Attributes:
        rounds: set while a look is under way.
        run: the run that holds the host's lock, without which nothing is changed there; empty if none of ours does.
        begun: this run has carried out a step there.
        absent: what must not be there yet when the next command runs, or it came from elsewhere.
        appeared: what of it the commands of a step have made.
        moved: the last command was refused, since what it would have overwritten is not what was seen.
        guarded_by: the guard of the step that is carried out: its processes are known by their environment, so that a
            host that puts itself back ends them first; empty if it is not guarded.
    """

    handles_execution = True
    rounds: Rounds | None = None
    run: str = ""
    begun: bool = False
    absent: tuple[Expected, ...] = ()
    appeared: frozenset[Expected] = frozenset()
    moved: bool = False
    guarded_by: str = ""

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """Yield the name alone: a host is named by the inventory."""
        yield name, {}, []

    def connect(self) -> None:
        """Do nothing: the session opens its connections itself, before pyinfra sees them."""

    def disconnect(self) -> None:
        """Do nothing: the session closes its connections itself."""

    def _require_lock(self) -> None:
        """Refuse to change what this run never took the lock of."""
        if not self.run:
            raise LookFailed("it is not locked, so nothing may be changed there", where=f"host {self.host.name}")


class Connector(SessionConnector):
    """The connector of a host with a shell."""

    connection: Connection
    command_timeout: float

    def run_shell_command(
        self,
        command: StringCommand | str,
        print_output: bool = False,  # noqa: ARG002  pyinfra's signature
        print_input: bool = False,  # noqa: ARG002  pyinfra's signature
        **arguments: Any,
    ) -> tuple[bool, CommandOutput]:
        """Run or ask one command. Returns whether its exit status is a good one, and its output lines."""
        refused = [a for a in (*ELEVATIONS, "_stdin", "_get_pty") if arguments.get(a)]
        if refused:
            raise LookFailed(f"{', '.join(refused)} cannot be used here", where=f"host {self.host.name}")
        good = arguments.get("_success_exit_codes") or [0]
        timeout = arguments.get("_timeout") or self.command_timeout
        text = command if isinstance(command, str) else command.get_raw_value()
        line = make_unix_command(
            StringCommand(text), _env=arguments.get("_env"), _chdir=arguments.get("_chdir"), _shell_executable=None
        ).get_raw_value()
        if MARK in line:  # everybody on a host can read its command lines
            raise LookFailed("a secret cannot stand in a command", where=f"host {self.host.name}")
        if self.rounds is not None:
            answer = self.rounds.ask(line)
            self._must_answer(line, answer, good)
        else:
            answer = self._run_for(timeout, line, expectation(command))
        return answer.rc in good, _output(answer)

    def _run_for(self, seconds: float, line: str, expected: Expected | None) -> Answer:
        """Run a command for so long at most: the host itself ends it, or it would go on beside the next try."""
        if expected is not None and expected.loose and self.begun:
            expected = None
        bounded = f"timeout -k {KILL_AFTER} {seconds:g} sh -c {shlex.quote(line)} < /dev/null"
        program = self._fenced(bounded, expected)
        answer = self.connection.run(
            f"{self._mark}sh -s", stdin=program.encode(), timeout=seconds + WAITS + 2 * KILL_AFTER
        )
        answer = self._noting_appeared(answer)
        self.moved = answer.rc == lock_script.REFUSED and lock_script.MOVED in answer.stderr
        if answer.rc in TIMED_OUT:
            return answer.model_copy(update={"stderr": f"{answer.stderr}\nended after {seconds:g} s"})
        return answer

    def put_file(  # type: ignore[override]  # pyinfra passes its many arguments by keyword; none means anything here
        self,
        filename_or_io: str | IO[Any],
        remote_filename: str,
        *_args: Any,
        **_arguments: Any,
    ) -> bool:
        """Write a file as root, readable by root alone until the step that owns it says otherwise."""
        data = _content(filename_or_io)
        program = self._fenced(f"{{ {SAFE_UPLOAD.format(path=shlex.quote(remote_filename))}; }}")
        answer = self.connection.run(
            f"{self._mark}sh -c {shlex.quote(program)}", stdin=data, timeout=self.command_timeout + WAITS
        )
        self.last_upload = self._noting_appeared(answer)
        return answer.rc == 0

    def _fenced(self, program: str, expected: Expected | None = None) -> str:
        """Return a program that does nothing unless this run has the host, and the guard of a guarded step is armed."""
        self._require_lock()
        first = still_armed(self.guarded_by, lock_script.REFUSED) if self.guarded_by else ""
        return lock_script.fenced(self.run, program, seconds=WAITS, first=first, expected=expected, absent=self.absent)

    def _noting_appeared(self, answer: Answer) -> Answer:
        """Note what was to be absent and is there now. Returns what else the program answered."""
        numbers, stderr = lock_script.appeared(answer.stderr)
        self.appeared |= {self.absent[number] for number in numbers if number < len(self.absent)}
        return answer.model_copy(update={"stderr": stderr}) if numbers else answer

    def get_file(self, *_args: Any, **_arguments: Any) -> bool:
        """Refuse: no role downloads files."""
        raise LookFailed("files are not downloaded from hosts", where=f"host {self.host.name}")

    last_upload: Answer | None = None

    @property
    def _mark(self) -> str:
        return f"env {GUARDED_STEP}={self.guarded_by} " if self.guarded_by else ""

    def _must_answer(self, line: str, answer: Answer, good: list[int]) -> None:
        """Refuse to go on without this fact: its default would be taken for what the host looks like."""
        if answer.rc in good:
            return
        shown = line if len(line) < 200 else f"{line[:200]}..."
        complaint = answer.stderr.strip().splitlines()
        why = (
            "did not answer in time"
            if answer.rc in TIMED_OUT
            else f"failed (exit {answer.rc}{': ' + complaint[-1] if complaint else ''})"
        )
        raise LookFailed(f"a fact {why}: {shown}", where=f"host {self.host.name}", fix="log in and run it by hand")


def _content(source: str | IO[Any]) -> bytes:
    if isinstance(source, str):
        raise LookFailed(f"upload of a local file ({source}) is not part of any plan")
    source.seek(0)
    data = source.read()
    return data.encode() if isinstance(source, StringIO) else bytes(data)


def _output(answer: Answer) -> CommandOutput:
    lines = [OutputLine("stdout", line) for line in answer.stdout.splitlines()]
    lines += [OutputLine("stderr", line) for line in answer.stderr.splitlines()]
    return CommandOutput(lines)
