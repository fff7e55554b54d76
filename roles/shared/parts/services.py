"""`service`: a systemd unit that must run (or not) now and at boot; `confined`: what it may do while it runs."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra import host
from pyinfra.api import FactBase, operation
from pyinfra.api.operation import OperationMeta
from pyinfra.operations import files

from roles.shared.guard import kept_service
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler
from roles.shared.parts.registration import current
from roles.shared.parts.templates import render
from roles.shared.sandbox import Sandbox

ON_ONE_ADDRESS = """\
[Unit]
# It answers on one address, which the network has to bring up first.
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
RestartSec=5
"""
"""What the unit of such a service is to be told besides."""

UNIT_STATE = "systemctl show -p ActiveState -p UnitFileState -- {word}"
"""What is asked of a unit."""


class UnitState(FactBase[dict[str, str]]):
    """ActiveState and UnitFileState of one systemd unit."""

    default = dict

    def command(self, unit: str) -> str:
        return UNIT_STATE.replace("{word}", shlex.quote(unit))

    def process(self, output: list[str]) -> dict[str, str]:
        return dict(line.split("=", 1) for line in output if "=" in line)


def service(unit: str, *, running: bool = True, enabled: bool = True, guarded: bool = False) -> OperationMeta:
    """Declare that a unit (full name, with its suffix) runs now and is enabled at boot, or neither, or one.

    Args:
        guarded: it can cut the way to the host, which stops or starts it again unless it is told that all is well.
    """
    name = f"{unit} {'running' if running else 'stopped'}"
    if guarded:
        current().guards[name] = kept_service(unit)
    return control(name=name, unit=unit, running=running, enabled=enabled)


def confined(sandbox: Sandbox, *, then: tuple[Handler, ...], also: str = "", guarded: bool = False) -> None:
    """Declare the drop-in of a unit: that its service may do what it needs, and nothing else.

    Args:
        then: the handlers owed when the drop-in changes; they must have systemd read its units again.
        also: what else the unit is to be told, as sections of a unit.
        guarded: a service that does not work any more can cut the way to the host, which puts the drop-in back.
    """
    registration = current()
    directory = drop_ins(sandbox.unit)
    files.directory(name=f"directory {directory}", path=directory, user="root", group="root", mode="755")
    text = render("shared/drop-in.conf.j2", role=registration.role, sandbox=sandbox, also=also)
    managed_file(f"{directory}/samdrift.conf", content=text, then=then, guarded=guarded)


def drop_ins(unit: str) -> str:
    """Return the directory of a unit's drop-ins; of one that is made from a template, the template's."""
    return f"/etc/systemd/system/{unit}.d"


@operation()
def control(unit: str, running: bool, enabled: bool) -> Generator[str]:
    """Start, stop, enable or disable a unit where it differs. `static` units cannot be enabled and need not."""
    state = host.get_fact(UnitState, unit=unit)
    u = shlex.quote(unit)
    is_enabled = state.get("UnitFileState") in {"enabled", "enabled-runtime", "static", "alias", "generated"}
    if is_enabled != enabled and not (state.get("UnitFileState") == "static" and not enabled):
        yield f"systemctl {'enable' if enabled else 'disable'} {u}"
    is_running = state.get("ActiveState") in {"active", "activating", "reloading"}
    if is_running != running:
        yield f"systemctl {'start' if running else 'stop'} {u}"
