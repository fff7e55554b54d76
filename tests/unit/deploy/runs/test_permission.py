"""As the account that holds the key, samdrift does for a person what the organisation lets that person have it do."""

from __future__ import annotations

import os
import pwd
from datetime import date
from pathlib import Path

import pytest

from deploy.runs.permission import Asking, asking, require_leave
from inventory.errors import SamdriftError
from inventory.fleet import Host
from inventory.organisation import Grant, People, Person
from roles.shared.people import RUNS_AS

DAY = date(2020, 1, 1)
HEBY, TIERP = Host(name="heb-gw1", kind="device", tenant="heby"), Host(name="tie-gw1", kind="device", tenant="tierp")


def person(name: str, of: str, *runs: str, **said: object) -> Person:
    grant = Grant.model_validate({"function": "f", "runs": runs, "of": (of,), "since": DAY})
    return Person.model_validate(
        {"name": name, "full_name": name, "home": "joint", "since": DAY, "grants": (grant,), **said}
    )


PEOPLE = People(
    everybody=(
        person("anna", "all", "plan", "apply"),
        person("maja", "heby", "plan"),
        person("nils", "all", "apply", employment="ended"),
    )
)


def asked(name: str | None, command: str, *hosts: Host, account: str = RUNS_AS) -> None:
    require_leave(PEOPLE, Asking(account=account, person=name), command, hosts)


def test_who_may_is_let_do_it() -> None:
    asked("anna", "apply", HEBY, TIERP)
    for command in ("plan", "drift", "verify", "adopt", "probe"):
        asked("maja", command, HEBY)


@pytest.mark.parametrize("command", ["apply", "restore"])
def test_who_may_plan_does_not_change_anything(command: str) -> None:
    with pytest.raises(SamdriftError, match="maja may not apply for heby"):
        asked("maja", command, HEBY)


def test_who_may_for_one_municipality_is_told_how_to_ask_for_that_alone() -> None:
    with pytest.raises(SamdriftError, match="maja may not plan for tierp") as caught:
        asked("maja", "plan", HEBY, TIERP)

    assert caught.value.fix == "--limit 'heby'"


@pytest.mark.parametrize(("name", "what"), [("eve", "nobody whom"), ("nils", "may not plan"), ("root", "nobody whom")])
def test_a_stranger_and_one_who_has_left_may_nothing(name: str, what: str) -> None:
    with pytest.raises(SamdriftError, match=what):
        asked(name, "plan", HEBY)


def test_a_scheduled_job_looks_and_changes_nothing() -> None:
    asked(None, "drift", HEBY, TIERP)
    with pytest.raises(SamdriftError, match="changes nothing"):
        asked(None, "apply", HEBY)


def test_who_has_a_key_of_his_own_is_not_asked() -> None:
    asked("eve", "apply", HEBY, account="eve")
    asked(None, "apply", HEBY, account="root")


def test_the_login_counts_and_not_what_the_environment_says(tmp_path: Path) -> None:
    (tmp_path / "loginuid").write_text("0", encoding="ascii")
    found = asking({"SUDO_UID": "1", "SUDO_USER": "karin", "LOGNAME": "karin", "USER": "karin"}, tmp_path / "loginuid")

    assert found == Asking(account=pwd.getpwuid(os.getuid()).pw_name, person="root")


def test_where_the_kernel_knows_no_login_sudo_says_who_called_it(tmp_path: Path) -> None:
    (tmp_path / "loginuid").write_text("4294967295", encoding="ascii")

    assert asking({"SUDO_UID": "0", "SUDO_USER": "karin"}, tmp_path / "loginuid").person == "root"
    assert asking({"LOGNAME": "karin"}, tmp_path / "loginuid").person is None
    assert asking({}, tmp_path / "none").person is None
