"""The watch: which samdrift a station installs, and that its units let a scan do its work and nothing else."""

from __future__ import annotations

import re
import subprocess
from datetime import time
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError

from deploy.engine.declare import declarations
from deploy.jobs.watch import Watch
from deploy.lab.repository import RUNS, committed
from inventory import snapshot
from inventory.fleet import Fleet, Host
from inventory.paths import CODE, TEMPLATES
from roles.drift_watch import (
    ACCOUNT,
    GIT,
    HOME,
    INSTALLED,
    KEY,
    LAB_CACHE,
    METRICS,
    PASSWORD,
    STORE,
    Options,
    Settings,
    asks,
    in_lab,
    sandbox,
    ways_out,
)
from roles.management_station import KEY as CHANGING_KEY
from roles.shared.intent import Intent
from roles.shared.parts.templates import render
from roles.shared.rehearsal import Rehearsal
from roles.shared.sandbox import exposure
from roles.shared.settings import SettingsError
from tests.unit.roles.judging import judged, needs

REVISION = "8a4461112" + "0" * 31
GIVEN = {"repository": "https://git.norduppland.internal/samdrift.git", "revision": REVISION}


def watched(station: bool = True, **options: Any) -> tuple[Fleet, Host]:
    """The shipped fleet, in which the management station watches."""
    fleet = snapshot.load()
    host = fleet.host("tie-adm1")
    roles = {**host.samdrift["roles"], "drift_watch": True, "management_station": station}
    section = {**host.samdrift, "roles": roles, "drift_watch": {**GIVEN, **options}}
    host = host.model_copy(update={"context": {"samdrift": section}})
    return fleet.model_copy(update={"hosts": tuple(host if h.name == host.name else h for h in fleet.hosts)}), host


def made(**options: Any) -> Settings:
    fleet, host = watched(**options)
    found = Intent(fleet).required(host, "drift_watch")
    assert isinstance(found, Settings)
    return found


def unit(suffix: str, **options: Any) -> str:
    return render(f"drift_watch/{ACCOUNT}@.{suffix}.j2", settings=made(**options), sandbox=sandbox("heby"))


def test_every_municipality_with_hosts_that_are_managed_is_watched() -> None:
    fleet, _ = watched()

    assert set(made().municipalities) == {"alvkarleby", "heby", "knivsta", "osthammar", "tierp"}
    assert set(made().municipalities) == {h.tenant for h in fleet.hosts if h.is_managed}


def test_the_jobs_read_what_the_role_tells_them() -> None:
    watch = Watch.model_validate_json(made().watch)

    assert watch.at == time(4, 0)
    assert watch.metrics_of("heby") == Path(f"{METRICS}/samdrift-drift-heby.prom")
    assert watch.environment["SAMDRIFT_STATE"] == STORE
    assert "SAMDRIFT_SOURCE" not in watch.environment


def test_a_scan_has_a_key_that_looks_and_none_that_changes() -> None:
    environment = Watch.model_validate_json(made().watch).environment

    assert (environment["SAMDRIFT_LOOK_USER"], environment["SAMDRIFT_LOOK_KEY"]) == ("samdrift-look", KEY)
    assert "SAMDRIFT_KEY" not in environment
    assert CHANGING_KEY not in made().watch


def test_the_station_gets_out_only_where_its_packages_come_from_outside() -> None:
    inside = made(index="https://pypi.norduppland.internal/simple/")

    assert [way.port for way in ways_out(made())] == [443]
    assert ways_out(inside) == ()
    assert "--index-url https://pypi.norduppland.internal/simple/ -r" in render(
        "drift_watch/install.sh.j2", settings=inside
    )
    assert "--index-url" not in render("drift_watch/install.sh.j2", settings=made())


def test_whoever_is_told_is_told_by_the_stations_mail_server_and_no_secret_stands_in_what_the_jobs_read() -> None:
    smtp = {"host": "10.60.10.25", "port": 587, "sender": "samdrift@norduppland.example", "user": "samdrift"}
    settings = made(smtp=smtp, signed=True)
    watch = Watch.model_validate_json(settings.watch)

    assert watch.sender.smtp is not None
    assert (watch.sender.smtp.host, watch.sender.smtp.security) == ("10.60.10.25", "starttls")
    assert watch.sender.smtp.password_file == PASSWORD
    assert watch.sender.key_file == "/etc/samdrift-watch/webhook-key"
    assert watch.called["alvkarleby"] == "Älvkarleby"
    assert "‹secret" not in settings.watch
    assert [str(ask.destinations[0]) for ask in asks(settings)] == ["10.60.10.25/32"]
    assert asks(made(smtp={**smtp, "host": "mail.example"})) == ()


def test_it_watches_by_the_inventory_that_the_station_has_or_the_one_that_is_named() -> None:
    fleet, host = watched()
    station = {"netbox_url": "https://netbox.norduppland.internal"}
    section = {**host.samdrift, "management_station": station}
    by_netbox = host.model_copy(update={"context": {"samdrift": section}})
    settings = Intent(fleet.model_copy(update={"hosts": (by_netbox,)})).required(by_netbox, "drift_watch")
    assert isinstance(settings, Settings)
    environment = Watch.model_validate_json(settings.watch).environment

    assert environment["SAMDRIFT_SOURCE"] == "netbox"
    assert environment["SAMDRIFT_NETBOX_URL"] == station["netbox_url"]
    assert environment["SAMDRIFT_NETBOX_TOKEN_FILE"] == f"{HOME}/netbox-token"
    named = Watch.model_validate_json(made(source="/srv/inventory").watch).environment
    assert named["SAMDRIFT_SOURCE"] == "/srv/inventory"


def test_of_each_municipality_the_hosts_of_the_limit_are_scanned_and_one_without_any_has_no_timer() -> None:
    settings = made(limit="heby or tag=dns")

    assert settings.municipalities == ("heby", "tierp")
    assert Watch.model_validate_json(settings.watch).limit == "heby or tag=dns"


@pytest.mark.parametrize("limit", ["heby) or (tierp", "heby and", "tag=nosuch", 'site="'])
def test_a_limit_that_means_nothing_by_itself_is_refused(limit: str) -> None:
    fleet, host = watched(limit=limit)

    with pytest.raises(SettingsError, match="limit"):
        Intent(fleet).required(host, "drift_watch")


def test_pages_are_written_where_somebody_serves_them() -> None:
    fleet, host = watched()
    section = {**host.samdrift, "roles": {**host.samdrift["roles"], "watch_pages": False}}
    without = host.model_copy(update={"context": {"samdrift": section}})
    settings = Intent(fleet.model_copy(update={"hosts": (without,)})).required(without, "drift_watch")
    assert isinstance(settings, Settings)

    assert Watch.model_validate_json(made().watch).pages == Path(f"{HOME}/pages")
    assert Watch.model_validate_json(settings.watch).pages is None


def test_a_host_that_is_no_management_station_cannot_watch() -> None:
    fleet, host = watched(station=False)

    with pytest.raises(SettingsError, match="only a management station watches"):
        Intent(fleet).required(host, "drift_watch")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("revision", "main"),
        ("revision", REVISION[:12]),
        ("revision", REVISION + "\n"),
        ("repository", "http://git.example/samdrift.git"),
        ("repository", "ext::sh -c evil"),
        ("repository", "--upload-pack=evil"),
        ("repository", "https://git.example/$(evil)"),
        ("repository", "https://user:password@git.example/samdrift.git"),
        ("index", "http://pypi.example/simple"),
        ("index", "https://pypi.example/$(evil)"),
        ("at", "25:00"),
        ("at", "04:00\nOnActiveSec=1"),
        ("source", "../x"),
        ("cache", "/var/cache/x; evil"),
    ],
)
def test_what_would_lead_elsewhere_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Options(**cast("dict[str, Any]", {**GIVEN, name: value}))


def test_in_the_lab_the_checkout_is_installed_as_it_stands_and_elsewhere_the_named_revision() -> None:
    lab = Rehearsal(automation_key="k", look_key="l", nameserver="192.0.2.1", revision="1" * 40)

    assert Options(**{**GIVEN, **in_lab(GIVEN, lab)}).revision == "1" * 40
    assert "revision" not in in_lab(GIVEN, lab.model_copy(update={"revision": ""}))
    assert in_lab(GIVEN, lab)["cache"] == LAB_CACHE
    assert "OnCalendar=2000-01-01\n" in unit("timer", **in_lab(GIVEN, lab))
    assert "OnBootSec" not in unit("timer", **in_lab(GIVEN, lab))


@needs("systemd-analyze")
def test_the_service_is_exposed_to_less_than_two_of_ten(tmp_path: Path) -> None:
    file = tmp_path / f"{ACCOUNT}@.service"
    file.write_text(unit("service"), encoding="utf-8")
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(file)]
    analysed = subprocess.run(words, capture_output=True, text=True, check=False)

    assert exposure(analysed.stdout) < 2.0, analysed.stdout


@needs("systemd-analyze")
def test_systemd_understands_both_units(tmp_path: Path) -> None:
    for suffix in ("service", "timer"):
        text = unit(suffix).replace("/opt/samdrift/bin/samdrift-job", "/bin/true").replace(f"={ACCOUNT}\n", "=root\n")
        (tmp_path / f"{ACCOUNT}@.{suffix}").write_text(text, encoding="utf-8")
    units = [f"{tmp_path}/{ACCOUNT}@heby.{suffix}" for suffix in ("service", "timer")]
    verified = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)

    about_ours = [line for line in verified.stderr.splitlines() if ACCOUNT in line]
    assert about_ours == []
    when = re.findall(r"^OnCalendar=(.*)$", unit("timer", at="00:30"), re.MULTILINE)
    assert subprocess.run(["systemd-analyze", "calendar", *when], capture_output=True, check=False).returncode == 0


def test_what_is_installed_has_every_package_that_samdrift_runs_with_as_the_projects_lock_has_it() -> None:
    project = dict(_pinned((CODE / "requirements.txt").read_text(encoding="utf-8")))
    station = dict(_pinned((TEMPLATES / "drift_watch" / "requirements.txt").read_text(encoding="utf-8")))

    assert {name: project.get(name, version) for name, version in station.items()} == station
    assert {"pyinfra", "paramiko", "pydantic", "sqlalchemy", "setuptools"} <= station.keys()
    assert not {"mypy", "hypothesis", "ruff"} & station.keys()
    everything = (TEMPLATES / "drift_watch" / "requirements.txt").read_text(encoding="utf-8")
    assert everything.count("==") <= everything.count("--hash=sha256:")
    assert "://" not in everything


def _pinned(lock: str) -> list[tuple[str, str]]:
    return re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", lock, re.MULTILINE)


PYTHON = """\
#!/bin/sh
# Stands for the Python of the host: makes an environment of stubs, and notes what it was asked.
case "$*" in
    "-m venv "*)
        mkdir -p "$3/bin" "$3/lib/python3/site-packages/one-1.dist-info"
        cp "$0" "$3/bin/python"
        printf '#!/bin/sh\\n' > "$3/bin/samdrift"
        chmod 755 "$3/bin/samdrift" ;;
    *) echo "$*" >> "$ASKED" ;;
esac
"""


class Station:
    """A directory in the place of /opt/samdrift, a repository to install from, and a Python that installs nothing."""

    def __init__(self, directory: Path) -> None:
        self.opt, self.asked = directory / "opt", directory / "asked"
        (directory / "bin").mkdir()
        (self.opt / "versions").mkdir(parents=True)
        python = directory / "bin" / "python3"
        python.write_text(PYTHON, encoding="utf-8")
        python.chmod(0o755)
        self.path = f"{directory}/bin:/usr/bin:/bin"
        self.project, self.repository = directory / "project", directory / "lab.git"
        (self.project / "deploy").mkdir(parents=True)
        for name in (*RUNS, "templates/drift_watch/requirements.txt"):
            file = self.project / (name if "." in name else f"{name}/file.py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("x\n", encoding="utf-8")

    def commit(self, text: str) -> str:
        (self.project / "deploy" / "new.py").write_text(text, encoding="utf-8")
        return committed(self.repository, self.project)

    def install(self, revision: str) -> subprocess.CompletedProcess[str]:
        script = render("drift_watch/install.sh.j2", settings=made(repository="/srv/r.git", revision=revision))
        script = script.replace("/opt/samdrift", str(self.opt)).replace("/srv/r.git", str(self.repository))
        environment = {"PATH": self.path, "ASKED": str(self.asked), "HOME": str(self.opt)}
        return subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)

    def state(self, revision: str) -> str:
        question = INSTALLED.format(revision=revision, git=GIT).replace("/opt/samdrift", str(self.opt))
        return subprocess.run(["sh", "-c", question], capture_output=True, text=True, check=False).stdout


@pytest.mark.long
@needs("git", "sh")
def test_a_station_has_the_named_commit_and_keeps_the_one_before_and_a_changed_file_shows(tmp_path: Path) -> None:
    station = Station(tmp_path)
    revisions = [station.commit(text) for text in ("one", "two", "three")]
    for revision in revisions:
        done = station.install(revision)
        assert done.returncode == 0, done.stderr
    newest = station.opt / "versions" / revisions[-1]

    assert (newest / "src" / "deploy" / "new.py").read_text(encoding="utf-8") == "three"
    assert station.state(revisions[-1]) == f"{newest}/venv/bin\n{revisions[-1]}\npackages as locked\n"
    assert {v.name for v in (station.opt / "versions").iterdir()} == {*revisions[1:]}
    assert "--require-hashes" in station.asked.read_text(encoding="utf-8")

    (newest / "src" / "deploy" / "new.py").write_text("changed", encoding="utf-8")
    assert "M deploy/new.py" in station.state(revisions[-1])
    (newest / "venv" / "lib" / "python3" / "site-packages" / "evil-1.dist-info").mkdir()
    assert "as locked" not in station.state(revisions[-1])
    assert station.install(revisions[-1]).returncode == 0
    assert station.state(revisions[-1]).endswith("packages as locked\n")


@needs("git", "sh")
def test_what_somebody_installed_by_hand_or_a_commit_that_there_is_not_changes_nothing(tmp_path: Path) -> None:
    station = Station(tmp_path)
    revision = station.commit("one")
    (station.opt / "bin").mkdir()

    refused = station.install(revision)
    assert refused.returncode == 1
    assert "move it out of the way" in refused.stderr
    (station.opt / "bin").rmdir()
    refused = station.install("1" * 40)
    assert refused.returncode == 1
    assert f"does not have revision {'1' * 40}" in refused.stderr
    assert list((station.opt / "versions").iterdir()) == []


@needs("sh", "python3", "ssh-keygen")
def test_every_file_is_accepted_by_the_program_that_reads_it() -> None:
    fleet, host = watched()
    ours = [file for file in declarations(host, Intent(fleet))[0] if file.role == "drift_watch"]

    assert {file.path for file in ours} >= {"/usr/local/sbin/samdrift-install", "/etc/samdrift-watch/watch.json"}
    for file in ours:
        if file.validate_with:
            answer = judged(file.validate_with, file.path, file.content, mode=file.mode)
            assert answer.code == 0, answer
