"""Role management_station, as the running host shows it: one account has the key, and one program is the way to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from roles.management_station import HOME, KEY, LOOK_KEY, RUN
from roles.shared.people import RUNS_AS

if TYPE_CHECKING:
    from roles.management_station import Settings


def test_nobody_but_the_account_reads_the_key(host: Any) -> None:
    for key in (KEY, LOOK_KEY):
        assert host.check_output(f"stat -c '%U %a' {key}") == f"{RUNS_AS} 600"


def test_nobody_logs_in_as_the_account(host: Any) -> None:
    name, _, _, _, _, home, shell = host.check_output("getent passwd %s", RUNS_AS).split(":")
    assert (name, home, shell) == (RUNS_AS, HOME, "/usr/sbin/nologin")
    assert host.check_output("getent shadow %s", RUNS_AS).split(":")[1].startswith(("!", "*"))
    assert host.run_expect([0, 1], f"test -e /etc/ssh/authorized_keys/{RUNS_AS}").rc == 1


def test_what_people_run_as_the_account_is_roots(host: Any) -> None:
    assert host.check_output(f"stat -c '%U:%G %a' {RUN}") == "root:root 755"


def test_samdrift_itself_is_roots(host: Any, settings: Settings) -> None:
    if host.check_output("if [ -e %s ]; then echo there; else echo none; fi", settings.program) == "none":
        pytest.skip(f"not applicable: there is no {settings.program} yet")
    assert host.check_output("find -L %s -maxdepth 0 -user root ! -perm /022", settings.program) == settings.program


def test_the_program_refuses_another_key_and_another_inventory(host: Any) -> None:
    for words in ("plan --key /dev/null", "plan --source /tmp", "secrets edit", "plan --out /etc/passwd"):
        refused = host.run_expect([1], f"{RUN} {words}")
        assert refused.stderr.startswith("error: "), words


PROVES = {
    "keys": ("nobody but the account reads the key",),
    "permissions": (
        "nobody but the account reads the key",
        "samdrift itself is roots",
    ),
    "rights": (
        "nobody logs in as the account",
        "what people run as the account is roots",
        "the program refuses another key and another inventory",
    ),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "nobody but the account reads the key": "ingen utom kontot läser nyckeln",
    "nobody logs in as the account": "ingen loggar in som kontot",
    "what people run as the account is roots": "det som folk kör som kontot är roots",
    "samdrift itself is roots": "samdrift självt är roots",
    "the program refuses another key and another inventory": (
        "programmet nekar en annan nyckel och ett annat inventarium"
    ),
}
"""What its checks are called in a Swedish report."""
