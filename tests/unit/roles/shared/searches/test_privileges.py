"""What runs with more rights than its user has is told, but for what Debian's packages make so."""

from __future__ import annotations

import pytest

from roles.shared.searches.privileges import with_capabilities, with_setuid
from roles.shared.searches.search import Declarations
from tests.unit.roles.shared.searches.walking import DIGEST, HEALTHY, walk

NOTHING = Declarations()


def test_a_healthy_host_has_nothing_to_tell() -> None:
    healthy = walk(capable=["/usr/bin/ping cap_net_raw=ep"])
    assert list(with_setuid(healthy, NOTHING)) == []
    assert list(with_capabilities(healthy, NOTHING)) == []


def test_a_packages_program_that_was_made_setuid_is_told_as_a_copy_is_and_as_a_file_of_nobodys() -> None:
    strange = {"/usr/bin/find": "4755 root:root", "/usr/local/bin/a b\nc": "6755 root:root"}
    told = walk("/usr/local/bin/a b\nc", privileged={**HEALTHY, **strange})
    assert [(one.name, one.state) for one in with_setuid(told, NOTHING)] == [
        (path, f"f {mode} 12 {DIGEST}") for path, mode in strange.items()
    ]


def test_other_capabilities_than_debians_are_told() -> None:
    found = with_capabilities(
        walk(capable=["/usr/bin/ping cap_setuid,cap_net_raw=ep", "/opt/a b cap_setuid=ep"]), NOTHING
    )
    assert [(one.name, one.state) for one in found] == [
        ("/usr/bin/ping", "cap_setuid,cap_net_raw=ep"),
        ("/opt/a b", "cap_setuid=ep"),
    ]


def test_a_host_whose_passwd_is_not_setuid_was_not_read() -> None:
    with pytest.raises(ValueError, match="passwd"):
        list(with_setuid(walk(privileged={}), NOTHING))


def test_a_program_whose_capabilities_were_taken_away_has_none() -> None:
    assert list(with_capabilities(walk(capable=["/usr/bin/prometheus-blackbox-exporter ="]), NOTHING)) == []
    (found,) = with_capabilities(walk(capable=["/usr/bin/prometheus-blackbox-exporter =ep"]), NOTHING)
    assert found.state == "=ep"
