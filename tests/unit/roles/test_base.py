"""Who may log in, by which names a host resolves, and that wrong data is found before any host is."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.engine.declare import declarations
from inventory.fleet import Fleet, Host, Interface
from roles.base import SUDO_ACCEPTS, Options, Settings, _plain, listens, settings
from roles.shared import look_program
from roles.shared.catalogue import catalogue
from roles.shared.hardening import KERNEL
from roles.shared.intent import Intent
from roles.shared.parts.hardened import PAM_PROFILES
from roles.shared.parts.ssh_server import SSHD_ACCEPTS
from roles.shared.settings import SettingsError
from tests.unit.roles.judging import judged, needs

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
OTHER = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIA== anna@tierp"
STATION = Host(
    name="tie-adm1",
    kind="vm",
    tenant="tierp",
    site="tierp-datahall",
    role="management-station",
    platform="debian-13",
    interfaces=(Interface(name="eth0", addresses=(IPv4Interface("10.60.10.250/24"),)),),
    primary_address=IPv4Address("10.60.10.250"),
)
HARMLESS: dict[str, Any] = {"automation_keys": [KEY]}


@pytest.fixture
def fleet(small_fleet: Fleet) -> Fleet:
    return small_fleet.model_copy(update={"hosts": (*small_fleet.hosts, STATION)})


def computed(fleet: Fleet, host: str = "tie-log1", **said: object) -> Settings:
    options = Options.model_validate_json(json.dumps({**HARMLESS, **said}), strict=True)
    return settings(fleet.host(host), fleet, options, Intent(fleet))


def files(fleet: Fleet, host: str = "tie-log1", **said: object) -> dict[str, str]:
    context = {"samdrift": {"roles": {"base": True}, "base": {**HARMLESS, **said}}}
    changed = fleet.host(host).model_copy(update={"context": context})
    return {f.path: f.content for f in declarations(changed, Intent(fleet))[0]}


def test_ssh_is_let_in_from_the_management_stations_alone(fleet: Fleet) -> None:
    (ssh,) = listens(computed(fleet))
    assert (ssh.protocol, ssh.port, ssh.sources) == ("tcp", 22, (IPv4Network("10.60.10.250/32"),))


STATIONS = 'from="10.60.10.250/32"'


def test_samdrifts_own_keys_are_good_from_the_management_stations_and_for_commands_alone(fleet: Fleet) -> None:
    lines = files(fleet)["/etc/ssh/authorized_keys/samdrift"].splitlines()
    assert lines[1:] == [f"restrict,{STATIONS} {KEY}"]


def test_without_keys_for_looks_nobody_looks_and_nothing_of_it_is_on_the_host(fleet: Fleet) -> None:
    found = files(fleet)
    assert not [path for path in found if "look" in path or path.startswith("/etc/samdrift/")]
    assert "samdrift-look" not in found["/etc/sudoers.d/samdrift"]


def test_a_key_for_looks_runs_one_program_and_that_is_the_one_that_samdrift_knows(fleet: Fleet) -> None:
    found = files(fleet, look_keys=[KEY])
    let_in = found["/etc/ssh/authorized_keys/samdrift-look"].splitlines()
    assert let_in[1:] == [f'restrict,{STATIONS},command="sudo -n -- /usr/local/sbin/samdrift-look" {KEY}']
    assert 'samdrift-look ALL=(root) NOPASSWD: /usr/local/sbin/samdrift-look ""' in found["/etc/sudoers.d/samdrift"]
    program = found["/usr/local/sbin/samdrift-look"]
    assert program == Path(look_program.__file__).read_text()
    assert program.startswith("#!/usr/bin/python3 -IS\n")


def test_what_a_look_asks_as_root_is_what_the_roles_of_this_host_say(fleet: Fleet) -> None:
    found = files(fleet, look_keys=[KEY])[look_program.AS_ROOT]
    assert tuple(look_program.listed(found)) == catalogue()["base"].as_root


@pytest.mark.parametrize("role", sorted(catalogue()))
def test_what_is_asked_as_root_survives_its_file_and_has_holes_that_are_known(role: str) -> None:
    fixed = catalogue()[role].as_root
    assert not fixed or tuple(look_program.listed(look_program.listing("# head", fixed))) == fixed
    assert {hole for command in fixed for hole in re.findall(r"\{word[a-z]*\}", command)} <= set(look_program.HOLES)


def test_sshd_shuts_no_management_station_out_and_an_older_one_is_not_told_what_it_does_not_know(fleet: Fleet) -> None:
    line = "PerSourcePenaltyExemptList 127.0.0.1/32,::1/128,10.60.10.250/32"
    text = files(fleet)["/etc/ssh/sshd_config"]
    assert text.splitlines().count(line) == 1
    assert text.index(line) < text.index("Match User")
    old = fleet.host("tie-log1").model_copy(update={"platform": "debian-12"})
    hosts = tuple(old if host.name == old.name else host for host in fleet.hosts)
    assert "PerSource" not in files(fleet.model_copy(update={"hosts": hosts}))["/etc/ssh/sshd_config"]


def test_a_fleet_without_a_management_station_is_refused(small_fleet: Fleet) -> None:
    with pytest.raises(SettingsError, match="nobody could log in"):
        computed(small_fleet)


def test_samdrift_never_locks_itself_out(fleet: Fleet) -> None:
    with pytest.raises(SettingsError, match="lock itself out"):
        computed(fleet, automation_keys=[])


@pytest.mark.parametrize("name", ["samdrift", "root"])
@pytest.mark.parametrize("by", ["admins", "former_admins"])
def test_no_list_of_people_locks_the_accounts_that_samdrift_needs(fleet: Fleet, name: str, by: str) -> None:
    said: Any = [name] if by == "former_admins" else {name: {"full_name": "X", "absent": True}}
    with pytest.raises(SettingsError, match=f"{name} must not be locked"):
        computed(fleet, **{by: said})


def test_sudo_is_samdrifts_own_before_its_account_loses_a_group_that_may_have_given_it(fleet: Fleet) -> None:
    order = list(files(fleet))
    assert order.index("/etc/sudoers.d/samdrift") < order.index("/etc/ssh/authorized_keys/samdrift")


def test_a_host_believed_by_another_key_than_ed25519_is_refused(fleet: Fleet) -> None:
    host = fleet.host("tie-log1").model_copy(update={"host_keys": ("ssh-rsa AAAAB3Nza",)})
    with pytest.raises(SettingsError, match="no ed25519 host key"):
        settings(host, fleet, Options(automation_keys=(KEY,)), Intent(fleet))


def test_an_admin_with_keys_may_log_in(fleet: Fleet) -> None:
    found = files(fleet, admins={"anna": {"full_name": "Anna Öström", "keys": [KEY, OTHER]}})
    assert found["/etc/ssh/authorized_keys/anna"].splitlines()[1:] == [KEY, OTHER]


def test_an_admin_with_a_certificate_may_log_in_by_its_principal(fleet: Fleet) -> None:
    anna = {"full_name": "Anna Öström", "principals": ["anna", "drift"]}
    found = files(fleet, admins={"anna": anna}, user_ca_keys=[KEY])
    assert found["/etc/ssh/authorized_principals/anna"].splitlines()[1:] == ["anna", "drift"]
    assert "TrustedUserCAKeys /etc/ssh/user_ca.pub" in found["/etc/ssh/sshd_config"].splitlines()
    assert KEY in found["/etc/ssh/user_ca.pub"]
    assert "/etc/ssh/authorized_keys/anna" not in found


@pytest.mark.parametrize(
    ("admin", "what"),
    [
        ({"full_name": "Anna"}, "could not log in"),
        ({"full_name": "Anna", "principals": ["anna"]}, "no authority is believed"),
    ],
)
def test_an_admin_who_could_not_log_in_is_a_mistake(fleet: Fleet, admin: dict[str, object], what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        computed(fleet, admins={"anna": admin})


@pytest.mark.parametrize("said", [{"former_admins": ["anna"]}, {}])
def test_an_admin_who_left_has_no_access(fleet: Fleet, said: dict[str, Any]) -> None:
    anna = {"full_name": "Anna", "keys": [KEY], "absent": not said}
    found = computed(fleet, admins={"anna": anna}, **said)
    assert found.admins == ()
    assert found.former_admins == ("anna",)


@pytest.mark.parametrize("name", ["samdrift", "root"])
def test_an_admin_is_a_person(fleet: Fleet, name: str) -> None:
    with pytest.raises(SettingsError, match="no person's account"):
        computed(fleet, admins={name: {"full_name": "X", "keys": [KEY]}})


@pytest.mark.parametrize(
    "said",
    [
        {"automation_keys": ['command="sh" ' + KEY]},
        {"automation_keys": [KEY + "\n" + KEY]},
        {"automation_keys": ["ssh-rsa AAAAB3Nza"]},
        {"admins": {"an;na": {"full_name": "Anna", "keys": [KEY]}}},
        {"admins": {"anna": {"full_name": "Anna:0:0", "keys": [KEY]}}},
        {"admins": {"anna": {"full_name": "Anna", "keys": [KEY], "shell": "/bin/sh"}}},
        {"former_admins": ["../../etc/passwd"]},
        {"journal_max": "1G\nStorage=none"},
        {"fallback_resolvers": ["10.0.0.1\nsearch evil"]},
        {"apt_proxy": "no"},
    ],
)
def test_options_that_mean_something_else_than_they_say_are_refused(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate_json(json.dumps({**HARMLESS, **said}), strict=True)


def test_names_are_asked_of_the_fleets_resolvers_and_then_of_the_fallbacks(fleet: Fleet) -> None:
    assert [*map(str, computed(fleet).nameservers)] == ["10.60.10.11", "10.60.10.12"]
    with_fallback = computed(fleet, fallback_resolvers=["10.59.255.1"]).nameservers
    assert [*map(str, with_fallback)] == ["10.60.10.11", "10.60.10.12", "10.59.255.1"]


@pytest.mark.parametrize("of_a_link", ["fe80::1", "fe80::1%eth0"])
def test_a_nameserver_on_a_link_that_only_the_host_knows_is_refused(of_a_link: str) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate_json(json.dumps({**HARMLESS, "fallback_resolvers": [of_a_link]}), strict=True)


def test_a_host_without_any_nameserver_is_refused(fleet: Fleet) -> None:
    alone = fleet.model_copy(update={"hosts": (fleet.host("tie-log1"), STATION)})
    with pytest.raises(SettingsError, match="no nameserver"):
        computed(alone)


def test_packages_come_through_the_fleets_cache(fleet: Fleet) -> None:
    assert computed(fleet).apt_proxy == "http://10.60.10.15:3142"
    assert computed(fleet, apt_proxy=False).apt_proxy == ""
    assert computed(fleet, "tie-cache1").apt_proxy == ""


def test_a_host_in_several_networks_filters_reverse_paths_loosely(fleet: Fleet) -> None:
    assert computed(fleet, "tie-log1").kernel["ipv4"]["net.ipv4.conf.*.rp_filter"] == "1"
    assert computed(fleet, "alv-gw1").kernel["ipv4"]["net.ipv4.conf.*.rp_filter"] == "2"
    assert "net.ipv4.conf.*.rp_filter" not in KERNEL["ipv4"]


def test_the_login_banner_is_swedish_and_names_the_municipality(fleet: Fleet) -> None:
    banner = files(fleet, "alv-gw1")["/etc/issue.net"]
    assert "alv-gw1 tillhör Älvkarleby." in banner
    assert "Endast behöriga får logga in." in banner


@given(st.text())
def test_no_text_of_the_inventory_can_break_a_banner(text: str) -> None:
    assert not set(_plain(text)) & set("\\\n\r\x1b")


def test_every_file_says_whose_it_is_but_those_that_people_see_at_login(fleet: Fleet) -> None:
    silent = {path for path, text in files(fleet).items() if "Managed by samdrift, role base" not in text[:80]}
    lists_of_names = {"/etc/cron.allow", "/etc/at.allow"}
    by_name = {f"/usr/share/pam-configs/{profile}" for profile in PAM_PROFILES}
    assert silent == {"/etc/hostname", "/etc/issue", "/etc/issue.net", "/etc/motd", *lists_of_names, *by_name}


@pytest.mark.parametrize(
    ("path", "validator"),
    [
        pytest.param("/etc/sudoers.d/samdrift", SUDO_ACCEPTS, marks=needs("visudo")),
        pytest.param("/etc/ssh/sshd_config", SSHD_ACCEPTS, marks=needs("sshd")),
    ],
)
def test_the_program_that_reads_it_accepts_it(fleet: Fleet, path: str, validator: str) -> None:
    good = judged(validator, path, files(fleet, user_ca_keys=[KEY])[path], mode="440")
    assert good.code == 0, good.output
    assert judged(validator, path, "PermitRootLogin perhaps\n").code not in {0, 127}
