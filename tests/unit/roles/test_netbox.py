"""How NetBox is served: by which names, to whom, with which secrets, and from which packages."""

from __future__ import annotations

import ast
import json
import lzma
import re
import subprocess
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.tools.netbox_lock import lock
from inventory.fleet import Fleet
from inventory.netbox.permissions import API_USERS
from inventory.secrets import secrets_in
from inventory.snapshot import load
from roles.netbox import (
    HOME,
    LOCK,
    POSTGRESQL,
    SCHEMA_STATE,
    TOKENS,
    VERSION,
    Options,
    Settings,
    listens,
    settings,
)
from roles.shared.intent import Intent
from roles.shared.parts.netbox_users import limits_of_write_back, who_may_what
from roles.shared.parts.python_lock import INSTALLED, locked, normal
from roles.shared.parts.templates import render
from roles.shared.settings import SettingsError
from tests.integration.lab import EMPTY_DATABASE, EMPTY_DATABASE_KEPT

PEM = "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n"


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return load()


def netbox(fleet: Fleet, **said: object) -> Settings:
    options = Options.model_validate_json(json.dumps(said), strict=True)
    return settings(fleet.host("tie-netbox1"), fleet, options, Intent(fleet))


def test_management_stations_reach_it_and_monitoring_and_only_by_https(fleet: Fleet) -> None:
    https, certificate = listens(netbox(fleet))
    assert (https.protocol, https.port) == (certificate.protocol, certificate.port) == ("tcp", 443)
    assert IPv4Network("10.60.10.250/32") in https.sources
    assert all(n.prefixlen == 32 for n in https.sources)
    assert certificate.sources == (IPv4Network("10.60.10.14/32"),)


def test_its_secrets_are_its_municipalitys_and_are_nowhere_but_in_files_of_their_own(fleet: Fleet) -> None:
    found = netbox(fleet)
    assert {(s.municipality, s.name) for s in secrets_in(found) if not s.stays} == {
        ("tierp", "netbox_secret_key"),
        ("tierp", "netbox_api_token_pepper"),
        ("tierp", "netbox_admin_password"),
        ("tierp", "netbox_read_token"),
        ("tierp", "netbox_write_back_token"),
        ("tierp", "netbox_seed_token"),
    }
    for template in ("configuration.py.j2", "access.py.j2", "plugin.py.j2", "gunicorn.py.j2", "schema.sh.j2"):
        assert "‹" not in render(f"netbox/{template}", settings=found, limits=limits_of_write_back())


def test_a_host_without_an_address_is_told_which_field_to_set(fleet: Fleet) -> None:
    host = fleet.host("tie-netbox1").model_copy(update={"primary_address": None})
    with pytest.raises(SettingsError) as said:
        settings(host, fleet, Options(), Intent(fleet))
    assert said.value.field == "primary_address"


def test_it_answers_to_its_own_name_the_given_ones_and_its_address(fleet: Fleet) -> None:
    text = render(
        "netbox/configuration.py.j2",
        settings=netbox(fleet, names=["netbox.example", "tie-netbox1"]),
        limits=limits_of_write_back(),
    )
    said = {node.targets[0].id: node.value for node in ast.parse(text).body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]
    names = ["tie-netbox1", "netbox.example", "10.60.10.16"]
    assert ast.literal_eval(said["ALLOWED_HOSTS"]) == names
    assert ast.literal_eval(said["CSRF_TRUSTED_ORIGINS"]) == [f"https://{name}" for name in names]


@pytest.mark.parametrize("name", ["", "A", "a b", 'a", "*', "a\nb", "-a", "{{ x }}", "$(id)", "a;b"])
def test_a_name_that_could_be_more_than_a_name_is_refused(fleet: Fleet, name: str) -> None:
    with pytest.raises(ValidationError):
        netbox(fleet, names=[name])


@pytest.mark.parametrize("cache", ["relative", "/a/../b", "/a b", "/a;id", "/$(id)", "/", "/a\n"])
def test_a_cache_that_is_no_plain_path_is_refused(fleet: Fleet, cache: str) -> None:
    with pytest.raises(ValidationError):
        netbox(fleet, cache=cache)


@pytest.mark.parametrize(
    "pem", ["x", PEM + "x", PEM.replace("MII", "$(id)"), PEM.replace("CERTIFICATE", "PRIVATE KEY")]
)
def test_what_is_no_certificate_is_refused(fleet: Fleet, pem: str) -> None:
    assert netbox(fleet, certificate=PEM * 2).certificate == PEM * 2
    with pytest.raises(ValidationError):
        netbox(fleet, certificate=pem)


def test_browsers_are_bound_to_https_only_where_they_can_trust_the_certificate(fleet: Fleet) -> None:
    own, signed = (render("netbox/nginx.conf.j2", settings=netbox(fleet, certificate=c)) for c in ("", PEM))
    assert "Strict-Transport-Security" not in own
    assert "Strict-Transport-Security" in signed


def test_an_empty_database_is_restored_from_a_dump_only_where_a_cache_is_named(fleet: Fleet) -> None:
    plain, cached = (render("netbox/schema.sh.j2", settings=netbox(fleet, cache=c)) for c in ("", "/var/cache/netbox"))
    assert "fresh" not in plain
    assert f"fresh=/var/cache/netbox/schema/{EMPTY_DATABASE.replace(VERSION, '$version')}\n" in cached
    for text in (plain, cached):
        subprocess.run(["sh", "-n"], input=text, text=True, check=True)


def test_the_empty_database_that_tests_keep_is_of_the_roles_netbox_and_postgresql() -> None:
    kept = EMPTY_DATABASE_KEPT
    assert kept.is_file(), f"no {kept.name}: deploy a lab's NetBox, and compress what it then keeps in its cache"
    text = lzma.decompress(kept.read_bytes()).decode()
    assert re.search(rf"^-- Dumped by pg_dump version {POSTGRESQL}\.", text, re.MULTILINE)
    assert "\tdcim\t0001_" in text  # the migrations that were carried out are in it


def test_samdrifts_users_come_from_the_management_stations_alone_and_from_nowhere_where_there_are_none() -> None:
    stations = (IPv4Network("10.60.10.250/32"), IPv6Network("fd00::250/128"))
    assert json.loads(who_may_what(stations, 90))["allowed_ips"] == ["10.60.10.250/32", "fd00::250/128"]
    assert json.loads(who_may_what((), 90))["allowed_ips"] == ["127.0.0.1/32"]


def test_every_token_has_its_secret_and_its_file(fleet: Fleet) -> None:
    assert tuple(user.secret for user in API_USERS) == TOKENS
    assert {f"netbox_{name}" for name in TOKENS} <= {s.name for s in secrets_in(netbox(fleet))}


def test_samdrifts_users_may_make_themselves_no_token_and_people_may(fleet: Fleet) -> None:
    text = render("netbox/configuration.py.j2", settings=netbox(fleet), limits=limits_of_write_back())
    said: dict[str, Any] = {}
    exec(text.replace('_secret("', 'str("'), said)  # noqa: S102  our own template
    permissions = said["DEFAULT_PERMISSIONS"]
    assert len(permissions) == 16
    of_tokens = {name: constraints for name, constraints in permissions.items() if "token" in name}
    assert set(of_tokens) == {f"users.{action}_token" for action in ("view", "add", "change", "delete")}
    for (constraint,) in of_tokens.values():
        assert constraint["user"] == "$user"
        names = re.compile(constraint["user__username__regex"])
        assert not any(names.search(user.name) for user in API_USERS)
        assert all(names.search(name) for name in ("anna", "samdrift", "samdrift-reader", "a samdrift-read"))


@pytest.mark.parametrize("days", [0, 89, 731])
def test_a_token_that_is_over_before_it_is_renewed_or_hardly_ever_is_refused(fleet: Fleet, days: int) -> None:
    with pytest.raises(ValidationError):
        netbox(fleet, token_days=days)


def test_the_lock_is_of_the_roles_version_with_a_hash_for_each_package_and_nothing_to_compile() -> None:
    lines = [line for line in render(LOCK).splitlines() if not line.startswith("#")]
    assert f"netbox=={VERSION}" in locked(render(LOCK))
    assert all("--hash=sha256:" in line for line in lines)
    names = {line.partition("==")[0] for line in lines}
    assert "psycopg-binary" in names
    assert "psycopg-c" not in names
    assert "://" not in render(LOCK)


def test_what_is_installed_is_compared_with_the_lock_alike_by_the_plan_and_by_the_script(
    fleet: Fleet, tmp_path: Path
) -> None:
    text = render("netbox/install.sh.j2", settings=netbox(fleet), installed=INSTALLED)
    (wanted,) = [line for line in text.splitlines() if line.startswith("wanted()")]
    (tmp_path / "requirements.txt").write_text(render(LOCK))
    done = subprocess.run(["sh", "-c", f"{wanted}; wanted"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == locked(render(LOCK))


NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True)
VERSIONS = st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3}){0,3}(\.post[0-9])?", fullmatch=True)


@pytest.mark.long
@trying(max_examples=30)
@given(st.lists(st.tuples(NAMES, VERSIONS), min_size=1, max_size=5, unique_by=lambda p: normal(p[0])).map(dict))
def test_what_a_lock_names_is_told_alike_by_a_host_that_has_it(
    tmp_path_factory: pytest.TempPathFactory, packages: dict[str, str]
) -> None:
    site = tmp_path_factory.mktemp("site")
    reported = [
        {"metadata": {"name": n, "version": v}, "download_info": {"archive_info": {"hashes": {"sha256": "0"}}}}
        for n, v in packages.items()
    ]
    wanted = locked(lock(reported))
    for name, version in packages.items():
        (site / f"{name.replace('-', '_')}-{version}.dist-info").mkdir(exist_ok=True)
    (site / "pip-25.1.dist-info").mkdir(exist_ok=True)
    assert told(site) == [line for line in wanted if not line.startswith("pip==")]


def told(site: Path) -> list[str]:
    done = subprocess.run(["sh", "-c", INSTALLED], cwd=site, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def schema_state(directory: Path, done: list[str]) -> list[str]:
    """What the question after the schema answers where NetBox has three migrations and these are applied."""
    packages = directory / "venv" / "lib" / "python3.13" / "site-packages"
    for app, migration in (("dcim", "0001_initial"), ("dcim", "0002_more"), ("django/contrib/auth", "0001_a")):
        file = packages / app / "migrations" / f"{migration}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (packages / f"netbox-{VERSION}.dist-info").mkdir()
    (directory / "static").mkdir()
    (directory / "static" / ".version").write_text(VERSION)
    (directory / "done").write_text("".join(f"{line}\n" for line in done))
    script = f"runuser() {{ cat {directory}/done; }}\n{SCHEMA_STATE.replace(HOME, str(directory))}"
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert "sed" not in said.stderr
    return said.stdout.splitlines()[2:]


ALL_DONE = ["dcim 0001_initial", "dcim 0002_more", "auth 0001_a", "gone 0001_initial"]


def test_a_schema_with_every_migration_of_the_installed_netbox_is_migrated(tmp_path: Path) -> None:
    assert schema_state(tmp_path, ALL_DONE) == ["migrated"]


def test_a_migration_that_is_not_applied_is_named(tmp_path: Path) -> None:
    missing = "dcim 0002_more"
    assert schema_state(tmp_path, [line for line in ALL_DONE if line != missing]) == [f"not migrated: {missing}"]


def test_a_database_that_says_nothing_is_not_migrated(tmp_path: Path) -> None:
    assert schema_state(tmp_path, []) == []
