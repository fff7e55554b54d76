"""Each line of a file that a package generates is told unless Debian's packages write such a line."""

from __future__ import annotations

import pytest

from roles.shared.searches.generated import undeclared
from roles.shared.searches.search import Declarations

HEALTHY = """\
/etc/pam.d/common-auth:# /etc/pam.d/common-auth
/etc/pam.d/common-auth:auth\t[success=1 default=ignore]\tpam_unix.so nullok
/etc/pam.d/common-auth:auth\trequisite\t\t\tpam_deny.so
/etc/pam.d/common-auth:auth\trequired\tpam_faillock.so preauth
/etc/pam.d/common-auth:auth\t[default=die]\tpam_faillock.so authfail
/etc/pam.d/common-account:account\trequired\tpam_faillock.so
/etc/pam.d/common-account:account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so
/etc/pam.d/common-session:session optional\t\t\tpam_umask.so
/etc/pam.d/common-session:session\toptional\tpam_systemd.so
/etc/nsswitch.conf:passwd:         files systemd
/etc/nsswitch.conf:hosts:          files mdns4_minimal [NOTFOUND=return] dns myhostname
/etc/nsswitch.conf:netgroup:       nis
/etc/environment:PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/etc/environment:LANG=sv_SE.UTF-8
/etc/network/interfaces:source /etc/network/interfaces.d/*
/etc/network/interfaces:auto lo
/etc/network/interfaces:iface lo inet loopback
/etc/network/interfaces:\taddress 192.0.2.1/24
/etc/modules:# comment
/etc/hosts.deny:# comment
"""


def told(more: str = "", declared: Declarations = Declarations()) -> list[str]:  # noqa: B008  a frozen value
    return [found.name for found in undeclared(HEALTHY + more, declared)]


def test_a_healthy_host_has_no_line_to_tell() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/etc/pam.d/common-auth", "auth optional pam_exec.so quiet /bin/true"),
        ("/etc/pam.d/common-auth", "auth sufficient pam_stays.so"),
        ("/etc/pam.d/common-auth", "auth required /tmp/pam_unix.so"),
        ("/etc/nsswitch.conf", "passwd: files stays"),
        ("/etc/nsswitch.conf", "passwd: files sss"),
        ("/etc/nsswitch.conf", "group: files dns"),
        ("/etc/pam.d/common-auth", "auth sufficient pam_ldap.so"),
        ("/etc/environment", "LD_PRELOAD=/usr/local/lib/x.so"),
        ("/etc/environment", 'PATH="/tmp/x:/usr/bin"'),
        ("/etc/network/interfaces", "up /bin/true"),
        ("/etc/network/interfaces", "post-up /bin/true"),
        ("/etc/hosts.allow", "ALL: ALL: spawn /bin/true"),
        ("/etc/modules", "stays"),
    ],
)
def test_a_line_that_runs_something_or_lets_somebody_in_is_told(path: str, line: str) -> None:
    assert told(f"{path}:{line}\n") == [f"{line}  in {path}"]


def test_a_file_that_is_no_copy_any_more_is_told() -> None:
    assert told("/etc/profile\n") == ["/etc/profile"]


def test_a_file_that_a_role_declares_is_not_read_here() -> None:
    line = "/etc/nsswitch.conf:passwd: files stays\n"
    assert told(line, Declarations(files=frozenset({"/etc/nsswitch.conf"}))) == []


def test_a_host_without_pam_was_not_read() -> None:
    with pytest.raises(ValueError, match="without PAM"):
        list(undeclared("", Declarations()))
