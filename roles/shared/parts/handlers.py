"""Handlers: a restart or reload that a step owes when it changes something, and only then.

Debts are kept on the host itself (`/var/lib/samdrift/owed/`), written before the change goes live and removed
when the handler has run. So a run that dies between the two leaves a debt that the next plan sees and pays;
a handler whose step did not change, and that is not owed, is never a change.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Generator, Sequence

from pyinfra import host
from pyinfra.api import FactBase, operation
from pyinfra.api.operation import OperationMeta

from inventory.frozen import Frozen

OWED = "/var/lib/samdrift/owed"


class Handler(Frozen):
    """A command owed after a change. Two steps that owe equal handlers owe one."""

    name: str
    command: str

    @property
    def slug(self) -> str:
        """Return the name as a file name."""
        return re.sub(r"[^a-z0-9.@-]+", "-", self.name.lower())

    @property
    def debt(self) -> str:
        """Return the shell command that writes the debt down."""
        return f"mkdir -p {OWED} && touch {OWED}/{self.slug}"

    @property
    def again(self) -> str:
        """Return the shell command that runs the handler of a change that was taken back: nothing is owed any more."""
        return f"rm -f {OWED}/{self.slug}; {self.command}"


def restart(unit: str, *, daemon_reload: bool = False) -> Handler:
    """Restart a systemd unit, with its unit files read again first where a step changes those."""
    reload_first = "systemctl daemon-reload && " if daemon_reload else ""
    return Handler(name=f"restart {unit}", command=f"{reload_first}systemctl restart {shlex.quote(unit)}")


def reload(unit: str) -> Handler:
    """Reload a systemd unit's configuration, or start the unit where it does not run."""
    return Handler(name=f"reload {unit}", command=f"systemctl reload-or-restart {shlex.quote(unit)}")


class OwedHandlers(FactBase[list[str]]):
    """The slugs of the handlers that this host still owes from a run that did not finish."""

    default = list

    def command(self) -> str:
        return f"ls -1 {OWED} 2>/dev/null || true"

    def process(self, output: list[str]) -> list[str]:
        return [line for line in output if line]


@operation()
def pay(handler: Handler, causes: Sequence[OperationMeta]) -> Generator[str]:
    """Run a handler if a step that owes it changes, or if an earlier run left it owed."""
    owed = handler.slug in host.get_fact(OwedHandlers)
    if owed or any(cause.will_change for cause in causes):
        yield f"{handler.command} && rm -f {OWED}/{handler.slug}"
    else:
        host.noop(f"{handler.name}: nothing owes it")
