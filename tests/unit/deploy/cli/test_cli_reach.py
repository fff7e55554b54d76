"""`samdrift reach` on the command line: one document, what people read, and errors that say what to write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.cli import main as cli


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LIMIT", "SOURCE", "LAB", "STATE", "JSON"):
        monkeypatch.delenv(f"SAMDRIFT_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli._ended(["reach", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def test_two_ends_and_a_port_are_one_answer_with_its_hops(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "10.63.10.77", "tie-dns1:udp/53")
    assert (found["from"], found["to"], found["service"]) == (
        "10.63.10.77",
        "tie-dns1",
        {"protocol": "udp", "port": 53},
    )
    (answer,) = found["answers"]
    assert answer["answer"] == "open"
    assert [hop["host"] for hop in answer["hops"]] == ["heb-gw1", "tie-gw1", "tie-dns1"]
    assert all(hop["rules"] for hop in answer["hops"])


def test_without_a_port_it_is_what_the_destination_lets_in(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "any", "tie-care1")
    services = {(a["service"]["protocol"], a["service"]["port"]) for a in found["answers"]}
    assert services == {("icmp", None), ("tcp", 22), ("tcp", 9100)}
    assert {a["answer"] for a in found["answers"]} == {"open"}


def test_a_limit_narrows_the_destinations(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "tie-adm1", "any", "--limit", "heb-gw1 or heb-sw1")
    assert {a["host"] for a in found["answers"]} == {"heb-gw1", "heb-sw1"}
    assert [u["host"] for u in found["not_known"]] == ["heb-sw1"]


def test_what_people_read_fits_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._ended(["reach", "any", "tie-care1:443"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "27 answers: 27 closed."
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("tie-cara1",), "did you mean tie-care1"),
        (("any", "tie-care1:http"), "write it as 443, tcp/443, udp/53 or ping"),
        (("any", "internet"), "name one: internet:443"),
        (("10.63.10.77", "[2001:db8::1]:443"), "no family of IP in common"),
        (("10.60.10.9/24",), "write 10.60.10.0/24"),
    ],
)
def test_an_error_says_what_to_write(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str) -> None:
    assert cli._ended(["reach", *arguments]) == 64
    assert says in capsys.readouterr().err
