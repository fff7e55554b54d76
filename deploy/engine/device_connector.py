"""The pyinfra connector for devices: their facts are what they show, their changes one configuration session.

While a look is under way a command is a question, answered by the round it falls in; at any other time there is nothing
that pyinfra may type by itself. Whatever needs a shell is refused: a device has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.connectors.util import CommandOutput, OutputLine

from deploy.engine.connector import ELEVATIONS, LookFailed, SessionConnector
from deploy.engine.guards import minutes_of
from deploy.transport.device_session import DeviceSession
from inventory.secrets import MARK
from roles.shared.device.letting_in import CameIn
from roles.shared.device.masking import masked

SHELL_ONLY = (*ELEVATIONS, "_env", "_chdir", "_stdin", "_get_pty")


class DeviceConnector(SessionConnector):
    """The connector of a device with a command line."""

    connection: DeviceSession

    @property
    def came_in(self) -> CameIn:
        """Return how samdrift logged in to the device.

        Raises:
            LookFailed: it has not.
        """
        if self.connection.came_in is None:
            raise LookFailed("nobody is logged in", where=f"host {self.host.name}")
        return self.connection.came_in

    def run_shell_command(
        self,
        command: StringCommand | str,
        print_output: bool = False,  # noqa: ARG002  pyinfra's signature
        print_input: bool = False,  # noqa: ARG002  pyinfra's signature
        **arguments: Any,
    ) -> tuple[bool, CommandOutput]:
        """Ask one question of a look. A device that does not answer it is unknown: there is no default to take."""
        where = f"host {self.host.name}"
        refused = [a for a in SHELL_ONLY if arguments.get(a)]
        if refused:
            raise LookFailed(f"{', '.join(refused)} cannot be used on a device", where=where)
        line = command if isinstance(command, str) else command.get_raw_value()
        if self.rounds is None:
            raise LookFailed(f"a shell command cannot be run on a device: {line[:200]}", where=where)
        if MARK in line:
            raise LookFailed("a secret cannot stand in a question", where=where)
        answer = self.rounds.ask(line)
        if answer.rc:
            raise LookFailed(
                f"a question was refused: {line}: {answer.stderr}", where=where, fix="log in and ask by hand"
            )
        return True, CommandOutput([OutputLine("stdout", output) for output in answer.stdout.splitlines()])

    def configure(self, entries: Sequence[str]) -> tuple[bool, CommandOutput]:
        """Type a change, guarded by the vendor's own means if there are any. Returns whether all of it was taken."""
        self._require_lock()
        answer = self.connection.configure(entries, minutes=minutes_of(self.connection))
        output = [*masked(answer.stdout).splitlines(), *answer.stderr.splitlines()]
        return answer.rc == 0, CommandOutput([OutputLine("stderr" if answer.rc else "stdout", line) for line in output])

    def put_file(self, *_args: Any, **_arguments: Any) -> bool:
        """Refuse: no file is written to a device."""
        raise LookFailed("a device has no files that a role could write", where=f"host {self.host.name}")

    def get_file(self, *_args: Any, **_arguments: Any) -> bool:
        """Refuse: no file is read from a device."""
        raise LookFailed("files are not downloaded from devices", where=f"host {self.host.name}")
