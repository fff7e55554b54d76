"""Role print_server: CUPS has exactly the queues that are declared, takes jobs for them, and shows no web page."""

from __future__ import annotations

from typing import Any

from roles.print_server import UNIT, Settings


def devices(host: Any) -> dict[str, str]:
    """The queues that the running CUPS has, and where each sends."""
    lines = host.run("LC_ALL=C lpstat -v").stdout.splitlines()
    return dict(line.removeprefix("device for ").split(": ", 1) for line in lines if line.startswith("device for "))


def test_cups_runs_and_is_enabled(host: Any) -> None:
    assert host.service(UNIT).is_running
    assert host.service(UNIT).is_enabled


def test_cups_accepts_its_file(host: Any) -> None:
    judged = host.run("cupsd -t -c /etc/cups/cupsd.conf")
    assert judged.rc == 0, judged.stderr


def test_it_has_exactly_the_queues_that_are_declared(host: Any, settings: Settings) -> None:
    assert devices(host) == {q.name: q.uri for q in settings.queues}


def test_every_queue_takes_jobs(host: Any, settings: Settings) -> None:
    said = host.run("LC_ALL=C lpstat -a").stdout.splitlines()
    assert {line.split()[0] for line in said if " accepting requests " in line} == {q.name for q in settings.queues}


def test_it_listens_for_the_site(host: Any, settings: Settings) -> None:
    assert f"0.0.0.0:{settings.port}" in host.run("ss -Hltn sport = :%s", str(settings.port)).stdout.split()


def test_nobody_reads_its_configuration_and_logs_over_the_network(host: Any, settings: Settings) -> None:
    for page in ("/admin", "/admin/conf/cupsd.conf", "/admin/log/error_log"):
        said = rf"GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        get = f"exec 3<>/dev/tcp/127.0.0.1/{settings.port}; printf '{said}' >&3; head -1 <&3"
        answer = host.run(f'timeout 5 bash -c "{get}"').stdout.split()
        assert answer[1:2] in (["401"], ["403"]), (page, answer)


def test_its_web_pages_are_off(host: Any) -> None:
    assert "WebInterface=No" in host.run("cupsctl").stdout.split()
