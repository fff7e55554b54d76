"""What a failed check says: about the host, in few lines, and no secret that only the host had."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.verify.result import result_of
from tests.unit.deploy.lab_fleet import host

HASH = "$y$j9T$abcdefghijklmnopqrstuv$0123456789abcdefghijklmnopqrstuvwxyzABCDEF"
WIREGUARD = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
AGE = "AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQQPZRY9X8GF2TVDW0S3JN54KHC"
PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nQyNTUxOQAAACD7\n-----END OPENSSH PRIVATE KEY-----"


PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJte14tji3zlMNqhd2rYUIgJBgB3fBmkyAnz5TFlXX of /srv/a/b on 10.60.10.11"


def detail_of(text: str, request: pytest.FixtureRequest) -> str:
    """What a check says that quotes a line of a file."""

    def check() -> None:
        assert [line for line in text.splitlines() if "!" not in line] == []

    call = pytest.CallInfo.from_call(check, "call")
    report = pytest.TestReport.from_item_and_call(request.node, call)
    on = host("tie-a", ("eth0", "10.0.0.1/24"))
    found = result_of(request.node, on, call, report, strangers=(), restarts=())
    assert found.outcome == "failed"
    return found.detail


@pytest.mark.parametrize("secret", [HASH, WIREGUARD, AGE, PEM])
def test_a_secret_of_the_hosts_own_is_not_told(secret: str, request: pytest.FixtureRequest) -> None:
    detail = detail_of(f"root:{secret}:20000::::::", request)

    assert "root:‹withheld›" in detail
    assert not any(piece in detail for piece in (secret[10:30], secret[-20:]))


@pytest.mark.parametrize("line", [PUBLIC])
def test_what_is_no_secret_is_told_and_where(line: str, request: pytest.FixtureRequest) -> None:
    detail = detail_of(line, request)

    assert line in detail
    assert f"tests/state/{Path(__file__).name}:" in detail
