"""A server that answers in NetBox's place, for as long as a test runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.unit.inventory.netbox_server import Handler, Server


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server(("127.0.0.1", 0), Handler)
    running.seen = []
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield running
    finally:
        running.shutdown()
        thread.join()
        running.server_close()
