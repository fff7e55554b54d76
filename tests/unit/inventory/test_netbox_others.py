"""Other NetBoxes than samdrift's own: older, without GraphQL, below a path, read-only, out of service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import snapshot
from inventory.netbox.client import NetBox, NoGraphQL
from inventory.netbox.faults import NetBoxError
from inventory.netbox.pull import fleet_of, pull
from inventory.netbox.read_types import BY_NAME
from inventory.netbox.rows import Mark, Rows
from inventory.netbox.versions import NEWEST, OLDEST, VERSIONS, Version, version_of
from tests.unit.inventory.fleets import fleet
from tests.unit.inventory.netbox_rows import rows_of
from tests.unit.inventory.netbox_server import TOKEN, Behaviour, Handler, Server
from tests.unit.inventory.netbox_stand_in import StandIn

QUIET = Mark(7, "t", "r", missing=(1, 2, 3, 4, 5, 6))


def one_line(work: Callable[[], object]) -> str:
    """What an error says."""
    with pytest.raises(NetBoxError) as caught:
        work()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def tenants(netbox: NetBox) -> list[dict[str, Any]]:
    return list(netbox.rows("tenancy/tenants", fields=("name",)))


# Versions

versions = pytest.mark.parametrize("version", VERSIONS, ids=str)


@pytest.mark.long
@versions
@pytest.mark.parametrize("graphql", [True, False], ids=["graphql", "rest"])
def test_every_version_gives_the_same_rows_by_either_way(version: Version, graphql: bool) -> None:
    held = rows_of(snapshot.load(), QUIET)
    netbox = StandIn(held, graphql=graphql, largest=60, version=version).netbox()

    pulled = pull(netbox)

    assert pulled.rows.of == as_kept(held)
    assert fleet_of(pulled.rows) == snapshot.load()
    assert bool(netbox.without_graphql) == (not graphql or version == OLDEST)


def as_kept(held: Rows) -> dict[str, Any]:
    """Rows as a pull keeps them: what is read, and a custom field without a value is none."""

    def kept(kind: str, row: dict[str, Any]) -> dict[str, Any]:
        found = {k: v for k, v in row.items() if k in {"id", *BY_NAME[kind].names}}
        if "custom_fields" in found:
            found["custom_fields"] = {k: v for k, v in found["custom_fields"].items() if v is not None}
        return found

    return {kind: {i: kept(kind, row) for i, row in rows.items()} for kind, rows in held.of.items()}


@versions
def test_what_changed_since_is_known_in_every_version(version: Version) -> None:
    before = rows_of(fleet())

    pulled = pull(StandIn(before, version=version).netbox(), before)

    assert (pulled.changes, pulled.lost) == (0, "")


def test_a_netbox_that_was_upgraded_since_the_last_pull_is_read_in_full() -> None:
    before = pull(StandIn(rows_of(fleet()), version=VERSIONS[2]).netbox()).rows

    again = pull(StandIn(rows_of(fleet())).netbox(), before)

    assert again.lost == "it was NetBox 4.6 then, and is 4.7 now"
    assert again.rows.mark == replace(before.mark, version="4.7")
    assert pull(StandIn(rows_of(fleet())).netbox(), again.rows).lost == ""


def test_a_version_is_the_newest_that_is_known_and_not_newer() -> None:
    assert version_of((4, 3)) is None
    assert [version_of(v.numbers) for v in VERSIONS] == list(VERSIONS)
    assert version_of((4, 8)) == replace(NEWEST, numbers=(4, 8))
    assert str(version_of((5, 0))) == "5.0"


@given(
    st.sampled_from(VERSIONS),
    st.sampled_from(["tcp", "udp", "sctp"]),
    st.lists(st.integers(1, 65535), min_size=1, max_size=3, unique=True),
)
def test_a_service_is_said_in_a_version_s_own_words_and_read_again(
    version: Version, protocol: str, ports: list[int]
) -> None:
    service = {"name": "x", "port_mappings": [f"{protocol}/{port}" for port in ports]}

    written = version.written("ipam/services", service)

    assert set(written) == set(version.asked("ipam/services", service))
    assert version.answered("ipam/services", written) == service
    assert version.written("dcim/devices", service) == version.answered("dcim/devices", service) == service


def test_a_field_that_a_version_does_not_have_yet_is_not_asked_for_and_not_set() -> None:
    assert OLDEST.asked("dcim/cables", ("status", "profile")) == ("status",)
    assert OLDEST.answered("dcim/cables", {"status": "x"}) == {"status": "x", "profile": None}
    assert NEWEST.asked("dcim/cables", ("status", "profile")) == ("status", "profile")


def test_a_service_of_two_protocols_is_refused_where_a_service_has_one(server: Server) -> None:
    server.behaviour = lambda h: h.answer({"next": None, "results": []}, API_Version="4.6")
    netbox = NetBox(server.url, TOKEN)
    tenants(netbox)

    said = one_line(lambda: netbox.create("ipam/services", [{"port_mappings": ["tcp/53", "udp/53"]}]))

    assert "in NetBox 4.6, a service has one protocol" in said
    assert len(server.seen) == 1


def old(handler: Handler) -> None:
    """NetBox 4.5: it ignores `start`, and what is not ordered is in the order of names."""
    at = int(handler.asked.get("id__gte", ["0"])[0])
    ids = [i for i in range(1, 6) if i >= at]
    shown = ids[:2] if handler.asked.get("ordering") == ["id"] else ids[::-1][:2]
    body = {"count": 5, "next": "x" if len(ids) > 2 else None, "results": [{"id": i, "name": "n"} for i in shown]}
    handler.answer(body, API_Version="4.5")


def test_a_list_of_an_older_version_is_read_by_id_and_never_by_offset(server: Server) -> None:
    server.behaviour = old
    netbox = NetBox(server.url, TOKEN)

    assert [row["id"] for row in tenants(netbox)] == [1, 2, 3, 4, 5]
    assert not any("offset" in path for _, path, _ in server.seen)
    assert len(server.seen) == 4  # its first answer said which version it is
    assert [row["id"] for row in tenants(netbox)] == [1, 2, 3, 4, 5]
    assert len(server.seen) == 7


def test_an_older_version_that_ignores_the_filter_is_told(server: Server) -> None:
    server.behaviour = lambda h: h.answer({"next": "x", "results": [{"id": 1, "name": "n"}]}, API_Version="4.4")

    assert "a page repeats what was there before" in one_line(lambda: tenants(NetBox(server.url, TOKEN)))


def test_a_token_that_netbox_has_not_heard_is_explained(server: Server) -> None:
    """What NetBox 4.4 says to a token of 4.5's, and any version where a proxy drops the header."""
    server.behaviour = lambda h: h.answer({"detail": "Authentication credentials were not provided."}, 403)

    assert "(before 4.5, NetBox has no tokens that begin with nbt_; and a proxy" in (
        one_line(lambda: tenants(NetBox(server.url, TOKEN)))
    )


# GraphQL


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (lambda h: h.answer(b"The GraphQL API is not enabled.", 404, "text/html"), "it is not enabled there"),
        (lambda h: h.answer(b"<html><title>405</title></html>", 405, "text/html"), "it is not enabled there"),
        (
            lambda h: h.answer(b"<html><title>403 Forbidden</title></html>", 403, "text/html"),
            "something in front of NetBox keeps it away",
        ),
        (
            lambda h: h.answer({"data": None, "errors": [{"message": "'x' exceeds maximum operation depth of 1"}]}),
            "'x' exceeds maximum operation depth of 1",
        ),
        (
            lambda h: h.answer({"data": None, "errors": [{"message": "Cannot query field 'x' on type 'VRFType'."}]}),
            "Cannot query field 'x' on type 'VRFType'.",
        ),
        (
            lambda h: h.answer(
                {"errors": [{"message": "Cannot query field 'x'"}, {"message": "1 aliases found. Allowed: 0"}]}
            ),
            "Cannot query field 'x'; 1 aliases found. Allowed: 0",
        ),
    ],
)
def test_why_graphql_is_not_used_is_known(server: Server, behaviour: Behaviour, why: str) -> None:
    server.behaviour = behaviour
    netbox = NetBox(server.url, TOKEN)

    with pytest.raises(NoGraphQL):
        netbox.query("{ x }")

    assert netbox.without_graphql == why


def test_a_refused_token_is_no_reason_to_read_by_rest(server: Server) -> None:
    server.behaviour = lambda h: h.answer(b"Token expired", 403, "text/html")
    netbox = NetBox(server.url, TOKEN)

    assert "the token is not accepted: Token expired" in one_line(lambda: netbox.query("{ x }"))
    assert netbox.without_graphql == ""


# Below a path


@pytest.mark.parametrize("path", ["/netbox", "/api/inventory", "/a/b/"])
def test_a_netbox_below_a_path_is_asked_there(server: Server, path: str) -> None:
    server.behaviour = lambda h: h.answer({"data": {}}) if "graphql" in h.path else h.page(range(1, 2), more=False)
    netbox = NetBox(server.url + path, TOKEN)

    tenants(netbox)
    netbox.query("{ x }")

    assert [p.partition("?")[0] for _, p, _ in server.seen] == [
        f"{path.rstrip('/')}/api/tenancy/tenants/",
        f"{path.rstrip('/')}/graphql/",
    ]


def test_a_path_that_was_forgotten_is_thought_of(server: Server) -> None:
    server.behaviour = lambda h: h.answer(b"<h1>Not Found</h1>", 404, "text/html")

    assert "with its path if it has one" in one_line(lambda: tenants(NetBox(server.url, TOKEN)))


# Out of service, and read-only

MAINTENANCE = "<!doctype html><html><head><title>Underhåll till kl.\n 14 &amp; lite\x1b[2J</title></head></html>"


def test_a_maintenance_page_is_one_line_with_its_title(server: Server) -> None:
    server.behaviour = lambda h: h.answer(MAINTENANCE.encode(), 503, "text/html; charset=utf-8")

    said = one_line(lambda: tenants(NetBox(server.url, TOKEN)))

    assert said.endswith(
        ": NetBox is out of service (503): Underhåll till kl. 14 & lite\\x1b[2J (try again when it is back)"
    )


def test_a_page_that_refuses_in_front_of_netbox_is_no_refused_token(server: Server) -> None:
    server.behaviour = lambda h: h.answer(b"<html><title>401 Authorization Required</title>", 401, "text/html")

    said = one_line(lambda: tenants(NetBox(server.url, TOKEN)))

    assert "something in front of NetBox refuses this (401): 401 Authorization Required" in said


@pytest.mark.parametrize(
    "reason",
    [
        "NetBox is currently operating in maintenance mode and is unable to perform write operations.",
        "cannot execute INSERT in a read-only transaction",
    ],
)
def test_a_write_to_a_netbox_that_can_only_be_read_says_so(server: Server, reason: str) -> None:
    server.behaviour = lambda h: h.answer({"error": reason, "exception": "InternalError"}, 500)
    netbox = NetBox(server.url, TOKEN)

    said = one_line(lambda: netbox.create("dcim/sites", [{"name": "x"}]))

    assert "it can only be read: it is in maintenance mode, or a replica (write to its primary" in said


REFUSED = "cannot execute UPDATE in a read-only transaction"


@pytest.mark.parametrize(
    "behaviour",
    [
        lambda h: h.answer({"error": REFUSED, "exception": "InternalError"}, 500),
        lambda h: h.answer(f"<html><title>Server Error</title><pre>{REFUSED}</pre></html>".encode(), 500, "text/html"),
    ],
)
def test_a_replica_that_cannot_note_the_token_s_use_says_what_to_set(server: Server, behaviour: Behaviour) -> None:
    server.behaviour = behaviour
    netbox = NetBox(server.url, TOKEN)

    for ask in (lambda: tenants(netbox), lambda: netbox.query("{ x }")):
        line = one_line(ask)
        assert "its database is read-only, and NetBox writes there when it is read" in line
        assert "(set MAINTENANCE_MODE = True" in line


def test_a_replica_that_lags_behind_the_last_pull_is_read_in_full() -> None:
    behind = rows_of(fleet(), Mark(5, "t5", "r5", missing=(1, 2, 3, 4)))
    seen = rows_of(fleet(), QUIET)

    pulled = pull(StandIn(behind).netbox(), seen)

    assert "does not reach back" in pulled.lost
    assert pulled.rows.mark.id == 5
