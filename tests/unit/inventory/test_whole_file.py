"""A file is put in place whole, and nothing stays open of it."""

from __future__ import annotations

from pathlib import Path

import gevent

from inventory.whole_file import is_stream, put_in_place

OPEN = Path("/proc/self/fd")


def test_a_file_has_its_new_content_and_mode_and_nothing_is_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    put_in_place(file, b"new", mode=0o640)

    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o640)
    assert list(tmp_path.iterdir()) == [file]


def test_many_writes_in_a_row_leave_nothing_open(tmp_path: Path) -> None:
    gevent.get_hub()  # from now on, gevent's os.close waits until its loop runs
    before = len(list(OPEN.iterdir()))

    for number in range(50):
        put_in_place(tmp_path / str(number), b"x")

    assert len(list(OPEN.iterdir())) <= before


def test_what_the_system_names_is_written_to_and_never_replaced_even_where_it_leads_to_a_file(tmp_path: Path) -> None:
    # With `> file`, /dev/stdout is a link to an ordinary file: root would put a file in the place of the link.
    ordinary = tmp_path / "file"
    with ordinary.open("wb") as file:
        for name in (f"/dev/fd/{file.fileno()}", f"/proc/self/fd/{file.fileno()}"):
            assert is_stream(Path(name))
    assert is_stream(Path("/dev/null"))
    link = tmp_path / "link"
    link.symlink_to(ordinary)
    assert not any(map(is_stream, (ordinary, tmp_path, link, tmp_path / "none")))
