"""What runs with more rights than its user has is told, but for what Debian's packages make so."""

from __future__ import annotations

import pytest

from roles.shared.searches.privileges import with_capabilities, with_setuid
from roles.shared.searches.search import Declarations, Found

NOTHING = Declarations()
HEALTHY = """\
4755 root:root /usr/bin/passwd
2755 root:shadow /usr/sbin/unix_chkpwd
4754 root:messagebus /usr/lib/dbus-1.0/dbus-daemon-launch-helper
/usr/bin/ping cap_net_raw=ep
"""


def test_a_healthy_host_has_nothing_to_tell() -> None:
    assert list(with_setuid(HEALTHY, NOTHING)) == []
    assert list(with_capabilities(HEALTHY, NOTHING)) == []


def test_a_packages_program_that_was_made_setuid_is_told_as_a_copy_is() -> None:
    found = with_setuid(f"{HEALTHY}4755 root:root /usr/bin/find\n6755 root:root /var/tmp/a b\1c\n", NOTHING)
    assert list(found) == [
        Found(name="/usr/bin/find", state="4755 root:root"),
        Found(name="/var/tmp/a b\nc", state="6755 root:root"),
    ]


def test_other_capabilities_than_debians_are_told() -> None:
    found = with_capabilities("/usr/bin/ping cap_setuid,cap_net_raw=ep\n/opt/a b cap_setuid=ep\n", NOTHING)
    assert [(one.name, one.state) for one in found] == [
        ("/usr/bin/ping", "cap_setuid,cap_net_raw=ep"),
        ("/opt/a b", "cap_setuid=ep"),
    ]


def test_a_host_whose_passwd_is_not_setuid_was_not_read() -> None:
    with pytest.raises(ValueError, match="passwd"):
        list(with_setuid("", NOTHING))
