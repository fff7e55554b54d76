"""What tests of several rooms of deploy/ share: a PostgreSQL server; and the machine's journal is told nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.store import witness
from tests.postgres import Server, serving
from tests.unit.deploy.approvers import keys, people

__all__ = ["keys", "people"]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server for all tests here."""
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_journal(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What tests record, nobody else need hear."""
    monkeypatch.setattr(witness, "SOCKET", Path(tmp_path_factory.getbasetemp()) / "no-journal")
