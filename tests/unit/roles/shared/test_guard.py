"""What a guard keeps, it puts back, whatever happened in between; in a real shell, on real files."""

from __future__ import annotations

import stat
import subprocess
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from roles.shared.guard import kept_file, kept_text
from roles.shared.parts.kernel import PUT_BACK

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


def test_kernel_values_go_back_to_where_each_was_read(tmp_path: Path) -> None:
    one, many = tmp_path / "ip_forward", tmp_path / "port_range"
    one.write_text("1\n")
    many.write_text("1024\t65535\n")
    subprocess.run(["sh", "-c", f"{{ {PUT_BACK}; }}"], input=f"{one}:0\n{many}:32768\t60999\n", text=True, check=True)
    assert (one.read_text().split(), many.read_text().split()) == (["0"], ["32768", "60999"])
