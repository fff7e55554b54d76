"""Prometheus asks exactly the fleet, watches every municipality in its own name, and text stays text."""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from inventory.fleet import Fleet
from inventory.secrets import secrets_in
from inventory.snapshot import load
from roles.monitoring import RULE_FILES, Options, Settings, listens, settings
from roles.shared.intent import Intent
from roles.shared.parts.templates import render
from roles.shared.traffic import management
from tests.unit.roles.judging import needs

FILES = ("prometheus.yml", *(f"{name}.yml" for name in RULE_FILES))


FLEET = load()


@pytest.fixture
def fleet() -> Fleet:
    return FLEET


def of(fleet: Fleet, options: Options | None = None) -> Settings:
    return settings(fleet.host("tie-mon1"), fleet, options or Options(), Intent(fleet))


def rendered(wanted: Settings, name: str) -> Any:
    """The file as YAML reads it."""
    return yaml.safe_load(render(f"monitoring/{name}.j2", settings=wanted))


def rules(wanted: Settings, name: str) -> list[dict[str, Any]]:
    (group,) = rendered(wanted, name)["groups"]
    return list(group["rules"])


def renamed(fleet: Fleet, name: str) -> Fleet:
    """The same fleet, in which Tierp is called something else."""
    tenants = tuple(t.model_copy(update={"name": name}) if t.slug == "tierp" else t for t in fleet.tenants)
    return fleet.model_copy(update={"tenants": tenants})


def test_targets_are_the_active_hosts_with_an_exporter_with_whose_they_are(fleet: Fleet) -> None:
    itself, _, nodes, *_ = rendered(of(fleet), "prometheus.yml")["scrape_configs"]
    assert itself["static_configs"] == [{"targets": ["10.60.10.14:9090"]}]
    assert {group["labels"]["instance"] for group in nodes["static_configs"]} == {
        h.name for h in fleet.hosts if h.status == "active" and "node_metrics" in h.roles
    }
    (heby,) = (group for group in nodes["static_configs"] if group["labels"]["instance"] == "heb-gw1")
    labels = {
        "instance": "heb-gw1",
        "job": "node",
        "municipality": "heby",
        "site": "heby-kommunhus",
        "role": "edge-gateway",
    }
    assert heby == {"targets": ["10.63.1.1:9100"], "labels": labels}


def test_a_host_that_is_not_active_is_not_asked(fleet: Fleet) -> None:
    off = tuple(h.model_copy(update={"status": "offline"}) if h.name == "heb-gw1" else h for h in fleet.hosts)
    assert "heb-gw1" not in {t.name for t in of(fleet.model_copy(update={"hosts": off})).targets}


def test_every_municipality_has_a_rule_in_its_own_name(fleet: Fleet) -> None:
    found = (r for r in rules(of(fleet), "municipalities.yml") if r["alert"] == "MunicipalityUnreachable")
    unreachable = {r["labels"]["municipality"]: r for r in found}
    assert set(unreachable) == {"alvkarleby", "heby", "knivsta", "osthammar", "tierp"}
    assert "Älvkarleby" in unreachable["alvkarleby"]["annotations"]["summary"]
    assert unreachable["heby"]["expr"] == 'max by (municipality) (up{job="node", municipality="heby"}) == 0'


def test_gateways_are_watched_for_forwarding_where_there_are_any(fleet: Fleet) -> None:
    alert = "GatewayDoesNotForward"
    (rule,) = (r for r in rules(of(fleet), "hosts.yml") if r["alert"] == alert)
    assert all(name in rule["expr"] for name in ("tie-gw1", "heb-gw1"))
    without = of(fleet).model_copy(update={"targets": ()})
    assert alert not in {r["alert"] for r in rules(without, "hosts.yml")}


def test_only_management_stations_reach_it(fleet: Fleet) -> None:
    (listen,) = listens(of(fleet))
    assert (listen.port, listen.sources) == (9090, management(fleet))
    assert IPv4Network("10.60.10.250/32") in listen.sources


def test_exporters_are_asked_by_the_password_of_their_municipality_and_measure_for_the_same_job(fleet: Fleet) -> None:
    named = {"heb-gw1": "heby", "kni-gw1": "knivsta"}
    asking = {"node_metrics": {"password": True}}
    hosts = tuple(
        h.model_copy(update={"context": {**h.context, "samdrift": {**h.samdrift, **asking}}}) if h.name in named else h
        for h in fleet.hosts
    )
    wanted = of(fleet.model_copy(update={"hosts": hosts}), Options(password=True))
    itself, alerts, *jobs = rendered(wanted, "prometheus.yml")["scrape_configs"]
    assert alerts["basic_auth"] == itself["basic_auth"]
    tries = [job for job in jobs if "params" in job]
    assert tries
    assert all(job["basic_auth"] == itself["basic_auth"] for job in tries)
    jobs = [job for job in jobs if job not in tries]
    assert itself["basic_auth"] == {"username": "samdrift", "password_file": "/etc/prometheus/web/password"}
    by = {
        group["labels"]["instance"]: (group["labels"]["job"], job.get("basic_auth", {}).get("password_file"))
        for job in jobs
        for group in job["static_configs"]
    }
    assert {name: by[name] for name in named} == {
        name: ("node", f"/etc/prometheus/passwords/metrics_password_{slug}") for name, slug in named.items()
    }
    assert {found for name, found in by.items() if name not in named} == {("node", None)}
    assert len({job["job_name"] for job in jobs}) == len(jobs) == 3
    wanted_secrets = {(s.name, s.municipality) for s in secrets_in(wanted)}
    assert wanted_secrets == {
        ("prometheus_password", "tierp"),
        *((f"metrics_password_{slug}", slug) for slug in named.values()),
    }


def test_a_fleet_without_exporters_gives_files_without_targets(fleet: Fleet) -> None:
    nothing = of(fleet).model_copy(update={"targets": (), "municipalities": (), "tries": (), "alerts": ""})
    assert [job["job_name"] for job in rendered(nothing, "prometheus.yml")["scrape_configs"]] == ["prometheus"]
    assert rules(nothing, "municipalities.yml") == []


def test_exporters_beside_it_try_hosts_in_its_stead_and_alerts_are_told_to_alertmanager(fleet: Fleet) -> None:
    said = rendered(of(fleet), "prometheus.yml")
    assert said["alerting"] == {"alertmanagers": [{"static_configs": [{"targets": ["10.60.10.14:9093"]}]}]}
    jobs = {job["job_name"]: job for job in said["scrape_configs"]}
    ping, heby = jobs["probe ping"], jobs["snmp heby switch monitor"]
    assert (ping["metrics_path"], ping["params"]) == ("/probe", {"module": ["ping"]})
    assert ping["relabel_configs"] == [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"target_label": "__address__", "replacement": "127.0.0.1:9115"},
    ]
    assert heby["params"] == {"auth": ["heby switch monitor"], "module": ["device"]}
    (switch,) = (g for g in heby["static_configs"] if g["labels"]["instance"] == "heb-sw1")
    assert switch["labels"] == {
        "instance": "heb-sw1",
        "job": "snmp",
        "kind": "switch",
        "municipality": "heby",
        "role": "access-switch",
        "site": "heby-kommunhus",
        "target": "10.63.1.11",
    }


def test_a_site_is_cut_off_when_all_its_gateways_are_silent_and_its_own_site_never_is(fleet: Fleet) -> None:
    (rule,) = (r for r in rules(of(fleet), "municipalities.yml") if r["alert"] == "SiteUnreachable")
    assert "heb-gw1" in rule["expr"]
    assert "tie-gw1" not in rule["expr"]


@given(st.text(max_size=30))
@effort(max_examples=50)
def test_whatever_a_municipality_is_called_it_stays_one_text(name: str) -> None:
    summary = next(
        r["annotations"]["summary"]
        for r in rules(of(renamed(FLEET, name)), "municipalities.yml")
        if r["labels"].get("municipality") == "tierp"
    )
    said = summary.removesuffix(": ingen av kommunens övervakade värdar svarar")
    assert said == "".join(c if c.isprintable() else " " for c in name if c not in "{}")


NAMES = ("Älvkarleby", 'a"b', "back\\slash", "{{ $labels.x }}", "# no comment", "two\nlines", "a: b", "'", "&*!|>%@`")


@needs("promtool")
@pytest.mark.parametrize("name", NAMES)
def test_promtool_accepts_all_of_it_whatever_names_hold(fleet: Fleet, tmp_path: Path, name: str) -> None:
    for file in FILES:
        text = render(f"monitoring/{file}.j2", settings=of(renamed(fleet, name)))
        (tmp_path / file).write_text(text.replace("/etc/prometheus/rules/*.yml", f"{tmp_path}/[hmds]*.yml"))
    asked = ["promtool", "check", "config", "--lint=all", "--lint-fatal", str(tmp_path / "prometheus.yml")]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


@effort(max_examples=10)
@given(st.integers(5, 300), st.integers(1, 50), st.integers(1, 300))
def test_thresholds_and_intervals_arrive_in_the_files(scrape: int, free: int, skew: int) -> None:
    options = Options(scrape_seconds=scrape, disk_free_percent=free, clock_skew_seconds=skew)
    wanted = of(FLEET, options)
    assert rendered(wanted, "prometheus.yml")["global"]["scrape_interval"] == f"{scrape}s"
    expressions = {r["alert"]: r["expr"] for r in rules(wanted, "hosts.yml")}
    assert expressions["DiskFills"].endswith(f"< {free}")
    assert expressions["ClockSkew"].endswith(f"> {skew}")
