"""A ruleset that would shut out the very session that loads it is refused, on a real sshd and by the real nft."""

import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import ip_network

import pytest

from deploy.transport.ssh import Answer, Connection
from roles.shared.parts.ruleset import LIVE, LiveRuleset, ruleset_digest, session_stays
from roles.shared.traffic import ANYWHERE, ANYWHERE6
from tests.sshd import Sshd

pytestmark = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin") is None
    or subprocess.run(["/usr/bin/unshare", "--net", "true"], check=False, capture_output=True).returncode != 0,
    reason="nft is not installed here, or nobody may make a network namespace",
)

Asked = Callable[..., Answer]


@pytest.fixture
def asked(sshd: Sshd) -> Iterator[Asked]:
    """Whether a session from 127.0.0.1 would stay, if these networks were let in."""
    connection = Connection(sshd.host(), sshd.access)
    connection.open()

    def ask(*let_in: str, start: str = "") -> Answer:
        command = session_stays(map(ip_network, let_in))
        return connection.run(f"{start} sh -c {shlex.quote(command)}", timeout=10)

    yield ask
    connection.close()


@pytest.mark.parametrize("let_in", ["127.0.0.1/32", "127.0.0.0/30", str(ANYWHERE[0])])
def test_a_session_that_is_let_in_stays(asked: Asked, let_in: str) -> None:
    answer = asked("10.60.10.250/32", let_in) if let_in != "0.0.0.0/0" else asked(let_in)
    assert (answer.rc, answer.stderr) == (0, "")


@pytest.mark.parametrize("let_in", [(), ("10.60.10.250/32",), ("127.0.0.2/31", "10.59.0.250/32")])
def test_a_session_that_would_be_shut_out_is_refused(asked: Asked, let_in: tuple[str, ...]) -> None:
    answer = asked(*let_in)
    assert answer.rc == 1
    assert "this session comes from 127.0.0.1, and the new ruleset would shut it out" in answer.stderr


OVER_IPV6 = "env SSH_CONNECTION='2001:db8:60:10::250 50000 2001:db8:60:10::11 22'"


@pytest.mark.parametrize("let_in", ["2001:db8:60:10::250/128", "2001:db8:60::/48", str(ANYWHERE6)])
def test_a_session_over_ipv6_that_is_let_in_stays(asked: Asked, let_in: str) -> None:
    assert asked("10.60.10.250/32", let_in, start=OVER_IPV6).rc == 0


@pytest.mark.parametrize("let_in", [(), ("127.0.0.1/32",), ("2001:db8:60:10::251/128", "127.0.0.0/8")])
def test_a_session_over_ipv6_that_would_be_shut_out_is_refused(asked: Asked, let_in: tuple[str, ...]) -> None:
    answer = asked(*let_in, start=OVER_IPV6)
    assert answer.rc == 1
    assert "this session comes from 2001:db8:60:10::250, and the new ruleset would shut it out" in answer.stderr


def test_what_sudo_keeps_from_its_children_is_known_all_the_same(asked: Asked) -> None:
    as_by_sudo = "sh -c 'env -u SSH_CONNECTION -u SSH_CLIENT \"$@\"; exit $?' -"
    assert asked("10.60.10.250/32", start=as_by_sudo).rc == 1
    assert asked("127.0.0.1/32", start=as_by_sudo).rc == 0


def test_the_ruleset_in_force_is_told_from_the_one_that_was_seen() -> None:
    """What the host compares before it loads another is what the look made of its answer."""
    tell = f"sh -c {shlex.quote(LIVE)}"
    compare = f"{tell} | awk 1 | sha256sum; {tell}"
    rule = 'add rule inet t c ip saddr { 10.0.0.0/8, 192.0.2.1 } tcp dport 22 accept comment "åäö"'
    start = f"add table inet t; add chain inet t c {{ type filter hook input priority 0; }}; {rule}"
    script = f"nft {shlex.quote(start)}\n{compare}; echo; nft add table inet by_hand; {compare}"
    ran = subprocess.run(["unshare", "--net", "sh", "-c", script], check=True, capture_output=True, text=True)
    seen, told, now, _ = ran.stdout.splitlines()
    live = LiveRuleset().process([told])
    assert live is not None
    assert "åäö" in live
    assert ruleset_digest(live) == seen.split()[0]
    assert now != seen
