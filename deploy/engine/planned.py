"""From what operations yield to what a plan holds, and back: steps, commands, the generators that carry them out.

Secrets stand in a plan by name; `frozen` alone puts their values in, on the way to the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO

from pyinfra.api import FileUploadCommand, StringCommand
from pyinfra.api.command import PyinfraCommand

from deploy.engine.connector import Connector
from deploy.engine.declare import Registered
from deploy.engine.device_connector import DeviceConnector
from deploy.model.plan import Configure, HostCommand, Run, Sign, Step, Upload
from inventory.errors import SamdriftError
from inventory.secrets import MARK
from roles.shared.change import Change, digest
from roles.shared.device.configure import ConfigurationSession
from roles.shared.device.letting_in import LostPart
from roles.shared.device.masking import masked
from roles.shared.device.withheld import MARKED
from roles.shared.parts.expected import expecting
from roles.shared.parts.explain import explanation
from roles.shared.parts.issued import SignCommand
from roles.shared.parts.registration import ManagedFile
from roles.shared.parts.veil import UNVEILED, Veil


def step_of(operation: Registered, commands: Sequence[PyinfraCommand], veil: Veil) -> Step:
    """Make the plan's step of an operation and the commands that it yielded; secrets stand in it by name."""
    declares = operation.declares
    secrets = declares.secrets if declares else ()
    # A new value of a secret is a new intent, though the placeholder stands where it stood.
    sealed = veil.seal(veil.reveal(declares.content, secrets), secrets) if declares and secrets else ""
    return Step(
        role=operation.role,
        name=operation.name,
        intent=digest(operation.intent + sealed) if sealed else operation.intent,
        wanted=sealed or (digest(declares.content) if isinstance(declares, ManagedFile) else ""),
        commands=tuple(_as_data(c, operation) for c in commands),
        change=_change(commands, UNVEILED if sealed else veil),
        handler=operation.handler,
        guard=operation.guard if commands else None,
        unguarded=operation.unguarded if commands else "",
        shuts_out=tuple(
            _hidden(lost, veil) for c in commands if isinstance(c, ConfigurationSession) for lost in c.shuts_out
        ),
    )


def _hidden(lost: LostPart, veil: Veil) -> LostPart:
    """Return a part of the way in with the values of secrets hidden in what the device printed."""
    return lost.model_copy(update={"line": veil.hide(lost.line), "instead": veil.hide(lost.instead)})


def _change(commands: Sequence[PyinfraCommand], veil: Veil) -> Change | None:
    """Return a step's change, with the values of secrets hidden in what the host printed."""
    change = next((c for c in map(explanation, commands) if c is not None), None)
    if change is None:
        return None
    texts = {"before": change.before, "after": change.after}
    shown: dict[str, object] = {k: text if text is None else veil.hide(text) for k, text in texts.items()}
    shown["removals"] = tuple(r.model_copy(update={"line": veil.hide(r.line)}) for r in change.removals)
    return change.model_copy(update=shown)


def _as_data(command: PyinfraCommand, operation: Registered) -> HostCommand:
    """Return a pyinfra command as a plan holds it; placeholders of secrets only in what a role declares whole."""
    data = _read_command(command)
    sent = data.content if isinstance(data, Upload) else str(data)
    if MARK in sent and (isinstance(data, Run) or not operation.holds_secrets):
        raise SamdriftError(
            "a secret cannot stand in a command, which everybody on the host can read",
            where=f"roles/{operation.role}.py, step {operation.name}",
            fix="write it into a managed_file, and let the program read that",
        )
    return data


def _read_command(command: PyinfraCommand) -> HostCommand:
    if isinstance(command, FileUploadCommand) and not isinstance(command.src, str):
        command.src.seek(0)
        raw = command.src.read()
        text = raw if isinstance(raw, str) else raw.decode()
        return Upload(path=command.dest, content=text)
    if isinstance(command, ConfigurationSession):
        rollback = tuple(map(masked, command.rollback))  # what is to be read, and typed by nobody here
        return Configure(platform=command.platform, entries=command.entries, rollback=rollback)
    if isinstance(command, SignCommand):
        return Sign(path=command.path, request=command.request, order=command.order)
    if isinstance(command, StringCommand):
        return Run(text=command.get_raw_value())
    raise SamdriftError(f"{type(command).__name__} cannot stand in a plan", fix="roles use shell commands and uploads")


def frozen(
    step: Step, operation: Registered, veil: Veil, signed: Callable[[Sign], str]
) -> Callable[[], Iterator[PyinfraCommand]]:
    """Make a generator that yields a step's commands as planned, and evaluates nothing.

    Uploads get their secrets only here. What a command expects to find is what the look saw that the step is from.

    Args:
        signed: returns the certificate that a command is to have signed, when it is that command's turn.
    """
    reveal = operation.revealing(veil)

    def generate() -> Iterator[PyinfraCommand]:
        for command, found in zip(step.commands, operation.expected, strict=True):
            match command:
                case Run():
                    run = StringCommand(command.text)
                    yield run if found is None else expecting(run, found)
                case Upload():
                    yield FileUploadCommand(BytesIO(reveal(command.content).encode()), command.path)
                case Sign():
                    yield FileUploadCommand(BytesIO(signed(command).encode()), command.path)
                case Configure():
                    entries = tuple(map(reveal, command.entries))
                    if any(map(MARKED.search, entries)):
                        raise SamdriftError(
                            "a line of the plan holds what is not known here", fix="make a new plan: samdrift plan"
                        )
                    yield ConfigurationSession(command.platform, entries, command.rollback)

    return generate


def last_output(operation: Registered, connector: Connector | DeviceConnector) -> str:
    """Return the last lines of a failed step's output."""
    meta = operation.data.operation_meta
    lines = [*meta.stdout_lines, *meta.stderr_lines]
    if not lines and isinstance(connector, Connector) and connector.last_upload is not None:
        lines = connector.last_upload.stderr.splitlines()
    return "\n".join(line for line in lines[-15:] if line.strip()) or "it said nothing"
