"""`samdrift adopt`: what must be said of a host that the inventory does not have, and that no key is taken on trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.cli.adopt import _host, _keys
from deploy.cli.main import cli
from inventory.errors import UsageError
from inventory.fleet import Fleet
from inventory.snapshot import load

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKlwf356ynlCcL7IV/q87443vtb/rwd3ZD2diwAAfpe4"
SAID: dict[str, Any] = {
    "address": "10.60.10.59",
    "platform": "debian-13",
    "site": "tierp-datahall",
    "tenant": "tierp",
    "device_role": "server",
    "device_type": None,
    "cluster": "tierp-kvm",
    "tags": (),
    "keys": (KEY,),
    "host_key_file": None,
}


@pytest.fixture(scope="module")
def small() -> Fleet:
    return load()


def test_a_host_in_no_inventory_is_what_the_command_line_says(small: Fleet) -> None:
    host = _host(small, "tie-web9", dict(SAID))
    assert (host.kind, str(host.address), host.host_keys, host.is_managed) == ("vm", "10.60.10.59", (KEY,), False)
    six = _host(small, "tie-web9", {**SAID, "address": "2001:db8::9", "cluster": None, "device_type": "r660"})
    assert (six.kind, str(six.primary_address6)) == ("device", "2001:db8::9")


@pytest.mark.parametrize(
    ("change", "where", "fix"),
    [
        ({"address": None}, "--address", "its address"),
        ({"device_role": None}, "--device-role", "server"),
        ({"keys": ()}, "--host-key", "console"),
        ({"keys": ("10.60.10.59 nonsense",)}, "--host-key", "console"),
        ({"address": "tie-web9"}, "--address", ""),
    ],
)
def test_what_is_not_said_is_asked_for_and_never_taken_from_the_network(
    small: Fleet, change: dict[str, Any], where: str, fix: str
) -> None:
    with pytest.raises(UsageError) as e:
        _host(small, "tie-web9", {**SAID, **change})
    assert e.value.where == where
    assert fix in e.value.fix


def test_what_the_inventory_knows_of_a_host_is_not_said_again(small: Fleet) -> None:
    nothing = {**dict.fromkeys(SAID), "keys": (), "tags": ()}
    assert _host(small, "tie-web1", dict(nothing)).name == "tie-web1"
    with pytest.raises(UsageError, match="the inventory has"):
        _host(small, "tie-web1", {**nothing, "keys": (KEY,)})


def test_keys_are_read_from_a_public_key_and_from_known_hosts(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDf"
    file.write_text(f"# comment\ntie-web9,10.60.10.59 {KEY}\n|1|aa=|bb= {rsa} old\n@revoked x\n\n")
    assert _keys((f"{KEY} root@web",), file) == (KEY, rsa)


def test_a_role_that_there_is_not_is_refused_first() -> None:
    with pytest.raises(UsageError, match="there is no such role"):
        cli.main(["adopt", "tie-web9", "--role", "nosuch"], standalone_mode=False)
