"""What each of samdrift's users may do in a real NetBox, with its own token: the whole of its job, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from deploy.model.record import HostResult
from deploy.source.write_back import write_back
from inventory.difference import difference
from inventory.fleet import Fleet
from inventory.netbox import seed
from inventory.netbox.assemble import assembled
from inventory.netbox.client import NetBox
from inventory.netbox.permissions import API_USERS, READER, SEEDER, WRITER_BACK
from inventory.netbox.pull import pull
from inventory.netbox.session import NetBoxError, Row
from tests.integration.lab import NETBOX, NetBoxServer, by_hand, given_netbox, samdrift
from tests.integration.netbox import ids, seeded
from tests.unit.deploy.source.test_write_back import a_record
from tests.unit.inventory.fleets import fleet, without_merged

pytestmark = [pytest.mark.lab, pytest.mark.netbox, pytest.mark.long, pytest.mark.usefixtures("at_work")]

DEVICES, VMS = "dcim/devices", "virtualization/virtual-machines"


@pytest.fixture(scope="module")
def as_user(netbox: NetBoxServer) -> Callable[[str], NetBox]:
    """An empty NetBox, as one of samdrift's users; or as the superuser of tests, by any other name."""
    if given_netbox():
        pytest.skip("asks as users that the role makes in the lab's own NetBox")
    netbox.empty()

    def connect(name: str) -> NetBox:
        return NetBox(netbox.url, netbox.tokens.get(name, netbox.token), ca=netbox.ca)

    return connect


@pytest.fixture(scope="module")
def small(as_user: Callable[[str], NetBox]) -> Fleet:
    """The small sound fleet, which the seeding user has seeded; whatever tests add, a pull does not read."""
    made = fleet()
    seeded(as_user(SEEDER.name), made)
    return made


def says(netbox: NetBox, said: Fleet) -> bool:
    """Whether who reads gets this fleet; its merged contexts are made up, and so is who is managed."""
    return not difference(without_merged(said), without_merged(assembled(pull(netbox).rows).fleet))


def refused(write: Callable[[], object]) -> int | None:
    """The status with which NetBox refuses; None if it does not."""
    try:
        write()
    except NetBoxError as e:
        if e.status is None:
            raise
        return e.status
    return None


def test_seed_and_pull_do_their_work_each_with_its_own_token(as_user: Callable[[str], NetBox], small: Fleet) -> None:
    reader = as_user(READER.name)
    assert says(reader, small)
    assert seed.planned(as_user(SEEDER.name), small).writes == ()

    tests, before = as_user("tests"), pull(reader)
    tests.update("dcim/sites", [{"id": ids(tests, "dcim/sites")[0], "comments": "Källaren"}])
    assert pull(reader, before.rows).changes == 1


def test_who_reads_writes_nothing(as_user: Callable[[str], NetBox], small: Fleet) -> None:
    reader = as_user(READER.name)
    device = ids(reader, DEVICES)[0]
    assert refused(lambda: reader.update(DEVICES, [{"id": device, "serial": "x"}])) == 403
    assert refused(lambda: reader.create("extras/tags", [{"name": "x", "slug": "x"}])) == 403
    assert refused(lambda: reader.delete(DEVICES, [device])) == 403
    assert refused(lambda: list(reader.rows("users/users"))) == 403


def test_the_change_log_tells_who_reads_no_secret_of_a_webhook(as_user: Callable[[str], NetBox], small: Fleet) -> None:
    before = pull(as_user(READER.name))
    hook = {"name": "x", "payload_url": "https://example.org", "secret": "not to be seen"}
    as_user("tests").create("extras/webhooks", [hook])

    log = "core/object-changes"
    all_of_it = [row["changed_object_type"] for row in as_user("tests").rows(log)]
    assert "extras.webhook" in all_of_it
    seen = [row["changed_object_type"] for row in as_user(READER.name).rows(log)]
    assert seen == [kind for kind in all_of_it if kind != "extras.webhook"]
    assert pull(as_user(READER.name), before.rows).rows.of == before.rows.of


def test_who_seeds_deletes_nothing_and_gets_at_nothing_else(as_user: Callable[[str], NetBox], small: Fleet) -> None:
    seeder = as_user(SEEDER.name)
    assert refused(lambda: seeder.delete("extras/tags", ids(seeder, "extras/tags"))) == 403
    field = {"name": "theirs", "type": "text", "object_types": ["dcim.site"]}
    (theirs,) = as_user("tests").create("extras/custom-fields", [field])
    assert refused(lambda: seeder.create("extras/custom-fields", [field | {"name": "mine"}])) == 403
    assert refused(lambda: seeder.update("extras/custom-fields", [{"id": theirs["id"], "label": "x"}])) in {400, 403}
    for endpoint in ("users/users", "users/permissions", "extras/webhooks", "extras/event-rules"):
        assert refused(lambda at=endpoint: seeder.create(at, [{"name": "x"}])) == 403  # type: ignore[misc]


CHANGED = HostResult(host="heb-gw1", municipality="heby", outcome="changed", changed=("base: file /etc/motd",))
UNTOUCHED = HostResult(host="tie-dns1", municipality="tierp", outcome="in sync")


def state_of(netbox: NetBox, endpoint: str, name: str) -> Row:
    (row,) = (row for row in netbox.rows(endpoint) if row["name"] == name)
    return {k: v for k, v in row.items() if k not in {"last_updated", "config_context"}}


def test_who_writes_back_tells_of_hosts_and_leaves_everything_else_of_them_as_it_is(
    as_user: Callable[[str], NetBox], small: Fleet
) -> None:
    tests = as_user("tests")
    before = state_of(tests, DEVICES, "heb-gw1")

    assert write_back(as_user(WRITER_BACK.name), a_record(CHANGED, UNTOUCHED)) == ()

    after = state_of(tests, DEVICES, "heb-gw1")
    assert after["custom_fields"]["samdrift_state"] == "changed"
    assert state_of(tests, VMS, "tie-dns1")["custom_fields"]["samdrift_state"] == "in sync"
    own = {name for name in after["custom_fields"] if name.startswith("samdrift_")}
    for row in (before, after):
        row["custom_fields"] = {k: v for k, v in row["custom_fields"].items() if k not in own}
    assert after == before
    entry = list(tests.rows("extras/journal-entries"))[-1]
    assert entry["assigned_object"]["name"] == "heb-gw1"
    assert says(as_user(READER.name), small)


OTHERS: dict[str, dict[str, Any]] = {
    "local context": {"local_context_data": {"samdrift": {"roles": {"base": True}}}},
    "name": {"name": "heb-gw9"},
    "status": {"status": "offline"},
    "serial": {"serial": "x"},
    "a tag more": {"add_tags": [{"slug": "lab"}]},
    "other tags": {"tags": []},
    "host key": {"custom_fields": {"ssh_host_keys": "ssh-ed25519 AAAA"}},
    "host key, beside its own": {"custom_fields": {"samdrift_state": "x", "wireguard_public_key": "x"}},
    "address": {"primary_ip4": None},
    "tenant": {"tenant": {"slug": "tierp"}},
}


def test_who_writes_back_changes_no_other_field_of_a_host(as_user: Callable[[str], NetBox], small: Fleet) -> None:
    tests, writer = as_user("tests"), as_user(WRITER_BACK.name)
    tag = next(row["id"] for row in tests.rows("extras/tags"))
    for endpoint, name in ((DEVICES, "heb-gw1"), (VMS, "tie-dns1")):
        host = state_of(tests, endpoint, name)["id"]
        tests.update(endpoint, [{"id": host, "tags": [tag]}])
        (more,) = tests.create("extras/tags", [{"name": f"x {name}", "slug": f"x-{name}"}])
        tenant = next(row["id"] for row in tests.rows("tenancy/tenants") if row["slug"] != "heby")
        tried = OTHERS | {"a tag more": {"add_tags": [{"id": more["id"]}]}, "tenant": {"tenant": tenant}}
        if endpoint == VMS:
            tried["tenant"] = {"tenant": next(r["id"] for r in tests.rows("tenancy/tenants") if r["slug"] == "heby")}
        before = state_of(tests, endpoint, name)
        seen = {
            what: refused(lambda at=endpoint, row=row: writer.update(at, [row]))  # type: ignore[misc]
            for what, row in ((what, {"id": host} | fields) for what, fields in tried.items())
        }
        assert seen == dict.fromkeys(tried, 403)
        assert state_of(tests, endpoint, name) == before


def test_who_writes_back_does_not_get_round_that_by_the_worker(as_user: Callable[[str], NetBox], small: Fleet) -> None:
    tests, writer = as_user("tests"), as_user(WRITER_BACK.name)
    before = state_of(tests, DEVICES, "heb-gw1")
    rows = [{"id": before["id"], "description": "x"}]
    job = writer._session.send("PATCH", DEVICES, rows, {"background": "true"})["job"]["id"]
    deadline = time.monotonic() + 60
    while (done := tests._session.send("GET", f"core/jobs/{job}"))["completed"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert done["data"]["status_code"] == 403
    assert state_of(tests, DEVICES, "heb-gw1") == before


def test_who_writes_back_signs_journal_entries_itself_and_of_hosts_alone(
    as_user: Callable[[str], NetBox], small: Fleet
) -> None:
    tests, writer = as_user("tests"), as_user(WRITER_BACK.name)
    me = next(row["id"] for row in tests.rows("users/users") if row["username"] == "tests")
    device, site = ids(tests, DEVICES)[0], ids(tests, "dcim/sites")[0]
    before = ids(tests, "extras/journal-entries")
    entry = {"assigned_object_type": "dcim.device", "assigned_object_id": device, "comments": "x"}
    assert refused(lambda: writer.create("extras/journal-entries", [entry | {"created_by": me}])) == 403
    elsewhere = {"assigned_object_type": "dcim.site", "assigned_object_id": site}
    assert refused(lambda: writer.create("extras/journal-entries", [entry | elsewhere])) == 403
    assert refused(lambda: writer.create("extras/journal-entries", [entry])) is None
    assert ids(tests, "extras/journal-entries") == [*before, ids(tests, "extras/journal-entries")[-1]]


@pytest.mark.parametrize("name", [user.name for user in API_USERS])
def test_nobody_makes_or_sees_a_token(as_user: Callable[[str], NetBox], name: str) -> None:
    user = as_user(name)
    me = user._session.send("GET", "authentication-check")["id"]
    assert refused(lambda: user.create("users/tokens", [{"user": me}])) == 403
    assert ids(user, "users/tokens") == []


# The role


def changes() -> list[str]:
    (host,) = samdrift("--lab", "--limit", NETBOX, "plan")["plan"]["hosts"]
    return [s["name"] for s in host["steps"] if s["commands"] and not s["handler"]]


def in_netbox(sql: str) -> str:
    """What NetBox's database answers to this, or does."""
    return by_hand(
        NETBOX, f"cd / && runuser -u netbox -- psql -X -qAt -v ON_ERROR_STOP=1 -d netbox <<'END'\n{sql};\nEND"
    )


GIVEN_BEFORE = """\
insert into users_user (username, is_active, is_superuser, password, first_name, last_name, email, date_joined)
values ('samdrift', true, true, '!', '', '', '', now());
update users_token set user_id = (select id from users_user where username = 'samdrift') where key = 'samdriftseed';
update users_token set expires = now() + '80 days' where key = 'samdriftread'"""
"""The superuser of before, with a token (any will do); and a token that has less than half of its time left."""
LEFT_OF_BEFORE = """\
select is_active, is_superuser, (select count(*) from users_token t where t.user_id = u.id)
from users_user u where username = 'samdrift'"""
DAYS_LEFT = "select ceil(extract(epoch from expires - now()) / 86400) from users_token where key = 'samdriftread'"
GIVE = "superuser of NetBox, and samdrift's users and tokens"


def test_what_was_given_before_or_by_hand_goes_and_a_token_is_renewed_in_time(as_user: Callable[[str], NetBox]) -> None:
    in_netbox(GIVEN_BEFORE)
    assert changes() == [GIVE]
    samdrift("--lab", "--limit", NETBOX, "apply", "--yes")
    assert changes() == []
    assert in_netbox(LEFT_OF_BEFORE) == "f|f|0\n"
    assert in_netbox(DAYS_LEFT) == "180\n"
    for user in API_USERS:
        assert as_user(user.name)._session.send("GET", "authentication-check")["username"] == user.name


def test_a_token_that_is_over_says_so(as_user: Callable[[str], NetBox]) -> None:
    in_netbox("update users_token set expires = now() - interval '1 day' where key = 'samdriftread'")
    with pytest.raises(NetBoxError, match="the token is not accepted: Token expired"):
        pull(as_user(READER.name))
    assert changes() == [GIVE]
