"""What a run hands on to whoever reads its record."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.drift import _REMEDIES
from deploy.findings import Exit, Finding, Kind
from deploy.observer import Quiet
from deploy.runs import Run
from deploy.store import Store
from deploy.transport import Access
from deploy.vault import NO_VAULT
from tests.unit.deploy.lab_fleet import lab_fleet


@pytest.mark.parametrize("kind", _REMEDIES)
@pytest.mark.parametrize(("options", "begins"), [("", "samdrift "), ("--lab", "samdrift --lab ")])
def test_a_remedy_is_for_the_hosts_that_were_looked_at(tmp_path: Path, kind: Kind, options: str, begins: str) -> None:
    fleet = lab_fleet()
    run = Run(
        command="drift",
        argv=("drift",),
        fleet=fleet,
        hosts=fleet.hosts,
        source="snapshot",
        fleet_time="",
        limit="",
        access=Access(),
        vault=NO_VAULT,
        store=Store(tmp_path / "state"),
        observer=Quiet(),
        who="anna",
        options=options,
    )
    remedy = _REMEDIES[kind].format(host="heb-gw1")
    finding = Finding(kind=kind, host="heb-gw1", summary="differs", remedy=remedy)

    (kept,) = run.save(hosts=(), findings=[finding], code=Exit.DIFFERENCES).findings

    commands = kept.remedy.count("samdrift ")
    assert commands == kept.remedy.count(begins) == remedy.count("samdrift ") >= 1
    assert kept.fingerprint == finding.fingerprint
