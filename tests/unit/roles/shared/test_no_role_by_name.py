"""A role is known by name in its own file alone: what the house must know of it, the catalogue asks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from inventory.paths import CODE
from roles.shared.catalogue import catalogue

PLACES = ("inventory", "roles/shared", "deploy")

OTHERWISE = {
    "firewall": "a device role, and a section of Junos",
    "netbox": "the source of the inventory",
    "time": "a moment, in documents and in NetBox's change log",
}
"""Names of roles that are words for something else, too. They are told only where a role is asked for."""

ALLOWED = {
    ("roles/shared/network/peering.py", "edge_gateway"): "its subject: how gateways meet, for the roles that ask",
    ("roles/shared/network/servers.py", "time"): "its subject: whom every host asks for the time",
    ("roles/shared/network/servers.py", "dns_resolver"): "its subject: whom every host asks for names",
    ("roles/shared/network/servers.py", "package_cache"): "its subject: whom every host asks for packages",
    (
        "roles/shared/network/authority.py",
        "certificates",
    ): "its subject: who signs, for the roles that show certificates",
    ("roles/shared/device/logs.py", "log_server"): "its subject: where devices send their logs",
    ("roles/shared/device/settings.py", "monitoring"): "a device lets it read, as role node_metrics does",
    ("roles/shared/device/login_keys.py", "base"): "samdrift's keys for devices are those for hosts with a shell",
    ("deploy/report/rights.py", "base"): "its subject: who may be root, which that role's options say, too",
    ("deploy/runs/looks.py", "base"): "its subject: the account for looks, which that role makes",
    ("deploy/tools/netbox_lock.py", "netbox"): "the tool makes that role's own lock",
    ("deploy/tools/demo.py", "edge_gateway"): "a story, told on hosts and roles by name",
    ("deploy/cli/command.py", "time"): "an example in a help text",
    ("inventory/selection.py", "monitoring"): "an example in the remedy of an error",
}
"""Who may name which role, and why: domain logic, which would be no clearer for asking the catalogue."""


def named(source: str) -> set[str]:
    """The roles that this code names: by import, as a text, or in a selector."""
    nodes = list(ast.walk(ast.parse(source)))
    texts = {id(n.value) for n in nodes if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
    asked = {id(constant) for n in nodes for constant in _asked(n)}
    found = {name for n in nodes for name in _imported(n)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            found |= set(re.findall(r"(?:\brole=|\broles\.)(\w+)", node.value))
            if node.value not in OTHERWISE or id(node) in asked:
                found.add(node.value)
    return found & catalogue().keys()


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and node.module == "roles":
        yield from (alias.name for alias in node.names)
    modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    yield from (module.removeprefix("roles.").partition(".")[0] for module in modules if module.startswith("roles."))


def _asked(node: ast.AST) -> Iterator[ast.expr]:
    """The parts of a node that are the name of a role, whatever word it is."""
    match node:
        case ast.Call(func=ast.Attribute(attr="with_role" | "of" | "required"), args=arguments):
            yield from arguments
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="samdrift"), attr="get"), args=arguments):
            yield from arguments[:1]
        case ast.Subscript(value=ast.Call(func=ast.Name(id="catalogue")) | ast.Attribute(attr="samdrift"), slice=name):
            yield name
        case ast.Compare(left=name, ops=[ast.In() | ast.NotIn()], comparators=[ast.Attribute(attr="roles")]):
            yield name
        case ast.Compare(left=ast.Attribute(attr="name", value=ast.Name(id="role")), comparators=[name]):
            yield name


@pytest.mark.long
def test_no_place_outside_roles_names_one_but_those_that_say_why() -> None:
    files = [file for place in PLACES for file in (CODE / place).rglob("*.py")]
    found = {(str(f.relative_to(CODE)), name) for f in files for name in named(f.read_text(encoding="utf-8"))}

    assert found - ALLOWED.keys() == set(), "let the role say it itself, and the catalogue ask: docs/add-a-role.md"
    assert ALLOWED.keys() - found == set(), "these need no leave any more"


@pytest.mark.parametrize(
    "source",
    [
        "from roles import time",
        "from roles.time import PACKAGES",
        "import roles.time",
        'hosts = fleet.with_role("time")',
        'settings = intent.of(host, "time")',
        'role = catalogue()["time"]',
        'is_server = "time" in host.roles',
        'options = host.samdrift.get("time", {})',
        'plain = role.name == "time"',
        'limit = "tie-* and role=time"',
        'patched = "roles.time.AFTER"',
    ],
)
def test_a_role_that_is_named_is_found(source: str) -> None:
    assert named(source) == {"time"}


def test_a_text_that_is_a_role_s_name_is_found_wherever_it_stands() -> None:
    assert named('GATEWAY = "edge_gateway"\nLOGS = {"log_server": 1}') == {"edge_gateway", "log_server"}


@pytest.mark.parametrize(
    "source",
    ['"""Role `time`, or roles.time."""', 'document = {"time": at}', "from roles.shared import time", "time = 1"],
)
def test_what_names_no_role_is_left_alone(source: str) -> None:
    assert named(source) == set()


def test_a_word_with_two_meanings_is_still_a_role() -> None:
    assert OTHERWISE.keys() <= catalogue().keys()
