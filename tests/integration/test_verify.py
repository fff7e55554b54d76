"""Verify against real shells: state checks run in this process, inside the pytest that runs these tests."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from deploy.model.record import CheckResult
from deploy.transport.batch import Truncated, answers, marker
from deploy.transport.ssh import Answer, HostLost
from deploy.verify.run import ChecksBroken, verify
from inventory.fleet import Fleet, Host
from roles.shared.look_program import framed
from roles.shared.settings import Settings
from tests.sshd import fleet_of, parent_of


class WebSettings(Settings):
    port: int = 80


class Shells:
    """A session whose hosts are shells on this machine: every ask is one real `sh -s`."""

    only_looks: frozenset[str] = frozenset()

    def __init__(self, *hosts: Host) -> None:
        self.hosts = hosts
        self.settings: Mapping[str, Mapping[str, Settings]] = {
            host.name: {role: WebSettings(port=8000 + number) for role in host.roles}
            for number, host in enumerate(hosts)
        }
        self.unreachable: dict[str, str] = {}
        self.execs = {host.name: 0 for host in hosts}

    @property
    def fleet(self) -> Fleet:
        return fleet_of(*self.hosts)

    def kept_open(self, _host: str) -> AbstractContextManager[None]:
        return nullcontext()

    def ask(self, host: str, commands: Sequence[str], *, within: float | None = None) -> list[Answer]:
        if host in self.unreachable:
            raise HostLost(self.unreachable[host], where=f"host {host}")
        self.execs[host] += 1
        mark = marker()
        shell = subprocess.run(
            ["sh", "-s"],
            input=framed(commands, mark, each=5),
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
        try:
            return answers(shell.stdout, shell.stderr, mark, len(commands))
        except Truncated as e:
            self.unreachable[host] = str(e)
            raise HostLost(str(e), where=f"host {host}") from e


def host(name: str, *roles: str) -> Host:
    return Host(
        name=name,
        kind="vm",
        tenant="tierp",
        site="tierp-datahall",
        role="server",
        platform="debian-13",
        context={"samdrift": {"roles": dict.fromkeys(roles, True)}},
    )


def checks_in(directory: Path, **files: str) -> Path:
    for role, text in files.items():
        (directory / f"test_{role}.py").write_text("import pytest\n" + textwrap.dedent(text))
    return directory


def outcomes(checks: Sequence[CheckResult]) -> dict[str, str]:
    return {f"{c.host}: {c.name}": c.outcome for c in checks}


def only(checks: Sequence[CheckResult]) -> CheckResult:
    (check,) = checks
    return check


DIES = f"kill -9 {parent_of('$PPID')}"
"""Kills the shell that runs the whole batch: how a dying host looks from here."""


def test_each_outcome_is_told_for_each_host(tmp_path: Path) -> None:
    directory = checks_in(
        tmp_path,
        web="""
            def test_echo_answers(host):
                assert host.run("echo %s", "a b").stdout == "a b\\n"

            def test_port_is_even(host, settings):
                assert int(host.check_output("echo %s", str(settings.port))) % 2 == 0

            def test_audit(host):
                pytest.skip("not applicable: a container has no audit")

            @pytest.mark.parametrize("word", ["ett", "två"])
            def test_word(host, word):
                assert host.check_output("echo " + word) == word
        """,
    )
    session = Shells(host("tie-web1", "web"), host("tie-web2", "web"), host("tie-other1"))
    checks = verify(session, session.fleet, directory=directory)
    assert outcomes(checks) == {
        "tie-web1: echo answers": "passed",
        "tie-web1: port is even": "passed",
        "tie-web1: audit": "not applicable",
        "tie-web1: word [ett]": "passed",
        "tie-web1: word [två]": "passed",
        "tie-web2: echo answers": "passed",
        "tie-web2: port is even": "failed",
        "tie-web2: audit": "not applicable",
        "tie-web2: word [ett]": "passed",
        "tie-web2: word [två]": "passed",
    }
    assert {c.detail for c in checks if c.outcome == "not applicable"} == {"a container has no audit"}
    assert {(c.municipality, c.role) for c in checks} == {("tierp", "web")}


def test_a_failed_check_says_what_was_compared_and_where_without_a_traceback(tmp_path: Path) -> None:
    directory = checks_in(
        tmp_path,
        web="""
            def test_it(host):
                answer = host.run("echo closed >&2; exit 3")
                assert answer.succeeded, "the web server does not answer"
        """,
    )
    session = Shells(host("tie-web1", "web"))
    detail = only(verify(session, session.fleet, directory=directory)).detail
    assert detail.splitlines() == [
        "the web server does not answer",
        "assert False",
        "+  where False = `echo closed >&2; exit 3` (exit 3: closed).succeeded",
        "(tests/state/test_web.py:5)",
    ]


def test_a_check_that_breaks_has_failed_and_says_so(tmp_path: Path) -> None:
    directory = checks_in(tmp_path, web='def test_it(host):\n    {}[host.check_output("echo x")]\n')
    session = Shells(host("tie-web1", "web"))
    check = only(verify(session, session.fleet, directory=directory))
    assert check.outcome == "failed"
    assert check.detail == "the check itself broke: KeyError: 'x'\n(tests/state/test_web.py:3)"


@pytest.mark.parametrize(
    "body",
    [
        "@pytest.mark.xfail\ndef test_it(host):\n    assert host.run('false').rc == 0\n",
        "def test_it(host):\n    pytest.skip('')\n",
        "def test_it(host, nothing_of_this_name):\n    pass\n",
        "@pytest.fixture\ndef end(host):\n    yield\n    assert False, 'late'\n\ndef test_it(end):\n    pass\n",
        "def test_it(host):\n    assert host.run('sleep 30').rc == 0\n",
    ],
    ids=["expected to fail", "skipped without a reason", "unknown fixture", "fails afterwards", "hangs"],
)
def test_nothing_passes_for_another_reason_than_passing(tmp_path: Path, body: str) -> None:
    session = Shells(host("tie-web1", "web"))
    directory = checks_in(tmp_path)
    (directory / "test_web.py").write_text(f"import pytest\n\n{body}")
    check = only(verify(session, session.fleet, directory=directory))
    assert check.outcome == "failed"
    assert check.detail


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import no_such_module_at_all\n", "No module named 'no_such_module_at_all'"),
        ("def test_it(host:\n", "SyntaxError"),
        ("raise RuntimeError('broken at import')\n", "broken at import"),
        ("HELPERS = 1\n", "the checks of role web did not all run on tie-web1"),
        ("import pytest\npytest.skip('all of it', allow_module_level=True)\n", "did not all run"),
        ("import pytest\ndef test_it(host):\n    pytest.exit('enough')\n", "enough"),
    ],
    ids=["import", "syntax", "raises", "empty", "skipped whole", "ends the run"],
)
def test_a_check_file_that_does_not_run_is_an_error(tmp_path: Path, body: str, said: str) -> None:
    session = Shells(host("tie-web1", "web"))
    (tmp_path / "test_web.py").write_text(body)
    with pytest.raises(ChecksBroken, match=r"test_web\.py") as e:
        verify(session, session.fleet, directory=tmp_path)
    assert said in str(e.value)


def test_a_role_without_checks_is_an_error(tmp_path: Path) -> None:
    session = Shells(host("tie-web1", "web"))
    with pytest.raises(ChecksBroken, match="role web has no state checks"):
        verify(session, session.fleet, directory=tmp_path)


def test_a_host_that_dies_is_unknown_and_all_others_are_checked(tmp_path: Path) -> None:
    directory = checks_in(
        tmp_path,
        web=f"""
            def test_first(host):
                assert host.run("true").rc == 0

            def test_fatal(host, settings):
                assert host.run("true" if settings.port != 8001 else {DIES!r}).rc == 0
        """,
    )
    session = Shells(*(host(f"tie-web{n}", "web") for n in range(3)))
    for ahead in (True, False):
        session.unreachable.clear()
        checks = verify(session, session.fleet, directory=directory, ahead=ahead)
        assert {c.host for c in checks} == {"tie-web0", "tie-web2"}
        assert {c.outcome for c in checks} == {"passed"}
        assert session.unreachable.keys() == {"tie-web1"}


def test_unreachable_hosts_and_hosts_not_asked_for_are_left_alone(tmp_path: Path) -> None:
    directory = checks_in(tmp_path, web='def test_it(host):\n    assert host.run("true").succeeded\n')
    session = Shells(host("tie-web1", "web"), host("tie-web2", "web"), host("tie-web3", "web"))
    session.unreachable["tie-web1"] = "cut off"
    assert {c.host for c in verify(session, session.fleet, hosts=["tie-web1", "tie-web3"], directory=directory)} == {
        "tie-web3"
    }
    assert verify(session, session.fleet, hosts=["tie-web1"], directory=directory) == ()


MANY = """
    @pytest.mark.parametrize("number", range(20))
    def test_own_port(host, settings, number):
        first = host.check_output("echo %s", str(settings.port + number))
        assert host.check_output("expr %s - %s", first, str(number)) == str(settings.port)

    def test_who(host, me, fleet):
        assert host.check_output("echo %s", me.name) in {h.name for h in fleet.hosts}
"""


def test_a_check_is_told_which_hosts_the_run_is_still_to_change(tmp_path: Path) -> None:
    directory = checks_in(
        tmp_path,
        web="""
            def test_who(host, to_come):
                if to_come:
                    pytest.skip("not applicable: still to come: " + ", ".join(sorted(to_come)))
                assert host.run("true").rc == 0
        """,
    )
    session = Shells(host("tie-web1", "web"))
    for to_come, outcome in (({"tie-log1"}, "not applicable"), ((), "passed")):
        check = only(verify(session, session.fleet, directory=directory, to_come=to_come))
        assert (check.outcome, "tie-log1" in check.detail) == (outcome, bool(to_come))


def test_questions_are_answered_together_and_the_outcome_is_the_same(tmp_path: Path) -> None:
    directory = checks_in(tmp_path, web=MANY)
    hosts = [host(f"tie-web{n}", "web") for n in range(3)]
    together, alone = Shells(*hosts), Shells(*hosts)
    checks = verify(together, together.fleet, directory=directory)
    assert checks == verify(alone, alone.fleet, directory=directory, ahead=False)
    assert len(checks) == 63
    assert {c.outcome for c in checks} == {"passed"}
    assert set(together.execs.values()) == {2}
    assert set(alone.execs.values()) == {41}


def test_a_question_that_was_not_foreseen_is_asked_on_its_own(tmp_path: Path) -> None:
    directory = checks_in(
        tmp_path,
        web="""
            import secrets

            @pytest.fixture
            def own(host):
                return host.check_output("echo own")

            def test_random(host):
                word = secrets.token_hex(8)
                assert host.check_output("echo %s", word) == word

            def test_fixture(host, own):
                assert own == "own"
        """,
    )
    session = Shells(host("tie-web1", "web"))
    assert {c.outcome for c in verify(session, session.fleet, directory=directory)} == {"passed"}


def test_testinfra_s_own_modules_work_over_it(tmp_path: Path) -> None:
    (tmp_path / "hej.txt").write_text("Älvkarleby\n", encoding="utf-8")
    directory = checks_in(
        tmp_path,
        web=f"""
            def test_file(host):
                file = host.file({str(tmp_path / "hej.txt")!r})
                assert file.exists
                assert file.content_string == "Älvkarleby\\n"
                assert host.file("/etc/passwd").user == "root"
                assert host.user("root").uid == 0
                assert host.system_info.type == "linux"
        """,
    )
    session = Shells(host("tie-web1", "web"))
    check = only(verify(session, session.fleet, directory=directory))
    assert (check.outcome, check.detail) == ("passed", "")


def test_the_process_is_left_as_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = checks_in(
        tmp_path, web='def test_it(host):\n    print("noise")\n    assert host.run("true").succeeded\n'
    )
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    session = Shells(host("tie-web1", "web"))
    before = (dict(os.environ), list(sys.path), list(sys.meta_path), list(logging.root.handlers), Path.cwd())
    assert only(verify(session, session.fleet, directory=directory)).outcome == "passed"
    after = (dict(os.environ), list(sys.path), list(sys.meta_path), list(logging.root.handlers), Path.cwd())
    after[0]["PYTEST_CURRENT_TEST"] = before[0]["PYTEST_CURRENT_TEST"]  # pytest's own, which it sets anew itself
    assert after == before
    assert capfd.readouterr().out == ""
    assert "test_web" not in sys.modules


def test_a_changed_check_file_is_read_anew(tmp_path: Path) -> None:
    session = Shells(host("tie-web1", "web"))
    seen = []
    for status in ("true", "false"):
        (tmp_path / "test_web.py").write_text(f"def test_it(host):\n    assert host.run('{status}').rc == 0\n")
        seen.append(only(verify(session, session.fleet, directory=tmp_path)).outcome)
    assert seen == ["passed", "failed"]


def test_progress_is_told_host_by_host(tmp_path: Path) -> None:
    told: list[tuple[str, str, str]] = []

    class Listening:
        def stage(self, title: str, hosts: Sequence[str], things: str = "host") -> None:  # noqa: ARG002
            told.append(("stage", title, ",".join(hosts)))

        def host(self, host: str, state: str, detail: str = "") -> None:
            told.append((host, state, detail))

    directory = checks_in(
        tmp_path, web="def test_it(host, settings):\n    assert host.run('true').succeeded and settings.port == 8000\n"
    )
    session = Shells(host("tie-web1", "web"), host("tie-web2", "web"))
    verify(session, session.fleet, Listening(), directory=directory)
    assert told[0] == ("stage", "verifying", "tie-web1,tie-web2")
    assert told[-2:] == [("tie-web1", "done", "1 passed"), ("tie-web2", "failed", "1 failed")]
