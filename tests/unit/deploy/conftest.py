"""What tests of several rooms of deploy/ share: a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Server, serving


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server for all tests here."""
    with serving() as server:
        yield server
