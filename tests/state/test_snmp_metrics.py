"""Role snmp_metrics: the exporter runs, is asked by this host alone, and knows by whom devices are read.

Whether a device answers is not asked here: that is an alert (`DeviceSilent`).
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from roles.shared.http_answer import http_answer
from roles.shared.parts.templates import render
from roles.snmp_metrics import ASK, ASK_BY_NAME, EXPORTER, LISTENING, SANDBOX, UNIT, USERS, Settings


def answer(host: Any, command: str) -> tuple[str, str]:
    """The first line of its answer, and its body."""
    status, _, body = http_answer(str(host.check_output(command.format(path="/config"))))
    return status, body


def known(host: Any, settings: Settings) -> Any:
    """What it works by, as it says itself; passwords it does not show."""
    status, body = answer(host, ASK_BY_NAME if settings.by_name else ASK)
    assert " 200 " in status
    return yaml.safe_load(body)


def test_the_exporter_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_it_answers_nobody_without_the_password(host: Any, settings: Settings) -> None:
    if not settings.by_name:
        pytest.skip("not applicable: whoever is on this host may ask (option password of monitoring is false)")
    status, _ = answer(host, ASK)
    assert " 401 " in status


def test_only_this_host_itself_can_ask_it(host: Any) -> None:
    assert [line.split()[3] for line in host.check_output(LISTENING).splitlines()] == [EXPORTER]


def test_it_knows_by_whom_each_municipality_s_devices_are_read_and_nobody_else(host: Any, settings: Settings) -> None:
    users = {
        name: (user["version"], user["security_level"], user["username"], user["auth_protocol"], user["priv_protocol"])
        for name, user in known(host, settings)["auths"].items()
    }
    assert users == {user.name: (3, "authPriv", user.user, "SHA", "AES") for user in settings.users}


def test_it_knows_what_it_is_to_read(host: Any, settings: Settings) -> None:
    wanted = yaml.safe_load(render("snmp_metrics/snmp.yml.j2"))["modules"]
    found = known(host, settings)["modules"]
    assert {name: (m["walk"], m["get"]) for name, m in found.items()} == {
        name: (m["walk"], m["get"]) for name, m in wanted.items()
    }


def test_nobody_else_reads_the_passwords(host: Any) -> None:
    assert host.check_output("stat -c '%%U:%%G %%a' %s", USERS) == "root:prometheus 640"


PROVES = {
    "authentication": ("it answers nobody without the password",),
    "configuration": (
        "it knows by whom each municipality s devices are read and nobody else",
        "it knows what it is to read",
    ),
    "hardening": ("its service may do what it needs and nothing else", "nobody else reads the passwords"),
    "measuring": ("the exporter runs and is enabled",),
    "network services": ("only this host itself can ask it",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "the exporter runs and is enabled": "exportören är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "it answers nobody without the password": "den svarar ingen utan lösenordet",
    "only this host itself can ask it": "bara värden själv kan fråga den",
    "it knows by whom each municipality s devices are read and nobody else": (
        "den vet av vem varje kommuns enheter läses och av ingen annan"
    ),
    "it knows what it is to read": "den vet vad den ska läsa",
    "nobody else reads the passwords": "ingen annan läser lösenorden",
}
"""What its checks are called in a Swedish report."""
