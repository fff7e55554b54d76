"""What tests of stores share: empty databases; and failed assertions of the conformance suite show values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.store.database import open_directory, open_url
from deploy.store.place import Database as Url
from tests.postgres import Server
from tests.unit.deploy.store.places import InDirectory, OnServer

pytest.register_assert_rewrite("tests.unit.deploy.store.conformance")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an empty database of today's."""
    directory = tmp_path_factory.mktemp("template")
    open_directory(directory).engine.dispose()
    return directory


@pytest.fixture(scope="session")
def url(server: Server) -> str:
    """The URL of a database with today's tables."""
    url = server.create("conformance")
    database = open_url(Url(url), as_it_is=True)
    assert database.upgrade()
    database.engine.dispose()
    return url


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InDirectory | OnServer]:
    """An empty place of either kind."""
    if request.param == "SQLite":
        yield InDirectory(tmp_path, request.getfixturevalue("template"))
    else:
        made = OnServer(request.getfixturevalue("url"))
        yield made
        made.close()
