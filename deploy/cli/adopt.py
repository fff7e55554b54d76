"""`samdrift adopt`: what is said of a host that nobody manages yet, and what is answered about it.

Not here: how it is looked at (`runs.adopt`), and how the answer looks (`views.adopt`).
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deploy.cli.command import FILE, READABLE, WORDS, Common, answer, aside, command
from deploy.cli.running import running
from deploy.model.kinds import Exit
from inventory import snapshot
from inventory.errors import UsageError
from inventory.fleet import ACTIVE, Fleet, Host

if TYPE_CHECKING:
    from deploy.runs.adopt import Overlay

GIVEN = {
    "address": "its address",
    "platform": "its platform's slug: debian-13, cisco-ios …",
    "site": "the site where it stands",
    "tenant": "the municipality that owns it",
    "device_role": "its device role in NetBox: server, access-switch …",
}
"""What must be said of a host that the inventory does not have."""

HOST_KEY = (
    "read it on the host's own console, and not over the network: cat /etc/ssh/ssh_host_ed25519_key.pub "
    "(IOS: show ip ssh; AOS-CX: show ssh host-key; Junos: file show /etc/ssh/ssh_host_ed25519_key.pub)"
)


@command("adopt")
@click.argument("name", metavar="HOST")
@click.option("--role", "roles", metavar="ROLE", multiple=True, type=WORDS, help="Judge this role. Can be repeated.")
@click.option("--out", metavar="DIR", type=FILE, help="Write the proposal: the inventory, with the host added.")
@click.option("--address", metavar="IP", type=WORDS, help="Of a host that the inventory does not have: its address.")
@click.option("--platform", metavar="SLUG", type=WORDS, help="… its platform: debian-13, cisco-ios …")
@click.option("--site", metavar="SLUG", type=WORDS, help="… its site.")
@click.option("--tenant", metavar="SLUG", type=WORDS, help="… its municipality.")
@click.option("--device-role", metavar="SLUG", type=WORDS, help="… its device role: server, access-switch …")
@click.option("--device-type", metavar="SLUG", type=WORDS, help="… its model, where it is a device.")
@click.option("--cluster", metavar="SLUG", type=WORDS, help="… its cluster, where it is a virtual machine.")
@click.option("--tag", "tags", metavar="SLUG", multiple=True, type=WORDS, help="… a tag of it. Can be repeated.")
@click.option("--host-key", "keys", metavar="KEY", multiple=True, type=WORDS, help="… its SSH host key: TYPE BASE64.")
@click.option("--host-key-file", metavar="FILE", type=READABLE, help="… its keys: a .pub file, or known_hosts lines.")
def adopt(common: Common, name: str, roles: tuple[str, ...], out: Path | None, **given: Any) -> int:
    """Say what taking over a host that runs would mean; change nothing.

    Looks at HOST and says role by role what would change, what would end, and what could not be known. A host that the
    inventory does not have is described by options; its host key must be given, as on any other connection.
    """
    from deploy.runs import adopt as runs
    from deploy.views import adopt as view

    _refuse_unknown(roles)
    with running(common, "adopt", adopting=lambda fleet: _host(fleet, name, given)) as (run, observer):
        adopted = runs.adopt(run, run.hosts[0], roles, _overlay(common))
        record = run.save(hosts=[runs.result_of(adopted.adoption)], findings=(), code=Exit.OK)
        observer.rest()
    if out is not None:
        snapshot.dump(adopted.fleet, out)
    document = {"adoption": adopted.adoption.model_dump(mode="json"), "out": str(out or ""), "record": record.id}
    answer(common, document, view.adoption(adopted.adoption))
    if out is not None:
        lab = "--lab " if common.lab else ""
        aside(common, f"The proposal is in {out}. Next: samdrift {lab}--source {out} plan --limit {name} --role ROLE")
    return Exit.OK


def _overlay(common: Common) -> Overlay:
    if not common.lab:
        return lambda fleet: fleet
    from deploy.lab.lab import Lab

    return Lab().overlay


def _refuse_unknown(roles: tuple[str, ...]) -> None:
    from roles.shared.catalogue import catalogue

    if unknown := sorted(set(roles) - catalogue().keys()):
        raise UsageError("there is no such role", where=f"--role {unknown[0]}", fix=f"one of: {', '.join(catalogue())}")


def _host(fleet: Fleet, name: str, given: dict[str, Any]) -> Host:
    """Return the inventory's host of this name, or make one of what the command line says."""
    keys = _keys(given.pop("keys"), given.pop("host_key_file"))
    known = next((h for h in fleet.hosts if h.name == name), None)
    if known is not None:
        if mentioned := next((option for option, value in given.items() if value), "host_key" if keys else ""):
            fix = "leave it out, or correct it in NetBox"
            raise UsageError(f"the inventory has {name} already", where=f"--{mentioned.replace('_', '-')}", fix=fix)
        return known
    if lacking := [option for option in GIVEN if not given[option]]:
        where = f"--{lacking[0].replace('_', '-')}"
        raise UsageError(f"the inventory does not have {name}", where=where, fix=f"say {GIVEN[lacking[0]]}")
    if not keys:
        raise UsageError(f"{name} can be believed by its host key alone", where="--host-key", fix=HOST_KEY)
    try:
        address = ip_address(given["address"])
    except ValueError:
        raise UsageError(f"{given['address']!r} is no address", where="--address") from None
    return Host.model_validate(
        {
            "name": name,
            "kind": "vm" if given["cluster"] else "device",
            "status": ACTIVE,
            "role": given["device_role"],
            "primary_address" if address.version == 4 else "primary_address6": address,
            "host_keys": keys,
            **{field: given[field] for field in ("tenant", "site", "platform", "device_type", "cluster", "tags")},
        }
    )


def _keys(lines: tuple[str, ...], file: Path | None) -> tuple[str, ...]:
    """Return the host keys that were said, as `type base64`."""
    lines = (*lines, *(file.read_text(encoding="utf-8", errors="replace").splitlines() if file else ()))
    found = (re.search(r"(?:^|\s)((?:ssh|ecdsa)-\S+ [A-Za-z0-9+/]+={0,2})(?:\s|$)", line) for line in lines)
    return tuple(dict.fromkeys(match[1] for match in found if match))
