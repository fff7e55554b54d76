"""An emergency stands out until it is signed off, for each municipality, by somebody who had no part in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.model.emergency import digest_of
from deploy.model.record import HostResult, Record, summary_of
from deploy.report.page import html
from deploy.runs.admission import NotApproved
from deploy.runs.manifest import manifest_now
from deploy.runs.sign_off import emergencies_of, emergency_of, sign_off, signer_of
from deploy.runs.signing import SigningError, verify
from deploy.store.ports import History, StoreError
from inventory.errors import UsageError
from inventory.fleet import Fleet
from inventory.organisation import People, Tenant
from tests.unit.deploy.lab_fleet import HEBY, host
from tests.unit.deploy.report.reports import report_of
from tests.unit.deploy.store.conformance import record
from tests.unit.deploy.store.in_memory import in_memory

HOSTS = (
    HostResult(host="heb-gw1", municipality="heby", outcome="changed"),
    HostResult(host="kni-gw1", municipality="knivsta", outcome="in sync"),
    HostResult(host="tie-gw1", municipality="tierp", outcome="unknown"),
)
URGENT = record(
    "2026-11-28T03:00:00.000Z", "apply", who="cecilia@adm1", emergency=True, reason="öppna VPN", hosts=HOSTS
)


@pytest.fixture
def fleet(people: People) -> Fleet:
    tenants = tuple(Tenant(slug=slug, name=slug.title()) for slug in ("heby", "knivsta", "tierp"))
    hosts = (
        host("heb-gw1", ("wan0", "10.59.0.63/24"), site=HEBY, tenant="heby"),
        host("kni-gw1", ("wan0", "10.59.0.64/24"), tenant="knivsta"),
        host("tie-gw1", ("wan0", "10.59.0.1/24")),
    )
    return Fleet(tenants=tenants, hosts=hosts, people=people)


@pytest.fixture
def history() -> History:
    history = in_memory().history
    history.save(record("2026-11-27T03:00:00.000Z", "apply"))
    history.save(URGENT)
    return history


def signed_by(history: History, fleet: Fleet, key: Path) -> Record:
    emergency = emergency_of(history, URGENT.id)
    signer = signer_of(emergency, fleet, key)
    return sign_off(history, emergency, signer, who="x@y", argv=("history", "sign-off"), comment="behövdes")


def test_each_municipality_signs_off_for_its_own_hosts_and_then_it_stands_out_no_more(
    history: History, fleet: Fleet, keys: dict[str, Path], people: People
) -> None:
    assert emergency_of(history, URGENT.id).open == ("heby", "tierp")  # what nothing was done to needs nobody
    first = signed_by(history, fleet, keys["elif"])
    assert (first.signs_off, first.closes) == (URGENT.id, False)
    assert emergency_of(history, URGENT.id).open == ("tierp",)
    assert history.emergencies() == (summary_of(URGENT),)
    second = signed_by(history, fleet, keys["anna"])
    assert second.sign_off is not None
    assert (second.sign_off.municipalities, second.closes) == (("tierp",), True)
    assert history.emergencies() == ()
    assert verify(second.sign_off, people.everybody[0])
    assert second.sign_off.digest == digest_of(history.record(URGENT.id))
    with pytest.raises(UsageError, match="signed off already"):
        signed_by(history, fleet, keys["bjorn"])


def test_two_who_sign_off_at_the_same_time_close_it_together(
    history: History, fleet: Fleet, keys: dict[str, Path]
) -> None:
    seen = emergency_of(history, URGENT.id)
    for who in ("elif", "anna"):
        sign_off(history, seen, signer_of(seen, fleet, keys[who]), who="x@y", argv=(), comment="behövdes")
    faults: list[StoreError] = []
    assert emergency_of(history, URGENT.id).open == ()
    assert ([*emergencies_of(history, faults)], faults) == ([], [])


def test_who_ran_it_signs_off_nothing_of_it(history: History, fleet: Fleet, keys: dict[str, Path]) -> None:
    own = URGENT.model_copy(update={"id": "20261128T040000.000Z-apply-0001", "who": "anna@adm1"})
    history.save(own)
    with pytest.raises(NotApproved, match="anna ran it"):
        signer_of(emergency_of(history, own.id), fleet, keys["anna"])


def test_what_was_none_or_has_not_ended_is_not_signed_off(history: History) -> None:
    (other,) = (run.id for run in history.runs() if not run.emergency)
    with pytest.raises(UsageError, match="no emergency"):
        emergency_of(history, other)
    at_work = URGENT.model_copy(update={"id": "20261128T050000.000Z-apply-0002", "ended": False})
    history.save(at_work)
    with pytest.raises(UsageError, match="has not ended"):
        emergency_of(history, at_work.id)


def test_one_that_changed_nothing_stands_out_too_and_anybody_who_may_approve_closes_it(
    history: History, fleet: Fleet, keys: dict[str, Path]
) -> None:
    idle = URGENT.model_copy(update={"id": "20261128T060000.000Z-apply-0003", "hosts": (HOSTS[1],)})
    history.save(idle)
    emergency = emergency_of(history, idle.id)
    assert emergency.open == ()
    made = sign_off(history, emergency, signer_of(emergency, fleet, keys["elif"]), who="x@y", argv=(), comment="prov")
    assert made.closes
    assert idle.id not in {run.id for run in history.emergencies()}


def test_a_record_that_says_something_else_now_is_not_what_was_signed(
    history: History, fleet: Fleet, keys: dict[str, Path], people: People
) -> None:
    given = signed_by(history, fleet, keys["anna"]).sign_off
    assert given is not None
    changed = URGENT.model_copy(update={"reason": "underhåll"})
    with pytest.raises(SigningError, match="something else"):
        verify(given.model_copy(update={"digest": digest_of(changed)}), people.everybody[0])


def test_a_report_shows_an_emergency_to_whom_it_concerns_until_they_have_signed_it_off(
    history: History, fleet: Fleet, keys: dict[str, Path]
) -> None:
    def told(*tenants: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        faults: list[StoreError] = []
        about = [h for h in fleet.hosts if h.tenant in tenants]
        emergencies = tuple(emergencies_of(history, faults))
        made = report_of(fleet, about, (), "2026-11-29T00:00:00.000Z", today=manifest_now(), emergencies=emergencies)
        assert faults == []
        assert ("Nödändring" in html(made)) == bool(made.emergencies)
        return [(e.municipalities, e.hosts) for e in made.emergencies]

    assert told("heby", "knivsta", "tierp") == [(("Heby", "Tierp"), ("heb-gw1", "tie-gw1"))]
    assert told("heby") == [(("Heby",), ("heb-gw1",))]
    assert told("knivsta") == []
    signed_by(history, fleet, keys["elif"])
    assert told("heby") == []
    assert told("tierp") == [(("Tierp",), ("tie-gw1",))]
