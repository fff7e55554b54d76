"""No state check passes on a host that says nothing: not where programs are missing, fail, or are silent.

Every check of every role runs here, on hosts of the shipped fleet, whatever it asks answered in one way.
"""

from __future__ import annotations

import pytest

from deploy.transport.batch import Answer
from tests.unit.state.conftest import MISSING, Hosts

FAILED = Answer(rc=1, stdout="", stderr="")
NOTHING = Answer(rc=0, stdout="", stderr="")

BY_EXIT_STATUS = {
    ("base", "sshd would start again with its configuration"): "sshd -t",
    ("dhcp_server", "kea accepts its file with the interfaces of this host"): "kea-dhcp4 -t",
    ("edge_gateway", "what runs is what is written"): "frr-reload.py --test prints what it would change",
    ("keepalived", "every shared address is held by somebody"): "ping",
    ("log_client", "what is logged here reaches the journal"): "grep -q",
    ("log_server", "a sender that the fleet does not know is kept apart"): "grep -q",
    ("log_server", "its own log is kept beside the others"): "grep -q",
    ("netbox", "the certificate holds for three weeks"): "openssl x509 -checkend",
    ("print_server", "cups accepts its file"): "cupsd -t",
    ("time", "a server answers the fleet and a client nobody"): "ss, which lists no socket of a client",
    ("time", "it has the time"): "chronyc waitsync",
}
"""Checks of which a program says by its exit status alone whether they hold, and which."""


def outcomes(hosts: Hosts, answer: Answer | None) -> dict[str, set[tuple[str, str]]]:
    """Role and name of the checks of each outcome."""
    found: dict[str, set[tuple[str, str]]] = {"passed": set(), "failed": set(), "not applicable": set()}
    for check in hosts.checks(answer):
        found[check.outcome].add((check.role, check.name))
    return found


@pytest.mark.long
@pytest.mark.parametrize("answer", [MISSING, FAILED], ids=["missing", "failed"])
def test_no_check_passes_where_every_program_is_missing_or_fails(hosts: Hosts, answer: Answer) -> None:
    assert outcomes(hosts, answer)["passed"] == set()


@pytest.mark.long
def test_no_check_passes_on_silence_but_those_that_a_program_answers_by_its_exit_status(hosts: Hosts) -> None:
    assert outcomes(hosts, NOTHING)["passed"] == BY_EXIT_STATUS.keys()


@pytest.mark.long
def test_a_check_is_not_applicable_by_the_inventory_or_by_what_the_host_said(hosts: Hosts) -> None:
    by_inventory = outcomes(hosts, None)["not applicable"]
    for answer in (MISSING, FAILED, NOTHING):
        assert outcomes(hosts, answer)["not applicable"] <= by_inventory
