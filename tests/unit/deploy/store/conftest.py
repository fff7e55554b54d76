"""What tests of stores share: an empty database; and failed assertions of the conformance suite show values."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.unit.deploy.store.conformance")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an empty database of today's."""
    from deploy.store.database import open_directory  # noqa: PLC0415  after assertions are rewritten

    directory = tmp_path_factory.mktemp("template")
    open_directory(directory).engine.dispose()
    return directory
