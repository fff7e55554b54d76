"""Each alert is raised when it should be and not before, as promtool says: of the metrics that samdrift itself writes.

What other hosts say of scans is not believed: they could say it of anybody.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from deploy.model.findings import Finding, exit_code
from deploy.model.kinds import Kind, Severity
from deploy.model.messages import as_written
from deploy.model.record import HostResult, Record
from deploy.model.waived import Waived
from deploy.report.cases import cases_of
from deploy.report.run_metrics import metrics
from inventory.snapshot import load
from roles.monitoring import RULE_FILES, Options, settings
from roles.shared.intent import Intent
from roles.shared.parts.templates import render
from tests.unit.roles.judging import needs

pytestmark = needs("promtool")

FLEET = load()
STATION = {"job": "node", "instance": "tie-adm1", "municipality": "tierp", "site": "tierp-datahall", "role": "server"}
NODE = {"job": "node", "instance": "heb-gw1", "municipality": "heby"}
STEP = 4
"""Minutes between two samples and two evaluations; a sample is looked back at for five."""
STARTED = "1970-01-01T00:00:00.000Z"
"""promtool's time begins there."""


WANTED = settings(FLEET.host("tie-mon1"), FLEET, Options(), Intent(FLEET))


def scan(*findings: Finding, unknown: Sequence[str] = (), command: str = "drift", **more: Any) -> str:
    """What a scan of heb-gw1 and ost-gw1 writes that ended a minute after the epoch."""
    hosts = [
        HostResult(host=name, municipality=whose, outcome="unknown" if name in unknown else "in sync")
        for name, whose in (("heb-gw1", "heby"), ("ost-gw1", "osthammar"))
    ]
    given = {
        "id": "r",
        "command": command,
        "who": "timer",
        "started": STARTED,
        "finished": "1970-01-01T00:01:00.000Z",
        "fleet_digest": "f",
        "fleet_source": "snapshot",
        "code_digest": "c",
        "hosts": tuple(hosts),
        "findings": findings,
        "exit_code": exit_code(findings, went_on=True),
    }
    made = Record.model_validate(given | more)
    return metrics(made, cases_of(made))


def finding(kind: Kind, **more: Any) -> Finding:
    given = {"host": "heb-gw1", "municipality": "heby", "role": "time", "message": as_written("it differs"), **more}
    return Finding(kind=kind, step="file /etc/x", **given)


Series = tuple[str, float | str]
"""A series, and its value all the time, or its values as promtool writes them."""


def series(told: str, by: Mapping[str, str] = STATION) -> list[Series]:
    """What Prometheus has of a file that a host's node exporter reads: the host's own labels win."""
    found = list[Series]()
    for sample in (s for m in text_string_to_metric_families(told) for s in m.samples):
        labels = {f"exported_{k}" if k in by else k: v for k, v in sample.labels.items() if v} | dict(by)
        written = ",".join(f"{k}='{v}'" for k, v in labels.items())
        found.append((f"{sample.name}{{{written}}}", sample.value))
    return found


def judge(tmp_path: Path, told: Sequence[Series], *asked: tuple[str, str, Sequence[str]]) -> None:
    """Have promtool say whether just these alerts are raised: each a name, a time, and what is raised there by then,
    as labels of these few.
    """
    texts = {f"{file}.yml": render(f"monitoring/{file}.yml.j2", settings=WANTED) for file in RULE_FILES}
    files = [file for file, text in texts.items() if any(f"- alert: {alert}\n" in text for alert, _, _ in asked)]
    for file in files:
        (tmp_path / file).write_text(texts[file])
    few = "municipality, host, instance, kind, command, limit, waiver, path, severity"
    samples = max(_minutes(at) for _, at, _ in asked) // STEP + 2
    tests = [
        {
            "expr": f'count by ({few}) (ALERTS{{alertname="{alert}", alertstate="firing"}})',
            "eval_time": at,
            "exp_samples": [{"labels": f"{{{labels}}}", "value": 1} for labels in expected],
        }
        for alert, at, expected in asked
    ]
    given = [
        {"series": name, "values": value if isinstance(value, str) else f"{value:f}+0x{samples}"}
        for name, value in told
    ]
    test = {
        "rule_files": files,
        "evaluation_interval": f"{STEP}m",
        "tests": [{"interval": f"{STEP}m", "input_series": given, "promql_expr_test": tests}],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test, allow_unicode=True))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _minutes(at: str) -> int:
    """A time as promtool writes it: `26h4m`."""
    unit = {"h": 60, "m": 1}
    return sum(int(number) * unit[sign] for number, sign in re.findall(r"(\d+)([hm])", at))


BY = 'instance="tie-adm1"'
DRIFTS = (Kind.DRIFT, Kind.MISSING, Kind.CONFLICT, Kind.UNMANAGED)


@pytest.mark.parametrize("kind", DRIFTS)
def test_what_a_scan_found_is_told_in_the_name_of_whose_it_is(tmp_path: Path, kind: Kind) -> None:
    found = f'municipality="heby", {BY}, kind="{kind}", severity="warning"'
    judge(
        tmp_path,
        series(scan(finding(kind))),
        ("DriftFound", "8m", []),
        ("DriftFound", "12m", [found]),
        ("SeriousDriftFound", "11m", []),
    )


def test_serious_drift_is_told_at_once(tmp_path: Path) -> None:
    told = series(scan(finding(Kind.DRIFT, severity=Severity.HIGH), finding(Kind.NOTICE, severity=Severity.HIGH)))
    found = f'municipality="heby", {BY}, kind="drift", severity="critical"'
    judge(tmp_path, told, ("SeriousDriftFound", "1m", [found]))


def test_what_is_pending_accepted_or_only_to_be_known_raises_nothing(tmp_path: Path) -> None:
    accepted = Waived(name="w", owner="anna", reason="r", until="1970-12-31", standing="accepted")
    quiet = [finding(Kind.DRIFT, severity=Severity.HIGH, waived=accepted), finding(Kind.PENDING), finding(Kind.NOTICE)]
    alerts = ("DriftFound", "SeriousDriftFound", "HostUnknown", "VerificationFailed", "ScanFailed", "ScanStale")
    judge(tmp_path, series(scan(*quiet)), *((alert, "2h", []) for alert in (*alerts, "WaiverHoldsNoMore")))


def test_a_host_that_no_scan_could_look_at_is_told_by_name(tmp_path: Path) -> None:
    told = series(scan(finding(Kind.UNKNOWN), unknown=["heb-gw1"]))
    found = f'municipality="heby", host="heb-gw1", {BY}, severity="warning"'
    judge(tmp_path, told, ("HostUnknown", "56m", []), ("HostUnknown", "60m", [found]), ("ScanFailed", "60m", []))


@pytest.mark.parametrize("command", ["drift", "verify"])
def test_a_state_check_that_fails_is_told_whoever_ran_it(tmp_path: Path, command: str) -> None:
    told = series(scan(finding(Kind.FAILED_CHECK), command=command))
    found = f'municipality="heby", {BY}, command="{command}", severity="critical"'
    judge(tmp_path, told, ("VerificationFailed", "8m", []), ("VerificationFailed", "12m", [found]))


def test_a_scan_that_is_not_made_any_more_is_told_by_what_it_was_about(tmp_path: Path) -> None:
    told = series(scan(limit="heby"))
    found = f'municipality="tierp", {BY}, command="drift", limit="heby", severity="warning"'
    judge(tmp_path, told, ("ScanStale", "26h", []), ("ScanStale", "26h4m", [found]))


def test_a_clock_that_was_wrong_does_not_keep_a_scan_fresh(tmp_path: Path) -> None:
    told = series(scan(finished="1970-03-01T00:00:00.000Z"))
    judge(tmp_path, told, ("ScanStale", "1m", [f'municipality="tierp", {BY}, command="drift", severity="warning"']))


@pytest.mark.parametrize("code", [1, 4, 130])
def test_a_scan_that_could_not_do_its_work_is_told(tmp_path: Path, code: int) -> None:
    found = f'municipality="tierp", {BY}, command="drift", severity="warning"'
    judge(tmp_path, series(scan(exit_code=code)), ("ScanFailed", "1m", [found]))


@pytest.mark.parametrize("code", [0, 2, 3])
def test_a_scan_that_found_something_has_done_its_work(tmp_path: Path, code: int) -> None:
    judge(tmp_path, series(scan(exit_code=code)), ("ScanFailed", "1h", []))


@pytest.mark.long
def test_a_waiver_is_told_two_weeks_before_it_ends_and_when_it_holds_no_more(tmp_path: Path) -> None:
    accepted = Waived(name="old-printer", owner="anna", reason="r", until="1970-01-16", standing="accepted")
    told = series(scan(finding(Kind.DRIFT, waived=accepted), finding(Kind.WAIVER)))
    soon = f'municipality="heby", {BY}, waiver="old-printer", severity="warning"'
    # It ends at midnight in Sweden, an hour before UTC's; fourteen days before that is on the third at 23.
    over = f'municipality="heby", {BY}, severity="warning"'
    judge(
        tmp_path,
        told,
        ("WaiverEndsSoon", "46h56m", []),
        ("WaiverEndsSoon", "47h4m", [soon]),
        ("WaiverHoldsNoMore", "1m", [over]),
    )


def test_a_municipality_that_nobody_scans_is_told_in_its_own_name(tmp_path: Path) -> None:
    missing = [f'municipality="{m.slug}", command="drift", severity="warning"' for m in WANTED.municipalities]
    scanned = [labels for labels in missing if "heby" not in labels and "osthammar" not in labels]
    assert len(missing) == 5
    judge(tmp_path, series(scan()), ("NobodyScans", "56m", []), ("NobodyScans", "60m", scanned))
    judge(tmp_path, [], ("NobodyScans", "60m", missing))


def test_what_another_host_says_of_scans_is_not_believed(tmp_path: Path) -> None:
    lies = series(scan(finding(Kind.DRIFT, severity=Severity.HIGH), unknown=["ost-gw1"], exit_code=1), NODE)
    alerts = ("DriftFound", "SeriousDriftFound", "HostUnknown", "ScanFailed", "ScanStale", "WaiverHoldsNoMore")
    missing = [f'municipality="{m.slug}", command="drift", severity="warning"' for m in WANTED.municipalities]
    judge(tmp_path, lies, *((alert, "30h", []) for alert in alerts), ("NobodyScans", "60m", missing))


def test_a_fleet_that_nobody_watches_from_a_station_has_no_rules_of_scans(tmp_path: Path) -> None:
    alone = WANTED.model_copy(update={"watchers": ()})
    file = tmp_path / "drift.yml"
    file.write_text(render("monitoring/drift.yml.j2", settings=alone))
    assert yaml.safe_load(file.read_text())["groups"] == [{"name": "drift", "rules": []}]
    subprocess.run(["promtool", "check", "rules", str(file)], check=True, capture_output=True)


def one(name: str, value: float, **labels: str) -> list[Series]:
    """A series of one host's own."""
    written = ",".join(f"{k}='{v}'" for k, v in (NODE | labels).items())
    return [(f"{name}{{{written}}}", value)]


DAY = 24 * 3600
OWN = 'municipality="heby", instance="heb-gw1"'


@pytest.mark.long
@pytest.mark.parametrize(
    ("told", "alert", "times", "more"),
    [
        (one("samdrift_reboot_due", 1), "RebootDue", ("71h56m", "72h"), ""),
        (one("samdrift_restarts_due", 2), "RestartsDue", ("23h56m", "24h"), ""),
        (one("samdrift_security_updates_due", 3), "SecurityUpdatesDue", ("47h56m", "48h"), ""),
        (one("samdrift_restarts_due", 0), "SecurityUpdatesUnknown", ("56m", "60m"), ""),
        (one("samdrift_package_lists_timestamp_seconds", 0), "SecurityUpdatesUnknown", ("73h", "73h8m"), ""),
        (
            one("samdrift_certificate_ends_timestamp_seconds", 21 * DAY, path="/etc/x.crt"),
            "CertificateEnds",
            ("24h56m", "25h8m"),
            ', path="/etc/x.crt"',
        ),
        (one("node_textfile_scrape_error", 1), "TextfilesUnread", ("12m", "16m"), ""),
    ],
)
def test_what_waits_on_a_host_is_told_when_it_has_waited_too_long(
    tmp_path: Path, told: list[Series], alert: str, times: tuple[str, str], more: str
) -> None:
    not_yet, then = times
    judge(tmp_path, told, (alert, not_yet, []), (alert, then, [f'{OWN}{more}, severity="warning"']))


@pytest.mark.long
@pytest.mark.parametrize(
    ("told", "alert"),
    [
        (one("samdrift_reboot_due", 0), "RebootDue"),
        (one("samdrift_restarts_due", 0), "RestartsDue"),
        (one("samdrift_security_updates_due", 0), "SecurityUpdatesDue"),
        ([*one("samdrift_restarts_due", 0), *one("samdrift_security_updates_due", 0)], "SecurityUpdatesUnknown"),
        (one("samdrift_certificate_ends_timestamp_seconds", 365 * DAY, path="/etc/x.crt"), "CertificateEnds"),
        (one("node_textfile_scrape_error", 0), "TextfilesUnread"),
    ],
)
def test_what_waits_for_nothing_raises_nothing(tmp_path: Path, told: list[Series], alert: str) -> None:
    judge(tmp_path, told, (alert, "73h", []))


PROBE = {"job": "probe", "instance": "heb-gw1", "municipality": "heby"}
DEVICE = {"job": "snmp", "instance": "heb-sw1", "municipality": "heby"}
MANAGER = {"job": "alertmanager", "instance": "tie-mon1", "municipality": "tierp"}


def of(name: str, value: float, labels: Mapping[str, str], **more: str) -> list[Series]:
    """A series with these labels."""
    written = ",".join(f"{k}='{v}'" for k, v in {**labels, **more}.items())
    return [(f"{name}{{{written}}}", value)]


def of_labels(labels: Mapping[str, str], severity: str, **more: str) -> str:
    shown = {k: v for k, v in {**labels, **more}.items() if k in {"instance", "municipality", "kind"}}
    return ", ".join(f'{k}="{v}"' for k, v in {**shown, "severity": severity}.items())


@pytest.mark.parametrize(
    ("told", "well", "alert", "when"),
    [
        (
            of("probe_success", 0, PROBE, kind="ping"),
            of("probe_success", 1, PROBE, kind="ping"),
            "GatewaySilent",
            ("0m", "4m", of_labels(PROBE, "critical", kind="ping")),
        ),
        (
            [*of("probe_success", 0, PROBE, kind="dns", target="udp"), *of("probe_success", 1, PROBE, kind="dns")],
            of("probe_success", 1, PROBE, kind="dns"),
            "NameServerSilent",
            ("0m", "4m", of_labels(PROBE, "critical")),
        ),
        (
            of("probe_success", 0, PROBE, kind="tls"),
            of("probe_success", 1, PROBE, kind="tls"),
            "ServiceSilent",
            ("0m", "4m", of_labels(PROBE, "critical", kind="tls")),
        ),
        (
            of("probe_ssl_earliest_cert_expiry", 20 * DAY, PROBE, kind="tls"),
            of("probe_ssl_earliest_cert_expiry", 21 * DAY, PROBE, kind="tls"),
            "ServedCertificateEnds",
            ("60m", "64m", of_labels(PROBE, "warning", kind="tls")),
        ),
        (
            of("up", 0, PROBE, kind="ping"),
            [*of("up", 1, PROBE, kind="ping"), *of("up", 0, PROBE, kind="ping", target="other")],
            "ProbesUnknown",
            ("4m", "8m", 'municipality="heby", kind="ping", severity="warning"'),
        ),
        (
            of("up", 0, MANAGER),
            of("up", 1, MANAGER),
            "AlertmanagerSilent",
            ("4m", "8m", of_labels(MANAGER, "critical")),
        ),
        (of("up", 0, DEVICE), of("up", 1, DEVICE), "DeviceSilent", ("4m", "8m", of_labels(DEVICE, "critical"))),
        (
            of("sysUpTime", 89_999, DEVICE),
            of("sysUpTime", 90_000, DEVICE),
            "DeviceRestarted",
            ("", "0m", of_labels(DEVICE, "warning")),
        ),
        (
            of("up", 0, {"job": "node", "instance": "heb-gw1", "municipality": "heby"}),
            of("up", 1, {"job": "node", "instance": "heb-gw1", "municipality": "heby"}),
            "SiteUnreachable",
            ("0m", "4m", 'municipality="heby", severity="critical"'),
        ),
    ],
)
def test_what_is_tried_and_does_not_answer_is_told(
    tmp_path: Path, told: list[Series], well: list[Series], alert: str, when: tuple[str, str, str]
) -> None:
    not_yet, then, raised = when
    judge(tmp_path, told, *([(alert, not_yet, [])] if not_yet else []), (alert, then, [raised]))
    judge(tmp_path, well, (alert, "2h", []))


def test_one_of_two_gateways_that_is_down_cuts_no_site_off(tmp_path: Path) -> None:
    heby = {"job": "node", "municipality": "heby", "site": "heby"}
    one_down = [*of("up", 0, heby, instance="heb-gw1"), *of("up", 1, heby, instance="ost-gw1")]
    judge(tmp_path, one_down, ("SiteUnreachable", "1h", []))


@pytest.mark.parametrize(("a_step", "raised"), [(600, True), (100, False)])
def test_broken_frames_are_told_by_their_rate(tmp_path: Path, a_step: int, raised: bool) -> None:
    labels = ",".join(f"{k}='{v}'" for k, v in {**DEVICE, "ifName": "1/1/1"}.items())
    given = [(f"{name}{{{labels}}}", f"0+{step}x20") for name, step in (("ifInErrors", a_step), ("ifOutErrors", 0))]
    found = [of_labels(DEVICE, "warning")] if raised else []
    judge(tmp_path, given, ("PortErrors", "44m", found))


def test_alerts_that_do_not_arrive_are_told(tmp_path: Path) -> None:
    labels = ",".join(f"{k}='{v}'" for k, v in {**MANAGER, "integration": "email", "reason": "other"}.items())
    failing = [(f"alertmanager_notifications_failed_total{{{labels}}}", "0+1x20")]
    judge(tmp_path, failing, ("AlertsNotTold", "40m", [of_labels(MANAGER, "critical")]))
    judge(tmp_path, of("alertmanager_notifications_failed_total", 7, MANAGER), ("AlertsNotTold", "40m", []))
