"""What runs on a server is read as its programs print it, and what cannot be read is told and not guessed."""

from __future__ import annotations

import base64
import json
from ipaddress import IPv4Interface, IPv6Interface

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roles.shared.people import kept_admins, lost_logins
from roles.shared.survey import QUESTIONS, Account, Survey, key_name, plain_key, survey

ED, RSA = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDvMXQ", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDf"

SOCKETS = """\
udp   UNCONN 0      0              127.0.0.54:53         0.0.0.0:*    users:(("systemd-resolve",pid=101,fd=16))
udp   UNCONN 0      0      10.60.10.71%eth0:68           0.0.0.0:*    users:(("systemd-network",pid=90,fd=20))
tcp   LISTEN 0      511             0.0.0.0:8080         0.0.0.0:*    users:(("nginx",pid=7,fd=6),("nginx",pid=6,fd=6))
tcp   LISTEN 0      511                [::]:8080            [::]:*    users:(("nginx",pid=7,fd=7),("nginx",pid=6,fd=7))
tcp   LISTEN 0      4096                  *:9000               *:*    users:(("node /srv/shop (web)",pid=44,fd=18))
tcp   LISTEN 0      128    [fe80::1]%eth0:2222            [::]:*
tcp   LISTEN 0      4096              [::1]:631            [::]:*    users:(("cupsd",pid=9,fd=7))
"""


def seen(**answers: str) -> Survey:
    return survey({name: answers.get(name, "[]" if name == "interfaces" else "") for name in QUESTIONS}, {})


def test_ports_that_others_can_reach_are_named_once_with_their_program() -> None:
    assert [s.what for s in seen(sockets=SOCKETS).open_ports] == [
        "2222/tcp",
        "8080/tcp (nginx)",
        "9000/tcp (node /srv/shop (web))",
        "68/udp (systemd-network)",
    ]
    assert seen(sockets=SOCKETS).unknown == ()


def test_a_line_that_is_no_socket_is_told() -> None:
    found = seen(sockets="Netid State Recv-Q\n" + SOCKETS)
    assert len(found.sockets) == 7
    assert "'Netid State Recv-Q' cannot be read" in found.unknown[0]


@given(st.text(max_size=60))
@settings(max_examples=60)
def test_whatever_a_host_answers_is_read_or_told(text: str) -> None:
    found = survey(dict.fromkeys(QUESTIONS, text), {})
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(found.sockets) + sum("which ports listen" in why for why in found.unknown) == len(lines)


@given(
    st.sampled_from(["tcp", "udp"]),
    st.sampled_from(["0.0.0.0", "[::]", "*", "127.0.0.1", "[::1]", "10.0.0.1%eth0", "[fe80::1]%eth0"]),  # noqa: S104  as ss prints it
    st.integers(1, 65535),
    st.text("abc-/ ().", max_size=15),
)
@settings(max_examples=60)
def test_a_socket_is_read_as_ss_prints_it(protocol: str, address: str, port: int, program: str) -> None:
    users = f' users:(("{program}",pid=12,fd=3))' if program else ""
    (socket,) = seen(sockets=f"{protocol} LISTEN 0 128 {address}:{port} 0.0.0.0:*{users}\n").sockets
    assert (socket.protocol, socket.port, socket.program) == (protocol, port, program)
    assert socket.is_local is (address in {"127.0.0.1", "[::1]"})


def test_what_was_not_answered_is_unknown_and_not_nothing() -> None:
    found = survey(dict.fromkeys(QUESTIONS), {"sockets": "ss: not found"})
    assert "which ports listen: ss: not found" in found.unknown
    assert len(found.unknown) == len(QUESTIONS)


def test_interfaces_have_their_lasting_addresses_and_those_that_are_lent() -> None:
    entries = [
        {"ifname": "lo", "link_type": "loopback", "addr_info": [{"family": "inet", "local": "127.0.0.1"}]},
        {"ifname": "veth1", "linkinfo": {"info_kind": "veth"}, "addr_info": []},
        {
            "ifname": "eth0.20",
            "linkinfo": {"info_kind": "vlan", "info_data": {"id": 20}},
            "addr_info": [
                {"family": "inet", "local": "10.60.20.7", "prefixlen": 24, "scope": "global"},
                {"family": "inet6", "local": "2001:db8::7", "prefixlen": 64, "scope": "global", "dynamic": True},
                {"family": "inet6", "local": "fe80::7", "prefixlen": 64, "scope": "link"},
            ],
        },
    ]
    (link,) = seen(interfaces=json.dumps(entries)).links
    assert (link.name, link.vlan) == ("eth0.20", 20)
    assert (link.addresses, link.lent) == ((IPv4Interface("10.60.20.7/24"),), (IPv6Interface("2001:db8::7/64"),))


def accounts() -> Survey:
    keys = {
        "root": f"{ED}R root@old\n",
        "anna": f"# hers\n{ED}A anna@laptop\n{RSA} anna@old\n",
        "backup-pull": f'command="rsync --server" {ED}B backup\n',
        "lars_b": f"{ED}L\n",
    }
    return seen(
        accounts="root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\n"
        "anna:x:1000:1000:Anna L,,,:/home/anna:/bin/bash\nlars_b:x:1001:1001::/home/lars_b:/bin/zsh\n"
        "backup-pull:x:1002:1002::/home/b:/bin/sh\nnot a line\n",
        groups="sudo:x:27:anna,lars_b\nwww-data:x:33:anna\n",
        sudo="anna\nlars_b\n",
        passwords="root\nanna\n",
        keys="".join(f"{name} {base64.b64encode(text.encode()).decode()}\n" for name, text in keys.items()),
    )


def test_accounts_with_a_shell_are_found_with_what_lets_them_in() -> None:
    assert [(a.name, a.is_root, len(a.keys), a.has_password) for a in accounts().accounts] == [
        ("root", True, 1, True),
        ("anna", True, 2, True),
        ("lars_b", True, 1, False),
        ("backup-pull", False, 1, False),
    ]
    assert accounts().accounts[1].groups == ("sudo", "www-data")


def test_only_who_may_become_root_today_is_proposed_as_an_admin_and_only_by_keys_that_stay_good() -> None:
    assert kept_admins(accounts()) == {"admins": {"anna": {"full_name": "Anna L", "keys": [f"{ED}A"]}}}
    assert kept_admins(accounts(), {"anna"}) == kept_admins(Survey()) == {}


def test_every_login_that_ends_is_told_and_how_it_is_kept() -> None:
    lost = {loss.what: loss.keep for loss in lost_logins(accounts(), {"anna": [f"{ED}A anna"]}, [])}
    assert not any("anna@laptop" in what for what in lost)
    ends = [what.split(" by ")[0] for what in lost]
    assert ends == ["root", "root", "anna", "anna", "lars_b", "backup-pull"]
    assert "ed25519" in next(keep for what, keep in lost.items() if "anna by ssh-rsa" in what)
    assert "become root" in next(keep for what, keep in lost.items() if what.startswith("backup-pull"))
    assert "name" in next(keep for what, keep in lost.items() if what.startswith("lars_b"))


@pytest.mark.parametrize(
    ("line", "plain", "named"),
    [
        (f"{ED}A anna", f"{ED}A", "ssh-ed25519 …IDvMXQA anna"),
        (f'from="10.0.0.1",command="x y" {ED}A', None, "ssh-ed25519 …IDvMXQA"),
        ("nonsense", None, "a line that is no key"),
    ],
)
def test_a_key_is_named_without_its_options(line: str, plain: str | None, named: str) -> None:
    assert plain_key(line) == plain
    assert key_name(line).replace("…EIDvMXQA", "…IDvMXQA") in {named, named.replace("…", "…A")}


def test_no_question_asks_for_a_password_hash() -> None:
    shadow = [q for q in QUESTIONS.values() if "shadow" in q]
    assert shadow == [QUESTIONS["passwords"]]
    assert "print $1 }" in shadow[0]


def test_an_account_holds_no_more_than_it_is_asked_for() -> None:
    assert not {"password", "hash"} & set(Account.model_fields)


def test_a_password_is_told_with_what_somebody_does_about_it() -> None:
    told = [loss.what for loss in lost_logins(accounts(), {"anna": ()}, ()) if "password" in loss.what]

    assert [what.partition(" by ")[0] for what in told] == ["root", "anna"]
    assert told[1].endswith("and a check fails until somebody locks it: passwd --lock anna")


def test_the_interface_of_a_host_that_is_a_container_itself_is_one_of_its_own() -> None:
    given = {"local": "192.0.2.7", "prefixlen": 24, "scope": "global"}
    near = {"ifname": "eth0", "linkinfo": {"info_kind": "veth"}, "addr_info": [given]}
    link_local = {"local": "fe80::1", "prefixlen": 64, "scope": "link"}
    guest = {"ifname": "veth9", "linkinfo": {"info_kind": "veth"}, "addr_info": [link_local]}

    (found,) = seen(interfaces=json.dumps([near, guest])).links

    assert (found.name, [str(a) for a in found.addresses]) == ("eth0", ["192.0.2.7/24"])
