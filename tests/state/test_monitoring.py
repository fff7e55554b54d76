"""Role monitoring: Prometheus is ready, knows the whole fleet, and watches it by the rules made for it.

Whether the other hosts answer is not asked here: a host that is cut off is a finding of that host.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from roles.monitoring import UNIT, Settings

ASK = """\
bash -c 'exec 3<>/dev/tcp/{address}/{port} &&
  printf "GET {path} HTTP/1.0\\r\\n\\r\\n" >&3 && timeout 10 cat <&3'
"""


def ask(host: Any, settings: Settings, path: str) -> str:
    """The body of Prometheus' answer; empty unless it is a good one."""
    said = str(host.run(ASK.format(address=settings.address, port=settings.port, path=path)).stdout)
    head, _, body = said.replace("\r\n", "\n").partition("\n\n")
    return body if " 200 " in head.partition("\n")[0] else ""


def api(host: Any, settings: Settings, path: str) -> Any:
    """The data that Prometheus' API answers with."""
    return json.loads(ask(host, settings, f"/api/v1/{path}"))["data"]


def test_prometheus_runs_and_is_enabled(host: Any) -> None:
    assert host.service(UNIT).is_running
    assert host.service(UNIT).is_enabled


def test_it_is_ready(host: Any, settings: Settings) -> None:
    assert "Ready" in ask(host, settings, "/-/ready")


def test_it_asks_every_host_of_the_fleet_and_itself(host: Any, settings: Settings) -> None:
    loaded = yaml.safe_load(api(host, settings, "status/config")["yaml"])
    asked = {
        (job["job_name"], target, group.get("labels", {}).get("instance"))
        for job in loaded["scrape_configs"]
        for group in job["static_configs"] or ()
        for target in group["targets"]
    }
    nodes = {("node", f"{t.address}:{settings.exporter_port}", t.name) for t in settings.targets}
    assert asked == nodes | {("prometheus", f"{settings.address}:{settings.port}", None)}


def test_the_rules_of_hosts_and_municipalities_are_loaded(host: Any, settings: Settings) -> None:
    groups = {g["name"]: g["rules"] for g in api(host, settings, "rules")["groups"]}
    assert set(groups) == {"hosts", "municipalities"}
    watched = {rule["labels"]["municipality"] for rule in groups["municipalities"]}
    assert watched == {m.slug for m in settings.municipalities}
    assert {"HostDown", "DiskFills", "ClockSkew"} <= {rule["name"] for rule in groups["hosts"]}


def test_no_rule_fails_when_it_is_evaluated(host: Any, settings: Settings) -> None:
    rules = [rule for group in api(host, settings, "rules")["groups"] for rule in group["rules"]]
    assert not {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] == "err"}


def test_the_configuration_on_disk_is_the_one_in_force(host: Any, settings: Settings) -> None:
    assert "\nprometheus_config_last_reload_successful 1\n" in ask(host, settings, "/metrics")


def test_samples_are_kept_for_as_long_as_they_should(host: Any, settings: Settings) -> None:
    flags = api(host, settings, "status/flags")
    assert mebibytes(flags["storage.tsdb.retention.size"]) == mebibytes(settings.retention_size)
    assert days(flags["storage.tsdb.retention.time"]) == settings.retention_days


def days(duration: str) -> int:
    """Prometheus' way to write whole days: `90d`, or `26w`, or `1y`, or one after the other."""
    total, number = 0, ""
    for sign in duration:
        if sign.isdigit():
            number += sign
        else:
            total, number = total + int(number) * {"d": 1, "w": 7, "y": 365}[sign], ""
    return total


def mebibytes(size: str) -> int:
    """A size in Prometheus' own powers of 1024, which it takes as `8GB` and shows as `8GiB`."""
    number = size.rstrip("iBMGT")
    return int(number) * {"M": 1, "G": 1024, "T": 1024**2}[size[len(number)]]
