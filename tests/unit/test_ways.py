"""The ways to stay on a host are many, and the few that drift cannot see are written down beside the others."""

from __future__ import annotations

from inventory.paths import CODE
from tests.integration.forty_ways import WAYS

PAGE = (CODE / "docs" / "ways-to-stay.md").read_text(encoding="utf-8")


def test_more_than_forty_ways_are_planted_and_at_most_two_are_not_seen() -> None:
    assert len({way.name for way in WAYS}) == len(WAYS)
    assert len(WAYS) >= 40
    assert len([way for way in WAYS if not way.named]) <= 2


def test_every_way_stands_in_the_documentation_with_its_source() -> None:
    rows = {
        tuple(cell.strip() for cell in row.split("|")[1:3]): row for row in PAGE.splitlines() if row.startswith("| ")
    }
    assert [way.name for way in WAYS if (way.name, way.source) not in rows] == []
    unseen = {way.name for way in WAYS if not way.named}
    assert {name for (name, _), row in rows.items() if "**not seen**" in row} == unseen
