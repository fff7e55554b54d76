"""What one role declares on one host while its `deploy` runs: its managed files and the handlers they owe.

Declaring touches nothing. The planner opens a registration around each role's `deploy`; when it closes, the
owed handlers are registered as the role's last operations, each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from pyinfra.api.operation import OperationMeta

from inventory.errors import SamdriftError
from inventory.frozen import Frozen
from inventory.secrets import MARK, PLACEHOLDER, Secret
from roles.shared.guard import Guard
from roles.shared.lineage import Section
from roles.shared.parts.handlers import Handler, pay
from roles.shared.people import OwnAccount


class ManagedFile(Frozen):
    """A file as a role declares it: its whole content, and the program that must accept it.

    `validate_with` is a shell command in which `{path}` stands for the candidate file; it must exit 0. `secrets` are
    those whose placeholders stand in `content`, and whose values will stand there on the host.
    """

    role: str
    path: str
    content: str
    owner: str
    group: str
    mode: str
    validate_with: str | None
    then: tuple[Handler, ...]
    secrets: tuple[Secret, ...] = ()


class ManagedConfiguration(Frozen):
    """A device's configuration as a role declares it, and the sections that the role manages.

    `secrets` are those whose placeholders stand in `content`, and whose values will be typed. `accounts` are those by
    which samdrift logs in: no change may shut one of them out. `series` is the one that the device's model is of; empty
    where none is known.
    """

    role: str
    platform: str
    series: str = ""
    content: str
    managed: tuple[Section, ...]
    secrets: tuple[Secret, ...] = ()
    accounts: tuple[OwnAccount, ...] = ()


@dataclass
class Registration:
    """The declarations of a role so far.

    `secrets` are those that its settings refer to, by name; `guards` are by the step that they guard, and `unguarded`
    says by step why there is none.
    """

    role: str
    secrets: dict[str, Secret] = field(default_factory=dict)
    files: list[ManagedFile] = field(default_factory=list)
    configurations: list[ManagedConfiguration] = field(default_factory=list)
    owed: dict[Handler, list[OperationMeta]] = field(default_factory=dict)
    guards: dict[str, Guard] = field(default_factory=dict)
    unguarded: dict[str, str] = field(default_factory=dict)

    def owe(self, handlers: tuple[Handler, ...], cause: OperationMeta) -> None:
        """Owe these handlers: they run at the end of the role if `cause` changes something."""
        for handler in handlers:
            self.owed.setdefault(handler, []).append(cause)

    def secrets_in(self, text: str, what: str) -> tuple[Secret, ...]:
        """Return the secrets whose placeholders stand in a text; refuse one that would never get its value."""
        names = {m[1] for m in PLACEHOLDER.finditer(text)}
        rest = PLACEHOLDER.sub("", text)
        strange = sorted(names - self.secrets.keys())
        spoiled = [name for name in self.secrets if f"secret:{name}" in rest]
        why = ""
        if strange or MARK in rest:
            why = f"holds a placeholder of a secret that the role's settings have not: {', '.join(strange) or MARK}"
        elif spoiled:
            why = (
                f"holds the placeholder of secret {spoiled[0]} changed by a filter, so that no value would stand there"
            )
        if why:
            raise SamdriftError(f"{what} {why}", where=f"roles/{self.role}.py")
        return tuple(self.secrets[name] for name in sorted(names))


_current: ContextVar[Registration] = ContextVar("registration")


def current() -> Registration:
    """Return the registration of the role that is being declared; LookupError outside of one."""
    return _current.get()


@contextmanager
def registering(role: str, secrets: Iterable[Secret] = ()) -> Iterator[Registration]:
    """Collect what `role` declares; at the end, register the handlers that it owes."""
    registration = Registration(role, _by_name((s for s in secrets if not s.stays), role))
    token = _current.set(registration)
    try:
        yield registration
        for handler, causes in registration.owed.items():
            pay(name=handler.name, handler=handler, causes=causes)
    finally:
        _current.reset(token)


def _by_name(secrets: Iterable[Secret], role: str) -> dict[str, Secret]:
    """Return a role's secrets by name; refuse two of one name, since a placeholder says only the name."""
    named: dict[str, Secret] = {}
    for secret in secrets:
        if named.setdefault(secret.known_as, secret) != secret:
            whose = f"{named[secret.known_as].municipality} and {secret.municipality}"
            raise SamdriftError(f"two secrets are called {secret.name}, of {whose}", where=f"roles/{role}.py")
    return named
