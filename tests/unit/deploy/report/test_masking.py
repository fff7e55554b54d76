"""A municipality's report holds nothing of another's: no host, address, finding, run, limit or file."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.model.evidence import Commands, Diff, Error, FailedCheck
from deploy.model.findings import Finding, Kind, Severity
from deploy.model.messages import MessageId
from deploy.model.record import CheckResult, HostResult, Record
from deploy.report.document import Report, SharedService
from deploy.report.masking import MASK, masked_values, names_in
from deploy.report.page import html
from deploy.report.watch_pages import page_of_host
from deploy.runs.manifest import manifest_now
from inventory.fleet import Fleet, Host
from inventory.organisation import ALL
from roles.shared.device.heard import Heard
from tests.unit.deploy.report.reports import report_of
from tests.unit.deploy.report.test_report import DRIFT_RUN, FLEET, MADE_AT, record, result
from tests.unit.deploy.report.watched import pages_for
from tests.unit.inventory.sound_fleets import Data, fleet_of, sound

TODAY = manifest_now()
BEGINNING = "2026-11-20T00:00:00.000Z"
PLAN = "plan-of-{}.json"


def words_of(host: Host) -> list[str]:
    """What tells a host from all others."""
    addresses = [str(a.ip) for i in host.interfaces for a in i.all_addresses]
    return [w for w in (host.name, host.serial, host.wireguard_public_key, *host.host_keys, *addresses) if w]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Fleet, str, list[Record]]:
    """A fleet, one of its municipalities, and runs on hosts of all of them, which quote each other."""
    data: Data = draw(sound())
    for host in data["hosts"]:
        host["context"] = {"samdrift": {"roles": {"base": True, "time": True}}}
        host["tags"] = draw(st.sampled_from([[], ["shared"]]))
        host["description"] = f"what {host['name']} is for"
    data["tags"].append({"slug": "shared", "name": "Shared"})
    fleet = fleet_of(data)
    own = draw(st.sampled_from(sorted({h.tenant for h in fleet.hosts})))
    every = [w for h in fleet.hosts for w in words_of(h)]
    quoted = st.lists(st.sampled_from(every), min_size=1, max_size=3).map(lambda w: f"see {', '.join(w)}.")

    def found(host: Host) -> Finding:
        return Finding(
            kind=draw(st.sampled_from([Kind.DRIFT, Kind.UNKNOWN, Kind.FAILED_CHECK])),
            host=host.name,
            municipality=host.tenant,
            role="time",
            step=draw(quoted),
            message=MessageId.STEP_GONE(step=draw(quoted)),
            evidence=(
                Diff(text=draw(quoted)),
                Commands(lines=(draw(quoted),)),
                Error(text=draw(quoted)),
                FailedCheck(name="x", detail=draw(quoted)),
            ),
            severity=Severity.HIGH,
        )

    def checked(host: Host) -> CheckResult:
        outcome = draw(st.sampled_from(["passed", "failed", "not applicable"]))
        heard = (Heard(port="ge-0/0/1", host=draw(st.sampled_from(every)), id="x"),)
        fields: Any = {"role": "time", "name": "it has the time", "outcome": outcome, "strangers": heard}
        return CheckResult(host=host.name, municipality=host.tenant, detail=draw(quoted), **fields)

    def run(number: int) -> Record:
        about = draw(st.lists(st.sampled_from(fleet.hosts), min_size=1, unique_by=lambda h: h.name))
        return record(
            id=f"run-{number}-of-{'-and-'.join(sorted({h.tenant for h in about}))}",
            command=draw(st.sampled_from(["drift", "apply", "plan", "verify", "check"])),
            started=f"2026-11-2{number}T22:14:00.000Z",
            argv=("apply", PLAN.format(about[0].name), "--limit", about[0].name),
            limit=" or ".join(h.name for h in about),
            who=f"anna@{draw(st.sampled_from(fleet.hosts)).name}",
            reason=draw(quoted),
            hosts=tuple(
                HostResult(
                    host=h.name,
                    municipality=h.tenant,
                    outcome=draw(st.sampled_from(["in sync", "changed", "differs", "unknown", "skipped"])),
                    detail=draw(quoted),
                )
                for h in about
            ),
            findings=tuple(found(h) for h in about),
            checks=tuple(checked(h) for h in about),
        )

    return fleet, own, [run(n) for n in range(draw(st.integers(0, 3)))]


def said_by(made: Report) -> str:
    return html(made, "sv") + html(made, "en") + made.model_dump_json()


def assert_nothing_of_others(text: str, fleet: Fleet, own: str, records: list[Record]) -> None:
    """No host, address, plan or run of another municipality's is in a text."""
    ours = {w for h in fleet.hosts if h.tenant == own for w in words_of(h)}
    shared = {h.description for h in fleet.hosts if "shared" in h.tags}
    for host in fleet.hosts:
        if host.tenant != own:
            for word in (w for w in words_of(host) if w not in ours):
                for near in re.finditer(rf"(?<![\w.]){re.escape(word)}(?![\w])", text):
                    # a shared service may say what it is for
                    around = text[max(0, near.start() - 30) : near.end() + 30]
                    assert any(d in around for d in shared), around
            assert PLAN.format(host.name) not in text
    for one in records:
        if not any(h.municipality == own for h in one.hosts):
            assert one.id not in text


@pytest.mark.long
@given(histories())
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_municipalitys_report_holds_nothing_of_anothers(world: tuple[Fleet, str, list[Record]]) -> None:
    fleet, own, records = world
    about = [h for h in fleet.hosts if h.tenant == own]
    check = next((r for r in records if r.command == "check"), None)
    made = report_of(fleet, about, records, MADE_AT, since=BEGINNING, today=TODAY, check=check)
    assert_nothing_of_others(said_by(made), fleet, own, records)
    assert {h.name for h in made.hosts} == {h.name for h in about}
    assert all(f.municipality == own for f in (*made.findings, *made.accepted))


@pytest.mark.long
@given(histories())
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_municipalitys_pages_hold_nothing_of_anothers(world: tuple[Fleet, str, list[Record]]) -> None:
    fleet, own, records = world
    check = next((r for r in records if r.command == "check"), None)
    made = pages_for(own, fleet, records, since=BEGINNING, otherwise=MADE_AT, today=TODAY, check=check)
    assert_nothing_of_others("\n".join([*made, *(page.decode() for page in made.values())]), fleet, own, records)
    assert {path for path in made if path.startswith("hosts/")} == {
        page_of_host(h.name) for h in fleet.hosts if h.tenant == own
    }
    assert all(h.name in made[page_of_host(h.name)].decode() for h in fleet.hosts if h.tenant == own)


@pytest.mark.long
@given(histories())
@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_operations_pages_hold_everybodys_hosts_and_mask_nothing(world: tuple[Fleet, str, list[Record]]) -> None:
    fleet, _, records = world
    made = pages_for(ALL, fleet, records, since=BEGINNING, otherwise=MADE_AT, today=TODAY)
    assert MASK not in b"".join(made.values()).decode()
    assert all(h.name in made["index.html"].decode() for h in fleet.hosts)


def test_what_is_ones_own_stays_and_a_finding_keeps_its_fingerprint() -> None:
    found = Finding(
        kind=Kind.DRIFT,
        host="alv-gw1",
        municipality="alvkarleby",
        role="time",
        step="peer tie-gw1 of alv-gw1",
        message=MessageId.STEP_GONE(step="peer tie-gw1 of alv-gw1"),
        evidence=(Diff(text="-10.59.0.61 10.59.0.1\n+10.59.0.61/24 (tie-gw1.tierp.se), Datahall"),),
    )
    run = record(hosts=(result("alv-gw1", "differs"),), findings=(found,))
    made = report_of(FLEET, [FLEET.host("alv-gw1")], [run], MADE_AT, today=TODAY)

    (told,) = made.findings
    assert told.step == f"peer {MASK} of alv-gw1"
    assert told.detail == f"-10.59.0.61 {MASK}\n+10.59.0.61/24 ({MASK}.{MASK}.se), {MASK}"
    assert told.fingerprint == found.fingerprint
    assert made.masked
    assert f"dolt på {made.masked} ställen" in html(made)


def test_a_word_that_another_s_host_is_described_by_is_anybody_s() -> None:
    described = FLEET.host("tie-dns1").model_copy(update={"description": "Utskrift"})
    fleet = FLEET.model_copy(update={"hosts": tuple(described if h.name == "tie-dns1" else h for h in FLEET.hosts)})
    run = record(hosts=(result("alv-gw1", "differs", detail="Utskrift"),))
    made = report_of(fleet, [fleet.host("alv-gw1")], [run], MADE_AT, today=TODAY)
    assert made.hosts[0].reason == "Utskrift"


def test_a_report_of_everything_masks_nothing() -> None:
    made = report_of(FLEET, FLEET.hosts, [DRIFT_RUN], MADE_AT, today=TODAY, whole=True)
    assert made.masked == 0
    assert MASK not in said_by(made)


def test_a_name_of_ones_own_that_has_anothers_in_it_is_no_name_of_anothers() -> None:
    names = names_in(FLEET, ["alvkarleby"])
    assert "tie-gw1" in names.others
    assert "alv-gw1" in names.own
    assert not names.own & names.others


def test_shared_services_are_told_by_what_they_are_for_and_nothing_else() -> None:
    shared = FLEET.host("tie-dns1").model_copy(update={"tags": ("shared",), "description": "Namn och tid"})
    fleet = FLEET.model_copy(update={"hosts": tuple(shared if h.name == shared.name else h for h in FLEET.hosts)})
    made = report_of(fleet, [fleet.host("alv-gw1")], [DRIFT_RUN], MADE_AT, today=TODAY)

    assert [(s.description, s.failed) for s in made.services] == [("Namn och tid", 1)]
    assert "Namn och tid" in html(made)
    assert not re.search(r"tie-dns1|10\.60\.10\.11|no answer", said_by(made))
    of_its_owner = report_of(fleet, [h for h in fleet.hosts if h.tenant == "tierp"], [], MADE_AT, today=TODAY)
    assert of_its_owner.services == ()


def test_what_people_say_that_a_shared_server_is_for_names_no_other_host_either() -> None:
    service = SharedService(
        description="Härifrån ändras värdarna när tie-gw1 är borta",
        roles=("base",),
        state="in sync",
        last_looked_at=MADE_AT,
        passed=1,
        failed=0,
        not_applicable=0,
    )
    (made,), count = masked_values((service,), names_in(FLEET, ["heby"]))

    assert (made.description, count) == (f"Härifrån ändras värdarna när {MASK} är borta", 1)
