"""What a guard keeps, it puts back, whatever happened in between; in a real shell, on real files."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roles.shared.guard import Guard, kept_file, kept_service, kept_text
from roles.shared.parts.kernel import PUT_BACK
from roles.shared.parts.registration import registering
from roles.shared.parts.ruleset import loaded_ruleset
from tests.unit.roles.judging import needs

CONTENT = st.none() | st.binary(max_size=40)


def sh(program: str, cwd: Path) -> None:
    subprocess.run(["sh", "-eu"], input=program, cwd=cwd, text=True, check=True)


def look(path: Path) -> object:
    """What stands at a path: a link's target, or content and mode, or nothing."""
    if path.is_symlink():
        return str(path.readlink())
    return (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) if path.exists() else None


def put(path: Path, content: bytes | None, mode: int) -> None:
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)


MODES, NAMES = st.sampled_from([0o600, 0o644, 0o755]), st.sampled_from(["a", "two words", "-n", "ö'$(x)"])


@pytest.mark.long
@given(CONTENT, CONTENT, MODES, NAMES)
@settings(max_examples=10)
def test_a_file_comes_back_as_it_was_however_often(
    before: bytes | None, after: bytes | None, mode: int, name: str
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        place, kept = Path(scratch, "etc", name), Path(scratch, "guard")
        place.parent.mkdir()
        kept.mkdir()
        put(place, before, mode)
        guard, seen = kept_file(str(place)), look(place)
        sh(guard.keep, kept)
        put(place, after, 0o640)
        for _ in range(2):
            sh(guard.restore, kept)
            assert look(place) == seen
        sh(guard.forget, kept)
        assert [p.name for p in place.parent.iterdir()] == ([name] if before is not None else [])


def test_a_link_comes_back_as_a_link(tmp_path: Path) -> None:
    place, kept = tmp_path / "localtime", tmp_path / "guard"
    kept.mkdir()
    place.symlink_to("/usr/share/zoneinfo/UTC")
    guard = kept_file(str(place))
    sh(guard.keep, kept)
    put(place, b"a file", 0o644)
    sh(guard.restore, kept)
    assert look(place) == "/usr/share/zoneinfo/UTC"


def test_what_a_command_told_is_what_another_is_given(tmp_path: Path) -> None:
    (tmp_path / "now").write_text("first\n")
    guard = kept_text("state", tell="cat now", put_back="tee now > /dev/null")
    sh(guard.keep, tmp_path)
    (tmp_path / "now").write_text("second\n")
    sh(guard.restore, tmp_path)
    assert (tmp_path / "now").read_text() == "first\n"


@pytest.mark.parametrize("ran", [True, False])
def test_a_service_runs_again_or_not_as_it_did_before_the_change(tmp_path: Path, ran: bool) -> None:
    """WireGuard's unit needs its file to be stopped, so that it is stopped before files go; and again after, if not."""
    (tmp_path / "systemctl").write_text(SYSTEMCTL)
    (tmp_path / "systemctl").chmod(0o755)
    state = tmp_path / "wg.state"
    state.write_text("active\n" if ran else "inactive\n")
    guard, path = kept_service("wg"), f"PATH={tmp_path}:$PATH; "
    sh(path + guard.keep, tmp_path)
    state.write_text("inactive\n" if ran else "active\n")
    for command in (guard.restore, *guard.then):
        sh(path + command, tmp_path)
    assert state.read_text() == ("active\n" if ran else "inactive\n")
    sh(path + guard.then[0], tmp_path)
    assert state.read_text() == ("active\n" if ran else "inactive\n")


SYSTEMCTL = """\
#!/bin/sh
case "$*" in
"is-active "*) cat "$2.state"; grep -qx active "$2.state" ;;
"is-enabled "*) echo disabled; exit 1 ;;
"-q is-active "*) grep -qx active "$3.state" ;;
"start "*) echo active > "$2.state" ;;
"stop "*) echo inactive > "$2.state" ;;
esac
"""


def test_a_file_that_its_program_refuses_before_the_change_is_not_taken_for_one_that_can_be_read_again(
    tmp_path: Path,
) -> None:
    place = tmp_path / "sshd_config"
    place.write_text("Prot 22\n")
    guard = kept_file(str(place), ("true",), accepts="grep -q Port {path}")
    sh(guard.keep, tmp_path)
    with pytest.raises(subprocess.CalledProcessError):
        sh(guard.prove, tmp_path)
    not_there = kept_file(str(place), ("true",), accepts="no-such-program {path}")
    sh(not_there.keep, tmp_path)
    sh(not_there.prove, tmp_path)


def test_a_copy_that_differs_is_no_proof(tmp_path: Path) -> None:
    place = tmp_path / "hosts"
    place.write_text("one\n")
    guard = kept_file(str(place))
    sh(guard.keep, tmp_path)
    sh(guard.prove, tmp_path)
    place.write_text("two\n")
    with pytest.raises(subprocess.CalledProcessError):
        sh(guard.prove, tmp_path)


SETS = """\
table inet f {
    set listed { type ipv4_addr; flags timeout; elements = { 10.0.0.1 timeout 1h, 10.0.0.2 timeout 2h } }
    chain input { type filter hook input priority 0; ip saddr @listed accept; }
}
"""
OWNED = "(echo 'add table inet kept { flags owner; }'; sleep 5) | nft -i > /dev/null & "


def of_ruleset(tmp_path: Path) -> Guard:
    with registering("firewall") as registration, contextlib.suppress(AttributeError, LookupError):
        loaded_ruleset(str(tmp_path / "nftables.conf"), SETS, ())  # declared outside of any host: its guard alone
    return registration.guards["nftables ruleset in force"]


def in_a_network(program: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program where a ruleset is nobody else's."""
    rights = () if os.geteuid() == 0 else ("--map-root-user",)
    argv = ["unshare", "--net", *rights, "sh", "-c", program]
    path = f"{os.environ['PATH']}:/usr/sbin"
    return subprocess.run(argv, cwd=cwd, env={"PATH": path}, capture_output=True, text=True, check=False)


@needs("nft")
def test_a_ruleset_comes_back_with_what_its_sets_hold(tmp_path: Path) -> None:
    (tmp_path / "sets").write_text(SETS)
    guard = of_ruleset(tmp_path)
    steps = ("nft -f sets", guard.keep, guard.prove, "nft flush ruleset", guard.restore, "nft list ruleset")
    done = in_a_network(" && ".join(f"{{ {step}; }}" for step in steps), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "10.0.0.1" in done.stdout
    assert "10.0.0.2" in done.stdout


@pytest.mark.long
@needs("nft")
def test_a_ruleset_that_another_program_keeps_to_itself_cannot_be_proved(tmp_path: Path) -> None:
    guard = of_ruleset(tmp_path)
    found = "until nft list ruleset | grep -q kept; do sleep 0.1; done; "
    done = in_a_network(f"{OWNED}{found}{{ {guard.keep}; }} && {{ {guard.prove}; }}", tmp_path)
    assert done.returncode != 0
    assert "Operation not permitted" in done.stderr


def test_kernel_values_go_back_to_where_each_was_read(tmp_path: Path) -> None:
    one, many = tmp_path / "ip_forward", tmp_path / "port_range"
    one.write_text("1\n")
    many.write_text("1024\t65535\n")
    subprocess.run(["sh", "-c", f"{{ {PUT_BACK}; }}"], input=f"{one}:0\n{many}:32768\t60999\n", text=True, check=True)
    assert (one.read_text().split(), many.read_text().split()) == (["0"], ["32768", "60999"])


def test_what_is_kept_beside_a_file_is_passed_over_by_programs_that_read_all_of_a_directory() -> None:
    """pam-auth-update reads what is hidden, and took the old profile for one more; only what ends so it does not."""
    kept = kept_file("/usr/share/pam-configs/own").keep
    assert "'/usr/share/pam-configs/.own.samdrift-kept~'" in kept
