"""Render what every host of one tree should be, to a file: a program of its own, run by the code of any revision.

    python -P rendering.py TREE INVENTORY DAY FILE

It imports nothing but from TREE, so that a review runs this one file by the code of both its sides, also of a revision
that has no `deploy/review`. Roles declare here what they declare to the planner, without pyinfra's bookkeeping, which
is four fifths of its time; `tests/unit/deploy/review/test_rendering.py` holds both to be the same. Every operation is
evaluated on an empty host: what it would do there shows a change of its code.

FILE has a document a line: `{"text": …, "is": …}`, once each text, before the first host that has it; `{"host": …}`;
at the end `{"end": …}` with what was counted, or `{"error": …}`. Not here: how two of them differ (`comparing`).
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

FORMAT = 1

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

Write = Callable[[Mapping[str, Any]], None]


class Operation:
    """An operation as a role declared it: a function, its arguments by name, and pyinfra's own beside them."""

    def __init__(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.func, self.name = func, str(kwargs.get("name") or "")
        own = {name: value for name, value in kwargs.items() if name != "name" and not name.startswith("_")}
        self.beside = {name: value for name, value in kwargs.items() if name.startswith("_")}
        self.arguments = dict(inspect.signature(func).bind(*args, **own).arguments)
        self.will_change = True  # what handlers ask of their causes: on an empty host, everything changes


class EmptyHost:
    """A host on which there is nothing: every question has its default for an answer."""

    def __init__(self, name: str) -> None:
        self.name, self.data = name, dict[str, Any]()

    def get_fact(self, fact: Any, *_args: Any, **_kwargs: Any) -> Any:
        """Return what a fact is where the host answers nothing."""
        return fact.default()

    def noop(self, _why: str) -> None:
        """Do nothing."""


_declared: list[Operation] = []


def _wrap_operation(func: Callable[..., Any], _set_in_op: bool = True) -> Callable[..., Operation]:
    """Stand in for pyinfra's wrapper of the same name: note what is declared, and do nothing else."""

    def declare(*args: Any, **kwargs: Any) -> Operation:
        _declared.append(Operation(func, args, kwargs))
        return _declared[-1]

    declare._inner = func  # type: ignore[attr-defined]  # as pyinfra's own wrapper has it
    return declare


class Texts:
    """Texts that were written, each once, by their digests."""

    def __init__(self, write: Write) -> None:
        self._write, self._written = write, set[str]()

    def of(self, text: str) -> str:
        """Return the digest of a text; write the text if it is new."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        if digest not in self._written:
            self._written.add(digest)
            self._write({"text": digest, "is": text})
        return digest


def render_all(inventory: Path, day: date, write: Write) -> None:
    """Write what every managed host of an inventory should be, in the order of names."""
    from deploy.model import clock
    from deploy.model.alike import names_of
    from deploy.source.known import from_snapshot
    from inventory.parts import is_asked_for
    from roles.shared.catalogue import catalogue
    from roles.shared.intent import Intent, gateways_missing

    clock.today = lambda: day  # both sides of a review are of one day
    known = from_snapshot(inventory, "review")
    fleet = known.fleet
    intent = Intent(fleet, (*known.problems, *gateways_missing(fleet)))
    write({"format": FORMAT, "names": sorted(names_of(fleet)), "time": known.time, "digest": fleet.digest})
    write({"municipalities": {t.slug: t.name for t in fleet.tenants}})
    write({"networks": [_network(p, fleet) for p in fleet.prefixes if not p.vrf]})
    write({"roles": {role.name: {"controls": list(role.controls)} for role in catalogue().values()}})
    texts, counted = Texts(write), {"hosts": 0, "steps": 0, "unsound": 0}
    for host in sorted((h for h in fleet.hosts if is_asked_for(h)), key=lambda h: h.name):
        document = _rendered(host, intent, texts)
        write(document)
        counted["hosts"] += 1
        counted["unsound"] += bool(document["problems"])
        counted["steps"] += len(document["steps"])
    for problem in intent.nowhere():
        write({"nowhere": str(problem)})
    write({"operations": {name: _code_digest(name) for name in sorted(_modules)}})
    write({"end": counted})


def _network(prefix: Any, fleet: Any) -> dict[str, str]:
    site = next((s for s in fleet.sites if s.slug == prefix.site), None)
    vlans = (v for v in fleet.vlans if v.vid == prefix.vlan and v.site == prefix.site)
    vlan = next(vlans, None)
    return {
        "network": str(prefix.prefix),
        "site": prefix.site or "",
        "municipality": site.tenant if site else "",
        "described": prefix.description or "",
        "vlan": vlan.name if vlan else "",
        "role": str(getattr(prefix, "role", "") or ""),
    }


def _rendered(host: Any, intent: Any, texts: Texts) -> dict[str, Any]:
    from inventory.errors import SamdriftError

    document: dict[str, Any] = {
        "host": host.name,
        "municipality": host.tenant,
        "site": host.site,
        "role": host.role,
        "platform": host.platform,
        "kind": host.kind,
        "tags": sorted(host.tags),
        "wave": host.wave,
        "addresses": sorted(str(a) for i in host.interfaces for a in i.addresses),
        "roles": [],
        "steps": [],
        "settings": {},
        "filter": "",
        "problems": [str(p) for p in intent.problems(host)],
    }
    if document["problems"]:
        return document
    settings = intent.settings(host)
    try:
        document["steps"] = [step for name, of in settings.items() for step in _steps(name, of, host, texts)]
    except SamdriftError as e:
        return document | {"problems": [str(e)], "steps": []}
    document["roles"] = list(settings)
    document["settings"] = {name: texts.of(_canonical(of)) for name, of in settings.items()}
    document["filter"] = texts.of(json.dumps(_filter(settings), sort_keys=True))
    document["passes"] = [_forwarded(f) for name, of in settings.items() for f in _role(name).forwards(of)]
    return document


def _role(name: str) -> Any:
    from roles.shared.catalogue import catalogue

    return catalogue()[name]


def _steps(name: str, settings: Any, host: Any, texts: Texts) -> Iterator[dict[str, Any]]:
    """Yield the steps that a role declares on a host, and at last what it has a look search for."""
    from pyinfra.context import ctx_host

    from inventory.secrets import PLACEHOLDER, secrets_in
    from roles.shared.parts.registration import registering

    _declared.clear()
    with ctx_host.use(EmptyHost(host.name)):
        with registering(name, secrets_in(settings)) as registration:
            _role(name).deploy(settings)
        operations = list(_declared)
        owed: dict[int, list[str]] = {}
        for handler, causes in registration.owed.items():
            for cause in causes:
                owed.setdefault(id(cause), []).append(handler.name)
        for operation in operations:
            text, done = _text(operation), _done(operation)
            guard = registration.guards.get(operation.name)
            step = {
                "role": name,
                "name": operation.name,
                "kind": _kind(operation),
                "text": texts.of(text),
                "done": texts.of(done if guard is None else f"{done}{_canonical(guard)}"),
                "meta": _meta(operation),
                "by": _by(operation.func),
                "guard": guard.words if guard else "",
                "unguarded": registration.unguarded.get(operation.name, ""),
                "then": owed.get(id(operation), []),
                "secrets": sorted({m[1] for m in PLACEHOLDER.finditer(text)}),
            }
            yield {key: value for key, value in step.items() if value}
    looked_for = _looked_for(_role(name), settings)
    if looked_for:
        yield {"role": name, "name": "what a look searches for", "kind": "search", "text": texts.of(looked_for)}


def _kind(operation: Operation) -> str:
    kind = KINDS.get(operation.func.__name__, "command")
    file = operation.arguments.get("file")
    path = str(getattr(file, "path", "") or operation.arguments.get("path", ""))
    return "access" if kind == "file" and path.startswith(ACCESS) else kind


def _text(operation: Operation) -> str:
    """Return what an operation wants there to be: a file's or configuration's text, or else its arguments."""
    for name in ("file", "declared"):
        if (declared := operation.arguments.get(name)) is not None and hasattr(declared, "content"):
            return str(declared.content)
    if "handler" in operation.arguments:
        return f"{operation.arguments['handler'].command}\n"
    lines = (f"{name}: {_written(value)}\n" for name, value in operation.arguments.items())
    return "".join(lines) + "".join(f"{name}: {value!r}\n" for name, value in sorted(operation.beside.items()))


def _meta(operation: Operation) -> str:
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
    text = json.dumps(json.loads(_canonical(value)), indent=2, ensure_ascii=False, sort_keys=True)
    return text if len(text) > 60 else text.replace("\n", " ")


def _done(operation: Operation) -> str:
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

    rest = _canonical(declared.model_copy(update={"content": ""}))
    try:
        return "".join(f"{entry}\n" for entry in compared("", declared).entries) + rest
    except SamdriftError as e:
        return f"{e}\n{rest}"


_modules: set[str] = set()


def _by(func: Callable[..., Any]) -> str:
    _modules.add(func.__module__)
    return f"{func.__module__}.{func.__qualname__}"


def _code_digest(module: str) -> str:
    """Return the digest of a module's code, but for its texts for people, and where in the file it stands."""
    source = inspect.getsource(importlib.import_module(module))
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


def _looked_for(role: Any, settings: Any) -> str:
    """Return what a look tells as nobody's: where it searches, and what is known to stand there."""
    lines = [f"owns {path}" for path in role.owns] + [f"makes {path}" for path in role.makes]
    for kind, patterns in sorted(role.expects(settings).items()):
        lines += [f"expects {kind} {pattern}" for pattern in patterns]
    lines += [f"searches {search.kind}: {getattr(search, 'question', '')}" for search in role.searches]
    return "".join(f"{line}\n" for line in lines)


def _filter(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the host lets in and through; None if none of its roles says so."""
    for name, of in settings.items():
        if (filters := getattr(_role(name), "filters", None)) is not None:
            found = filters(of)
            return {
                "in": [_rule(rule) for rule in found.lets_in],
                "through": [_rule(rule) for rule in found.lets_through],
                "shuts_rest": found.services is None,
            }
    return None


def _rule(rule: Any) -> dict[str, Any]:
    return {
        "sources": [str(n) for n in rule.sources],
        "destinations": [str(n) for n in rule.destinations],
        "protocol": rule.protocol,
        "port": rule.port,
        "leaves_by": rule.leaves_by,
        "why": rule.why,
    }


def _forwarded(forward: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(_canonical(forward))
    return plain


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return str(value)


def main(tree: str, inventory: str, day: str, file: str) -> int:
    """Render by the code of a tree, and by no other; return 1 and say why if that cannot be done."""
    sys.path.insert(0, tree)
    api = importlib.import_module("pyinfra.api.operation")
    api._wrap_operation = _wrap_operation  # type: ignore[attr-defined]  # before any operation is defined
    with Path(file).open("w", encoding="utf-8", errors="surrogatepass") as out:

        def write(document: Mapping[str, Any]) -> None:
            out.write(json.dumps(document, ensure_ascii=True) + "\n")

        try:
            errors = importlib.import_module("inventory.errors")
            if not Path(str(errors.__file__)).resolve().is_relative_to(Path(tree).resolve()):
                write({"error": f"{errors.__file__} answered for the code in {tree}", "problems": []})
                return 1
            render_all(Path(inventory), date.fromisoformat(day), write)
        except Exception as e:  # noqa: BLE001  whatever the other side's code does: it is told, and is no traceback
            problems = [str(p) for p in getattr(e, "problems", ())]
            write({"error": f"{e}" if hasattr(e, "fix") else f"{type(e).__name__}: {e}", "problems": problems})
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
