"""The shipped fleet as NetBox would answer it, with text that means harm wherever a person may write text."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from inventory.netbox.rows import Rows
from inventory.secrets import MARK
from inventory.snapshot import load
from tests.unit.inventory.fleets import KEY_A
from tests.unit.inventory.netbox_rows import rows_of

HARM = "touch /tmp/harm"
"""What a shell would do that took hostile text for commands."""
PRODUCT = "{{ 7654321 * 7 }}", "53580247"
"""What Jinja would make of hostile text that it took for a template."""

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

DESCRIBED = ("devices", "virtual_machines", "interfaces", "vm_interfaces", "prefixes", "services", "sites", "tenants")
NAMED = ("tenants", "sites", "tags", "vlans", "interfaces")
HOSTS = ("devices", "virtual_machines")
PERSON = "elsa-prov"


@st.composite
def hostile_rows(draw: st.DrawFn) -> Rows:
    """Every description hostile, and an administrator's name; in half of them names and contexts, too."""
    rows = rows_of(load())
    text, person, spoil = draw(wild), draw(full_name), draw(st.booleans())
    write(rows, described=text if spoil else draw(sane), person=person)
    if spoil:
        kind, where = draw(st.sampled_from(NAMED + HOSTS)), draw(st.sampled_from(("name", "context", "both")))
        for number, row in rows.of[kind].items():
            row["name"] = f"{text}{number}" if where != "context" else row["name"]
            if kind in HOSTS and where != "name":
                row["config_context"] = row["config_context"] | {text: [text], "notes": text}
    return rows


def write(rows: Rows, *, described: str, person: str) -> None:
    """Write one text into every description, and another as the name of somebody who administers every host."""
    for kind in DESCRIBED:
        for row in rows.of[kind].values():
            row["description"] = described
    for kind in HOSTS:
        for row in rows.of[kind].values():
            row["config_context"] = _with_person(row["config_context"], person)


def _with_person(context: dict[str, Any], name: str) -> dict[str, Any]:
    samdrift = context.get("samdrift", {})
    if "base" not in samdrift:
        return context
    admins = samdrift["base"].get("admins", {}) | {PERSON: {"full_name": name, "keys": [KEY_A]}}
    return context | {"samdrift": samdrift | {"base": samdrift["base"] | {"admins": admins}}}
