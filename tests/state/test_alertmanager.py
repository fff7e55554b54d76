"""Role alertmanager: it runs, tells each municipality's people of its own alerts, and answers who may ask.

Whether the mail server takes what it sends is no matter of this host alone: an alert says so (`AlertsNotTold`).
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from roles.alertmanager import ASK, ASK_BY_NAME, CONFIG, LISTENING, SANDBOX, TEXTS, UNIT, Settings
from roles.shared.families import in_url
from roles.shared.http_answer import http_answer


def answer(host: Any, settings: Settings, path: str, command: str) -> tuple[str, str]:
    """The first line of its answer, and its body."""
    said = host.check_output(command.format(address=settings.address, port=settings.port, path=path))
    status, _, body = http_answer(str(said))
    return status, body


def ask(host: Any, settings: Settings, path: str) -> str:
    """The body of its answer; empty unless it is a good one."""
    status, body = answer(host, settings, path, ASK_BY_NAME if settings.by_name else ASK)
    return body if " 200 " in status else ""


def in_force(host: Any, settings: Settings) -> Any:
    """The configuration that it works by, as it says itself."""
    return yaml.safe_load(json.loads(ask(host, settings, "/api/v2/status"))["config"]["original"])


def test_alertmanager_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_it_is_ready(host: Any, settings: Settings) -> None:
    assert ask(host, settings, "/-/ready").strip() == "OK"


def test_it_answers_nobody_without_the_password(host: Any, settings: Settings) -> None:
    if not settings.by_name:
        pytest.skip("not applicable: whoever the firewall lets in may ask (option password of monitoring is false)")
    status, _ = answer(host, settings, "/-/ready", ASK)
    assert " 401 " in status


def test_it_listens_at_its_one_address_and_for_no_cluster(host: Any, settings: Settings) -> None:
    sockets = [line.split()[4] for line in host.check_output(LISTENING).splitlines() if "prometheus-aler" in line]
    assert sockets == [f"{in_url(settings.address)}:{settings.port}"]


def test_each_municipality_s_alerts_go_to_its_own_receiver(host: Any, settings: Settings) -> None:
    route = in_force(host, settings)["route"]
    told = [(r["matchers"], r["receiver"]) for r in route["routes"]]
    own = [([f'municipality="{r.municipality}"'], r.name) for r in settings.receivers]
    assert told == [*own, (['municipality=""'], f"municipality {settings.owner}")]
    assert route["receiver"] == "nobody"


def test_each_receiver_has_the_addresses_of_its_municipality(host: Any, settings: Settings) -> None:
    found = {
        r["name"]: [mail["to"] for mail in r.get("email_configs", [])] for r in in_force(host, settings)["receivers"]
    }
    assert found == {"nobody": [], **{r.name: list(r.email if settings.smtp else ()) for r in settings.receivers}}


def test_what_follows_from_another_alert_is_not_told(host: Any, settings: Settings) -> None:
    rules = in_force(host, settings)["inhibit_rules"]
    assert [(r["source_matchers"], r["equal"]) for r in rules] == [
        (['alertname="HostDown"'], ["instance"]),
        (['alertname="SiteUnreachable"'], ["municipality", "site"]),
        (['alertname="MunicipalityUnreachable"'], ["municipality"]),
    ]


def test_quiet_times_are_those_of_the_organisation(host: Any, settings: Settings) -> None:
    known = in_force(host, settings)
    muted = {r["matchers"][0]: tuple(r.get("mute_time_intervals") or ()) for r in known["route"]["routes"]}
    wanted = {f'municipality="{r.municipality}"': settings.mutes_of(r.municipality) for r in settings.receivers}
    assert muted == {**wanted, 'municipality=""': settings.mutes_of(settings.owner)}
    assert [interval["name"] for interval in known.get("time_intervals") or ()] == [m.name for m in settings.mutes]


def test_the_configuration_on_disk_is_the_one_in_force(host: Any, settings: Settings) -> None:
    metrics = ask(host, settings, "/metrics")
    assert "\nalertmanager_config_last_reload_successful 1\n" in metrics
    read = re.search(r"(?m)^alertmanager_config_last_reload_success_timestamp_seconds (\S+)$", metrics)
    assert read is not None
    written = host.check_output(f"find {CONFIG} {TEXTS} -printf '%T@ %p\\n'").splitlines()
    assert [line for line in written if int(float(line.split()[0])) > float(read[1])] == []


PROVES = {
    "authentication": ("it answers nobody without the password",),
    "configuration": ("the configuration on disk is the one in force",),
    "hardening": ("its service may do what it needs and nothing else",),
    "measuring": (
        "alertmanager runs and is enabled",
        "it is ready",
        "each municipality s alerts go to its own receiver",
        "each receiver has the addresses of its municipality",
        "what follows from another alert is not told",
        "quiet times are those of the organisation",
    ),
    "network services": ("it listens at its one address and for no cluster",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "alertmanager runs and is enabled": "alertmanager är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "it is ready": "den är redo",
    "it answers nobody without the password": "den svarar ingen utan lösenordet",
    "it listens at its one address and for no cluster": "den lyssnar på sin enda adress och efter inget kluster",
    "each municipality s alerts go to its own receiver": "varje kommuns larm går till dess egna mottagare",
    "each receiver has the addresses of its municipality": "varje mottagare har sin kommuns adresser",
    "what follows from another alert is not told": "det som följer av ett annat larm sägs inte",
    "quiet times are those of the organisation": "de tysta tiderna är organisationens",
    "the configuration on disk is the one in force": "konfigurationen på disken är den som gäller",
}
"""What its checks are called in a Swedish report."""
