"""The report says who may do what where and since when, of its own municipalities alone."""

from __future__ import annotations

from datetime import date

from deploy.report.document import Report
from deploy.report.page import html
from deploy.runs.manifest import manifest_now
from inventory.fleet import Fleet, Host
from inventory.organisation import Grant, People, Person, Tenant
from tests.unit.deploy.report.reports import report_of

AT = "2026-11-29T10:00:00.000Z"
HOSTILE = "<script>alert(1)</script>"


def host(name: str, tenant: str, *roles: str, **base: object) -> Host:
    context = {"samdrift": {"roles": dict.fromkeys(("base", *roles), True), "base": base}}
    return Host(name=name, kind="vm", tenant=tenant, context=context)


def person(name: str, home: str, of: str, **said: object) -> Person:
    grant = Grant.model_validate(
        {"function": "f", "title": "Tekniker", "of": (of,), "since": date(2021, 8, 16), **said}
    )
    return Person(name=name, full_name=name.title(), home=home, since=date(2020, 1, 1), grants=(grant,))


FLEET = Fleet(
    tenants=(Tenant(slug="heby", name="Heby"), Tenant(slug="tierp", name="Tierp")),
    hosts=(host("heb-gw1", "heby", "print_server"), host("tie-web1", "tierp"), host("heb-file1", "heby")),
    people=People(
        everybody=(
            person("anna", "joint", "all", duties=("administer",), runs=("plan", "apply")),
            person("bo", "heby", "heby", duties=("print_server.jobs",), runs=("plan",), until=date(2026, 12, 31)),
            person("cia", "tierp", "tierp", duties=("print_server.jobs",)),
            person("dan", "heby", "heby", duties=("print_server.jobs",), employment="ended", until=date(2026, 1, 31)),
        )
    ),
)


def made(fleet: Fleet = FLEET, *tenants: str) -> Report:
    about = [h for h in fleet.hosts if not tenants or h.tenant in tenants]
    return report_of(fleet, about, (), AT, today=manifest_now(), whole=not tenants)


def test_a_municipalitys_report_names_who_may_do_something_there_and_nobody_else() -> None:
    found = {(r.person, r.hosts, r.since, r.until, r.employment) for r in made(FLEET, "heby").rights}

    assert found == {
        ("anna", ("heb-gw1", "heb-file1"), "2021-08-16", "", "now"),
        ("bo", ("heb-gw1",), "2021-08-16", "2026-12-31", "now"),
        ("dan", ("heb-gw1",), "2021-08-16", "2026-01-31", "ended"),
    }
    assert "Cia" not in html(made(FLEET, "heby"))


def test_who_may_for_all_stands_with_each_municipality_of_the_report() -> None:
    assert [r.municipality for r in made().rights if r.person == "anna"] == ["heby", "tierp"]


def test_the_page_says_it_in_the_roles_own_words_in_either_language() -> None:
    page = html(made(FLEET, "heby"))

    for words in ("Hålla, släppa och ta bort utskrifter", "2026-12-31", "avslutad"):
        assert words in page
    assert "Hold, release and cancel print jobs" in html(made(FLEET, "heby"), "en")
    assert "Administrera: allt, som root" in page


def test_who_is_root_by_a_config_context_is_told_too_and_what_it_says_is_escaped() -> None:
    stray = host("heb-old1", "heby", admins={"eve": {"full_name": HOSTILE}, "gone": {"absent": True}})
    report = made(FLEET.model_copy(update={"hosts": (stray,)}), "heby")

    (eve,) = (r for r in report.rights if r.person not in {"anna", "bo", "dan"})
    assert (eve.person, eve.hosts, eve.duties, eve.home) == ("eve", ("heb-old1",), ("administer",), "")
    assert HOSTILE not in html(report)
