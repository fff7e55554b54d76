"""Role watch_worker, as the running host shows it: a service that takes scans, and a key that looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roles.drift_watch import BIN
from roles.shared.sandbox import exposure
from roles.watch_worker import ACCOUNT, ETC, HOME, UNIT, sandbox

if TYPE_CHECKING:
    from roles.watch_worker import Settings

LEAST_EXPOSED = 2.0


def test_the_worker_runs_and_comes_back_at_boot(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(host: Any, violations: Any) -> None:
    confined = sandbox()
    assert violations(confined) == []
    assert exposure(host.check_output(confined.question)) < LEAST_EXPOSED


def test_samdrift_is_the_wanted_revision_and_nobody_but_root_can_change_it(host: Any, settings: Settings) -> None:
    assert host.check_output("readlink %s", BIN) == f"{settings.here}/venv/bin"
    loose = "find %s -not -type l '(' -not -user root -o -perm /022 ')' -print && echo searched"
    assert host.check_output(loose, settings.here) == "searched"


def test_the_account_is_nobody_else_and_its_key_is_its_own(host: Any) -> None:
    assert host.check_output("id -Gn %s", ACCOUNT) == ACCOUNT
    assert host.check_output("getent passwd %s", ACCOUNT).rpartition(":")[2] == "/usr/sbin/nologin"
    assert host.check_output("stat -c '%%U %%a' %s", f"{HOME}/look-key") == f"{ACCOUNT} 600"


def test_what_it_is_told_is_roots_and_its_password_its_own(host: Any, settings: Settings) -> None:
    assert host.check_output("stat -c '%%U %%G %%a' %s", f"{ETC}/watch.json") == f"root {ACCOUNT} 640"
    if settings.store_password is not None:
        assert host.check_output("stat -c '%%U %%a' %s", f"{HOME}/.pgpass") == f"{ACCOUNT} 600"


PROVES = {
    "configuration": ("samdrift is the wanted revision and nobody but root can change it",),
    "hardening": ("its service may do what it needs and nothing else",),
    "keys": ("the account is nobody else and its key is its own",),
    "measuring": ("the worker runs and comes back at boot",),
    "permissions": (
        "samdrift is the wanted revision and nobody but root can change it",
        "the account is nobody else and its key is its own",
        "what it is told is roots and its password its own",
    ),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "the worker runs and comes back at boot": "arbetaren är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "samdrift is the wanted revision and nobody but root can change it": (
        "samdrift är i beslutad version och bara root kan ändra den"
    ),
    "the account is nobody else and its key is its own": "kontot är ingen annans och nyckeln är dess egen",
    "what it is told is roots and its password its own": "det den får veta är roots och lösenordet dess eget",
}
"""What its checks are called in a Swedish report."""
