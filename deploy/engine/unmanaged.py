"""What there is on a host that none of its roles declares, where a role owns everything."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from deploy.engine.connector import LookFailed
from deploy.engine.declare import Declared
from deploy.engine.device_connector import DeviceConnector
from deploy.model.plan import Unmanaged
from deploy.transport.rounds import Rounds
from roles.shared.catalogue import catalogue
from roles.shared.device.configure import RunningConfiguration, compared, ours_on, require_shown
from roles.shared.device.difference import Difference
from roles.shared.device.letting_in import CameIn
from roles.shared.parts.registration import ManagedConfiguration


def unmanaged_lines(declared: Declared) -> list[Unmanaged]:
    """Return the lines of a device's configuration that no role of it declares."""
    return [Unmanaged(role=of.role, line=line) for of, change in _compared(declared) for line in change.unmanaged]


def concealed_lines(declared: Declared) -> list[str]:
    """Return the declared lines of which the account that looks is not shown whether the device has them."""
    return [line for _, change in _compared(declared) for line in change.concealed]


def _compared(declared: Declared) -> Iterator[tuple[ManagedConfiguration, Difference]]:
    for of in declared.configurations:
        running = running_configuration(declared, of.platform)
        yield of, compared(running, of, ours_on(declared.target, of.role), looks=_came_in(declared).looks)


def running_configuration(declared: Declared, platform: str) -> str:
    """Return all that a device's configuration says; asked twice in a round, it is asked once."""
    looks = _came_in(declared).looks
    with declared.context():
        running: str = declared.target.get_fact(RunningConfiguration, platform=platform, looks=looks)
    return require_shown(platform, running)


def _came_in(declared: Declared) -> CameIn:
    if not isinstance(declared.connector, DeviceConnector):
        raise LookFailed("it is no device", where=f"host {declared.target.name}")
    return declared.connector.came_in


def unmanaged_files(roles: Iterable[str], declared: Declared, rounds: Rounds) -> list[Unmanaged]:
    """Return the files in directories that these roles of the host own, and that none of them declares."""
    owners = {directory: role for role in roles for directory in catalogue()[role].owns}
    if not owners:
        return []
    places = " ".join(shlex.quote(d) for d in owners)
    answer = rounds.ask(f"find {places} -mindepth 1 -maxdepth 1 ! -type d -print0 2>/dev/null | base64 -w0")
    if answer.rc != 0:  # nothing found would say that there is nothing
        raise LookFailed(
            f"the directories that roles own were not read: {places}", where=f"host {declared.target.name}"
        )
    found = base64.b64decode(answer.stdout).decode("utf-8", "backslashreplace").split("\0")
    known = {f.path for f in declared.files}
    strangers = sorted(p for p in found if p and p not in known)
    return [Unmanaged(role=owners[str(Path(p).parent)], path=p) for p in strangers]
