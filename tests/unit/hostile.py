"""The shipped fleet as NetBox would answer it, with text that means harm wherever a person may write text."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from inventory import rules
from inventory.fleet import Fleet
from inventory.netbox.assemble import assembled
from inventory.netbox.rows import Rows
from inventory.rules.house import House
from inventory.secrets import MARK
from inventory.snapshot import load
from roles.shared.intent import Intent
from tests.unit.inventory.fleets import KEY_A
from tests.unit.inventory.netbox_rows import rows_of

HARM = "touch /tmp/harm"
"""What a shell would do that took hostile text for commands."""
PRODUCT = "{{ 7654321 * 7 }}", "53580247"
"""What Jinja would make of hostile text that it took for a template."""

WORST = f"$({HARM}) `{HARM}` '; {HARM}; \" {PRODUCT[0]} \\"
"""As much of it as a sound fleet can have where it wants somebody's name."""

FRAGMENTS = (
    f"$({HARM})",
    f"`{HARM}`",
    f"; {HARM};",
    f"| {HARM} |",
    f"&& {HARM} &&",
    f"' ; {HARM} ; '",
    f'" ; {HARM} ; "',
    f"\n{HARM}\n",
    f"\r{HARM}\r",
    "' \" \\",
    "\\",
    "%s%n",
    "$IFS",
    "!!",
    "#",
    PRODUCT[0],
    "{% for x in [1] %}y{% endfor %}",
    "{# no #}",
    "../../../../tmp/harm",
    "/tmp/harm",
    "!!python/object/apply:os.system ['touch /tmp/harm']",
    "&a *a",
    "- x: y",
    "\x1b[2J\x1b]0;harm\x07",
    "\u202e",
    "EOF",
)
wild = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), min_size=1, max_size=3).map("".join)
"""Whatever NetBox would store; most of it no sound fleet may have."""
sane = wild.map(lambda text: "".join(c for c in text if c.isprintable() and c != MARK))
"""What a sound fleet may have in a description."""
full_name = sane.map(lambda text: text.translate({ord(c): None for c in ":,"})[:80] or "-")
"""What role `base` lets through as somebody's name: it becomes a word of commands."""

DESCRIBED = (
    "devices", "virtual_machines", "interfaces", "vm_interfaces", "prefixes", "ranges", "services", "sites", "tenants",
)  # fmt: skip
NAMED = ("tenants", "sites", "tags", "vlans", "interfaces")
OTHERS_NAMED = ("regions", *NAMED[:-1], "platforms", "device_roles", "manufacturers", "clusters")
HOSTS = ("devices", "virtual_machines")
PERSON = "elsa-prov"


@st.composite
def hostile_rows(draw: st.DrawFn) -> Rows:
    """Every description hostile, and an administrator's name; in half of them names, contexts or an option, too."""
    rows = rows_of(load())
    text, person, spoil = draw(wild), draw(full_name), draw(st.booleans())
    write(rows, described=text if spoil else draw(sane), person=person)
    if spoil:
        kind, where = draw(st.sampled_from(NAMED + HOSTS)), draw(st.sampled_from(("name", "context", "option", "both")))
        for number, row in rows.of[kind].items():
            if where == "option":
                _spoil_option(row, text, draw)
                continue
            row["name"] = f"{text}{number}" if where != "context" else row["name"]
            if kind in HOSTS and where != "name":
                row["config_context"] = row["config_context"] | {text: [text], "notes": text}
    return rows


def _spoil_option(row: dict[str, Any], text: str, draw: st.DrawFn) -> None:
    """Write the text in place of some text that a host's config context has for a role."""
    context = copy.deepcopy(row.get("config_context") or {})
    holders = list(_holders_of_text(context.get("samdrift", {})))
    if holders:
        holder, key = holders[draw(st.integers(0, len(holders) - 1))]
        holder[key] = text
        row["config_context"] = context


def _holders_of_text(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(item, str):
            yield value, key
        else:
            yield from _holders_of_text(item)


def write(rows: Rows, *, described: str, person: str, named: str = "") -> None:
    """Write one text into every description, and another as the name of somebody who administers every host.

    Args:
        named: a text that every name of what is no host ends with, too.
    """
    vlans = {row["name"]: f"{number} {named}" for number, row in rows.of["vlans"].items()}
    for kind in OTHERS_NAMED if named else ():
        for number, row in rows.of[kind].items():
            row["name"] = f"{number} {named}"
    for row in rows.of["virtual_machines"].values() if named else ():
        row["config_context"] = _with_vlans(row["config_context"], vlans)
    for kind in DESCRIBED:
        for row in rows.of[kind].values():
            row["description"] = described
    for kind in HOSTS:
        for row in rows.of[kind].values():
            row["config_context"] = _with_person(row["config_context"], person)


def _with_vlans(context: dict[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """The context in which an option that names VLANs calls them as they are called now."""
    samdrift = context.get("samdrift", {})
    if "watch_pages" not in samdrift:
        return context
    clients = [renamed[name] for name in samdrift["watch_pages"]["clients"]]
    return context | {"samdrift": samdrift | {"watch_pages": samdrift["watch_pages"] | {"clients": clients}}}


def _with_person(context: dict[str, Any], name: str) -> dict[str, Any]:
    samdrift = context.get("samdrift", {})
    if "base" not in samdrift:
        return context
    admins = samdrift["base"].get("admins", {}) | {PERSON: {"full_name": name, "keys": [KEY_A]}}
    return context | {"samdrift": samdrift | {"base": samdrift["base"] | {"admins": admins}}}


def sound(rows: Rows) -> Fleet | None:
    """The fleet, if it is sound where no house rule is asked; what is said of one that is not can be shown."""
    made = assembled(rows)
    problems = [*made.problems, *rules.problems(made.fleet, house=House({}))]
    problems = problems or [p for host in made.fleet.hosts for p in Intent(made.fleet).problems(host)]
    assert all(str(p).isprintable() for p in problems)
    return None if problems else made.fleet
