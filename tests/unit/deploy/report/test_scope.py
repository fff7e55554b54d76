"""Whom a report is about is said by names, in the order that people who read it know."""

from __future__ import annotations

from deploy.report.scope import municipalities, organisation, swedish
from inventory.fleet import Fleet
from inventory.organisation import Region, Tenant

FLEET = Fleet(
    regions=(Region(slug="o", name="Östra"), Region(slug="v", name="Västra"), Region(slug="n", name="Norra")),
    tenants=(
        Tenant(slug="alvkarleby", name="Älvkarleby"),
        Tenant(slug="osthammar", name="Östhammar"),
        Tenant(slug="tierp", name="Tierp"),
        Tenant(slug="ange", name="Ånge"),
    ),
)


def test_letters_that_swedish_has_besides_come_last_in_its_order() -> None:
    assert sorted(["Östhammar", "Zinkgruvan", "ånge", "Älvkarleby", "Åre"], key=swedish) == [
        "Zinkgruvan",
        "ånge",
        "Åre",
        "Älvkarleby",
        "Östhammar",
    ]


def test_municipalities_are_named_once_each_and_one_that_is_unknown_by_its_slug() -> None:
    named = municipalities(FLEET, ["osthammar", "tierp", "alvkarleby", "ange", "tierp", "salem"])
    assert list(named.items()) == [
        ("salem", "salem"),
        ("tierp", "Tierp"),
        ("ange", "Ånge"),
        ("alvkarleby", "Älvkarleby"),
        ("osthammar", "Östhammar"),
    ]


def test_the_organisation_is_its_regions() -> None:
    assert organisation(FLEET) == "Norra · Västra · Östra"
