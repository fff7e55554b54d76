"""Write the JSON Schemas that editors complete and underline by, docs/schemas/*.json, anew; or check the files by them.

    python -m deploy.tools.schemas            writes them
    python -m deploy.tools.schemas --check    asks whether they are as the code is, and the files as they say

One schema a file of the inventory, with the options of every role where a config context has them; one for the house
rules, one for the policies. They say less than `samdrift check`, and at once. Not here: what makes an inventory sound.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from inventory.fleet import Fleet
from inventory.paths import CODE, POLICIES, RULES, SNAPSHOT
from inventory.policies.policy import known_policies
from inventory.rules.house import PARAMETERS
from inventory.snapshot import FILES, HOSTS
from roles.shared.catalogue import catalogue

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PUBLISHED = CODE / "docs" / "schemas"
TEXT = {"type": "string"}
MATCHES = {
    **{f"inventory-{name.removesuffix('.yaml')}.json": f"**/inventory/*/{name}" for name in FILES},
    "inventory-hosts.json": "**/inventory/*/hosts/*.yaml",
    "rules.json": "**/inventory/rules.yaml",
    "policies.json": "**/inventory/policies.yaml",
}
"""Which files each is for, as yaml-language-server asks for them (`yaml.schemas`)."""


def schemas() -> dict[str, str]:
    """Return every schema by the name of its file, and the settings of an editor that uses them."""
    made: dict[str, Any] = {}
    for name, sections in (*FILES.items(), ("hosts.yaml", (HOSTS,))):
        made[f"inventory-{name.removesuffix('.yaml')}.json"] = _of_snapshot(sections)
    made["rules.json"] = _whole({"properties": _by_name(PARAMETERS, _rule), "additionalProperties": False})
    made["policies.json"] = _policies()
    made["editor-settings.json"] = {
        "yaml.schemas": {f"./docs/schemas/{name}": files for name, files in MATCHES.items()}
    }
    return {name: json.dumps(document, indent=1, ensure_ascii=False) + "\n" for name, document in made.items()}


def _whole(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"$schema": DIALECT, "type": "object", **document}


def _of_snapshot(sections: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of a file of the inventory: a list of items a section."""
    models = {section: get_args(Fleet.model_fields[section].annotation)[0] for section in sections}
    _, found = models_json_schema([(m, "validation") for m in models.values()], ref_template="#/$defs/{model}")
    definitions = found.get("$defs", {})
    for definition in definitions.values():
        for field in ("context", "local_context", "data"):
            if field in definition.get("properties", {}) and definition["title"] in {"Host", "ConfigContext"}:
                definition["properties"][field] = {"$ref": "#/$defs/samdrift-context"}
    definitions |= _of_contexts()
    properties = {
        section: {"type": "array", "items": {"$ref": f"#/$defs/{model.__name__}"}} for section, model in models.items()
    }
    return _whole({"properties": properties, "additionalProperties": False, "$defs": definitions})


def _of_contexts() -> dict[str, Any]:
    """Return what a config context may have for samdrift: roles, and the options of each."""
    roles = {name: _inlined(role.options) | {"description": role.summary} for name, role in catalogue().items()}
    given = {name: {"type": "boolean", "description": role.summary} for name, role in catalogue().items()}
    of_roles = {"type": "object", "properties": given, "additionalProperties": False}
    section = {
        "type": "object",
        "properties": {
            "roles": of_roles,
            "wave": {"type": "integer", "description": "in which order hosts are changed (docs/waves.md)"},
            "canary": {"type": "boolean", "description": "goes first of its roles (docs/waves.md)"},
            **{name: {"$ref": f"#/$defs/role-{name}"} for name in roles},
        },
    }
    return {
        "samdrift-context": {"type": "object", "properties": {"samdrift": section}},
        **{f"role-{name}": options for name, options in roles.items()},
    }


def _inlined(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a model without definitions of its own: what they say stands where they are named.

    A config context is a part of what a host is given in the end, so nothing in it is required.
    """
    whole = model.model_json_schema(ref_template="#/$defs/{model}")
    definitions = whole.pop("$defs", {})
    whole.pop("required", None)

    def put(part: Any) -> Any:
        if isinstance(part, dict):
            if (name := str(part.get("$ref", "")).removeprefix("#/$defs/")) in definitions:
                return put(definitions[name] | {key: value for key, value in part.items() if key != "$ref"})
            return {key: put(value) for key, value in part.items()}
        return [put(item) for item in part] if isinstance(part, list) else part

    return put(whole)  # type: ignore[no-any-return]


def _by_name(of: Mapping[str, type[BaseModel]], make: Callable[[type[BaseModel]], object]) -> dict[str, Any]:
    return {name: make(model) for name, model in of.items()}


def _rule(model: type[BaseModel]) -> dict[str, Any]:
    return {"anyOf": [{"type": "boolean"}, _inlined(model)]}


def _policies() -> dict[str, Any]:
    """Return the schema of the policies: by what `policy` says, which parameters there are."""
    known = known_policies()
    cases = []
    for name, policy in known.items():
        parameters = _inlined(policy.parameters)
        own = {"policy": {"const": name}, "reason": TEXT, **parameters.get("properties", {})}
        then = {"properties": own, "additionalProperties": False}
        cases.append({"if": {"properties": {"policy": {"const": name}}}, "then": then})
    choice = {"enum": list(known), "description": "; ".join(f"{name}: {one.why}" for name, one in known.items())}
    one = {"type": "object", "required": ["policy"], "properties": {"policy": choice, "reason": TEXT}, "allOf": cases}
    return _whole({"additionalProperties": one})


def wrong() -> Iterator[str]:
    """Yield what is not as it should be: a schema that the code has outgrown, a file that its schema refuses."""
    made = schemas()
    for name, text in made.items():
        file = PUBLISHED / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            yield f"{file.relative_to(CODE)} is not as the code is: python -m deploy.tools.schemas writes it anew"
    for file, name in files():
        validator = Draft202012Validator(json.loads(made[name]))
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        for error in validator.iter_errors(document):
            place = ".".join(map(str, error.absolute_path)) or "the file"
            yield f"{file.relative_to(CODE)}, {place}: {error.message[:200]}"


def files() -> Iterator[tuple[Path, str]]:
    """Yield every file that a schema is for, with the schema's name."""
    for name in FILES:
        if (SNAPSHOT / name).is_file():
            yield SNAPSHOT / name, f"inventory-{name.removesuffix('.yaml')}.json"
    yield from ((file, "inventory-hosts.json") for file in sorted((SNAPSHOT / HOSTS).glob("*.yaml")))
    yield from ((file, name) for file, name in ((RULES, "rules.json"), (POLICIES, "policies.json")) if file.is_file())


def main(arguments: list[str]) -> int:
    """Write the schemas, or check; return the exit code."""
    if arguments == ["--check"]:
        found = list(wrong())
        sys.stderr.write("".join(f"error: {line}\n" for line in found))
        return int(bool(found))
    PUBLISHED.mkdir(exist_ok=True)
    for name, text in schemas().items():
        (PUBLISHED / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
