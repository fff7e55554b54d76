"""The stores in memory do what stores do, so that tests which use them say something about any."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deploy.store.ports import Stores
from tests.unit.deploy.store.conformance import Conformance
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryHistory, in_memory


class _InMemory:
    def __init__(self) -> None:
        self.stores = in_memory()

    def open(self) -> Stores:
        return self.stores

    def damage(self, record_id: str) -> None:
        assert isinstance(self.stores.history, MemoryHistory)
        self.stores.history.texts[record_id] = "{"

    def damage_applied(self, host: str) -> None:
        assert isinstance(self.stores.applied, MemoryApplied)
        self.stores.applied.damaged.add(host)


class TestInMemory(Conformance):
    @pytest.fixture(scope="class")
    @classmethod
    def new_place(cls) -> Callable[[], _InMemory]:
        return _InMemory
