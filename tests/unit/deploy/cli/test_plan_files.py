"""The files that `plan` writes for people: their owner's alone, and refused before any host is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.cli import main as cli
from deploy.cli.runs import _write_pages
from deploy.model.plan import HostPlan
from inventory.errors import SamdriftError
from tests.unit.deploy.views.shown import NAMES, plan_of, step

MADE = plan_of(HostPlan(host="heb-gw1", municipality="heby", steps=(step("file /etc/x"),)))


def test_both_say_the_same_and_are_their_owners_alone(tmp_path: Path) -> None:
    page, text = tmp_path / "plan.html", tmp_path / "plan.md"
    _write_pages(MADE, NAMES, (), (), html=page, markdown=text)
    assert "file /etc/x" in page.read_text()
    assert "file /etc/x" in text.read_text()
    assert {oct(file.stat().st_mode & 0o777) for file in (page, text)} == {"0o600"}


def test_where_it_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(SamdriftError, match="cannot write the plan"):
        _write_pages(MADE, NAMES, (), (), html=tmp_path / "none" / "plan.html", markdown=None)


@pytest.mark.parametrize("option", ["--html", "--markdown", "--out"])
def test_it_is_refused_before_any_host_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    state = ("--state", str(tmp_path / "state"), "--json")
    assert cli._ended(["plan", "--limit", "heb-gw1", option, str(tmp_path / "none" / "file"), *state]) == 1
    assert "there is no directory" in json.loads(capsys.readouterr().out)["error"]["message"]
