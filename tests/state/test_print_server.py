"""Role print_server: CUPS has exactly the queues that are declared, takes jobs for them, and shows no web page."""

from __future__ import annotations

import re
from typing import Any

from roles.print_server import PAGE, PAGES, QUEUES, SANDBOX, UNIT, Settings


def devices(host: Any) -> dict[str, str]:
    """The queues that the running CUPS has, and where each sends."""
    lines = lpstat(host, "-v")
    return dict(line.removeprefix("device for ").split(": ", 1) for line in lines if line.startswith("device for "))


def lpstat(host: Any, what: str) -> list[str]:
    """What CUPS says of its queues. Without any, lpstat fails as it does without CUPS: that this runs is asked too."""
    lines: list[str] = host.run(QUEUES.format(what=what)).stdout.splitlines()
    assert lines[:1] == ["scheduler is running"]
    return lines[1:]


def test_cups_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_cups_accepts_its_file(host: Any) -> None:
    judged = host.run("cupsd -t -c /etc/cups/cupsd.conf")
    assert judged.rc == 0, judged.stderr


def test_it_has_exactly_the_queues_that_are_declared(host: Any, settings: Settings) -> None:
    assert devices(host) == {q.name: q.uri for q in settings.queues}


def test_every_queue_takes_jobs(host: Any, settings: Settings) -> None:
    accepting = [re.match(r"(\S+) accepting requests ", line) for line in lpstat(host, "-a")]
    assert {found[1] for found in accepting if found} == {q.name for q in settings.queues}


def test_it_listens_for_the_site(host: Any, settings: Settings) -> None:
    listening = host.check_output("ss -Hltn sport = :%s", str(settings.port)).splitlines()
    everywhere = {4: "0.0.0.0", 6: "[::]"}  # noqa: S104
    wanted = {f"{everywhere[n.version]}:{settings.port}" for n in settings.clients}
    assert wanted
    assert wanted <= {line.split()[3] for line in listening}


def test_nobody_reads_its_configuration_and_logs_over_the_network(host: Any, settings: Settings) -> None:
    for page in PAGES:
        answer = host.run(PAGE.format(page=page, port=settings.port)).stdout.split()
        assert answer[1:2] in (["401"], ["403"]), (page, answer)


def test_its_web_pages_are_off(host: Any) -> None:
    assert "WebInterface=No" in host.check_output("cupsctl").split()


PROVES = {
    "configuration": ("cups accepts its file",),
    "hardening": (
        "its service may do what it needs and nothing else",
        "its web pages are off",
    ),
    "network services": (
        "cups runs and is enabled",
        "it has exactly the queues that are declared",
        "every queue takes jobs",
    ),
    "segregation": (
        "it listens for the site",
        "nobody reads its configuration and logs over the network",
    ),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "cups runs and is enabled": "cups är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "cups accepts its file": "cups godtar sin fil",
    "it has exactly the queues that are declared": "den har precis de köer som är beslutade",
    "every queue takes jobs": "varje kö tar emot jobb",
    "it listens for the site": "den lyssnar för platsen",
    "nobody reads its configuration and logs over the network": "ingen läser dess konfiguration och loggar över nätet",
    "its web pages are off": "dess webbsidor är avstängda",
}
"""What its checks are called in a Swedish report."""
