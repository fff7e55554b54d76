"""Role monitoring: Prometheus is ready, knows the whole fleet, and watches it by the rules made for it.

Whether the other hosts answer is not asked here: a host that is cut off is a finding of that host.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from roles.monitoring import ASK, ASK_BY_NAME, RULE_FILES, RULES, SANDBOX, UNIT, Settings, pages
from roles.shared.http_answer import http_answer
from roles.shared.parts.templates import render


def ask(host: Any, settings: Settings, path: str) -> str:
    """The body of Prometheus' answer; empty unless it is a good one."""
    status, body = answer(host, settings, path, ASK_BY_NAME if settings.password else ASK)
    return body if " 200 " in status else ""


def answer(host: Any, settings: Settings, path: str, command: str) -> tuple[str, str]:
    """The first line of Prometheus' answer, and its body."""
    said = host.check_output(command.format(address=settings.address, port=settings.port, path=path))
    status, _, body = http_answer(str(said))
    return status, body


def api(host: Any, settings: Settings, path: str) -> Any:
    """The data that Prometheus' API answers with."""
    return json.loads(ask(host, settings, f"/api/v1/{path}"))["data"]


def test_prometheus_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_it_is_ready(host: Any, settings: Settings) -> None:
    assert "Ready" in ask(host, settings, "/-/ready")


def test_it_answers_nobody_without_the_password(host: Any, settings: Settings) -> None:
    if not settings.password:
        pytest.skip("not applicable: whoever the firewall lets in may ask (option password is false)")
    status, _ = answer(host, settings, "/-/ready", ASK)
    assert " 401 " in status


def test_it_asks_every_host_of_the_fleet_and_itself(host: Any, settings: Settings) -> None:
    loaded = yaml.safe_load(api(host, settings, "status/config")["yaml"])
    asked = {
        (group.get("labels", {}).get("job", job["job_name"]), target, group.get("labels", {}).get("instance"))
        for job in loaded["scrape_configs"]
        for group in job["static_configs"] or ()
        for target in group["targets"]
    }
    nodes = {("node", t.socket, t.name) for t in settings.targets}
    tried = {(tries.job, t.target, t.name) for tries in settings.tries for t in tries.targets}
    alerts = {("alertmanager", settings.alerts, settings.me.name)} if settings.alerts else set()
    assert asked == nodes | tried | alerts | {("prometheus", settings.socket, None)}


def test_it_tells_alertmanager_what_is_wrong(host: Any, settings: Settings) -> None:
    if not settings.alerts:
        pytest.skip("not applicable: this host has no role alertmanager")
    known = api(host, settings, "alertmanagers")
    assert [found["url"] for found in known["activeAlertmanagers"]] == [f"http://{settings.alerts}/api/v2/alerts"]


def test_the_rules_of_hosts_services_devices_municipalities_and_drift_are_loaded(host: Any, settings: Settings) -> None:
    loaded = {
        group["name"]: [(r["name"], plain(r["query"]), r["duration"], r["labels"]) for r in group["rules"]]
        for group in api(host, settings, "rules")["groups"]
    }
    written = [
        group
        for name in RULE_FILES
        for group in yaml.safe_load(render(f"monitoring/{name}.yml.j2", settings=settings))["groups"]
    ]
    assert loaded == {
        group["name"]: [
            (r["alert"], plain(r["expr"]), seconds(r.get("for", "0s")), r["labels"]) for r in group["rules"]
        ]
        for group in written
    }


def test_its_pages_are_served(host: Any, settings: Settings) -> None:
    served = {name: ask(host, settings, f"/consoles/{name}") for name in pages(settings)}
    assert [name for name, text in served.items() if not text.rstrip().endswith("</html>")] == []
    assert all(municipality.page in served["index.html"] for municipality in settings.municipalities)


def test_no_rule_fails_when_it_is_evaluated(host: Any, settings: Settings) -> None:
    rules = [rule for group in api(host, settings, "rules")["groups"] for rule in group["rules"]]
    assert rules
    assert not {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] == "err"}


def test_the_configuration_on_disk_is_the_one_in_force(host: Any, settings: Settings) -> None:
    metrics = ask(host, settings, "/metrics")
    assert "\nprometheus_config_last_reload_successful 1\n" in metrics
    read = re.search(r"(?m)^prometheus_config_last_reload_success_timestamp_seconds (\S+)$", metrics)
    assert read is not None
    written = host.check_output(f"find /etc/prometheus/prometheus.yml {RULES} -printf '%T@ %p\\n'").splitlines()
    assert [line for line in written if float(line.split()[0]) > float(read[1])] == []


def test_samples_are_kept_for_as_long_as_they_should(host: Any, settings: Settings) -> None:
    flags = api(host, settings, "status/flags")
    assert mebibytes(flags["storage.tsdb.retention.size"]) == mebibytes(settings.retention_size)
    assert seconds(flags["storage.tsdb.retention.time"]) == seconds(f"{settings.retention_days}d")


def plain(expression: str) -> str:
    """An expression without blanks and with its matchers by name: Prometheus writes both as it likes."""
    dense = "".join(expression.split())
    return re.sub(r"\{(.*?)\}", lambda found: f"{{{','.join(sorted(found[1].split(',')))}}}", dense)


def seconds(duration: str) -> int:
    """Prometheus' way to write a time: `15m`, or `90d`, or `1y`, or one after the other."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
    return sum(int(number) * unit[sign] for number, sign in re.findall(r"(\d+)([a-z])", duration))


def mebibytes(size: str) -> int:
    """A size in Prometheus' own powers of 1024, which it takes as `8GB` and shows as `8GiB`."""
    number = size.rstrip("iBMGT")
    return int(number) * {"M": 1, "G": 1024, "T": 1024**2}[size[len(number)]]


PROVES = {
    "authentication": ("it answers nobody without the password",),
    "capacity": ("samples are kept for as long as they should",),
    "configuration": ("the configuration on disk is the one in force",),
    "hardening": ("its service may do what it needs and nothing else",),
    "measuring": (
        "its pages are served",
        "it tells alertmanager what is wrong",
        "prometheus runs and is enabled",
        "it is ready",
        "it asks every host of the fleet and itself",
        "the rules of hosts services devices municipalities and drift are loaded",
        "no rule fails when it is evaluated",
    ),
    "network services": ("prometheus runs and is enabled",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "prometheus runs and is enabled": "prometheus är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "it is ready": "den är redo",
    "it answers nobody without the password": "den svarar ingen utan lösenordet",
    "it asks every host of the fleet and itself": "den frågar varje värd i beståndet och sig själv",
    "it tells alertmanager what is wrong": "den säger till alertmanager vad som är fel",
    "the rules of hosts services devices municipalities and drift are loaded": (
        "reglerna om värdar, tjänster, enheter, kommuner och avvikelser är inlästa"
    ),
    "its pages are served": "dess sidor visas",
    "no rule fails when it is evaluated": "ingen regel misslyckas när den räknas ut",
    "the configuration on disk is the one in force": "konfigurationen på disken är den som gäller",
    "samples are kept for as long as they should": "mätvärden sparas så länge som de ska",
}
"""What its checks are called in a Swedish report."""
