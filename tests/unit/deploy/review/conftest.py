"""One rendering of the shipped snapshot for all tests of reviews."""

from __future__ import annotations

import pytest

from deploy.review.state import State
from tests.unit.deploy.review.renders import SNAPSHOT, states


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> State:
    """The shipped snapshot, rendered."""
    return states(tmp_path_factory.mktemp("shipped"), SNAPSHOT)[0]
