"""Where runs are recorded if nobody says, and how records are called."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from deploy.model import clock
from deploy.store.place import default_directory, record_id


def test_the_default_directory_is_the_system_s_for_root_and_the_user_s_own_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_directory() == Path("/var/lib/samdrift")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/anna/state")
    assert default_directory() == Path("/home/anna/state/samdrift")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/anna")
    assert default_directory() == Path("/home/anna/.local/state/samdrift")


def test_record_ids_sort_by_time_and_never_meet() -> None:
    first, second = record_id(clock.now(), "drift"), record_id(clock.now(), "drift")
    assert first != second
    assert record_id("2026-11-23T20:00:00.001Z", "verify") < record_id("2026-11-23T20:00:00.002Z", "apply")
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{3}Z-drift-[0-9a-f]{4}", first)


def test_the_clock_says_utc() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", clock.now())
