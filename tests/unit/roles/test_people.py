"""Who may log in to which host, and what they may do there, follows from functions, homes and days alone."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from deploy.engine.declare import declarations
from inventory import snapshot
from inventory.fleet import Fleet, Host
from inventory.organisation import ALL, Grant, People, Person, Tenant
from inventory.paths import PEOPLE
from inventory.people import read
from roles.base import Settings
from roles.shared.catalogue import catalogue
from roles.shared.duties import Command, Duty, Entitlement, end_of
from roles.shared.granted import problems_of_people
from roles.shared.intent import Intent
from roles.shared.parts.accounts import Members, _locked_out
from roles.shared.people import Admin, logins, with_admins
from roles.shared.settings import SettingsError
from roles.shared.survey import Account, Survey

TODAY = date(2026, 11, 29)
SUDOERS = "/etc/sudoers.d/samdrift-duties"
JOBS = Duty(
    name="jobs", title=("Utskrifter", "Jobs"), commands=(Command(program="/usr/bin/x", arguments="y", example="x y"),)
)
DUTIES = {"print_server.jobs": JOBS}


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return snapshot.load().model_copy(update={"people": read(PEOPLE, TODAY)})


def person(name: str = "maja", *grants: Grant, **said: object) -> Person:
    given = {
        "name": name,
        "full_name": "Maja",
        "home": "heby",
        "since": date(2020, 1, 1),
        "keys": ("ssh-ed25519 AAAA",),
    }
    return Person.model_validate({**given, **said, "grants": grants})


def grant(of: str = "heby", until: date | None = None, **said: object) -> Grant:
    given = {"function": "f", "duties": ("print_server.jobs",), "of": (of,), "since": date(2020, 1, 1), "until": until}
    return Grant.model_validate({**given, **said})


def base_of(fleet: Fleet, host: str) -> Settings:
    found = Intent(fleet).of(fleet.host(host), "base")
    assert isinstance(found, Settings), found
    return found


def test_a_technician_of_heby_comes_into_hebys_host_with_duties_and_into_no_other(fleet: Fleet) -> None:
    for host in (h for h in fleet.hosts if "base" in h.roles):
        found = base_of(fleet, host.name)
        names = {u.name for u in (*found.admins, *found.helpers)}
        runs_here = host.role == "management-station"
        assert ("elif-demir" in names) == (host.tenant == "heby" or runs_here), host.name
        assert {d.user for d in found.duties} <= {p.name for p in fleet.people.everybody if p.home == host.tenant}
        assert "elif-demir" not in {u.name for u in found.admins}


def test_on_hebys_gateway_the_technician_has_every_duty_of_the_roles_it_has(fleet: Fleet) -> None:
    found = base_of(fleet, "heb-gw1")

    assert [(d.user, d.duty) for d in found.duties] == [
        ("elif-demir", name)
        for name in (
            "dhcp_server.leases",
            "edge_gateway.routes",
            "log_client.log",
            "print_server.jobs",
            "wireguard.tunnels",
        )
    ]


def test_an_administrator_needs_no_duties() -> None:
    found = logins(
        People(everybody=(person("anna", grant(duties=("administer", "print_server.jobs"))),)),
        "heby",
        DUTIES,
        runs_here=False,
    )

    assert ([u.name for u in found.admins], found.helpers, found.duties) == (["anna"], (), ())


@pytest.mark.parametrize("employment", ["to come", "ended"])
def test_before_the_first_day_and_after_the_last_nobody_comes_in(employment: str) -> None:
    people = People(
        everybody=(person("maja", grant(employment=employment)), person("nils", grant(), employment=employment))
    )

    found = logins(people, "heby", DUTIES, runs_here=True)
    assert (found.admins, found.helpers, found.duties, found.others) == ((), (), (), ("maja", "nils"))


def test_an_account_lasts_as_long_as_the_longest_of_its_functions() -> None:
    ends, later = date(2026, 12, 31), date(2027, 3, 1)
    (one,) = logins(
        People(everybody=(person("a", grant(until=ends), grant(until=later)),)), "heby", DUTIES, runs_here=False
    ).helpers
    (other,) = logins(
        People(everybody=(person("a", grant(until=ends), grant(ALL)),)), "heby", DUTIES, runs_here=False
    ).helpers

    assert (one.until, other.until) == (later, None)


def test_where_samdrift_runs_everybody_comes_in_who_may_have_it_do_something() -> None:
    people = People(everybody=(person("maja", grant(duties=(), runs=("plan",))),))

    assert [u.name for u in logins(people, "tierp", {}, runs_here=True).helpers] == ["maja"]
    assert logins(people, "tierp", {}, runs_here=False).helpers == ()


@pytest.mark.parametrize("of", ["heby", "tierp"])
def test_a_config_context_makes_nobody_root_whom_the_organisation_lets_do_less(of: str) -> None:
    everybody = People(everybody=(person("maja", grant(of)),))
    found = logins(everybody, "heby", DUTIES, runs_here=False)
    admin = Admin(full_name="Maja", keys=("ssh-ed25519 AAAA",))

    with pytest.raises(SettingsError, match=r"named in inventory/people\.yaml, too"):
        with_admins(found, {"maja": admin}, (), authorities=False)


def test_a_grant_ends_at_midnight_in_sweden_summer_and_winter() -> None:
    assert (end_of(date(2026, 12, 31)), end_of(date(2026, 6, 30))) == ("20261231230000Z", "20260630220000Z")


def sudoers(fleet: Fleet, host: Host) -> str:
    found = declarations(host, Intent(fleet))[0]
    return next((f.content for f in found if f.path == SUDOERS), "")


def test_sudo_takes_every_rule_of_every_role(fleet: Fleet, tmp_path: Path) -> None:
    rules = Entitlement(user="maja-holm", duty="all", until=date(2026, 12, 31), commands=tuple(all_commands())).sudo
    (tmp_path / "sudoers").write_text("\n".join([*rules, sudoers(fleet, fleet.host("heb-gw1")), ""]), encoding="utf-8")
    (tmp_path / "sudoers").chmod(0o440)
    visudo = shutil.which("visudo", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")  # not on everybody's path
    if visudo is None:
        pytest.skip("visudo is not installed")
    subprocess.run([visudo, "-c", "-q", "-f", tmp_path / "sudoers"], check=True)


def all_commands() -> list[Command]:
    return [c for role in catalogue().values() for duty in role.duties.values() for c in duty.commands]


MORE = ("--file=/etc/shadow", "-o /tmp/x", "; id", "$(id)", "`id`", "\n-x", "/etc/shadow", "-D /tmp", "--root=/", "-f")


def test_a_command_of_a_duty_takes_its_example_and_no_other_program_or_option() -> None:
    for command in all_commands():
        program, *arguments = shlex.split(command.example)
        assert command.program.endswith(f"/{program}")
        assert re.fullmatch(command.arguments, " ".join(arguments)), command.example
        for more in MORE:
            assert not re.fullmatch(command.arguments, " ".join((*arguments, more))), (command.example, more)
            assert not re.fullmatch(command.arguments, more), (command.example, more)


@pytest.mark.parametrize("pattern", [".*", "a.+", r"\w", "[^ ]+", 'a"', "a#", "å"])
def test_a_pattern_that_lets_anything_through_is_none(pattern: str) -> None:
    with pytest.raises(ValueError, match="sudo reads them"):
        Command(program="/usr/bin/x", arguments=pattern, example="x")


def test_every_duty_that_a_shipped_function_names_is_some_roles(fleet: Fleet) -> None:
    known = {"administer", *(name for role in catalogue().values() for name in role.duties)}

    assert {d for p in fleet.people.everybody for g in p.grants for d in g.duties} <= known


def test_who_is_in_a_group_is_read_name_by_name_and_by_the_primary_group() -> None:
    answer = ["1001:anna,bo", "1002:", "1003:bo,cia", "root:0:0", "dora:1004:1002", "anna:1005:1005", "erik:1001:1006"]
    assert Members().process(answer) == ("anna", "bo", "cia", "dora")


ACCOUNTS = {"nils": (1005, "samdrift-admins"), "twin": (1001, "users"), "rot": (0, "root"), "daemon": (1, "daemon")}
HOST = """\
id() { case "$1 $2" in %s esac; }
getent() { case "$2" in 0) echo root:x;; 1001) echo anna:x;; 1005) echo nils:x;; 1) echo daemon:x;; esac; }
for program in usermod gpasswd rm loginctl pkill; do eval "$program() { echo $program \\$*; }"; done
"""
"""A host as a shell knows it, whose programs say how they are called."""


def locked_out(name: str) -> list[str]:
    """What is run when somebody is taken out of samdrift's groups."""
    answers = "".join(f"'-u {n}') echo {u};; '-gn {n}') echo {g};; " for n, (u, g) in ACCOUNTS.items())
    command = f"{HOST % answers}\n{_locked_out(name, ('samdrift-admins', 'samdrift-people'))}"
    return subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True).stdout.splitlines()


def test_whoever_is_locked_out_keeps_no_group_no_key_and_no_process() -> None:
    said = locked_out("nils")
    assert "usermod --gid nogroup nils" in said
    assert "rm -f /etc/ssh/authorized_keys/nils /etc/ssh/authorized_principals/nils" in said
    assert "usermod --lock --expiredate 1 --shell /usr/sbin/nologin --groups nils" in said
    assert said[-1] == "pkill -KILL -U nils"


def test_nobody_elses_processes_end_with_an_account_that_has_its_number_from_another() -> None:
    assert [line for name in ("twin", "rot", "daemon") for line in locked_out(name) if line.startswith("pkill")] == []


def test_check_tells_a_duty_that_no_role_has_and_a_municipality_that_there_is_not(fleet: Fleet) -> None:
    assert list(problems_of_people(fleet)) == []
    wrong = person("maja", grant("hebby", duties=("print_server.job",)), grant("heby"))
    found = [p.what for p in problems_of_people(fleet.model_copy(update={"people": People(everybody=(wrong,))}))]

    assert found == [
        "no role declares the duty print_server.job, but there is 'print_server.jobs'",
        "maja: there is no municipality hebby, but there is 'heby'",
    ]


def test_a_fleet_of_somebody_elses_is_not_held_to_the_projects_people(fleet: Fleet) -> None:
    elsewhere = fleet.model_copy(update={"tenants": (Tenant(slug="kiruna", name="Kiruna"),)})

    assert list(problems_of_people(elsewhere)) == []


def test_adopting_a_host_proposes_nobody_whom_the_organisation_knows(fleet: Fleet) -> None:
    settings = base_of(fleet, "tie-web1")
    keys = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",)
    names = ("anna-lindqvist", "elif-demir", "gunnar-old")
    rest = {"uid": 1001, "home": "/home/x", "shell": "/bin/bash", "keys": keys, "is_root": True}
    survey = Survey(accounts=tuple(Account.model_validate({"name": n, "full_name": n, **rest}) for n in names))

    proposed = catalogue()["base"].adopts(settings, survey)
    assert list(proposed["admins"]) == ["gunnar-old"]
