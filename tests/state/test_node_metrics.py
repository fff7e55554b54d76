"""Role node_metrics: the exporter answers where the monitoring hosts ask, about everything that it should measure."""

from __future__ import annotations

import re
from typing import Any

import pytest

from roles.node_metrics import ASK, ASK_BY_NAME, SANDBOX, UNIT, Settings

SUCCEEDED = re.compile(r'^node_scrape_collector_success\{collector="(\w+)"\} 1$', re.MULTILINE)
THE_KERNELS = frozenset({"conntrack", "pressure", "timex"})
"""Collectors that a container may be refused by the outer machine's kernel."""


def metrics(host: Any, settings: Settings) -> str:
    """The whole answer, as a monitoring host would get it."""
    asked = ASK_BY_NAME if settings.password else ASK
    answer = str(host.check_output(asked.format(address=settings.addresses[0], port=settings.port)))
    assert answer.startswith("HTTP/1.0 200 OK"), answer.partition("\n")[0]
    return answer


def failed(host: Any, settings: Settings) -> set[str]:
    """The collectors that should measure and do not say that they did."""
    return set(settings.collectors) - set(SUCCEEDED.findall(metrics(host, settings)))


def test_the_exporter_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_it_answers_with_metrics_of_this_host(host: Any, settings: Settings) -> None:
    assert f'nodename="{host.check_output("uname -n")}"' in metrics(host, settings)


def test_it_answers_nobody_without_the_password(host: Any, settings: Settings) -> None:
    if not settings.password:
        pytest.skip("not applicable: whoever the firewall lets in may ask (option password is false)")
    answer = host.check_output(ASK.format(address=settings.addresses[0], port=settings.port))
    assert answer.startswith("HTTP/1.0 401 "), answer.partition("\n")[0]


def test_it_listens_on_the_primary_address_only(host: Any, settings: Settings) -> None:
    listening = host.check_output(f"ss -Hlnt sport = :{settings.port}").splitlines()
    assert sorted(line.split()[3] for line in listening) == sorted(settings.sockets)


def test_every_collector_measures(host: Any, settings: Settings) -> None:
    assert not failed(host, settings) - THE_KERNELS


def test_the_kernel_lets_itself_be_measured(host: Any, settings: Settings) -> None:
    refused = failed(host, settings) & THE_KERNELS
    if refused and host.run_expect([0, 1], "systemd-detect-virt --quiet --container").rc == 0:
        pytest.skip(f"not applicable: the outer machine's kernel refuses a container {', '.join(sorted(refused))}")
    assert not refused


PROVES = {
    "authentication": ("it answers nobody without the password",),
    "capacity": ("every collector measures",),
    "hardening": ("its service may do what it needs and nothing else",),
    "measuring": (
        "the exporter runs and is enabled",
        "it answers with metrics of this host",
        "every collector measures",
        "the kernel lets itself be measured",
    ),
    "network services": ("the exporter runs and is enabled",),
    "segregation": ("it listens on the primary address only",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "the exporter runs and is enabled": "exportören är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "it answers with metrics of this host": "den svarar med värdens mätvärden",
    "it answers nobody without the password": "den svarar ingen utan lösenordet",
    "it listens on the primary address only": "den lyssnar bara på den primära adressen",
    "every collector measures": "varje insamlare mäter",
    "the kernel lets itself be measured": "kärnan låter sig mätas",
}
"""What its checks are called in a Swedish report."""
