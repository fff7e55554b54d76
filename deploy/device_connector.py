"""The pyinfra connector of CLI devices: facts are what the device shows, and the one command is a configuration session.

While a look is under way a command is a question, answered by the round it falls in, as with `connector`. There is no
shell here: whatever asks for one (sudo, an environment, a file) is refused before anything is typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput, OutputLine

from deploy.connector import LookFailed
from deploy.device import DeviceConnection
from deploy.guarded import minutes_of
from deploy.rounds import Rounds
from deploy.transport import Answer

OF_A_SHELL = (
    "_sudo",
    "_sudo_user",
    "_su_user",
    "_doas",
    "_dzdo",
    "_env",
    "_chdir",
    "_stdin",
    "_get_pty",
    "_shell_executable",
)


class DeviceConnector(BaseConnector):
    """A pyinfra connector over one open session. `rounds` is set while a look is under way."""

    handles_execution = True
    connection: DeviceConnection
    command_timeout: float
    rounds: Rounds | None = None
    last_upload: Answer | None = None

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """A device is named by the inventory alone."""
        yield name, {}, []

    def connect(self) -> None:
        """Nothing: the session opens its connections itself, before pyinfra sees them."""

    def disconnect(self) -> None:
        """Nothing: the session closes its connections itself."""

    def run_shell_command(
        self,
        command: StringCommand | str,
        print_output: bool = False,  # noqa: ARG002  pyinfra's signature
        print_input: bool = False,  # noqa: ARG002  pyinfra's signature
        **arguments: Any,
    ) -> tuple[bool, CommandOutput]:
        """Ask what a device shows. Returns that it answered, and its lines; a refusal is no answer."""
        refused = [name for name in OF_A_SHELL if arguments.get(name)]
        if refused:
            raise LookFailed(f"{', '.join(refused)} mean nothing on a device without a shell", where=self._where)
        text = command if isinstance(command, str) else command.get_raw_value()
        answer = self.rounds.ask(text) if self.rounds is not None else self.connection.ask([text])[0]
        if answer.rc != 0:
            raise LookFailed(f"the device refused {text!r}: {answer.stderr}", where=self._where)
        return True, CommandOutput([OutputLine("stdout", line) for line in answer.stdout.splitlines()])

    def configure(self, lines: Sequence[str]) -> tuple[bool, CommandOutput]:
        """Type a change, guarded by the vendor's own means if there are any. Returns whether all of it was taken."""
        answer = self.connection.configure(lines, minutes=minutes_of(self.connection))
        said = [*answer.stdout.splitlines(), *answer.stderr.splitlines()]
        return answer.rc == 0, CommandOutput([OutputLine("stderr" if answer.rc else "stdout", line) for line in said])

    def put_file(self, *_args: Any, **_arguments: Any) -> bool:
        """A device takes no files."""
        raise LookFailed("a device without a shell takes no files", where=self._where)

    def get_file(self, *_args: Any, **_arguments: Any) -> bool:
        """A device gives no files."""
        raise LookFailed("a device without a shell gives no files", where=self._where)

    @property
    def _where(self) -> str:
        return f"host {self.host.name}"
