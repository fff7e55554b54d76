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
import gc
import hashlib
import importlib
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

FORMAT = 1

Write = Callable[[Mapping[str, Any]], None]


def _neighbour(name: str) -> Any:
    """Load a module that lies beside this program; what TREE has of that name is another's."""
    spec = importlib.util.spec_from_file_location(f"samdrift_review_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]  # it is there
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


if TYPE_CHECKING:
    from deploy.review import operations
    from deploy.review.operations import Operation
else:
    operations = _neighbour("operations")


_declared: list[Operation] = []


def _wrap_operation(func: Callable[..., Any], _set_in_op: bool = True) -> Callable[..., Operation]:
    """Stand in for pyinfra's wrapper of the same name: note what is declared, and do nothing else."""

    def declare(*args: Any, **kwargs: Any) -> Operation:
        _declared.append(operations.Operation(func, args, kwargs))
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

    gc.set_threshold(100_000, 20, 20)  # nearly all that is made stays
    with suppress(ImportError, AttributeError):  # no template changes meanwhile
        templates = importlib.import_module("roles.shared.parts.templates")
        templates._environment(templates.TEMPLATES).auto_reload = False
    clock.today = lambda: day  # both sides of a review are of one day
    known = from_snapshot(inventory, "review")
    fleet = known.fleet
    intent = Intent(fleet, (*known.problems, *gateways_missing(fleet)))
    write({"format": FORMAT, "names": sorted(names_of(fleet)), "time": known.time, "digest": fleet.digest})
    write({"municipalities": {t.slug: t.name for t in fleet.tenants}})
    write({"networks": [_network(p, fleet) for p in fleet.prefixes if not p.vrf]})
    write({"roles": {role.name: {"controls": list(role.controls)} for role in catalogue().values()}})
    approvals = _approvals(fleet)
    texts, counted = Texts(write), {"hosts": 0, "steps": 0, "unsound": 0}
    for host in sorted((h for h in fleet.hosts if is_asked_for(h)), key=lambda h: h.name):
        document = _rendered(host, intent, texts) | {"approvals": approvals.get(host.name, 0)}
        write(document)
        counted["hosts"] += 1
        counted["unsound"] += bool(document["problems"])
        counted["steps"] += len(document["steps"])
    for problem in intent.nowhere():
        write({"nowhere": str(problem)})
    write({"operations": {name: _code_digest(name) for name in sorted(_modules)}})
    write({"end": counted})


def _approvals(fleet: Any) -> dict[str, int]:
    """Return how many approvals a change of each host needs."""
    from inventory.rules import approvals

    rule = approvals.asked(lab=False)
    return dict(approvals.needed(rule, fleet, fleet.hosts)) if rule else {}


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
        document["settings"] = {name: texts.of(operations.canonical(of)) for name, of in settings.items()}
        digests = document["settings"]
        document["steps"] = [s for name, of in settings.items() for s in _steps(name, of, digests[name], texts)]
    except SamdriftError as e:
        return document | {"problems": [str(e)], "steps": []}
    document["roles"] = list(settings)
    document["filter"] = next(
        (
            _filter(name, of, digests[name], texts)
            for name, of in settings.items()
            if getattr(_role(name), "filters", None)
        ),
        "",
    )
    return document


def _role(name: str) -> Any:
    from roles.shared.catalogue import catalogue

    return catalogue()[name]


_of_roles: dict[tuple[str, str], tuple[dict[str, Any], ...]] = {}
_of_operations: dict[object, dict[str, Any]] = {}


def _steps(name: str, settings: Any, digest: str, texts: Texts) -> tuple[dict[str, Any], ...]:
    """Return the steps of a role; equal settings make equal steps, and equal operations equal ones."""
    if (name, digest) not in _of_roles:
        _of_roles[name, digest] = tuple(_declared_by(name, settings, texts))
    return _of_roles[name, digest]


def _declared_by(name: str, settings: Any, texts: Texts) -> Iterator[dict[str, Any]]:
    """Yield the steps that a role declares, and at last what it has a look search for."""
    from pyinfra.context import ctx_host

    from inventory.secrets import secrets_in
    from roles.shared.parts.registration import registering

    _declared.clear()
    with ctx_host.use(operations.EmptyHost()):
        with registering(name, secrets_in(settings)) as registration:
            _role(name).deploy(settings)
        owed: dict[int, list[str]] = {}
        for handler, causes in registration.owed.items():
            for cause in causes:
                owed.setdefault(id(cause), []).append(handler.name)
        for operation in _declared:
            step = {
                "role": name,
                **_step_of(operation, registration.guards.get(operation.name), texts),
                "unguarded": registration.unguarded.get(operation.name, ""),
                "then": owed.get(id(operation), []),
            }
            yield {key: value for key, value in step.items() if value}
    if looked_for := _looked_for(_role(name), settings):
        yield {"role": name, "name": "what a look searches for", "kind": "search", "text": texts.of(looked_for)}


def _step_of(operation: Operation, guard: Any, texts: Texts) -> dict[str, Any]:
    key = operation.key and (operation.key, guard)
    if key is None or key not in _of_operations:
        made = _made(operation, guard, texts)
        if key is None:
            return made
        _of_operations[key] = made
    return _of_operations[key]


def _made(operation: Operation, guard: Any, texts: Texts) -> dict[str, Any]:
    from inventory.secrets import PLACEHOLDER

    text, done = operations.text_of(operation), operations.done_by(operation)
    return {
        "name": operation.name,
        "kind": operations.kind_of(operation),
        "text": texts.of(text),
        "done": texts.of(done if guard is None else f"{done}{operations.canonical(guard)}"),
        "meta": operations.meta_of(operation),
        "path": str(getattr(operation.arguments.get("file"), "path", "")),
        "by": _by(operation.func),
        "guard": guard.words if guard else "",
        "secrets": sorted({m[1] for m in PLACEHOLDER.finditer(text)}),
        **operations.named_by(operation),
    }


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


_filters: dict[tuple[str, str], str] = {}


def _filter(name: str, settings: Any, digest: str, texts: Texts) -> str:
    """Return the digest of what a host lets in and through, as one of its roles says."""
    if (name, digest) not in _filters:
        found = _role(name).filters(settings)
        lets = {"in": [_rule(rule) for rule in found.lets_in], "through": [_rule(rule) for rule in found.lets_through]}
        _filters[name, digest] = texts.of(json.dumps(lets, sort_keys=True))
    return _filters[name, digest]


def _rule(rule: Any) -> dict[str, Any]:
    return {
        "sources": [str(n) for n in rule.sources],
        "destinations": [str(n) for n in rule.destinations],
        "protocol": rule.protocol,
        "port": rule.port,
        "leaves_by": rule.leaves_by,
        "why": rule.why,
    }


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
