"""How integration tests drive the lab: through the real program, and by hand as somebody without samdrift would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.lab import Lab, lab_directory
from inventory.secrets import Secret
from inventory.snapshot import load
from roles.netbox import CERTIFICATE, TOKEN_PREFIX

NETBOX = "tie-netbox1"
NETBOX_AND_WHAT_IT_NEEDS = (
    f"{NETBOX} or role=package_cache or role=dns_resolver or role=log_server or (tierp and role=edge_gateway)"
)

EMPTY = """\
set -e
cd /
sql() { runuser -u postgres -- psql -X -q -At -v ON_ERROR_STOP=1 -d postgres -c "$1"; }
sql "drop database netbox with (force)"
sql "create database netbox template netbox_empty owner netbox"
valkey-cli -s /run/valkey/valkey.sock -n 1 flushdb > /dev/null
"""
KEEP_AS_EMPTY = """\
set -e
cd /
sql() { runuser -u postgres -- psql -X -q -At -v ON_ERROR_STOP=1 -d postgres -c "$1"; }
[ -z "$(sql "select 1 from pg_database where datname = 'netbox_empty'")" ] || exit 0
sql "alter database netbox allow_connections false"
sql "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'netbox'"
sql "create database netbox_empty template netbox owner netbox"
sql "alter database netbox allow_connections true"
"""


def samdrift(*arguments: str, expect: int = 0) -> Any:
    """Run the real program; its JSON document. Its exit code is part of what it says."""
    program = [str(Path(sys.executable).with_name("samdrift")), "--json", *arguments]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == expect, f"{arguments} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr}"
    return json.loads(done.stdout)


def by_hand(host: str, command: str) -> str:
    """What somebody does on a host without samdrift, as root; what it prints."""
    config = lab_directory() / "ssh_config"
    argv = ["ssh", "-F", str(config), host, "sudo sh -s"]
    return subprocess.run(argv, input=command, check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class NetBoxServer:
    """A real NetBox: where it is, the token of a superuser, and the certificate to trust (None: the machine's own)."""

    url: str
    token: str
    ca: Path | None

    def empty(self) -> None:
        """Make it as it was before anything was written to it; only the lab's can be. Takes half a second."""
        assert self.url == netbox_url(), f"{self.url} is not the lab's NetBox, and nobody else's is emptied"
        by_hand(NETBOX, EMPTY)


def netbox_url() -> str:
    """Where the fleet's NetBox is."""
    return f"https://{load().host(NETBOX).address}"


def given_netbox() -> NetBoxServer | None:
    """The NetBox that the environment names, if it does: SAMDRIFT_TEST_NETBOX_URL, _TOKEN and _CA."""
    url, token, ca = (os.environ.get(f"SAMDRIFT_TEST_NETBOX_{what}") for what in ("URL", "TOKEN", "CA"))
    return NetBoxServer(url, token, Path(ca) if ca else None) if url and token else None


def netbox_in_lab(directory: Path) -> NetBoxServer:
    """The lab's NetBox, deployed and empty, with what it needs; a file in `directory` holds its certificate."""
    samdrift("lab", "up", NETBOX)
    samdrift("--lab", "--limit", NETBOX_AND_WHAT_IT_NEEDS, "apply", "--yes")
    by_hand(NETBOX, KEEP_AS_EMPTY)
    secret = Secret(name="netbox_api_token", municipality=load().host(NETBOX).tenant)
    value = Lab().vault().open({secret: "a test"}).reveal(f"{secret}", (secret,))
    ca = directory / "netbox.crt"
    ca.write_text(by_hand(NETBOX, f"cat {CERTIFICATE}"))
    return NetBoxServer(netbox_url(), TOKEN_PREFIX + value, ca)
