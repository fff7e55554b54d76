"""The offline check's verdicts, by real programs on real files; and who is judged together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.check import judge, namespace
from deploy.check.offline import check_offline
from deploy.model.findings import Exit, exit_code
from deploy.model.inventory_findings import unsound
from inventory import snapshot
from inventory.errors import Problem
from inventory.fleet import Fleet, Host
from inventory.paths import CODE
from inventory.places import Places
from inventory.rules import problems
from roles.shared.intent import Intent
from roles.shared.parts.registration import ManagedFile
from tests.unit.inventory.fleets import SERVER, SOUND, first, fleet, with_hosts
from tests.unit.roles.judging import needs

FLEET = snapshot.load()
HOST = FLEET.host("tie-mon1")


def file(
    path: str = "/etc/samdrift-test/a.conf", content: str = "yes\n", judge: str | None = "grep -q yes {path}"
) -> ManagedFile:
    return ManagedFile(
        role="test", path=path, content=content, owner="root", group="root", mode="640", validate_with=judge, then=()
    )


def judged(*files: ManagedFile) -> dict[str, judge.Judgement]:
    jobs = judge._alike(FLEET, {HOST.name: files})
    return {j.path: j for j in judge._judge_host(HOST, files, jobs)}


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    """Some machines let nobody make a namespace; there every file is not applicable, and a test below says so."""
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    made = subprocess.run(["unshare", *as_root, "--mount", "--net", "true"], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(
            "this machine allows no mount namespace: run the tests as root, outside of an unprivileged container"
        )


def test_a_file_is_accepted_or_refused_by_its_program() -> None:
    verdicts = judged(file(), file("/etc/samdrift-test/b.conf", "no\n"))

    assert verdicts["/etc/samdrift-test/a.conf"].outcome == "accepted"
    assert verdicts["/etc/samdrift-test/b.conf"].outcome == "refused"


def test_what_the_program_says_is_told() -> None:
    verdict = judged(file(judge=": {path}; echo line 3 is wrong; exit 1"))["/etc/samdrift-test/a.conf"]

    assert "line 3 is wrong" in verdict.detail


def test_a_program_that_is_not_here_judges_nothing() -> None:
    verdict = judged(file(judge="no-such-judge {path}"))["/etc/samdrift-test/a.conf"]

    assert (verdict.outcome, verdict.detail) == ("not applicable", "no-such-judge is not installed here")


def test_a_program_that_does_not_end_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "SECONDS", 1)

    assert judged(file(judge=": {path}; sleep 60"))["/etc/samdrift-test/a.conf"].outcome == "refused"


def test_a_program_sees_the_hosts_other_files_where_they_will_be() -> None:
    other = file("/etc/samdrift-test/included", "hello\n", judge=None)

    verdict = judged(file(judge="grep -q hello /etc/samdrift-test/included && test -f {path}"), other)

    assert verdict["/etc/samdrift-test/a.conf"].outcome == "accepted"


def test_nothing_that_a_program_writes_stays_on_this_machine() -> None:
    places = ("/etc/samdrift-test", "/run/samdrift-test", "/var/samdrift-test")
    judge = f"mkdir -p {' '.join(places)} && touch /etc/samdrift-test/written {{path}}"

    assert judged(file(judge=judge))["/etc/samdrift-test/a.conf"].outcome == "accepted"
    assert not any(Path(p).exists() for p in places)


def test_what_a_program_writes_has_the_modes_it_would_have_whatever_the_callers_umask_is() -> None:
    judge = 'test -f {path} && mkdir /run/samdrift-test && test "$(stat -c %a /run/samdrift-test)" = 755'
    before = os.umask(0o002)
    try:
        assert judged(file(judge=judge))["/etc/samdrift-test/a.conf"].outcome == "accepted"
    finally:
        os.umask(before)


@needs("logrotate")
def test_a_program_that_changes_to_another_group_judges_without_root_too() -> None:
    rotated = "/var/log/samdrift-test/*.log {\n    su root adm\n    missingok\n    weekly\n}\n"

    verdict = judged(file("/etc/logrotate.d/samdrift-test", rotated, "logrotate --debug --state /dev/null {path}"))

    assert verdict["/etc/logrotate.d/samdrift-test"].detail == ""
    assert verdict["/etc/logrotate.d/samdrift-test"].outcome == "accepted"


def test_a_program_may_write_to_every_directory_that_a_service_has_whoever_asks() -> None:
    judge = "test -f {path} && mkdir /var/lib/samdrift-test /var/cache/samdrift-test && echo 1 > /run/samdrift-test.pid"

    assert judged(file(judge=judge))["/etc/samdrift-test/a.conf"].detail == ""


def test_a_program_may_give_files_to_any_user_whoever_asks() -> None:
    judge = "test -f {path} && mkdir /run/samdrift-test && chown nobody:nogroup /run/samdrift-test"

    assert judged(file(judge=judge))["/etc/samdrift-test/a.conf"].detail == ""


def test_what_a_file_names_as_a_program_is_roots_alone_whoever_asks() -> None:
    for path in ("/", "/usr", "/usr/bin", "/usr/bin/grep", "/etc", "/etc/samdrift-test"):
        judge = f"test -f {{path}} && test $(stat -c %U {path}) = root && stat -c %A {path} | grep -v '^.....w\\|w.$'"
        verdict = judged(file(content="script /usr/bin/grep -q x\n", judge=judge))["/etc/samdrift-test/a.conf"]

        assert verdict.outcome == "accepted", (path, verdict.detail)


def test_without_root_nothing_is_refused_for_want_of_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = "cat {path} > /dev/null; echo '/etc/closed: Permission denied'; exit 1"
    assert judged(file(judge=judge))["/etc/samdrift-test/a.conf"].outcome != "accepted"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    verdict = judged(file(judge=judge))["/etc/samdrift-test/a.conf"]

    assert verdict.outcome == "not applicable"
    assert "as root: /etc/closed: Permission denied" in verdict.detail


WITH_MOUNTS = """\
mount -t tmpfs test /run/lock && mount -t tmpfs test /var/log && mount --bind /etc/hostname /etc/hostname && exec "$@"
"""
AS_A_STRANGER = """\
import os
os.geteuid = lambda: 1000
from deploy.check.namespace import answers
from tests.unit.deploy.check.test_check import file
asked = "cat /etc/samdrift-test/a.conf && grep -c ^root: /etc/passwd && touch /run/x /var/log/x /var/lib/x && echo all"
print(answers({"/etc/samdrift-test/a.conf": file()}, [asked])[0].output.split()[-2:])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts something where others do not see it")
def test_a_stranger_judges_where_something_is_mounted_below_run_var_and_etc() -> None:
    """A file system of its own for /var/log (CIS), what Docker and `ip netns` mount in /run, a container's hostname."""
    command = ["unshare", "--mount", "sh", "-c", WITH_MOUNTS, "sh", sys.executable, "-c", AS_A_STRANGER]
    done = subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)

    assert done.stdout == "['1', 'all']\n", done.stderr


def test_a_path_that_climbs_stays_inside_the_scratch_directory(tmp_path: Path) -> None:
    namespace.write(tmp_path / "tree", "/etc/../../../escaped", file())

    assert [p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file()] == [Path("tree/escaped")]


def test_without_a_namespace_nothing_is_called_accepted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(namespace, "PROGRAMS", str(tmp_path))

    verdict = judged(file())["/etc/samdrift-test/a.conf"]

    assert verdict.outcome == "not applicable"
    assert "no namespace" in verdict.detail


@needs("nft")
def test_a_ruleset_with_a_fault_is_refused_with_its_line() -> None:
    verdict = judged(file("/etc/nftables.conf", "table inet x {\n  chain y { typo }\n}\n", "nft -c -f {path}"))

    assert verdict["/etc/nftables.conf"].outcome == "refused"
    assert ":2:" in verdict["/etc/nftables.conf"].detail


def test_equal_files_of_several_hosts_are_judged_once_and_different_surroundings_apart() -> None:
    main = file(content="include /etc/samdrift-test/d/*\n")
    alone = file("/etc/samdrift-other.conf")
    around = [file("/etc/samdrift-test/d/1", text, judge=None) for text in ("a", "a", "b")]
    rendered = {h: (main, alone, extra) for h, extra in zip(("tie-mon1", "tie-log1", "tie-dns1"), around, strict=True)}

    together = {(j.file.path, j.hosts) for j in judge._alike(FLEET, rendered)}

    assert together == {
        (main.path, ("tie-mon1", "tie-log1")),
        (main.path, ("tie-dns1",)),
        (alone.path, ("tie-mon1", "tie-log1", "tie-dns1")),
    }


def test_problems_are_findings_that_name_their_host_and_end_with_1() -> None:
    findings = unsound(
        [Problem("rule", "host tie-mon1, field x", "is wrong", "mend it"), Problem("r", "a.yaml:3", "y")], FLEET
    )

    assert [(f.host, f.municipality) for f in findings] == [("tie-mon1", "tierp"), ("", "")]
    assert findings[0].remedy == "mend it"
    assert exit_code(findings) is Exit.ERROR
    assert len({f.fingerprint for f in findings}) == 2


@pytest.mark.parametrize(
    ("broken", "host", "municipality"),
    [
        (with_hosts(SERVER | {"host_keys": []}), "tie-dns1", "tierp"),
        (fleet(**first("sites", asns=(1,))), "", "heby"),
        (fleet(**first("vlans", name="$x")), "", "heby"),
        (fleet(prefixes=[*SOUND["prefixes"], SOUND["prefixes"][1]]), "", "tierp"),
        (fleet(**first("tenants", name="$x")), "", "heby"),
        (fleet(cables=[{"a": "heb-gw1:x", "b": "heb-gw1:lan0"}]), "", "heby"),
        (fleet(**first("config_contexts", tenants=["heby"], data={"samdirft": 1})), "", "heby"),
        (fleet(**first("config_contexts", sites=["tierp-datahall"], data={"samdirft": 1})), "", "tierp"),
        (fleet(**first("config_contexts", tenants=["heby", "tierp"], data={"samdirft": 1})), "", ""),
        (fleet(**first("prefixes", gateway="10.0.0.1")), "", ""),
        (fleet(**first("tags", name="$x")), "", ""),
        (fleet(**first("sites", tenant="hebby")), "", ""),
    ],
)
def test_a_problem_is_of_the_municipality_whose_object_it_is_about(broken: Fleet, host: str, municipality: str) -> None:
    places = Places({("hosts", 0): "hosts/x.yaml:1", ("sites", 0): "o.yaml:1", ("prefixes", 0): "n.yaml:1"})
    for where in (Places(), places):
        (finding,) = unsound(problems(broken, where), broken)
        assert (finding.host, finding.municipality) == (host, municipality)


def test_a_problem_in_a_file_keeps_its_fingerprint_when_the_line_moves() -> None:
    broken = with_hosts(SERVER | {"host_keys": []})
    places = [Places({("hosts", 0): f"hosts/tierp.yaml:{line}"}) for line in (2, 30)]

    one, other = (unsound(problems(broken, p), broken)[0] for p in places)

    assert one.summary != other.summary
    assert one.fingerprint == other.fingerprint


def test_what_cannot_be_read_is_of_the_municipality_whose_file_it_is(tmp_path: Path) -> None:
    snapshot.dump(fleet(), tmp_path)
    for name in ("hosts/heby.yaml", "network.yaml"):
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write("more: 1\n")

    found = unsound(snapshot.read(tmp_path).problems, fleet())

    assert sorted(f.municipality for f in found) == ["", "heby"]


def test_a_role_that_does_not_fit_is_found_without_rendering_the_host() -> None:
    wrong = HOST.model_copy(update={"platform": "junos"})

    done = check_offline(Intent(_with(wrong)), [wrong])

    assert done.files == 0
    assert all("does not fit platform junos" in f.summary for f in done.findings)
    assert len(done.findings) == len(wrong.roles)


def _with(host: Host) -> Fleet:
    return FLEET.model_copy(update={"hosts": tuple(host if h.name == host.name else h for h in FLEET.hosts)})
