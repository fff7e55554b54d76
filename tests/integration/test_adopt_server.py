"""Taking over a server that somebody made by hand: from "in no inventory" to "in sync", nothing lost but what was told.

The tests of this module are one story, as docs/adopt.md tells it, and run in this order on one host of the lab.
"""

from __future__ import annotations

import io
import socket
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deploy.lab.lab import Lab
from inventory.fleet import Host
from inventory.order import in_order
from inventory.snapshot import dump, load
from tests.integration.lab import samdrift
from tests.sshd import keygen

pytestmark = [pytest.mark.lab, pytest.mark.long]

NAME, ADDRESS, LIKE = "tie-web9", "10.60.10.59", "tie-web1"
SHOP, STORE = 8080, 9099
"""What its shop listens at, for everybody; and a database, for itself alone."""
NEEDED = "role=package_cache or role=dns_resolver or role=log_server"
"""The hosts that its roles need: packages, names, and where logs go."""

BY_HAND = r"""
set -eu
http() { printf '%s\n' "[Unit]" "Description=$1" "[Service]" "ExecStart=/usr/bin/python3 -m http.server $2" \
  "WorkingDirectory=/srv/shop" "[Install]" "WantedBy=multi-user.target" > "/etc/systemd/system/$3"; }
proxy=Acquire::http::Proxy=http://10.60.10.15:3142
apt-get -q -q -o $proxy update
DEBIAN_FRONTEND=noninteractive apt-get -q -q -o $proxy -y install --no-install-recommends nftables
echo gamla-webb > /etc/hostname
echo '127.0.1.1 gamla-webb' >> /etc/hosts
hostname gamla-webb
useradd --create-home --shell /bin/bash --comment 'Anna Ek,Kontoret' anna
useradd --create-home --shell /bin/bash --comment 'Bertil Lund' --groups adm bertil
useradd --create-home --shell /bin/bash carin
usermod --password '*' anna
usermod --password '*' carin
echo 'bertil:hemligt-ord-1' | chpasswd
printf '%s\n' 'anna ALL=(ALL) NOPASSWD: ALL' 'carin ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/egna
chmod 440 /etc/sudoers.d/egna
for who in anna bertil carin; do install -d -m 700 -o $who -g $who /home/$who/.ssh; done
mkdir -p /srv/shop /etc/gamla /etc/cron.d
echo 'Välkommen' > /srv/shop/index.html
http Butiken 8080 shop.service
http Kassaregistret '9099 --bind 127.0.0.1' store.service
printf '%s\n' 'Banner /etc/issue.egen' 'MaxAuthTries 9' 'AllowTcpForwarding yes' > /etc/ssh/sshd_config.d/20-egen.conf
echo 'Privat maskin' > /etc/issue.egen
printf '%s\n' 'table inet huset {' ' chain in {' '  type filter hook input priority 10; policy accept;' \
  '  tcp dport 3306 drop' ' }' '}' > /etc/nftables.conf
nft -f /etc/nftables.conf
systemctl enable -q nftables.service
echo '10.9.9.9 kassa kassa.gamla.example.org' >> /etc/hosts
echo 'options timeout:7' >> /etc/resolv.conf
echo '17 3 * * * root /srv/shop/backup' > /etc/cron.d/kassa
printf '%s\n' '#!/bin/sh' 'exit 0' > /srv/shop/backup
chmod 755 /srv/shop/backup
echo 'net.core.somaxconn = 2048' > /etc/sysctl.d/90-egen.conf
echo 'Ring Anna först' > /etc/motd
echo 'egen = 1' > /etc/gamla/egen.conf
systemctl daemon-reload
systemctl enable -q --now shop.service store.service
systemctl restart ssh.service
"""
"""What somebody did on it over the years."""

KEPT = ("etc", "srv", "home", "root", "usr/local", "opt", "var/spool/cron")
"""Where a server keeps what is its own."""
NOTED = (
    "etc/ld.so.cache",
    "etc/mailcap",
    "etc/passwd",
    "etc/shadow",
    "etc/group",
    "etc/gshadow",
    "etc/sub",
    "etc/.pwd",
)
"""Begin what programs write of their own accord; accounts are looked at by who may log in."""


@dataclass
class Taken:
    """A server that is being taken over.

    Attributes:
        keys: the directory with the private key of each of its people.
        proposal: the inventory with it, as it was proposed.
        adoption: what was said of it.
    """

    keys: Path
    proposal: Path
    before: Mapping[str, str] = field(default_factory=dict)
    units: frozenset[str] = frozenset()
    adoption: Mapping[str, Any] = field(default_factory=dict)
    applied: list[str] = field(default_factory=list)

    def by(self, who: str, command: str, *, given: str = "", is_let_in: bool = True) -> bytes:
        """What somebody does on it, as who she is; what it prints."""
        key = Lab().access().key_file if who == Lab().access().user else self.keys / who
        options = ("BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={self.keys}/known_hosts")
        told = [word for option in options for word in ("-o", option)]
        argv = ["ssh", "-F", "none", "-o", "IdentitiesOnly=yes", "-i", str(key), *told, f"{who}@{ADDRESS}", command]
        done = subprocess.run(argv, input=given.encode(), capture_output=True, check=False)
        assert (done.returncode == 0) == is_let_in, (who, command, done.stderr.decode())
        return done.stdout

    @property
    def root(self) -> str:
        """Who may become root there: Anna, until samdrift can."""
        return Lab().access().user if "base" in self.applied else "anna"

    def files(self) -> dict[str, str]:
        """Every file that is its own, by path."""
        there = self.by(self.root, f"sudo tar -C / -c --ignore-failed-read {' '.join(KEPT)} 2> /dev/null || true")
        with tarfile.open(fileobj=io.BytesIO(there)) as tar:
            found = {m.name: tar.extractfile(m) for m in tar.getmembers() if m.isfile() and m.size < 2**16}
            return {n: f.read().decode(errors="replace") for n, f in found.items() if f and not n.startswith(NOTED)}

    def running(self) -> frozenset[str]:
        """The services that run, and the units that are started with it."""
        ask = "systemctl list-units --type=service --state=running --plain --no-legend"
        return frozenset(line.split()[0] for line in self.by(self.root, ask).decode().splitlines())

    @property
    def losses(self) -> list[str]:
        return [loss["what"] for role in self.adoption["roles"] for loss in role["losses"]]

    def samdrift(self, *arguments: str, expect: int = 0) -> Any:
        """Run samdrift on it, as it is proposed."""
        user = () if "base" in self.applied else ("--user", "anna", "--key", str(self.keys / "anna"))
        about = ("--lab", *user, "--source", str(self.proposal), "--limit", NAME)
        return samdrift(*about, *arguments, expect=expect)


def answers(port: int) -> bool:
    """Whether anybody answers there."""
    try:
        with socket.create_connection((ADDRESS, port), timeout=2):
            return True
    except OSError:
        return False


def lines(text: str) -> set[str]:
    return {s for line in text.splitlines() if (s := line.strip()) and not s.startswith(("#", ";"))}


@pytest.fixture(scope="module")
def server(machine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taken]:
    """A server in the lab that no inventory has, as the people who made it by hand left it."""
    directory = tmp_path_factory.mktemp("adopt")
    like = load().host(LIKE)
    interface = like.interfaces[0].model_dump(mode="json") | {"addresses": [f"{ADDRESS}/24"]}
    fields = like.model_dump(mode="json", exclude={"context", "services", "members"})
    fields |= {"name": NAME, "primary_address": ADDRESS, "interfaces": [interface], "tags": ["lab"]}
    machines = load().model_copy(update={"hosts": (*load().hosts, Host.model_validate(fields))})
    dump(in_order(machines), directory / "machines")
    samdrift("--source", str(directory / "machines"), "lab", "up")
    samdrift("--lab", "--limit", NEEDED, "apply", "--yes")
    made = Taken(directory, directory / "inventory" / "proposal")
    user, lab = Lab().access().user, Lab().directory
    public = (lab / "keys" / "hosts" / f"{NAME}.pub").read_text()
    (directory / "known_hosts").write_text(f"{ADDRESS} {public}")
    keys = {who: keygen(directory / who) for who in ("anna", "bertil")}
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", directory / "carin"], check=True)
    keys["carin"] = (directory / "carin.pub").read_text()
    let_in = "".join(
        f"echo '{key.strip()}' > /home/{who}/.ssh/authorized_keys\nchown -R {who}: /home/{who}\n"
        for who, key in keys.items()
    )
    made.by(user, "sudo sh -s", given=BY_HAND + let_in)
    made.by("anna", "sudo sh -s", given=f"userdel --force --remove {user}; rm -f /etc/sudoers.d/{user}")
    yield made
    samdrift("--lab", "--limit", NEEDED, "apply", "--yes")
    samdrift("lab", "up")  # as the shipped inventory has it, and so without this host


@pytest.fixture(scope="module")
def taken(server: Taken) -> Taken:
    """The server after `adopt` has looked at it."""
    server.before, server.units = server.files(), server.running()
    key = " ".join((server.keys / "known_hosts").read_text().split()[1:3])
    said = samdrift(
        "--lab", "--user", "anna", "--key", str(server.keys / "anna"),
        "adopt", NAME, "--address", ADDRESS, "--platform", "debian-13", "--site", "tierp-datahall",
        "--tenant", "tierp", "--device-role", "server", "--cluster", "tierp-kvm", "--tag", "lab",
        "--host-key", key, "--out", str(server.proposal),
    )  # fmt: skip
    server.adoption = said["adoption"]
    return server


def test_looking_changes_nothing_and_says_what_runs(taken: Taken) -> None:
    assert {path for path, text in taken.files().items() if taken.before.get(path) != text} == set()
    assert [r["role"] for r in taken.adoption["roles"] if r["unjudged"]] == []
    assert answers(SHOP)
    seen = "\n".join(taken.adoption["seen"])
    assert "it calls itself gamla-webb" in seen
    assert "8080/tcp (python3)" in seen
    assert "9099" not in seen
    assert "/etc/cron.d/kassa" in taken.adoption["stays"]
    assert "/etc/systemd/system/shop.service" in taken.adoption["stays"]


def test_what_would_end_is_told_and_what_could_be_kept_is_proposed(taken: Taken) -> None:
    told = "\n".join(taken.losses)

    assert "who may become root" not in "\n".join(taken.adoption["unknown"])
    assert "nftables table inet huset" in told
    assert "bertil by ssh-ed25519" in told
    assert "bertil by password" in told
    assert "passwd --lock bertil" in told
    assert "carin by ssh-rsa" in told
    assert "anna by" not in told
    assert "8080" not in told
    host = load(taken.proposal).host(NAME)
    assert list(host.samdrift["base"]["admins"]).count("anna") == 1
    assert "tcp/8080" in host.samdrift["firewall"]["also_open"]
    assert "carin" not in host.samdrift["base"]["admins"]


@pytest.mark.soak
def test_who_serves_it_lets_it_in_first(taken: Taken) -> None:
    record = samdrift("--lab", "--source", str(taken.proposal), "--limit", NEEDED, "apply", "--yes")

    changed = {h["host"] for h in record["hosts"] if h["outcome"] == "changed"}
    assert "tie-log1" in changed, "its firewall lets the fleet's hosts in alone"
    assert [c for c in record["checks"] if c["outcome"] == "failed"] == []


@pytest.mark.soak
def test_one_role_after_the_other_is_applied_and_each_is_in_sync_then(taken: Taken) -> None:
    taken.by("anna", "sudo passwd --lock bertil")  # as was told: a check of role base fails until then
    roles = [role["role"] for role in taken.adoption["roles"]]
    for role in sorted(roles, key=lambda role: (role in {"base", "firewall"}, role)):
        record = taken.samdrift("apply", "--role", role, "--yes")
        taken.applied.append(role)

        assert [h["outcome"] for h in record["hosts"]] == ["changed"], role
        assert [c for c in record["checks"] if c["outcome"] == "failed"] == []
        (planned,) = taken.samdrift("plan", "--role", role, "--detailed-exitcode")["plan"]["hosts"]
        assert [s["name"] for s in planned["steps"] if s["commands"]] == [], role
        assert answers(SHOP), f"the shop is shut by {role}"
        assert taken.by("anna", "sudo id -un") == b"root\n", f"Anna is locked out by {role}"


@pytest.mark.soak
def test_in_the_end_it_is_in_sync_and_what_people_put_there_stands_beside(taken: Taken) -> None:
    (planned,) = taken.samdrift("plan", "--detailed-exitcode")["plan"]["hosts"]
    told = {u["path"] for role in taken.adoption["roles"] for u in role["unmanaged"]}

    assert [s["name"] for s in planned["steps"] if s["commands"]] == []
    assert {u["path"] for u in planned["unmanaged"]} <= told
    assert {f["kind"] for f in taken.samdrift("drift", expect=2 if told else 0)["findings"]} <= {"unmanaged"}


@pytest.mark.soak
def test_of_what_was_there_nothing_is_lost_that_was_not_told(taken: Taken) -> None:
    after, told = taken.files(), "\n".join(taken.losses)
    changed = {path for path, text in taken.before.items() if lines(text) - lines(after.get(path, ""))}

    assert {path for path in changed if f"/{path}" not in told} == set()
    assert {unit for unit in taken.units - taken.running() if unit.removesuffix(".service") not in told} == set()
    taken.by("anna", f"exec 3<>/dev/tcp/127.0.0.1/{STORE}")
    assert after["etc/cron.d/kassa"] == taken.before["etc/cron.d/kassa"]
    for who in ("bertil", "carin"):
        taken.by(who, "true", is_let_in=False)
