"""A NETCONF session against a real server, Debian's netconfd: what RFC 6241 and RFC 6242 say, as it takes them.

Its confirmed commits count real seconds: a minute is two of them here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
import pytest

from deploy.transport import netconf_connection
from deploy.transport.netconf_connection import NetconfConnection
from deploy.transport.netconf_messages import BASE_1_1
from deploy.transport.ssh import HostLost
from inventory.fleet import Host
from roles.shared.device.netconf import CANDIDATE, Netconf
from roles.shared.device.vendor import CommitConfirm, Vendor
from tests.netconfd import NETCONFD, running_netconfd
from tests.sshd import Sshd, cannot_run, running_sshd

SHOW = (
    '<get-config><source><running/></source><filter type="subtree"><switch xmlns="urn:samdrift:switch"/></filter>'
    "</get-config>"
)
MINUTE = 2.0
LONG_ENOUGH = 3
"""Minutes for what comes next on a busy machine: a commit has half of them, a second session the rest."""
RFC6241 = Netconf(
    to_have="start netconfd",
    ask="<get-schema>{text}</get-schema>",
    show=SHOW,
    answers=("data",),
    load=(
        "<edit-config><target><candidate/></target><test-option>set</test-option><config>"
        '<switch xmlns="urn:samdrift:switch"><text>{text}</text></switch></config></edit-config>'
    ),
    source="RFC 6241",
)
"""RFC 6241's own operations, as `Netconf` has them by default; a change is one text."""
JUDGE = Vendor(
    platform="netconfd",
    name="netconfd",
    netmiko="generic",
    hier_config="GENERIC",
    show="show",
    comment=r"^#",
    errors=(),
    enter=(),
    leave=(),
    confirm=CommitConfirm(
        name="confirmed commit",
        enter=(),
        leave=(),
        confirm=(),
        revert=("cancel-commit",),
        pending="",
        pending_pattern="",
        minutes=(1, 60),
        source="RFC 6241, section 8.4",
    ),
    syntax="set",
    netconf=RFC6241,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if why := cannot_run() or ("" if NETCONFD.exists() else f"needs {NETCONFD}: install netconfd"):
        pytest.skip(why)
    with running_netconfd(tmp_path_factory.mktemp("netconfd")) as running:
        yield running


@pytest.fixture(autouse=True)
def seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.transport.device_session.MINUTE", MINUTE)


def host_of(server: Sshd) -> Host:
    where = {"transport": "netconf", "netconf_port": server.port}
    return server.host(platform="netconfd", context={"samdrift": where})


@contextmanager
def session(server: Sshd, vendor: Vendor = JUDGE) -> Iterator[NetconfConnection]:
    connection = opened(server, vendor)
    try:
        yield connection
    finally:
        connection.close()


def opened(server: Sshd, vendor: Vendor) -> NetconfConnection:
    """Open a session; once more if netconfd does not answer: now and then it overlooks what follows a greeting."""
    access = server.access.model_copy(update={"fact_timeout": 5})
    for _ in range(3):
        connection = NetconfConnection(host_of(server), access, vendor)
        try:
            connection.open()
        except HostLost as e:
            if "no answer within" not in str(e):
                raise
        else:
            return connection
    pytest.fail("netconfd answered none of three sessions")


def needing(*needs: str) -> Vendor:
    """The same, which needs no more than this of a server."""
    return JUDGE.model_copy(update={"netconf": RFC6241.model_copy(update={"needs": needs})})


def text_of(connection: NetconfConnection) -> str:
    (answer,) = connection.ask([JUDGE.show])
    assert (answer.rc, answer.stderr) == (0, "")
    return answer.stdout.strip()


def set_to(server: Sshd, text: str) -> None:
    with session(server) as one:
        assert one.configure([text], minutes=None).stderr == ""


def eventually(holds: Callable[[], bool]) -> None:
    """Ask now and then: netconfd looks at its clock only while nobody has asked it anything for a second."""
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline
        gevent.sleep(1.2)


def test_a_change_is_in_force_until_its_time_runs_out_and_then_what_was_before(server: Sshd) -> None:
    set_to(server, "before")
    with session(server) as first:
        done = first.configure(["after"], minutes=LONG_ENOUGH)
        assert (done.rc, done.stderr, done.taken) == (0, "", 1)
        assert first.confirm().rc == 1  # not in the session that made it
    with session(server) as second:  # the first one's end did not end the change
        assert text_of(second) == "after"
        assert "confirmed-commit pending" in second.pending
        eventually(lambda: text_of(second) == "before")
    with session(server) as third:
        assert third.pending == ""


def test_a_change_is_confirmed_from_a_second_session_and_stays(server: Sshd) -> None:
    set_to(server, "before")
    with session(server) as first:
        assert first.configure(["kept"], minutes=LONG_ENOUGH).rc == 0
    with session(server) as second:
        answer = second.confirm()
        assert (answer.rc, answer.stderr, second.pending) == (0, "", "")
    gevent.sleep(LONG_ENOUGH * MINUTE + 0.5)
    with session(server) as third:
        assert text_of(third) == "kept"


def test_a_change_is_taken_back_at_once(server: Sshd) -> None:
    set_to(server, "before")
    with session(server) as first:
        assert first.configure(["wrong"], minutes=5).rc == 0
    with session(server) as second:
        assert second.revert().rc == 0
        assert text_of(second) == "before"
        assert second.revert().rc == 1


def test_nobody_confirms_another_runs_change(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    set_to(server, "before")
    with session(server) as first:
        assert first.configure(["theirs"], minutes=5).rc == 0
    with session(server) as second:
        with monkeypatch.context() as another_run:
            another_run.setattr(netconf_connection, "TOKEN", "samdrift-another")
            refused = second.confirm()
            assert (refused.rc, refused.stderr.startswith("not confirmed: invalid value")) == (1, True)
            assert second.revert().rc == 1
        assert text_of(second) == "theirs"
        assert second.revert().rc == 0
        assert text_of(second) == "before"


def test_while_another_session_has_the_lock_nothing_is_written(server: Sshd) -> None:
    set_to(server, "before")
    with session(server) as other, session(server) as one:
        assert other._done(netconf_connection.LOCK).rc == 0
        refused = one.configure(["after"], minutes=LONG_ENOUGH)
        assert (refused.rc, refused.taken) == (1, 0)
        assert refused.stderr.startswith("its configuration is not free: lock denied (session ")
        assert other._done(netconf_connection.UNLOCK).rc == 0
        assert text_of(one) == "before"


def test_another_sessions_draft_is_neither_committed_nor_discarded(server: Sshd) -> None:
    set_to(server, "before")
    draft = netconf_connection.Step("", RFC6241.load.replace("{text}", "theirs"))
    with session(server) as other, session(server) as one:
        assert other._done(draft).rc == 0
        refused = one.configure(["after"], minutes=LONG_ENOUGH)
        assert (refused.rc, "discard-changes needed" in refused.stderr) == (1, True)
        assert text_of(one) == "before"
        assert other._done(netconf_connection.Step("", "<commit/>")).rc == 0
        assert text_of(one) == "theirs"


@pytest.mark.parametrize(("text", "why"), [("100 %", "refused: "), ("what is impossible", "not committed: ")])
def test_what_the_server_refuses_leaves_nothing_in_force_and_nothing_in_the_candidate(
    server: Sshd, text: str, why: str
) -> None:
    set_to(server, "before")
    with session(server) as one:
        refused = one.configure([text], minutes=LONG_ENOUGH)
        assert (refused.rc, refused.taken, refused.stderr[: len(why)]) == (1, 0, why)
        assert text_of(one) == "before"
        assert one.configure(["after"], minutes=None).rc == 0
        assert text_of(one) == "after"


@pytest.mark.parametrize("protocol", ["netconf1.0", "netconf1.1"])
def test_both_framings_carry_a_text_with_their_own_marks_in_it(tmp_path: Path, protocol: str, server: Sshd) -> None:
    text = "a ]]>]]> b\n##\n#5\nÖstra <&> 'x' \"y\" 🏫"
    with running_netconfd(tmp_path, f"--protocols={protocol}") as own, session(own, needing(CANDIDATE)) as one:
        assert one._session is not None
        assert (BASE_1_1 in one._session.hello.capabilities) == (protocol == "netconf1.1")
        assert one.configure(text.splitlines(), minutes=None).stderr == ""
        assert text_of(one) == text


def test_a_large_reply_is_read_whole(server: Sshd) -> None:
    lines = [f"set interfaces ge-0/0/{n} description Plats-{n}-{'x' * 60}" for n in range(20_000)]
    with session(server) as one:
        assert one.configure(lines, minutes=None).stderr == ""
        assert text_of(one) == "\n".join(lines)
    set_to(server, "before")


def test_a_reply_that_is_larger_than_allowed_is_not_read(server: Sshd) -> None:
    set_to(server, "x" * 300_000)
    with session(server) as one:
        assert one._session is not None
        one._session._frames.most = 100_000
        with pytest.raises(HostLost, match="more than 100000 bytes"):
            text_of(one)
    set_to(server, "before")


def test_a_session_that_is_lost_between_loading_and_committing_leaves_nothing(server: Sshd) -> None:
    set_to(server, "before")
    with session(server) as one:
        assert one._done(netconf_connection.LOCK).rc == 0
        assert one._done(netconf_connection.Step("", RFC6241.load.replace("{text}", "x"))).rc == 0
    with session(server) as two:
        assert text_of(two) == "before"


def test_what_is_no_operation_is_an_error_and_the_session_goes_on(server: Sshd) -> None:
    with session(server) as one:
        (refused,) = one.ask(["nonsense"])
        assert refused.rc == 1
        assert refused.stderr
        assert text_of(one) == "before"


def test_a_server_that_lacks_what_a_change_needs_is_not_used(server: Sshd) -> None:
    vendor = needing(CANDIDATE, "http://example.org/other")
    with pytest.raises(HostLost, match=r"has not what a change needs: http://example\.org/other"):
        NetconfConnection(host_of(server), server.access, vendor).open()


def test_a_host_without_netconf_is_lost_with_what_to_do(sshd: Sshd) -> None:
    host = sshd.host(context={"samdrift": {"transport": "netconf", "netconf_port": sshd.port}})
    with pytest.raises(HostLost) as lost:
        NetconfConnection(host, sshd.access, JUDGE).open()
    assert lost.value.fix == "start netconfd"


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("yes", "what it says is no NETCONF: a message of more than 1048576 bytes"),
        ("echo '<a/>]]>]]>'; cat", "what it says is no NETCONF: 'a' instead of 'hello'"),
        ("echo '<!DOCTYPE hello []><hello/>]]>]]>'; cat", "what it says is no NETCONF: a document type"),
        ("true", "lost in its NETCONF session: "),
    ],
)
def test_what_is_no_netconf_server_is_lost_and_takes_no_memory(tmp_path: Path, program: str, why: str) -> None:
    if reason := cannot_run():
        pytest.skip(reason)
    (tmp_path / "server").write_text(f"{program}\n")
    with running_sshd(tmp_path, f"ForceCommand none\nSubsystem netconf sh {tmp_path}/server\n") as own:
        with pytest.raises(HostLost) as lost:
            NetconfConnection(host_of(own), own.access, JUDGE).open()
        assert why in lost.value.what
