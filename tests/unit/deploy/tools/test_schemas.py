"""The schemas are as the code is; what is shipped is as they say; what is wrong they underline."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from deploy.tools.schemas import PUBLISHED, files, schemas, wrong
from roles.shared.catalogue import catalogue

MADE = {name: json.loads(text) for name, text in schemas().items()}


def errors(schema: str, document: Any) -> list[str]:
    return [e.message for e in Draft202012Validator(MADE[schema]).iter_errors(document)]


def test_the_published_schemas_are_as_the_code_is_and_the_shipped_files_as_they_say() -> None:
    assert list(wrong()) == []
    assert {p.name for p in PUBLISHED.glob("*.json")} == set(MADE)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in MADE if name != "editor-settings.json"])
def test_each_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(MADE[name])


def test_every_role_s_options_are_completed_where_a_host_has_them() -> None:
    section = MADE["inventory-hosts.json"]["$defs"]["samdrift-context"]["properties"]["samdrift"]["properties"]
    assert set(catalogue()) <= set(section)
    assert set(catalogue()) == set(section["roles"]["properties"])
    base = MADE["inventory-hosts.json"]["$defs"]["role-base"]
    assert set(base["properties"]) == set(catalogue()["base"].options.model_fields)


def hosts_with(samdrift: dict[str, Any]) -> dict[str, Any]:
    file = next(file for file, name in files() if name == "inventory-hosts.json")
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["hosts"][0]["context"]["samdrift"] |= samdrift
    return document


@pytest.mark.parametrize(
    ("samdrift", "says"),
    [
        ({"roles": {"bse": True}}, "bse"),
        ({"roles": {"base": "yes"}}, "boolean"),
        ({"base": {"journal_maxx": "2G"}}, "journal_maxx"),
        ({"base": {"journal_max": "2 GB"}}, "2 GB"),
        ({"base": {"usb_guard": 1}}, "boolean"),
        ({"wave": "first"}, "integer"),
    ],
)
def test_a_wrong_option_is_underlined(samdrift: dict[str, Any], says: str) -> None:
    assert errors("inventory-hosts.json", hosts_with({})) == []
    assert any(says in message for message in errors("inventory-hosts.json", hosts_with(samdrift)))


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        ("policies.json", {"care": {"policy": "reached-only-byy"}}),
        ("policies.json", {"care": {"policy": "large-change", "host": 3}}),
        ("policies.json", {"care": {"reason": "x"}}),
        ("rules.json", {"host-nam": True}),
        ("rules.json", {"waivers": {"day": 3}}),
    ],
)
def test_a_wrong_policy_or_rule_is_underlined(schema: str, document: dict[str, Any]) -> None:
    assert errors(schema, document)
