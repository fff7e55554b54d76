"""Does the cache serve what it has, and is it no open proxy? Asked over HTTP, without leaving the host."""

from __future__ import annotations

from typing import Any

import pytest

from roles.package_cache import ASK, ELSEWHERE, SANDBOX, TIMER, TRIMS, UNIT, Settings

CACHED = "cd /var/cache/apt-cacher-ng && echo of && find . -type f -regex '[A-Za-z0-9./+~_-]*[.]deb' -print -quit"
"""Only names that mean nothing to a shell: the daemon, which is not root, chooses them."""


def ask(host: Any, settings: Settings, request: str) -> str:
    """The status line that the cache answers this request with."""
    loopback = "::1" if settings.listening == ("::",) else "127.0.0.1"
    return str(host.run(ASK.format(loopback=loopback, port=settings.port, request=request)).stdout)


def test_the_daemon_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_what_trims_the_cache_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(TRIMS) == []


@pytest.mark.usefixtures("more_than_a_look")
def test_a_cached_package_is_served(host: Any, settings: Settings) -> None:
    of, *cached = host.check_output(CACHED).splitlines()
    assert of == "of"
    if not cached:
        pytest.skip("not applicable: no package has been cached yet")
    assert " 200 " in ask(host, settings, f"GET http://{cached[0].removeprefix('./')}")


def test_tunnels_are_refused(host: Any, settings: Settings) -> None:
    assert " 403 " in ask(host, settings, "CONNECT host.invalid:443")


def test_ports_other_than_80_are_refused(host: Any, settings: Settings) -> None:
    assert " 403 " in ask(host, settings, "GET http://host.invalid:8080/debian/pool/a_1_all.deb")


def test_what_is_no_package_archive_is_refused(host: Any, settings: Settings) -> None:
    assert " 403 " in ask(host, settings, "GET http://host.invalid/index.html")


def test_an_archive_that_nobody_named_is_refused(host: Any, settings: Settings) -> None:
    assert " 403 " in ask(host, settings, f"GET {ELSEWHERE}")


def test_there_is_no_maintenance_page(host: Any, settings: Settings) -> None:
    assert " 403 " in ask(host, settings, "GET /acng-report.html")


def test_the_cache_is_trimmed_every_day(unit: Any) -> None:
    assert unit(TIMER) == ("active", "enabled")


PROVES = {
    "capacity": ("the cache is trimmed every day",),
    "hardening": (
        "its service may do what it needs and nothing else",
        "what trims the cache may do what it needs and nothing else",
        "there is no maintenance page",
    ),
    "network services": (
        "the daemon runs and is enabled",
        "a cached package is served",
        "tunnels are refused",
        "ports other than 80 are refused",
    ),
    "software": (
        "what is no package archive is refused",
        "an archive that nobody named is refused",
    ),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "the daemon runs and is enabled": "tjänsten är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "what trims the cache may do what it needs and nothing else": (
        "det som rensar cachen får göra vad det behöver och inget annat"
    ),
    "a cached package is served": "ett paket i cachen lämnas ut",
    "tunnels are refused": "tunnlar nekas",
    "ports other than 80 are refused": "andra portar än 80 nekas",
    "what is no package archive is refused": "det som inte är ett paketarkiv nekas",
    "an archive that nobody named is refused": "ett arkiv som ingen har angett nekas",
    "there is no maintenance page": "det finns ingen underhållssida",
    "the cache is trimmed every day": "cachen rensas varje dag",
}
"""What its checks are called in a Swedish report."""
