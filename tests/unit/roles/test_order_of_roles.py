"""Roles are applied in an order that has reasons: nothing is installed, opened or logged before what it needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import roles
from inventory.errors import SamdriftError
from inventory.snapshot import load
from roles.shared.catalogue import DEBIAN, catalogue, roles_of
from roles.shared.intent import Intent
from tests.unit.inventory.fleets import host

SHIPPED = load()
COMMON = ("base", "firewall", "time", "log_client", "node_metrics")
EDGE = (*COMMON, "dhcp_server", "local_dns", "lldp", "print_server", "wireguard", "edge_gateway")


@pytest.fixture
def more_roles(tmp_path: Path) -> Iterator[Path]:
    """A directory in which a test may write further roles."""
    roles.__path__.append(str(tmp_path))
    catalogue.cache_clear()
    try:
        yield tmp_path
    finally:
        roles.__path__.remove(str(tmp_path))
        for file in tmp_path.glob("*.py"):
            sys.modules.pop(f"roles.{file.stem}", None)
        catalogue.cache_clear()


def place(name: str) -> int:
    return list(catalogue()).index(name)


def of_servers() -> list[str]:
    return [name for name, role in catalogue().items() if role.platforms & DEBIAN]


@pytest.mark.parametrize("name", [n for n in of_servers() if n != "base"])
def test_packages_and_names_are_to_be_had_before_any_role_needs_them(name: str) -> None:
    assert place("base") < place(name)


@pytest.mark.parametrize("name", [n for n in of_servers() if n not in {"base", "firewall"}])
def test_a_firewall_stands_before_anything_else_listens(name: str) -> None:
    assert place("firewall") < place(name)


@pytest.mark.parametrize("name", [n for n in of_servers() if n not in {*COMMON, "log_server"}])
def test_a_host_has_the_time_and_sends_its_logs_and_measurements_before_it_serves(name: str) -> None:
    assert place("time") < place("log_client") < place("node_metrics") < place(name)
    assert place("time") < place("log_server") < place("node_metrics")


def test_a_gateway_routes_when_all_is_installed_and_its_tunnels_are_up() -> None:
    for gateway in SHIPPED.with_role("edge_gateway"):
        after = roles_of(gateway)[roles_of(gateway).index("edge_gateway") + 1 :]
        assert after in {(), ("keepalived",)}
        # What is installed later still comes: the way to the cache is not by BGP.
        assert not after or gateway.site in {cache.site for cache in SHIPPED.with_role("package_cache")}


def test_a_hub_has_its_routes_before_it_says_what_it_is_worth() -> None:
    assert place("wireguard") < place("edge_gateway") < place("keepalived")


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("heb-gw1", EDGE),
        ("heb-fw1", ("edge_firewall",)),
        ("heb-sw1", ("access_switch",)),
        ("tie-core1", ("core_switch",)),
        ("tie-gw1", (*COMMON, "wireguard", "edge_gateway", "keepalived")),
        ("tie-web1", COMMON),
        ("tie-hv1", COMMON),
        ("tie-cache1", (*COMMON, "package_cache")),
        ("tie-dns1", (*COMMON, "dns_resolver")),
        ("tie-log1", ("base", "firewall", "time", "log_server", "node_metrics")),
        ("tie-mon1", (*COMMON, "monitoring", "alertmanager", "probes", "snmp_metrics")),
        ("tie-netbox1", (*COMMON, "certificates", "netbox")),
    ],
)
def test_the_shipped_hosts_have_the_order_that_their_lists_once_gave(name: str, order: tuple[str, ...]) -> None:
    assert roles_of(SHIPPED.host(name)) == order
    assert tuple(Intent(SHIPPED).settings(SHIPPED.host(name))) == order


def test_names_of_no_role_stand_last() -> None:
    odd = host("tie-x1", context={"samdrift": {"roles": {"aaa": True, "time": True, "base": True}}})

    assert roles_of(odd) == ("base", "time", "aaa")


def test_a_new_role_that_says_nothing_comes_after_what_all_hosts_have_and_before_a_gateway_routes(
    more_roles: Path,
) -> None:
    for name in ("aaa", "zzz"):
        (more_roles / f"{name}.py").write_text('"""New."""\ndef deploy(settings): ...\n')

    assert catalogue()["aaa"].after is None
    assert all(place("node_metrics") < place(name) < place("edge_gateway") for name in ("aaa", "zzz"))


def test_a_role_that_comes_after_no_role_or_in_a_cycle_is_found_when_the_catalogue_is_loaded(more_roles: Path) -> None:
    role = more_roles / "aaa.py"
    role.write_text('"""New."""\nAFTER = ("bbb",)\ndef deploy(settings): ...\n')
    with pytest.raises(SamdriftError, match=r"roles/aaa.py, AFTER: .*'bbb'"):
        catalogue()

    (more_roles / "bbb.py").write_text('"""New."""\nAFTER = ("aaa",)\ndef deploy(settings): ...\n')
    with pytest.raises(SamdriftError, match="cycle: aaa after bbb after aaa"):
        catalogue()


def test_a_comma_that_was_forgotten_is_told_with_what_to_write(more_roles: Path) -> None:
    (more_roles / "aaa.py").write_text('"""New."""\nAFTER = ("base")\ndef deploy(settings): ...\n')

    with pytest.raises(SamdriftError, match=r'roles/aaa.py, AFTER: .*write \("base",\)'):
        catalogue()
