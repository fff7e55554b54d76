"""Each municipality's alerts go to its own people and to nobody else's, as Debian's own programs read what is written.

The last tests run a real Alertmanager against a real mail server, which keeps what it is sent.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from deploy.engine.declare import declarations
from inventory.fleet import Fleet, Host
from inventory.organisation import TIME_ZONE
from inventory.paths import CODE
from inventory.recipients import Quiet, Recipients, WhoHears
from inventory.secrets import secrets_in
from inventory.snapshot import load
from roles.alertmanager import CONFIG, TEXTS, Options, Settings, Span, asks, left, listens, settings_for, spans
from roles.shared.intent import Intent
from roles.shared.network.mail import MailServer
from roles.shared.parts.templates import render
from roles.shared.settings import SettingsError
from roles.shared.traffic import management
from tests.unit.roles.judging import judged, needs

FLEET = load()
SLUGS = ("alvkarleby", "heby", "knivsta", "osthammar", "tierp")
SMTP = MailServer(host="10.60.10.25", sender="larm@norduppland.example")
HEARS = WhoHears(
    municipalities={slug: Recipients(email=(f"it@{slug}.example", f"natt@{slug}.example")) for slug in SLUGS}
)


def of(hears: WhoHears = HEARS, fleet: Fleet = FLEET, **options: Any) -> Settings:
    return settings_for(fleet.host("tie-mon1"), fleet, Options(**{"smtp": SMTP, **options}), hears)


def text(wanted: Settings) -> str:
    return render("alertmanager/alertmanager.yml.j2", settings=wanted)


TEXT = (f"{TEXTS}/samdrift.tmpl", render("alertmanager/samdrift.tmpl.j2"))


def routed(config: Path, *labels: str) -> list[str]:
    """To which receivers amtool says that an alert goes."""
    said = subprocess.run(
        ["amtool", "config", "routes", "test", f"--config.file={config}", *labels],
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.strip().split(",")


@needs("amtool")
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        *((f"municipality={slug}", f"municipality {slug}") for slug in SLUGS),
        ("severity=critical", "municipality tierp"),
        ('municipality=""', "municipality tierp"),
        ("municipality=uppsala", "nobody"),
        ("municipality=hebyx", "nobody"),
    ],
)
def test_an_alert_goes_to_the_people_of_its_municipality_alone(tmp_path: Path, labels: str, receiver: str) -> None:
    (tmp_path / "a.yml").write_text(text(of()))
    assert routed(tmp_path / "a.yml", labels) == [receiver]


def test_a_receiver_has_the_addresses_of_its_own_municipality_and_each_a_mail_of_its_own() -> None:
    receivers = {r["name"]: r.get("email_configs", []) for r in yaml.safe_load(text(of()))["receivers"]}
    assert receivers.pop("nobody") == []
    assert {name: [mail["to"] for mail in mails] for name, mails in receivers.items()} == {
        f"municipality {slug}": [f"it@{slug}.example", f"natt@{slug}.example"] for slug in SLUGS
    }


@needs("amtool")
def test_the_judge_accepts_what_is_written_and_refuses_what_tells_another(tmp_path: Path) -> None:
    right = text(of())
    wrong = right.replace('receiver: "municipality heby"', 'receiver: "municipality knivsta"')
    default_told = right.replace("  receiver: nobody", '  receiver: "municipality heby"', 1)
    broken = right.replace("routes:", "rutes:")
    answers = {name: judged(of().judge, CONFIG, t, TEXT) for name, t in
               {"right": right, "wrong": wrong, "default": default_told, "broken": broken}.items()}  # fmt: skip
    assert answers["right"].code == 0, answers["right"].output
    assert {name: answers[name].code for name in ("wrong", "default", "broken")} == {
        "wrong": 1,
        "default": 1,
        "broken": 1,
    }


@needs("amtool")
def test_texts_that_are_no_template_are_refused() -> None:
    assert judged(of().judge, CONFIG, text(of()), (TEXT[0], "{{ define }}")).code != 0


def test_who_has_no_address_hears_nothing_and_check_says_so() -> None:
    hears = HEARS.model_copy(update={"municipalities": {**HEARS.municipalities, "heby": Recipients()}})
    assert left(of(hears)) == ("nobody is told of alerts of heby: inventory/recipients.yaml has no e-mail",)
    (heby,) = (r for r in yaml.safe_load(text(of(hears)))["receivers"] if r["name"] == "municipality heby")
    assert heby == {"name": "municipality heby"}
    assert left(of()) == ()
    assert left(of(smtp=None)) == ("nobody is told of alerts: option smtp names no mail server",)


def test_without_a_mail_server_nothing_is_said_of_mail() -> None:
    assert "smtp" not in text(of(smtp=None))
    assert "email_configs" not in text(of(smtp=None))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"smtp_smarthost": "10.60.10.25:25", "smtp_require_tls": True}),
        ({"security": "tls", "port": 465}, {"smtp_smarthost": "10.60.10.25:465", "smtp_require_tls": False}),
        ({"host": "::1", "security": "none"}, {"smtp_smarthost": "[::1]:25", "smtp_require_tls": False}),
        (
            {"user": "larm"},
            {"smtp_auth_username": "larm", "smtp_auth_password_file": "/etc/prometheus/smtp-password"},
        ),
    ],
)
def test_the_mail_server_is_spoken_to_as_the_option_says(options: dict[str, Any], expected: dict[str, Any]) -> None:
    said = yaml.safe_load(text(of(smtp=SMTP.model_copy(update=options))))["global"]
    assert {key: said[key] for key in expected} == expected


@pytest.mark.parametrize("options", [{"security": "tls"}, {"port": 465}])
def test_a_way_to_encrypt_that_alertmanager_has_not_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="465"):
        of(smtp=SMTP.model_copy(update=options))


def test_the_password_for_mail_stands_in_a_file_of_its_own_and_nowhere_else() -> None:
    wanted = of(smtp=SMTP.model_copy(update={"user": "larm"}))
    assert [(s.name, s.municipality) for s in secrets_in(wanted)] == [("notify_smtp_password", "tierp")]
    assert "notify_smtp_password" not in text(wanted)


def test_it_stands_beside_prometheus_or_not_at_all() -> None:
    host = FLEET.host("tie-dns1")
    with pytest.raises(SettingsError, match="no Prometheus beside it"):
        settings_for(host, FLEET, Options(), HEARS)


def test_only_management_stations_reach_it_and_it_reaches_the_mail_server() -> None:
    (listen,) = listens(of())
    assert (listen.port, listen.sources) == (9093, management(FLEET))
    assert [(a.port, [*map(str, a.destinations)]) for a in asks(of())] == [(25, ["10.60.10.25/32"])]


def test_tie_mon1_has_it_and_everybody_hears() -> None:
    files, _ = declarations(FLEET.host("tie-mon1"), Intent(FLEET))
    (config,) = (f for f in files if f.path == CONFIG)
    told = {mail["to"] for r in yaml.safe_load(config.content)["receivers"] for mail in r.get("email_configs", [])}
    assert told == {a for slug in SLUGS for a in HOUSE.of(slug).email}
    assert config.mode == "640"


HOUSE = WhoHears(
    municipalities={
        **{slug: Recipients(email=(f"it@{slug}.example",)) for slug in SLUGS},
        "tierp": Recipients(email=("drift@norduppland.example",)),
    }
)

MINUTES = st.datetimes(datetime(2024, 1, 1), datetime(2031, 12, 31)).map(lambda t: t.replace(second=0, microsecond=0))


def covers(span: Span, at: datetime) -> bool:
    """As Alertmanager reads it (`timeinterval.ContainsTime`): the end is no part of it."""
    minute = f"{at:%H:%M}"
    on_day = (at.year, at.month) == (span.year, span.month) and span.first <= at.day <= span.last
    return on_day and span.begins <= minute < span.ends


@given(MINUTES, st.timedeltas(timedelta(minutes=1), timedelta(days=70)), st.integers(-3000, 3000))
@effort(max_examples=100)
def test_a_quiet_time_is_quiet_in_each_of_its_minutes_and_in_no_other(
    since: datetime, length: timedelta, near: int
) -> None:
    until = (since + length).replace(second=0, microsecond=0)
    found = list(spans(since, until))
    for at in (since, until, since + timedelta(minutes=near), until + timedelta(minutes=near)):
        assert any(covers(span, at) for span in found) == (since <= at < until), (at, found)


def test_seconds_make_a_quiet_time_shorter_and_never_longer() -> None:
    (span,) = spans(datetime(2026, 12, 5, 22, 0, 1), datetime(2026, 12, 5, 22, 3, 59))
    assert (span.begins, span.ends) == ("22:01", "22:03")
    assert list(spans(datetime(2026, 12, 5, 22, 0, 1), datetime(2026, 12, 5, 22, 0, 59))) == []


NIGHT = Quiet(of=("heby",), since=datetime(2026, 12, 5, 22), until=datetime(2026, 12, 6, 4), why="Nytt nät")
NEVER = Quiet(of=("heby",), since=datetime(2026, 1, 1, 0, 0, 1), until=datetime(2026, 1, 1, 0, 0, 2), why="inget")
ALWAYS = Quiet(of="all", since=datetime(2026, 1, 30), until=datetime(2027, 2, 2), why="Allt")


@needs("amtool")
def test_a_quiet_time_is_that_of_its_municipalities_alone_and_the_judge_knows_it() -> None:
    wanted = of(HEARS.model_copy(update={"quiet": (NIGHT, ALWAYS, NEVER)}))
    said = yaml.safe_load(text(wanted))
    muted = {r["matchers"][0]: r["mute_time_intervals"] for r in said["route"]["routes"]}
    assert muted['municipality="heby"'] == ["quiet 1", "quiet 2", "quiet 3"]
    assert {name: by for name, by in muted.items() if "heby" not in name} == {
        **{f'municipality="{slug}"': ["quiet 2"] for slug in SLUGS if slug != "heby"},
        'municipality=""': ["quiet 2"],
    }
    answer = judged(wanted.judge, CONFIG, text(wanted), TEXT)
    assert answer.code == 0, answer.output


NAMES = ("a", "a-b", "x" * 60)


@needs("amtool")
@pytest.mark.parametrize("slug", NAMES)
def test_any_slug_of_a_municipality_is_routed_and_judged(slug: str) -> None:
    host = FLEET.host("heb-gw1")
    other: Host = host.model_copy(update={"tenant": slug})
    fleet = FLEET.model_copy(update={"hosts": tuple(other if h.name == host.name else h for h in FLEET.hosts)})
    wanted = of(fleet=fleet)
    assert slug in [r.municipality for r in wanted.receivers]
    answer = judged(wanted.judge, CONFIG, text(wanted), TEXT)
    assert answer.code == 0, answer.output


# A real Alertmanager.


PATIENCE = 300
"""Seconds after which a test gives up waiting."""


class Running:
    """An Alertmanager with this role's files, which waits for nothing, and a mail server that keeps what it is sent."""

    def __init__(self, directory: Path, wanted: Settings) -> None:
        self.directory, self.mails_in = directory, directory / "mails"
        self.mails_in.mkdir()
        servers = [sys.executable, "-m", "tests.unit.deploy.notify.servers", str(self.mails_in)]
        self.mail = subprocess.Popen(servers, cwd=CODE, stdout=subprocess.PIPE, text=True)
        assert self.mail.stdout is not None
        port, self.port = map(int, self.mail.stdout.readline().split())
        config = text(wanted).replace("10.60.10.25:25", f"127.0.0.1:{port}").replace(TEXTS, str(directory))
        config = config.replace("group_wait: 30s", "group_wait: 0s").replace("group_interval: 5m", "group_interval: 1s")
        (directory / "samdrift.tmpl").write_text(TEXT[1])
        (directory / "a.yml").write_text(config)
        self.log = (directory / "log").open("w")
        self.process = subprocess.Popen(
            [
                "prometheus-alertmanager",
                f"--config.file={directory}/a.yml",
                f"--storage.path={directory}/data",
                "--web.listen-address=127.0.0.1:0",
                "--cluster.listen-address=",
            ],
            stderr=self.log,
            stdout=self.log,
        )
        self.url = f"http://127.0.0.1:{self._listens_at()}"

    def _listens_at(self) -> int:
        """The port that the kernel gave it, as it says in its log."""
        for line in self._waiting((self.directory / "log").read_text):
            if "Listening on" in line and "127.0.0.1:" in line:
                return int(line.partition("127.0.0.1:")[2].split('"')[0].split()[0])
        raise AssertionError((self.directory / "log").read_text())

    def _waiting(self, read: Any) -> Iterator[str]:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            yield from read().splitlines()
            time.sleep(0.05)

    def alert(self, *alerts: dict[str, str], over: bool = False) -> None:
        """Say that these alerts are raised, as Prometheus does, or are over."""
        begun = "2026-11-30T08:00:00Z"
        body = [
            {
                "labels": {"severity": "critical", **labels},
                "annotations": {"summary": f"åäö {labels['alertname']}", "description": "In English."},
                "startsAt": begun,
                **({"endsAt": "2026-11-30T08:30:00Z"} if over else {}),
            }
            for labels in alerts
        ]
        request = urllib.request.Request(  # noqa: S310  our own
            f"{self.url}/api/v2/alerts", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310

    def groups(self) -> dict[str, list[str]]:
        """Which alerts are held back by others, and which not: by state."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=10) as answer:  # noqa: S310
            found: dict[str, list[str]] = {}
            for alert in json.load(answer):
                name = f"{alert['labels']['alertname']} {alert['labels'].get('instance', '')}".strip()
                found.setdefault(alert["status"]["state"], []).append(name)
            return {state: sorted(names) for state, names in found.items()}

    def mails(self, at_least: int) -> list[Any]:
        """The mails, once there are so many."""
        until = time.monotonic() + PATIENCE
        while len(files := sorted(self.mails_in.glob("mail-*"))) < at_least and time.monotonic() < until:
            time.sleep(0.05)
        return [message_from_bytes(file.read_bytes(), policy=default) for file in files]

    @staticmethod
    def text(mail: Any) -> str:
        """The text of a mail, which has nothing else."""
        (part,) = mail.iter_parts()
        return str(part.get_content())

    def end(self) -> None:
        for process in (self.process, self.mail):
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert self.mail.stdout is not None
        self.mail.stdout.close()
        self.log.close()


ENGLISH = HEARS.model_copy(
    update={
        "municipalities": {
            **{slug: Recipients(email=(f"it@{slug}.example",)) for slug in SLUGS},
            "knivsta": Recipients(language="en", email=("it@knivsta.example",)),
        }
    }
)


@pytest.fixture
def running(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    """One with these quiet times."""
    hears = ENGLISH.model_copy(update={"quiet": getattr(request, "param", ())})
    made = Running(tmp_path, of(hears, smtp=SMTP.model_copy(update={"security": "none"})))
    yield made
    made.end()


def down(instance: str, municipality: str, **more: str) -> dict[str, str]:
    return {"alertname": "HostDown", "instance": instance, "municipality": municipality, **more}


@needs("prometheus-alertmanager")
def test_real_mails_reach_their_own_municipality_in_its_language(running: Running) -> None:
    running.alert(
        down("heb-gw1", "heby", site="heby-kommunhus"),
        down("kni-gw1", "knivsta", site="knivsta-kommunhus"),
        down("upp-gw1", "uppsala"),
        {"alertname": "Watchdog"},
    )
    found = {mail["To"]: mail for mail in running.mails(3)}
    assert sorted(found) == ["it@heby.example", "it@knivsta.example", "it@tierp.example"]
    heby, knivsta = found["it@heby.example"], found["it@knivsta.example"]
    assert heby["Subject"] == "[samdrift] heby: 1 larm: åäö HostDown"
    assert "ALLVARLIGT åäö HostDown" in running.text(heby)
    assert "sedan 2026-11-30 08:00 UTC" in running.text(heby)
    assert knivsta["Subject"] == "[samdrift] knivsta: 1 alerts: HostDown kni-gw1"
    assert "In English." in running.text(knivsta)
    assert "åäö" not in running.text(knivsta)
    for municipality, mail in (("heby", heby), ("knivsta", knivsta)):
        others = {"heb-gw1", "kni-gw1", "upp-gw1"} - {f"{municipality[:3]}-gw1"}
        assert not [name for name in others if name in mail.as_string()]


NOW = datetime.now(TIME_ZONE).replace(tzinfo=None)
"""By the clock in Sweden, as quiet times are."""
LONG = timedelta(days=40)


@needs("prometheus-alertmanager")
@pytest.mark.parametrize(
    "running",
    [
        (
            Quiet(of=("heby",), since=NOW - LONG, until=NOW + LONG, why="nu"),
            Quiet(of=("knivsta",), since=NOW - LONG, until=NOW - timedelta(days=1), why="förbi"),
            Quiet(of=("tierp",), since=NOW + timedelta(days=1), until=NOW + LONG, why="sedan"),
        )
    ],
    indirect=True,
)
def test_a_real_quiet_time_holds_for_its_municipality_alone_and_while_it_lasts(running: Running) -> None:
    running.alert(down("heb-gw1", "heby"), down("kni-gw1", "knivsta"), down("tie-web1", "tierp"))
    running.mails(2)
    running.alert(down("kni-gw2", "knivsta"))
    assert sorted(mail["To"] for mail in running.mails(3)) == [
        "it@knivsta.example",
        "it@knivsta.example",
        "it@tierp.example",
    ]


@needs("prometheus-alertmanager")
def test_what_is_over_is_told_too(running: Running) -> None:
    running.alert(down("heb-gw1", "heby"))
    running.mails(1)
    running.alert(down("heb-gw1", "heby"), over=True)
    _, over = running.mails(2)
    assert over["Subject"] == "[samdrift] heby: över: åäö HostDown"


@needs("prometheus-alertmanager")
def test_what_follows_from_another_alert_is_not_told(running: Running) -> None:
    heby, tierp = (
        {"municipality": "heby", "site": "heby-kommunhus"},
        {"municipality": "tierp", "site": "tierp-datahall"},
    )
    running.alert({"alertname": "SiteUnreachable", **heby}, down("tie-web1", **tierp))
    running.mails(2)
    running.alert(
        down("heb-gw1", **heby),
        {"alertname": "DeviceSilent", "instance": "heb-sw1", **heby},
        {"alertname": "DiskFills", "instance": "tie-web1", **tierp},
        {"alertname": "DiskFills", "instance": "tie-dns1", **tierp},
        {"alertname": "DriftFound", "instance": "tie-adm1", "municipality": "heby"},
    )
    running.mails(4)
    assert running.groups() == {
        "active": ["DiskFills tie-dns1", "DriftFound tie-adm1", "HostDown tie-web1", "SiteUnreachable"],
        "suppressed": ["DeviceSilent heb-sw1", "DiskFills tie-web1", "HostDown heb-gw1"],
    }
    running.alert({"alertname": "MunicipalityUnreachable", "municipality": "heby"})
    running.mails(5)
    assert running.groups()["suppressed"] == [
        "DeviceSilent heb-sw1",
        "DiskFills tie-web1",
        "HostDown heb-gw1",
        "SiteUnreachable",
    ]
