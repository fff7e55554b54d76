"""Waivers are read strictly: what accepts too much, or says not why and until when, accepts nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory.errors import InventoryError
from inventory.waivers import read

SOUND = """\
heby-motd:
  hosts: heby
  role: base
  step: file /etc/motd
  seen: [0123456789abcdef]
  owner: anna-lind
  reason: Says that the server room moves
  until: '2027-01-15'
"""


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "waivers.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "waivers.yaml"


def test_without_a_file_and_in_an_empty_mapping_nothing_is_accepted(tmp_path: Path) -> None:
    assert read(tmp_path / "waivers.yaml") == read(written(tmp_path, "{}\n")) == ()


def test_a_waiver_says_what_it_accepts_where_who_answers_why_and_until_when(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path, SOUND))
    assert (found.name, found.hosts, found.role, found.about, found.what) == (
        "heby-motd",
        "heby",
        "base",
        "step",
        "file /etc/motd",
    )
    assert (found.owner, found.until.isoformat(), found.seen) == ("anna-lind", "2027-01-15", ("0123456789abcdef",))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  owner: anna-lind\n", "", "waivers.yaml:1: owner is missing"),
        ("  until: '2027-01-15'\n", "", "waivers.yaml:1: until is missing"),
        ("  seen: [0123456789abcdef]\n", "", "step: seen is missing"),
        (
            "  step: file /etc/motd\n  seen: [0123456789abcdef]\n",
            "  unmanaged: stray /etc/cron.d/x\n",
            "seen is missing",
        ),
        ("  step: file /etc/motd\n", "", "say one of step, unmanaged and check"),
        ("  role: base\n", "  role: base\n  check: sshd runs\n", "say one of step, unmanaged and check"),
        ("'2027-01-15'", "2027-01-15", "waivers.yaml:8: '2027-01-15' would be read as a date"),
        ("'2027-01-15'", "never", "waivers.yaml:8: until:"),
        ("owner: anna-lind", "owner: '  '", "waivers.yaml:6: owner:"),
        ("owner: anna-lind", "ownr: anna-lind", "waivers.yaml:6: unknown key 'ownr'"),
        ("Says that the server room moves", "ok", "waivers.yaml:7: reason:"),
        ("[0123456789abcdef]", "[everything]", "waivers.yaml:5: seen.0:"),
        ("heby-motd:\n", "heby-motd: yes\nother:\n", "waivers.yaml:1: heby-motd must be a mapping"),
        ("heby-motd:\n", "- heby-motd:\n  ", "waivers.yaml:1:"),
    ],
)
def test_what_is_no_waiver_is_an_error_with_its_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(InventoryError) as caught:
        read(written(tmp_path, SOUND.replace(old, new)))
    assert any(words in str(p) for p in caught.value.problems), caught.value


@pytest.mark.parametrize("what", ["package htop", "stray /etc/cron.d/*", "interface 1/1/7 / description x"])
def test_a_thing_is_accepted_by_its_name_alone_where_it_is_no_file(tmp_path: Path, what: str) -> None:
    said = SOUND.replace("  step: file /etc/motd\n", f"  unmanaged: {what}\n").replace(
        "  seen: [0123456789abcdef]\n", ""
    )
    (found,) = read(written(tmp_path, said))
    assert found.what == what


def test_of_a_file_with_one_wrong_waiver_none_holds_and_all_that_is_wrong_is_told(tmp_path: Path) -> None:
    twice = SOUND + SOUND.replace("heby-motd", "tierp-motd").replace("anna-lind", "''").replace("base", "''")
    with pytest.raises(InventoryError) as caught:
        read(written(tmp_path, twice))
    assert [str(p).split(": ")[1] for p in caught.value.problems] == ["role", "owner"]


def test_a_file_that_cannot_be_read_is_no_file_without_waivers(tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").mkdir()
    with pytest.raises(InventoryError, match="cannot be read"):
        read(tmp_path / "waivers.yaml")
