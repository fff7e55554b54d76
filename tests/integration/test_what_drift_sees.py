"""What runs on a host and nobody declares is told, each by its kind; and accepted by a pattern of a waiver's.

Kernel modules are not applicable in the lab: a host there is a container, which loads none.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.forty_ways import PACKAGE
from tests.integration.lab import by_hand, samdrift
from tests.integration.test_forty_ways import HOST, NEEDED, at_once, drift

pytestmark = [pytest.mark.lab, pytest.mark.long]

SESSION = "systemd-run -q --slice=user.slice --unit=samdrift-test-{name} {command}"
"""As somebody who is logged in."""
LISTEN = (
    "python3 -c 'import socket, time; s = socket.socket(); s.bind((\"{at}\", {port})); s.listen(); time.sleep(999)'"
)
PROGRAM = "/usr/bin/namei"

PLANTED = {
    ("package", "stays-package"): (PACKAGE, "dpkg --purge stays-package"),
    ("foreign-package", "stays-package"): ("true", "true"),
    ("package-file", PROGRAM): (
        f"cp -a {PROGRAM} /root/kept && echo >> {PROGRAM} && touch -r /root/kept {PROGRAM}",
        f"cp -a /root/kept {PROGRAM} && rm /root/kept",
    ),
    ("package-file", "/etc/bash.bashrc"): (
        "cp -a /etc/bash.bashrc /root/kept.rc && echo true >> /etc/bash.bashrc",
        "cp -a /root/kept.rc /etc/bash.bashrc && rm /root/kept.rc",
    ),
    ("unit", "debug-shell.service"): ("systemctl enable debug-shell.service", "systemctl disable debug-shell.service"),
    ("transient-unit", "/run/systemd/transient/samdrift-test-run.service"): (
        "systemd-run -q --unit=samdrift-test-run sleep 999",
        "systemctl stop samdrift-test-run.service",
    ),
    ("port", "tcp/31338"): (
        f"systemd-run -q --unit=samdrift-test-open {LISTEN.format(at='0.0.0.0', port=31338)}",  # noqa: S104  on a lab host
        "systemctl stop samdrift-test-open.service",
    ),
    ("port", "tcp/31339 127.0.0.1"): (
        SESSION.format(name="local", command=LISTEN.format(at="127.0.0.1", port=31339)),
        "systemctl stop samdrift-test-local.service",
    ),
    ("table", "ip stays"): ("nft add table ip stays", "nft delete table ip stays"),
}
"""By kind and name, the commands that plant a thing and take it away."""


@pytest.fixture(scope="module")
def planted(machine: None) -> list[dict[str, Any]]:
    """What drift finds on a host with one of each kind, which are gone when the tests go on."""
    samdrift("lab", "up")
    samdrift("--lab", "--limit", NEEDED, "apply", "--yes", "--reason", "tests of what drift sees")
    try:
        assert by_hand(HOST, at_once([plants for plants, _ in PLANTED.values()])) == ""
        return drift(expect=2)
    finally:
        left = by_hand(HOST, at_once([undoes for _, undoes in PLANTED.values()]))
        assert left == "", "the host stays as it was planted"


def lines(findings: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Kind and name of each thing that findings tell, alone or in a list."""
    found = set()
    for finding in (f for f in findings if f["kind"] == "unmanaged"):
        kind, _, name = finding["step"].partition(" ")
        listed = [line.partition("  ")[0] for line in finding["detail"].splitlines()] if name == "*" else [name]
        found |= {(kind, one) for one in listed}
    return found


def test_one_of_each_kind_is_told_with_what_to_do(planted: list[dict[str, Any]]) -> None:
    assert PLANTED.keys() - lines(planted) == set()
    assert all(f["remedy"] for f in planted)


def test_a_host_without_them_is_in_sync(planted: list[dict[str, Any]]) -> None:
    assert drift(expect=0) == []
