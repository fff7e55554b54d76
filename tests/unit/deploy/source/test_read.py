"""What is read since the last time, and made while NetBox is still asked, is what reading everything gives."""

from __future__ import annotations

import copy
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.source import netbox as source
from deploy.source.known import SourcedFleet
from deploy.source.netbox import from_netbox
from inventory.errors import InventoryError
from inventory.netbox import kept
from inventory.netbox.pull import pull
from inventory.netbox.rows import Rows
from inventory.parts import Parts
from inventory.scope import EVERYTHING, Scope
from tests.unit.inventory.netbox_stand_in import StandIn
from tests.unit.inventory.netbox_world import Edits, world

LOG = "core/object-changes"


class Edited(StandIn):
    """A NetBox that somebody edits just before it is asked for its log for the nth time, for each n."""

    def __init__(self, seed: int, edits: Mapping[int, int]) -> None:
        rng = Random(seed)  # noqa: S311  a test's
        self.edits = Edits(world(rng), rng)
        super().__init__(self.edits.rows, changes=self.edits.log)
        self.will_be_edited(edits)

    def edit(self) -> None:
        """Edit until there is something in the log of it."""
        before = len(self.edits.log)
        while len(self.edits.log) == before:
            self.edits.edit()

    def will_be_edited(self, edits: Mapping[int, int]) -> None:
        """Begin to count anew."""
        self.before, self.times = dict(edits), 0

    def send(
        self, method: str, endpoint: str, document: Any = None, params: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        if endpoint == LOG:
            self.times += 1
            for _ in range(self.before.pop(self.times, 0)):
                self.edit()
            self.rows = copy.deepcopy(self.edits.rows)
        return super().send(method, endpoint, document, params)


def read(netbox: StandIn, cache: Path, *, since_last: bool = True) -> tuple[SourcedFleet, list[str]]:
    told: list[str] = []
    return from_netbox(netbox.netbox(), cache, told.append, since_last=since_last), told


def said(found: SourcedFleet) -> tuple[object, ...]:
    """All but the time."""
    return found.fleet, found.fleet.digest, found.problems, found.reported, found.left_out, found.counts


@pytest.mark.long
@given(st.integers(0, 2**32), st.integers(0, 5), st.dictionaries(st.integers(1, 4), st.integers(1, 3), max_size=3))
@settings(max_examples=40)
def test_what_is_read_since_the_last_time_is_all_of_it_whatever_is_edited_meanwhile(
    seed: int, before: int, meanwhile: dict[int, int]
) -> None:
    netbox = Edited(seed, {})
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch)
        read(netbox, cache)
        for _ in range(before):
            netbox.edit()
        netbox.will_be_edited(meanwhile)

        since, told = read(netbox, cache)
        netbox.will_be_edited({})
        full, _ = read(netbox, cache, since_last=False)

        assert (told, said(since)) == ([], said(full)), netbox.edits.done
        assert said(read(netbox, cache)[0]) == said(full)


@given(st.integers(0, 2**32))
@settings(max_examples=25)
def test_to_make_a_fleet_changes_nothing_in_the_rows_that_are_kept_meanwhile(seed: int) -> None:
    rows = pull(Edited(seed, {}).netbox()).rows
    before = repr(rows)

    source.parts_of(rows, EVERYTHING)

    assert repr(rows) == before


@given(st.integers(0, 2**32), st.dictionaries(st.integers(1, 4), st.integers(1, 3), max_size=3))
@settings(max_examples=25)
def test_a_whole_pull_holds_what_is_edited_meanwhile(seed: int, meanwhile: dict[int, int]) -> None:
    netbox = Edited(seed, meanwhile)
    with tempfile.TemporaryDirectory() as scratch:
        first, _ = read(netbox, Path(scratch))
        netbox.will_be_edited({})

        assert said(first) == said(read(netbox, Path(scratch), since_last=False)[0]), netbox.edits.done


def test_the_fleet_is_made_while_netbox_is_asked_and_again_only_if_something_changed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netbox, made = Edited(1, {}), list[Rows]()
    make = source.parts_of

    def counted(rows: Rows, scope: Scope) -> Parts:
        made.append(rows)
        return make(rows, scope)

    monkeypatch.setattr(source, "parts_of", counted)

    def times_made() -> int:
        before = len(made)
        read(netbox, tmp_path)
        return len(made) - before

    assert times_made() == 1
    netbox.edit()
    assert times_made() == 1
    assert times_made() == 1  # nothing changed at all
    netbox.edit()
    netbox.will_be_edited({2: 1})
    assert times_made() == 2


def test_netbox_is_asked_what_is_newer_before_what_was_kept_is_loaded_and_not_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netbox, asked_before = Edited(1, {}), threading.Event()
    read(netbox, tmp_path)
    netbox.will_be_edited({})
    send, parsed = netbox.send, kept._parsed

    def heard(method: str, endpoint: str, *others: Any, **more: Any) -> dict[str, Any]:
        if endpoint == LOG:
            asked_before.set()
        return send(method, endpoint, *others, **more)

    def loaded(text: bytes) -> Any:
        assert asked_before.wait(10)
        return parsed(text)

    monkeypatch.setattr(netbox, "send", heard)
    monkeypatch.setattr(kept, "_parsed", loaded)
    read(netbox, tmp_path)

    assert netbox.times == 1


def test_rows_that_nothing_changed_in_are_not_kept_anew(tmp_path: Path) -> None:
    netbox = Edited(1, {})
    read(netbox, tmp_path)
    file = tmp_path / "netbox.json"
    before = file.stat()

    read(netbox, tmp_path)

    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_whoever_is_told_what_is_likely_to_be_all_is_told_last_what_is() -> None:
    netbox, told = Edited(2, {1: 1, 2: 2, 3: 1}), list[Rows]()

    rows = pull(netbox.netbox(), likely=told.append).rows

    assert told[-1].of is rows.of
    assert all(earlier.of is not rows.of for earlier in told[:-1])


@pytest.mark.parametrize("of", ["damaged", "another version of samdrift", "another scope"])
def test_what_was_kept_and_is_of_no_use_leads_to_everything_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    netbox = Edited(3, {})
    read(netbox, tmp_path)
    for _ in range(5):
        netbox.edit()
    if of == "damaged":
        file = tmp_path / "netbox.json"
        file.write_bytes(file.read_bytes()[:-1] + b" ")
    elif of == "another version of samdrift":
        monkeypatch.setattr(kept, "FORMAT", "another")
    else:
        monkeypatch.setattr(source, "of_the_project", lambda: Scope(tenants=("t1",)))

    since, told = read(netbox, tmp_path)

    assert [of in line for line in told] == [True]
    assert said(since) == said(read(netbox, tmp_path, since_last=False)[0])


def test_a_scope_that_names_what_is_not_there_is_told_and_what_was_read_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "of_the_project", lambda: Scope(tenants=("nobody",)))

    with pytest.raises(InventoryError, match="there is no 'nobody'"):
        read(Edited(4, {}), tmp_path)

    assert (tmp_path / "netbox.json").exists()


def test_what_was_begun_of_other_rows_is_never_taken() -> None:
    netbox = Edited(5, {})
    then = pull(netbox.netbox()).rows
    making = source._Making(EVERYTHING)
    making.begin(then)
    site = {1: then["sites"][1] | {"facility": "another"}}
    now = Rows({**then.of, "sites": {**then["sites"], **site}}, then.mark)

    assert making.made_of(now).fleet == source.parts_of(now, EVERYTHING).fleet != making.made_of(then).fleet


UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys
from pathlib import Path
from tests.unit.deploy.source.test_read import Edited, read, said
netbox, cache = Edited(7, {}), Path(sys.argv[1])
read(netbox, cache)
netbox.edit()
netbox.will_be_edited({2: 1})
since = said(read(netbox, cache)[0])
netbox.will_be_edited({})
assert since == said(read(netbox, cache, since_last=False)[0])
"""


def test_it_comes_to_an_end_where_threads_are_gevent_s(tmp_path: Path) -> None:
    command = [sys.executable, "-c", UNDER_GEVENT, str(tmp_path)]
    done = subprocess.run(command, timeout=120, check=False, capture_output=True)

    assert (done.returncode, done.stderr.decode()) == (0, "")
