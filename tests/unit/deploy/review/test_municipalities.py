"""A sixth municipality comes, and one of the five leaves: what a review says of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.model.review import Review
from deploy.review.comparing import review
from deploy.review.policies import judged
from deploy.review.state import State
from inventory import snapshot
from inventory.leaving import parted
from inventory.paths import POLICIES
from inventory.policies.policy import read
from tests.unit.deploy.review.renders import dumped, states
from tests.unit.inventory.sixth import with_a_sixth

KNOW_NETWORKS = {"firewall", "edge_gateway", "wireguard", "dns_resolver", "local_dns", "time", "log_server"} | {
    "drift_watch",
    "monitoring",
    "package_cache",
    "access_switch",
    "core_switch",
    "edge_firewall",
    "alertmanager",
    "probes",
    "snmp_metrics",
}
"""The roles by which others know a municipality's networks, names and hosts."""


def difference(before: State, after: State) -> Review:
    return judged(review(before, after, "before", "after"), before, after, read(POLICIES))


@pytest.fixture(scope="module")
def comes(shipped: State, tmp_path_factory: pytest.TempPathFactory) -> Review:
    directory = tmp_path_factory.mktemp("comes")
    return difference(shipped, states(directory, dumped(with_a_sixth(), directory, "six"))[0])


@pytest.fixture(scope="module")
def without_heby(tmp_path_factory: pytest.TempPathFactory) -> State:
    directory = tmp_path_factory.mktemp("leaves")
    return states(directory, dumped(parted(snapshot.load(), "heby").rest, directory, "rest"))[0]


@pytest.fixture(scope="module")
def leaves(shipped: State, without_heby: State) -> Review:
    return difference(shipped, without_heby)


@pytest.mark.long
def test_the_sixth_is_new_and_no_host_of_the_five_goes_or_is_unknown(comes: Review) -> None:
    assert [h.host for h in comes.changed("new")] == ["enk-gw1"]
    assert (comes.changed("gone"), comes.changed("unknown"), comes.nowhere) == ((), (), ())
    assert comes.name_of("enkoping") == "Enköping"


def test_of_the_five_only_what_knows_networks_changes(comes: Review) -> None:
    roles = {d.role for h in comes.changed("changed") for d in h.differences}
    assert roles
    assert roles <= KNOW_NETWORKS
    assert not {d.kind for h in comes.changed("changed") for d in h.differences} & {"access", "account", "package"}
    assert {s for h in comes.changed("changed") for d in h.differences for s in d.secrets} <= comes.secrets.keys()


def test_nothing_that_the_sixth_opens_breaks_a_policy(comes: Review) -> None:
    assert comes.new_breaches == ()
    assert all(not policy.fault for policy in comes.policies)
    assert {r.opening.kind for r in comes.reached} >= {"opens"}


@pytest.mark.long
def test_whoever_leaves_is_managed_no_more_and_its_own_hosts_alone(leaves: Review) -> None:
    own = {h.name for h in snapshot.load().hosts if h.tenant == "heby" and h.is_managed}
    assert {h.host for h in leaves.changed("gone")} == own
    assert (leaves.changed("new"), leaves.changed("unknown"), leaves.nowhere) == ((), (), ())


def test_nothing_opens_when_one_leaves_and_no_policy_breaks(leaves: Review) -> None:
    assert {r.opening.kind for r in leaves.reached} == {"closes"}
    assert leaves.new_breaches == ()


def test_of_who_left_no_host_of_the_others_knows_a_network_or_a_name(without_heby: State) -> None:
    named = ("10.63.1.", "10.63.10.", "10.63.20.", "10.63.30.", "heb-gw1", "heb-fw1", "heb-sw1", "heb-sw2")
    for host in without_heby.every_host():
        for step in host.steps:
            text = without_heby.text(step.text)
            assert not [word for word in named if word in text], (host.host, step.name)


def test_the_others_keep_all_that_is_not_about_who_left(leaves: Review) -> None:
    roles = {d.role for h in leaves.changed("changed") for d in h.differences}
    assert roles <= KNOW_NETWORKS
    assert not {d.kind for h in leaves.changed("changed") for d in h.differences} & {"access", "account", "package"}


def test_what_was_its_own_is_an_inventory_by_itself(tmp_path: Path) -> None:
    own = snapshot.load(dumped(parted(snapshot.load(), "heby").own, tmp_path, "own"))
    assert {h.tenant for h in own.hosts} == {"heby"}
    assert {t.slug for t in own.tenants} == {"heby"}
    assert {s.tenant for s in own.sites} == {"heby"}
