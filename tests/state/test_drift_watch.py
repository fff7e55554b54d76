"""Role drift_watch, as the running host shows it: samdrift at its revision, and an account that scans and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roles.drift_watch import ACCOUNT, BIN, KEY, METRICS, STORE, sandbox
from roles.node_metrics import TEXTFILES
from roles.shared.people import RUNS_AS
from roles.shared.sandbox import exposure

if TYPE_CHECKING:
    from roles.drift_watch import Settings

LEAST_EXPOSED = 2.0


def test_each_municipality_has_a_timer_that_runs_and_comes_back_at_boot(unit: Any, settings: Settings) -> None:
    timers = {m: unit(f"{ACCOUNT}@{m}.timer") for m in settings.municipalities}
    assert timers == dict.fromkeys(settings.municipalities, ("active", "enabled"))


def test_its_service_may_do_what_it_needs_and_nothing_else(host: Any, settings: Settings, violations: Any) -> None:
    confined = sandbox(settings.municipalities[0])
    assert violations(confined) == []
    assert exposure(host.check_output(confined.question)) < LEAST_EXPOSED


def test_samdrift_is_the_wanted_revision_and_nobody_but_root_can_change_it(host: Any, settings: Settings) -> None:
    assert host.check_output("readlink %s", BIN) == f"{settings.here}/venv/bin"
    loose = "find %s -not -type l '(' -not -user root -o -perm /022 ')' -print && echo searched"
    assert host.check_output(loose, settings.here) == "searched"


def test_the_account_is_nobody_else_and_its_key_is_its_own(host: Any) -> None:
    assert host.check_output("id -Gn %s", ACCOUNT) == ACCOUNT
    assert host.check_output("getent passwd %s", ACCOUNT).rpartition(":")[2] == "/usr/sbin/nologin"
    assert host.check_output("stat -c '%%U %%a' %s", KEY) == f"{ACCOUNT} 600"


def test_the_store_is_the_stations_and_the_watchs_and_no_others(host: Any) -> None:
    assert host.check_output("stat -c '%%U %%G %%a' %s", STORE) == f"{RUNS_AS} {ACCOUNT} 2770"


def test_the_exporter_reads_the_metrics_of_each_municipality(host: Any, settings: Settings) -> None:
    for municipality in settings.municipalities:
        name = f"samdrift-drift-{municipality}.prom"
        assert host.check_output("readlink %s", f"{TEXTFILES}/{name}") == f"{METRICS}/{name}"
        assert host.check_output("stat -L -c '%%U %%a' %s", f"{TEXTFILES}/{name}") == f"{ACCOUNT} 644"
    assert host.check_output("stat -c '%%U %%a' %s", TEXTFILES) == "root 755"


PROVES = {
    "configuration": ("samdrift is the wanted revision and nobody but root can change it",),
    "hardening": ("its service may do what it needs and nothing else",),
    "keys": ("the account is nobody else and its key is its own",),
    "measuring": (
        "each municipality has a timer that runs and comes back at boot",
        "the exporter reads the metrics of each municipality",
    ),
    "permissions": (
        "samdrift is the wanted revision and nobody but root can change it",
        "the account is nobody else and its key is its own",
        "the store is the stations and the watchs and no others",
    ),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "each municipality has a timer that runs and comes back at boot": (
        "varje kommun har en timer som är igång och startar med värden"
    ),
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "samdrift is the wanted revision and nobody but root can change it": (
        "samdrift är i beslutad version och bara root kan ändra den"
    ),
    "the account is nobody else and its key is its own": "kontot är ingen annans och nyckeln är dess egen",
    "the store is the stations and the watchs and no others": "lagret är stationens och bevakningens och ingen annans",
    "the exporter reads the metrics of each municipality": "exportören läser varje kommuns mätvärden",
}
"""What its checks are called in a Swedish report."""
