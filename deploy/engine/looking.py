"""One look at one host: all that its roles declare evaluated at once, and what it has besides. Thin.

Not here: which hosts are looked at, and what becomes of one that dies meanwhile (`session`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from pyinfra.api.command import PyinfraCommand

from deploy.engine import guard_script, lock_script
from deploy.engine.declare import Declared, Registered
from deploy.engine.planned import step_of
from deploy.engine.unmanaged import but_for_guards, differences, running_configuration, searching
from deploy.model.backup import DEVICE
from deploy.model.plan import HostPlan, Step, Unmanaged
from deploy.model.waivers import NO_WAIVERS, Waivers
from deploy.transport.device_session import DeviceSession
from deploy.transport.rounds import Rounds
from deploy.transport.ssh import Connection
from inventory.fleet import Host
from roles.shared.catalogue import catalogue, known_roles
from roles.shared.device.known import known_vendors
from roles.shared.device.masking import masked
from roles.shared.device.said import caveats_of
from roles.shared.parts.handlers import OwedHandlers
from roles.shared.parts.veil import Veil
from roles.shared.settings import Settings

Saw = Callable[[Host, str, str], None]
"""Is told of a configuration that was read whole: of which host, what it is, its text."""


def shown_of(host: Host, text: str, veil: Veil) -> str:
    """Take secrets out of a text about a host: known values, and whatever may be one in what a device said."""
    hidden = veil.hide(text)
    return masked(hidden) if host.platform in known_vendors() else hidden


def looked_at(
    host: Host,
    declared: Declared,
    connection: Connection | DeviceSession,
    settings: Mapping[str, Settings],
    *,
    veil: Veil,
    saw: Saw,
    run: str,
    waivers: Waivers = NO_WAIVERS,
    searches: bool = True,
) -> HostPlan:
    """Evaluate all operations at once, then the handlers, which depend on what the others would do.

    Args:
        settings: of those of the host's roles that the look is about.
        run: the one that looks, whose own lock is no news.
        waivers: hold back what would change an accepted difference.
        searches: whether to search for what nobody declares.

    Raises:
        SamdriftError: it cannot be known how the host stands.
    """
    rounds = Rounds(connection.ask)
    commands: dict[str, list[PyinfraCommand]] = {}
    unmanaged: list[Unmanaged] = []
    concealed: list[str] = []
    armed: list[str] = []
    locked: list[str] = []
    caveats: list[str] = []

    def job(operation: Registered) -> Callable[[], None]:
        return lambda: commands.update({operation.op_hash: declared.evaluate(operation)})

    def step(operation: Registered) -> Step:
        return waivers.on_step(host.name, step_of(operation, commands[operation.op_hash], veil))

    def owed() -> None:
        with declared.context():
            declared.target.get_fact(OwedHandlers)  # asked now, so that the handlers need no round of their own

    def configuration(session: DeviceSession) -> None:
        running = running_configuration(declared, host.platform)
        for role, change in differences(declared, running):
            unmanaged.extend(Unmanaged(role=role, line=line) for line in change.unmanaged)
            concealed.extend(change.concealed)
        caveats.extend(caveats_of(session.vendor, running))
        if not (session.access.looks and session.vendor.looking.hides):  # a part of it is no backup
            saw(host, DEVICE, running)

    jobs = [job(op) for op in declared.operations if not op.handler]
    if isinstance(connection, DeviceSession):
        armed.append(connection.pending)
        jobs.append(partial(configuration, connection))
    else:
        everything = {role.name for role in known_roles(host)} <= settings.keys()
        jobs.append(owed)
        jobs += searching(declared, settings, rounds, unmanaged, all_roles=everything) if searches else []
        jobs.append(lambda: armed.append(rounds.ask(guard_script.ARMED).stdout.strip()))
        jobs.append(lambda: locked.append(_other_run(rounds.ask(lock_script.HOLDER).stdout, run)))
        backs_up = {what: command for role in settings for what, command in catalogue()[role].backs_up.items()}
        jobs += [partial(_read_whole, host, what, command, rounds, saw) for what, command in backs_up.items()]
    declared.connector.rounds = rounds
    try:
        rounds.run(jobs)
        for operation in (op for op in declared.operations if not op.handler and commands[op.op_hash]):
            if step(operation).held:
                declared.hold(operation)
        rounds.run([job(op) for op in declared.operations if op.handler])
    finally:
        declared.connector.rounds = None
    unmanaged = but_for_guards(unmanaged, armed[0])
    hide = veil.hide
    strangers = (_hidden(u, hide) for u in sorted(unmanaged, key=lambda u: (u.role, u.kind, u.path, u.name)))
    return HostPlan(
        host=host.name,
        municipality=host.tenant,
        steps=tuple(map(step, declared.operations)),
        unmanaged=tuple(waivers.on_unmanaged(host.name, stranger) for stranger in strangers),
        looked_as=connection.access.user,
        concealed=tuple(hide(line) for line in concealed),
        armed=shown_of(host, armed[0], veil),
        locked=shown_of(host, "".join(locked), veil),
        caveats=tuple(shown_of(host, text, veil) for text in caveats),
    )


def _hidden(thing: Unmanaged, hide: Callable[[str], str]) -> Unmanaged:
    """Take secrets out of what a host calls its things."""
    texts = {of: hide(getattr(thing, of)) for of in ("path", "line", "name", "state")}
    return thing.model_copy(update={**texts, "remove": tuple(map(hide, thing.remove))})


def _other_run(answer: str, run: str) -> str:
    """Return who is changing a host; empty if nobody is but this run."""
    holder = lock_script.holder_in(answer)
    return "" if holder is None or holder.run == run else holder.words


def _read_whole(host: Host, what: str, command: str, rounds: Rounds, saw: Saw) -> None:
    """Ask a server for one of its configurations; one that is not there yet is none."""
    answer = rounds.ask(command)
    if answer.rc == 0 and answer.stdout.strip():
        saw(host, what, answer.stdout)
