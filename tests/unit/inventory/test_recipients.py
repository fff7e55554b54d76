"""Who hears of a municipality's hosts, and when nobody is to, stands in one file; what is wrong in it is named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from inventory import snapshot
from inventory.errors import InventoryError
from inventory.recipients import of_the_project, problems, read
from tests.unit.inventory.fleets import fleet

GOOD = """\
municipalities:
  heby:
    language: sv
    email: [it@heby.example]
    webhooks: [{url: 'https://chat.heby.example/hooks/samdrift', signed: true}]
quiet:
- {of: [heby], since: '2026-12-05T22:00', until: '2026-12-06T04:00', why: Nytt nät}
- {of: all, since: '2026-12-24T00:00', until: '2026-12-27T00:00', why: Jul}
"""


def written(directory: Path, text: str) -> Path:
    file = directory / "recipients.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_projects_file_names_municipalities_that_there_are() -> None:
    assert {t.slug for t in snapshot.load().tenants} >= of_the_project().municipalities.keys()


def test_quiet_times_are_the_clocks_in_sweden(tmp_path: Path) -> None:
    hears = read(written(tmp_path, GOOD))

    assert hears.of("heby").email == ("it@heby.example",)
    assert not hears.of("tierp").email
    assert hears.quiet_for("heby", datetime(2026, 12, 5, 20, 59, tzinfo=UTC)) is None
    assert hears.quiet_for("heby", datetime(2026, 12, 5, 21, 0, tzinfo=UTC)) is not None
    assert hears.quiet_for("heby", datetime(2026, 12, 6, 3, 0, tzinfo=UTC)) is None
    assert hears.quiet_for("tierp", datetime(2026, 12, 5, 22, 0, tzinfo=UTC)) is None
    assert hears.quiet_for("tierp", datetime(2026, 12, 24, 12, 0, tzinfo=UTC)) is not None


@pytest.mark.parametrize(
    ("good", "bad", "names"),
    [
        ("it@heby.example", '"it@heby.example\\r\\nBcc: x@example.org"', "email"),
        ("it@heby.example", "heby", "email"),
        ("it@heby.example", "it@heby.example, it@heby.example", "twice"),
        ("https://chat", "http://chat", "url"),
        ("https://chat", "https://user:secret@chat", "url"),
        ("language: sv", "language: de", "language"),
        ("language: sv", "launguage: sv", "launguage"),
        ("'2026-12-06T04:00'", "'2026-12-05T04:00'", "before it begins"),
        ("'2026-12-06T04:00'", "'2026-12-06T04:00Z'", "without a zone"),
        ("why: Jul", "why: ''", "why"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, good: str, bad: str, names: str) -> None:
    file = written(tmp_path, GOOD.replace(good, bad))

    with pytest.raises(InventoryError, match=names) as wrong:
        read(file)
    assert "recipients.yaml:" in str(wrong.value)


def test_a_misspelled_municipality_is_named_with_its_line(tmp_path: Path) -> None:
    asked = written(tmp_path, GOOD.replace("heby:", "hebby:").replace("[heby]", "[tierp, tirp]"))

    said = [(p.where.rpartition(":")[2], p.what) for p in problems(fleet(), asked)]
    assert said == [
        ("2", "there is no municipality hebby, but there is 'heby'"),
        ("7", "there is no municipality tirp, but there is 'tierp'"),
    ]


def test_a_municipality_of_another_fleet_is_not_one_misspelled(tmp_path: Path) -> None:
    assert problems(fleet(), written(tmp_path, GOOD.replace("heby:", "osthammar:"))) == ()
    assert problems(fleet(), tmp_path / "none") == ()
    assert [p.rule for p in problems(fleet(), written(tmp_path, "- no mapping"))] == ["recipients"]
