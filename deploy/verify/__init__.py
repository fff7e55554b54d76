"""State checks: the tests that `samdrift verify` runs against real hosts, and the pytest plugin that they run in."""
