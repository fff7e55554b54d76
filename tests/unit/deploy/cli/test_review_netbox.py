"""`samdrift review --against netbox`: the snapshot beside what NetBox says now, each written down for its rendering."""

from __future__ import annotations

import json

import pytest

from deploy.cli import main as cli
from deploy.cli import review
from deploy.source.known import SourcedFleet
from inventory import snapshot
from tests.unit.deploy.review.renders import with_host, with_options


@pytest.mark.long
def test_what_netbox_says_now_is_a_side(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIMIT", "SOURCE", "LAB", "STATE", "JSON"):
        monkeypatch.delenv(f"SAMDRIFT_{name}", raising=False)
    there = with_host(snapshot.load(), "tie-web1", with_options("base", {"journal_max": "3G"}))
    monkeypatch.setattr(review, "from_netbox", lambda _common: SourcedFleet(there, "netbox", ""))
    assert cli._ended(["review", "--against", "netbox", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["against"] == "netbox"
    assert [h["host"] for h in found["hosts"]] == ["tie-web1"]
    assert "-SystemMaxUse=3G" in found["differences"][0]["diff"]
    assert cli._ended(["review", "--source", "netbox", "--against", "./inventory/snapshot", "--json"]) in {2, 64}
