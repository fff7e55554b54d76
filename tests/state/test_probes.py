"""Role probes: the exporter runs, can ping and be asked by this host alone, and knows what it is to try.

Whether what is tried answers is not asked here: that is a finding of the host that serves it, and an alert.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from roles.probes import ASK, ASK_BY_NAME, CONFIG, EXPORTER, LISTENING, PING_ITSELF, SANDBOX, UNIT, Settings
from roles.shared.http_answer import http_answer
from roles.shared.parts.templates import render


def answer(host: Any, path: str, command: str) -> tuple[str, str]:
    """The first line of its answer, and its body."""
    status, _, body = http_answer(str(host.check_output(command.format(path=path))))
    return status, body


def ask(host: Any, settings: Settings, path: str) -> str:
    """The body of its answer; empty unless it is a good one."""
    status, body = answer(host, path, ASK_BY_NAME if settings.by_name else ASK)
    return body if " 200 " in status else ""


def test_the_exporter_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_it_answers_nobody_without_the_password(host: Any, settings: Settings) -> None:
    if not settings.by_name:
        pytest.skip("not applicable: whoever is on this host may ask (option password of monitoring is false)")
    status, _ = answer(host, "/metrics", ASK)
    assert " 401 " in status


def test_only_this_host_itself_can_ask_it(host: Any) -> None:
    assert [line.split()[3] for line in host.check_output(LISTENING).splitlines()] == [EXPORTER]


def test_it_may_ping(host: Any, settings: Settings) -> None:
    assert "probe_success 1" in ask(host, settings, PING_ITSELF).splitlines()


def test_it_knows_what_it_is_to_try(host: Any, settings: Settings) -> None:
    known = yaml.safe_load(ask(host, settings, "/config"))["modules"]
    wanted = yaml.safe_load(render("probes/blackbox.yml.j2", settings=settings))["modules"]
    assert {name: asked(module) for name, module in known.items()} == {n: asked(m) for n, m in wanted.items()}


def asked(module: dict[str, Any]) -> tuple[object, ...]:
    """What matters of a module, which the exporter shows with everything else that it has."""
    dns, tcp = module.get("dns") or {}, module.get("tcp") or {}
    answers = (dns.get("validate_answer_rrs") or {}).get("fail_if_not_matches_regexp")
    named = tuple(dns.get(name) for name in ("query_name", "query_type", "transport_protocol"))
    return module["prober"], bool(tcp.get("tls")), *(named if module["prober"] == "dns" else ()), answers


def test_the_configuration_on_disk_is_the_one_in_force(host: Any, settings: Settings) -> None:
    metrics = ask(host, settings, "/metrics")
    assert "\nblackbox_exporter_config_last_reload_successful 1\n" in metrics
    read = re.search(r"(?m)^blackbox_exporter_config_last_reload_success_timestamp_seconds (\S+)$", metrics)
    assert read is not None
    written = host.check_output(f"find {CONFIG} -printf '%T@\\n'")
    assert int(float(written)) <= float(read[1])


PROVES = {
    "authentication": ("it answers nobody without the password",),
    "configuration": ("the configuration on disk is the one in force",),
    "hardening": ("its service may do what it needs and nothing else",),
    "measuring": ("the exporter runs and is enabled", "it may ping", "it knows what it is to try"),
    "network services": ("only this host itself can ask it",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "the exporter runs and is enabled": "exportören är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "it answers nobody without the password": "den svarar ingen utan lösenordet",
    "only this host itself can ask it": "bara värden själv kan fråga den",
    "it may ping": "den får pinga",
    "it knows what it is to try": "den vet vad den ska prova",
    "the configuration on disk is the one in force": "konfigurationen på disken är den som gäller",
}
"""What its checks are called in a Swedish report."""
