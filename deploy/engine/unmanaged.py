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

FILES = (
    r"{{ find {places} -mindepth 1 -maxdepth 1 ! -type d -printf '%p\0%y %m %u:%g %s %l\0'; printf '\0\0\0';"
    " find {places} -mindepth 1 -maxdepth 1 -type f -size -2048k -exec sha256sum -z -- {{}} +; }} 2>/dev/null"
    " | base64 -w0"
)
"""Lists the files in directories: path; type, mode, owner, size, where a link leads; and what SHA-256 each has."""


def differences(declared: Declared, running: str) -> list[tuple[str, Difference]]:
    """Return what tells a device's running configuration from what each of its roles declares, by role."""
    looks = _came_in(declared).looks
    return [
        (of.role, compared(running, of, ours_on(declared.target, of.role), looks=looks))
        for of in declared.configurations
    ]


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
    answer = rounds.ask(FILES.format(places=places))
    if answer.rc != 0:  # nothing found would say that there is nothing
        raise LookFailed(
            f"the directories that roles own were not read: {places}", where=f"host {declared.target.name}"
        )
    known = {f.path for f in declared.files}
    strangers = {path: state for path, state in _files(answer.stdout) if path not in known}
    return [Unmanaged(role=owners[str(Path(p).parent)], path=p, state=state) for p, state in sorted(strangers.items())]


def _files(answer: str) -> Iterator[tuple[str, str]]:
    """Yield what `FILES` found: each file's path, and what it is."""
    found, _, digests = base64.b64decode(answer).decode("utf-8", "backslashreplace").partition("\0\0\0")
    content = {path: digest for digest, _, path in (line.partition("  ") for line in digests.split("\0"))}
    words = iter(found.split("\0"))
    for path, state in zip(words, words, strict=False):
        yield path, f"{state} {content.get(path, '')}".strip()
