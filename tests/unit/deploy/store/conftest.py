"""Failed assertions of the conformance suite show what was compared, as those of tests do."""

import pytest

pytest.register_assert_rewrite("tests.unit.deploy.store.conformance")
