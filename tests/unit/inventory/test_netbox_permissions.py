"""What samdrift's users may do in NetBox is what pull, write-back and seed need: no more, and no less."""

from __future__ import annotations

import json
import re
from itertools import groupby

import pytest

from deploy.source.write_back import LISTS
from inventory.netbox.changes import DEFINITIONS, GROUPED, HOST_TYPES, MOVES, NESTED, TRACED
from inventory.netbox.custom_fields import CUSTOM_FIELDS, HOSTS
from inventory.netbox.permissions import (
    API_USERS,
    CHANGES,
    CHOICE_SETS,
    ENDPOINTS,
    FIELDS,
    HOLD_SECRETS,
    JOURNAL,
    READER,
    SEEDER,
    WRITER_BACK,
    ApiUser,
)
from inventory.netbox.rows import READ_TYPES
from inventory.netbox.write_types import WRITE_TYPES
from inventory.paths import CODE


def test_who_reads_views_what_pull_reads_and_changes_nothing() -> None:
    assert READER.may("view") == {kind.type for kind in READ_TYPES} | {CHANGES}
    assert not READER.writes


def test_who_seeds_adds_and_changes_what_seed_writes() -> None:
    endpoints = {kind.endpoint for kind in WRITE_TYPES}
    written = {kind.endpoint for kind in WRITE_TYPES if not kind.only_read}
    assert {ENDPOINTS[type_] for type_ in SEEDER.may("add")} == written
    assert SEEDER.may("add") == SEEDER.may("change")
    assert {ENDPOINTS[type_] for type_ in SEEDER.may("view")} == endpoints | {"dcim/interface-templates"}


def test_who_seeds_changes_no_custom_field_but_samdrifts_own() -> None:
    of = {type_: p.constraints for p in SEEDER.permissions for type_ in p.types if "add" in p.actions}
    assert of[FIELDS] == {"name__in": [f.name for f in CUSTOM_FIELDS]}
    assert of[CHOICE_SETS] == {"name__in": ["samdrift family"]}


def test_who_writes_back_changes_hosts_and_adds_to_their_journals_as_itself() -> None:
    assert {type_ for *_, type_ in LISTS.values()} == set(HOSTS)
    assert WRITER_BACK.may("view") == WRITER_BACK.may("change") == set(HOSTS)
    assert WRITER_BACK.may("add") == {JOURNAL}
    (journal,) = (p for p in WRITER_BACK.permissions if JOURNAL in p.types)
    assert journal.constraints == {
        "created_by": "$user",
        "assigned_object_type__model__in": ["device", "virtualmachine"],
    }


@pytest.mark.parametrize("user", API_USERS, ids=lambda user: user.name)
def test_nobody_deletes_and_nobody_touches_users_permissions_or_what_netbox_runs(user: ApiUser) -> None:
    types = {type_ for p in user.permissions for type_ in p.types}
    assert user.may("delete") == set()
    assert not {t for t in types if t.startswith(("users.", "account."))}
    assert not types & {f"extras.{name}" for name in ("script", "webhook", "eventrule", "exporttemplate")}


def test_keys_are_as_netbox_has_them_and_names_of_permissions_are_told_apart() -> None:
    assert all(len(user.key) == 12 and user.key.isalnum() for user in API_USERS)
    assert next(user.token_prefix for user in API_USERS) == "nbt_samdriftread."
    names = [p.name for user in API_USERS for p in user.permissions]
    assert len({user.key for user in API_USERS}) == len(API_USERS)
    assert len(set(names)) == len(names)
    assert all(len(name) <= 100 for name in names)


def test_the_change_log_hides_what_repeats_secrets_and_nothing_that_pull_goes_by() -> None:
    (log,) = (p for p in READER.permissions if CHANGES in p.types)
    assert isinstance(log.constraints, dict)
    (pattern,) = log.constraints.values()
    assert json.dumps(log.constraints) in (CODE / "docs" / "netbox.md").read_text(encoding="utf-8")
    heeded = (
        {k.type for k in READ_TYPES} | DEFINITIONS | MOVES.keys() | TRACED | NESTED | GROUPED.keys() | HOST_TYPES.keys()
    )
    heeded |= {"dcim.rack", "tenancy.tenantgroup", "virtualization.clustergroup", "extras.configcontextprofile"}
    assert all(re.search(pattern, type_.partition(".")[2]) for type_ in heeded)
    hidden = {type_ for type_ in HOLD_SECRETS if type_ not in heeded}
    assert hidden >= {"extras.webhook", "vpn.ikepolicy", "ipam.fhrpgroup", "wireless.wirelesslan"}
    assert not any(re.search(pattern, type_.partition(".")[2]) for type_ in hidden)


def in_words(types: frozenset[str]) -> str:
    """Types as people read them, as their endpoints are called: `dcim cables, devices; tenancy tenants`."""
    names = {
        "asns": "ASNs",
        "ip-addresses": "IP addresses",
        "ip-ranges": "IP ranges",
        "vlans": "VLANs",
        "vrfs": "VRFs",
    } | {
        "vlan-groups": "VLAN groups",
        "fhrp-group-assignments": "FHRP group assignments",
    }
    places = sorted(ENDPOINTS[type_].split("/") for type_ in types)
    return "; ".join(
        f"{app} {', '.join(names.get(name, name.replace('-', ' ')) for _, name in of_app)}"
        for app, of_app in groupby(places, key=lambda place: place[0])
    )


def test_the_docs_name_all_that_must_be_viewed() -> None:
    assert f"*view*: {in_words(READER.may('view'))}." in (CODE / "docs" / "netbox.md").read_text(encoding="utf-8")
