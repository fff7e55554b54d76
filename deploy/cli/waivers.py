"""`samdrift waivers` and `waivers propose`: which differences are accepted, and what to write to accept more.

No host is looked at, and nothing is written: a waiver is decided by people, in the inventory. Not here: what a waiver
means (`model.waivers`).
"""

from __future__ import annotations

import click

from deploy.cli.command import Common, WithDefault, answer, command
from deploy.cli.subject import fleet_of, hosts_of, stores_of, waivers_of
from deploy.views.parts import municipalities
from inventory.errors import SamdriftError


@click.group("waivers", cls=WithDefault, options_metavar="[OPTIONS]", subcommand_metavar="| propose")
def waivers() -> None:
    """List accepted differences: who answers for each, why, until when.

    `waivers propose` writes what would accept the differences that the latest drift found.
    """


@command("list", of=waivers)
def list_waivers(common: Common) -> int:
    """List accepted differences: who answers for each, why, until when.

    Ends with 2 if one has expired or is about no host.
    """
    from deploy.model.findings import exit_code
    from deploy.model.waivers import waiver_findings
    from deploy.views import waivers as view

    fleet = fleet_of(common).fleet
    about = {h.name: h.tenant for h in hosts_of(common, fleet)}
    known = waivers_of(common, fleet)
    found = waiver_findings(known, about)
    mine = [w for w in known.all if known.hosts[w.name] & about.keys() or w.name in known.lost]
    listed = [w.model_dump(mode="json") | {"on": sorted(known.hosts[w.name] & about.keys())} for w in mine]
    document = {
        "waivers": listed,
        "findings": [f.model_dump(mode="json") for f in found],
        "exit_code": exit_code(found),
    }
    document["exit_code"] = code = exit_code(found)
    answer(common, document, view.waivers(mine, known, about, found, municipalities(fleet)))
    return code


@command("propose", of=waivers)
def propose(common: Common) -> None:
    """Write what would accept the differences that the latest drift found.

    For `waivers.yaml`; owner, reason and last day are for a person to say.
    """
    from rich.text import Text

    from deploy.model.waivers import proposed
    from deploy.store.ports import StoreError, readable

    fleet = fleet_of(common).fleet
    about = {h.name for h in hosts_of(common, fleet)}
    past, faults = stores_of(common).history, list[StoreError]()
    drifts = readable(past, (run for run in past.runs(("drift",)) if not run.of_some_roles), faults)
    latest = next((r for r in drifts if any(h.host in about for h in r.hosts)), None)
    if latest is None:
        raise SamdriftError("no drift of these hosts is recorded", fix="first: samdrift drift")
    text = proposed(f for f in latest.findings if f.host in about)
    answer(
        common, {"of": latest.id, "waivers": text}, [Text(text.rstrip("\n") or "Nothing differs that is not accepted.")]
    )
