"""Operations as roles declare them, and what each would do on an empty host: a part of the program `rendering`.

It is loaded beside it, by the code of any revision, and so imports nothing but from there, and late.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

KINDS = {
    "configure": "configuration",
    "control": "service",
    "directory": "file",
    "ensure_account": "account",
    "ensure_group": "account",
    "ensure_locked": "account",
    "ensure_members": "account",
    "file": "file",
    "install": "package",
    "link": "file",
    "load": "firewall",
    "pay": "restart",
    "remove": "file",
    "tell_kernel": "kernel",
    "write": "file",
}
"""What an operation is about, by its function's name; every other one is a command."""

ACCESS = ("/etc/ssh/authorized_", "/etc/sudoers")
"""Files that say who gets in, and what he may do there."""

_signature = cache(inspect.signature)


class Operation:
    """An operation as a role declared it: a function, its arguments by name, and pyinfra's own beside them."""

    def __init__(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.func, self.name = func, str(kwargs.get("name") or "")
        own = {name: value for name, value in kwargs.items() if name != "name" and not name.startswith("_")}
        self.beside = {name: value for name, value in kwargs.items() if name.startswith("_")}
        if args:
            self.arguments = dict(_signature(func).bind(*args, **own).arguments)
        else:  # in the order of the function's, whatever the call's is
            self.arguments = {name: own[name] for name in _signature(func).parameters if name in own}
        self.will_change = True  # what handlers ask of their causes: on an empty host, everything changes

    @property
    def key(self) -> object:
        """Return what is equal of equal operations; None where that cannot be told, and of those that know others."""
        if "causes" in self.arguments:
            return None
        key = (self.func, self.name, tuple(self.arguments.items()), tuple(self.beside.items()))
        try:
            hash(key)
        except TypeError:
            return None
        return key


class EmptyHost:
    """A host on which there is nothing: every question has its default for an answer."""

    def __init__(self) -> None:
        self.name, self.data = "empty", dict[str, Any]()

    def get_fact(self, fact: Any, *_args: Any, **_kwargs: Any) -> Any:
        """Return what a fact is where the host answers nothing."""
        return fact.default()

    def noop(self, _why: str) -> None:
        """Do nothing."""


def named_by(operation: Operation) -> dict[str, Any]:
    """Return what policies ask for by name: packages, and who is in which groups."""
    kind, arguments = operation.func.__name__, operation.arguments
    if kind == "install":
        return {"packages": list(arguments["names"])}
    if kind == "ensure_account":
        return {"account": arguments["user"], "groups": list(arguments["wanted"].groups)}
    return {}


def kind_of(operation: Operation) -> str:
    """Return what an operation is about."""
    kind = KINDS.get(operation.func.__name__, "command")
    file = operation.arguments.get("file")
    path = str(getattr(file, "path", "") or operation.arguments.get("path", ""))
    return "access" if kind == "file" and path.startswith(ACCESS) else kind


def text_of(operation: Operation) -> str:
    """Return what an operation wants there to be: a file's or configuration's text, or else its arguments."""
    for name in ("file", "declared"):
        if (declared := operation.arguments.get(name)) is not None and hasattr(declared, "content"):
            return str(declared.content)
    if "handler" in operation.arguments:
        return f"{operation.arguments['handler'].command}\n"
    lines = (f"{name}: {_written(value)}\n" for name, value in operation.arguments.items())
    return "".join(lines) + "".join(f"{name}: {value!r}\n" for name, value in sorted(operation.beside.items()))


def meta_of(operation: Operation) -> str:
    """Return owner, group and mode of a file."""
    file = operation.arguments.get("file")
    return f"{file.owner}:{file.group} {file.mode}" if file is not None and hasattr(file, "mode") else ""


def _written(value: object) -> str:
    """Write an argument: a list of words a line each, so that one more is one line of a diff; a text as it is."""
    if isinstance(value, str):
        return value if "\n" not in value else "\n" + "".join(f"  {line}\n" for line in value.splitlines())
    if isinstance(value, tuple | list | set | frozenset) and all(isinstance(v, str) for v in value):
        ordered = sorted(value) if isinstance(value, set | frozenset) else value
        return "".join(f"\n  {item}" for item in ordered)
    text = json.dumps(json.loads(canonical(value)), indent=2, ensure_ascii=False, sort_keys=True)
    return text if len(text) > 60 else text.replace("\n", " ")


def done_by(operation: Operation) -> str:
    """Return what an operation does on an empty host, a command a line; what it uploads is its text."""
    declared = operation.arguments.get("declared")
    if declared is not None and hasattr(declared, "managed"):
        return _typed(declared)
    if "handler" in operation.arguments:
        return ""
    try:
        return "".join(f"{_command(command)}\n" for command in operation.func(**operation.arguments))
    except Exception as e:  # noqa: BLE001  an operation that expects something of a host: then its text is all
        return f"on an empty host: {type(e).__name__}\n"


def _command(command: Any) -> str:
    from pyinfra.api.command import FileUploadCommand, StringCommand

    if isinstance(command, FileUploadCommand):
        return f"upload to {command.dest}"
    return str(command.get_raw_value() if isinstance(command, StringCommand) else command)


def _typed(declared: Any) -> str:
    """Return what would be typed on an empty device, and how the rest of the declaration goes."""
    from inventory.errors import SamdriftError
    from roles.shared.device.configure import compared

    rest = canonical(declared.model_copy(update={"content": ""}))
    try:
        return "".join(f"{entry}\n" for entry in compared("", declared).entries) + rest
    except SamdriftError as e:
        return f"{e}\n{rest}"


def canonical(value: object) -> str:
    """Return a value as JSON, the same for equal ones."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return str(value)
