"""What stock pyinfra itself would do: its own State and its own, serial collection of facts, to compare ours with."""

from __future__ import annotations

from pyinfra.api import FileUploadCommand, State, StringCommand
from pyinfra.api.command import PyinfraCommand
from pyinfra.context import ctx_config, ctx_host, ctx_state

from deploy.model.plan import HostPlan, Upload
from inventory.fleet import Fleet
from inventory.secrets import secrets_in
from roles.shared.catalogue import catalogue
from roles.shared.intent import Intent
from roles.shared.parts.registration import registering


def stock_commands(state: State, fleet: Fleet, host: str) -> dict[str, list[str]]:
    """`role: step` to commands, as pyinfra computes them on a connected state that checks for changes."""
    ctx_state.set(state)
    target = state.inventory.get_host(host)
    found: dict[str, list[str]] = {}
    with ctx_config.use(state.config.copy()), ctx_host.use(target):
        for role, settings in Intent(fleet).settings(fleet.host(host)).items():
            known = set(state.ops[target])
            with registering(role, secrets_in(settings)):
                catalogue()[role].deploy(settings)
            for op_hash, operation in state.ops[target].items():
                if op_hash not in known:
                    commands = [_text(command) for command in operation.command_generator()]
                    found[f"{role}: {operation.global_arguments['name']}"] = commands
    return found


def _text(command: PyinfraCommand) -> str:
    if isinstance(command, FileUploadCommand):
        return f"upload {command.dest}"
    assert isinstance(command, StringCommand)
    return command.get_raw_value()


def our_commands(plan: HostPlan) -> dict[str, list[str]]:
    """The same of a plan of ours."""
    return {s.id: [f"upload {c.path}" if isinstance(c, Upload) else str(c) for c in s.commands] for s in plan.steps}
