"""A technician of Heby helps Heby's users on Heby's host, and nothing else anywhere: everything else is tried.

The account is the shipped inventory's own. What it types is typed as it, by root (`runuser`), but for the log-in
itself, which is by SSH with a key that a test lays down and takes away.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.lab.place import lab_directory
from inventory.fleet import Fleet
from tests.integration.lab import by_hand, lab_fleet, samdrift
from tests.sshd import keygen

pytestmark = [pytest.mark.lab, pytest.mark.long]

EDGE, ELSEWHERE = "heb-gw1", "tie-dns1"
NEEDED = f"{EDGE} or {ELSEWHERE} or tie-gw1 or role=package_cache or role=log_server"
WHO, STRANGER = "elif-demir", "nils-borta"
QUEUE = "heb-kopiator1"
MARK = "/root/technician-was-here"

MAY = (
    "lpstat -o",
    "cat /var/lib/kea/kea-leases4.csv",
    "journalctl --no-pager -n 5",
    "journalctl --no-pager -u cups.service -S -2h",
    "vtysh -c 'show ip route'",
    "vtysh -c 'show bgp summary'",
    "ping -c 1 127.0.0.1",
    "wg show",
)
"""What the duties say, by sudo."""
MAY_NOT_AS_ROOT = (
    f"touch {MARK}",
    "sh",
    "bash -c id",
    "su",
    "-i",
    "-s",
    "-u samdrift id",
    "-u anna-lindqvist id",
    "-u '#-1' id",
    "-u '#4294967295' wg show",
    "wg show ''",
    "-g shadow cat /etc/shadow",
    "-e /etc/sudoers",
    "-D /root wg show",
    "-R / wg show",
    "cat /etc/shadow",
    "cat /var/lib/kea/kea-leases4.csv /etc/shadow",
    "cat /var/lib/kea/../../../etc/shadow",
    "cat '/var/lib/kea/kea-leases4.csv /etc/shadow'",
    "cat /etc/wireguard/private.key",
    "tee -a /etc/passwd",
    "cp /bin/sh /tmp/sh",
    "journalctl",
    "journalctl -n 5",
    "journalctl --no-pager --file=/etc/shadow",
    "journalctl --no-pager -D /root",
    "journalctl --no-pager --root=/",
    "journalctl --no-pager -u x --vacuum-time=1s",
    "journalctl --no-pager -u -n",
    "journalctl --no-pager --cursor-file=/root/x",
    "journalctl --rotate",
    "lp /etc/shadow",
    f"lp -d {QUEUE} /etc/shadow",
    f"lp -i {QUEUE}-1 -H hold -d {QUEUE} /etc/shadow",
    f"lp -i {QUEUE}-1 -H restart",
    "cancel -a",
    f"cancel -u root {QUEUE}",
    "cancel -h 10.60.10.11 heb-kopiator1-1",
    f"lpadmin -x {QUEUE}",
    "lpadmin -p own -v file:/etc/passwd",
    f"cupsdisable {QUEUE}",
    "lpstat -h 10.60.10.11 -o",
    "vtysh",
    "vtysh -c 'show running-config'",
    "vtysh -c 'configure terminal'",
    "vtysh -c 'show ip route' -c 'configure terminal'",
    "vtysh -f /root/x",
    "vtysh -c 'start-shell'",
    "ping -c 1 -f 127.0.0.1",
    "ping 127.0.0.1",
    "ping -c 1 -I lan0 127.0.0.1",
    "wg",
    "wg show all dump",
    "wg show wg0 private-key",
    "wg showconf wg0",
    "wg set wg0 listen-port 1",
    "ip link set lan0 down",
    "ip route add default via 10.63.10.2",
    "nft flush ruleset",
    "nft list ruleset",
    "systemctl restart cups.service",
    "systemctl stop ssh.service",
    "systemctl edit cups.service",
    "apt-get install -y sl",
    "dpkg -i /tmp/x.deb",
    "useradd eve",
    "usermod -aG samdrift-admins elif-demir",
    "passwd root",
    "visudo",
    "chmod 4755 /bin/sh",
    "mount /dev/null /mnt",
    "kill 1",
    "reboot",
    "crontab -u root -l",
    "python3 -c 1",
    "env sh",
    "/usr/bin/../bin/sh",
    "/tmp/lpstat -o",
)
"""What no duty says: a program, an option or a file too many, another user."""
MAY_NOT_AS_ONESELF = (
    "cat /etc/shadow",
    "cat /etc/wireguard/private.key",
    "cat /etc/wireguard/wg0.conf",
    "cat /etc/ssh/ssh_host_ed25519_key",
    "cat /etc/sudoers.d/samdrift-duties",
    "ls /root",
    "ls /home/anna-lindqvist",
    "ls /var/lib/samdrift/guard",
    "journalctl -n 1 --no-pager -q -u systemd-journald.service -o cat | grep .",
    "nft list ruleset",
    "vtysh -c 'show ip route'",
    "wg show wg0",
    "echo x >> /etc/ssh/authorized_keys/elif-demir",
    "echo x >> /etc/cups/printers.conf",
    "touch /etc/cron.d/x",
    "touch /usr/local/bin/x",
    "kill 1",
    "systemctl restart cups.service --no-ask-password",
    "systemctl poweroff --no-ask-password",
    "ip link set lan0 down",
    "su -c id root < /dev/null",
    "su -c id samdrift < /dev/null",
    "chsh -s /bin/sh root < /dev/null",
    f"lpadmin -x {QUEUE}",
    "mount -t tmpfs x /mnt",
    "nsenter -t 1 -m id",
    "sysctl -w net.ipv4.ip_forward=0",
)
"""What only root may."""


@pytest.fixture(scope="module")
def lab(machine: None) -> Iterator[Fleet]:
    """The lab, that of the tests before or a new one, with Heby's gateway and what it needs of Tierp deployed."""
    samdrift("lab", "up")
    samdrift("--lab", "--limit", NEEDED, "apply", "--yes", "--reason", "tests of people")
    yield lab_fleet()
    by_hand(EDGE, f"rm -f {MARK}")


def typed(lines: tuple[str, ...], before: str = "", host: str = EDGE) -> dict[str, int]:
    """Type each line as the technician; how each ended."""
    each = (
        f"runuser -u {WHO} -- sh -c {shlex.quote(f'cd / && {before}{line}')} > /dev/null 2>&1 < /dev/null; echo $?"
        for line in lines
    )
    ended = by_hand(host, "\n".join(each)).split()
    return dict(zip(lines, map(int, ended), strict=True))


def test_the_technician_may_do_what_the_duties_say(lab: Fleet) -> None:
    assert {line: code for line, code in typed(MAY, "sudo -n ").items() if code} == {}


def test_a_print_job_is_held_released_and_cancelled(lab: Fleet) -> None:
    said = by_hand(EDGE, f"lp -d {QUEUE} -H indefinite /etc/hostname")
    job = said.split()[3]
    for line in (f"lp -i {job} -H resume", f"lp -i {job} -H hold", f"cancel {job}"):
        assert typed((line,), "sudo -n ") == {line: 0}
    assert job not in by_hand(EDGE, "lpstat -o")


def test_nothing_else_as_root(lab: Fleet) -> None:
    by_hand(EDGE, f"install -m 755 /bin/sh /tmp/lpstat; rm -f {MARK}")
    assert {line for line, code in typed(MAY_NOT_AS_ROOT, "sudo -n ").items() if code == 0} == set()
    left = by_hand(EDGE, f"test -e {MARK} && echo there; getent passwd eve; id -nG {WHO}; rm -f /tmp/lpstat")
    assert left.split() == [WHO, "samdrift-people"]
    assert by_hand(EDGE, "systemctl is-active ssh.service cups.service").split() == ["active", "active"]


def test_nothing_of_roots_as_oneself(lab: Fleet) -> None:
    assert {line for line, code in typed(MAY_NOT_AS_ONESELF).items() if code == 0} == set()


def test_nothing_at_all_on_another_municipalitys_host(lab: Fleet) -> None:
    for host in (ELSEWHERE, "tie-gw1"):
        assert (
            by_hand(host, f"getent passwd {WHO}; ls /etc/ssh/authorized_keys; sudo cat /etc/sudoers.d/*").find(WHO)
            == -1
        )


@pytest.fixture
def key(lab: Fleet, tmp_path: Path) -> Iterator[Path]:
    """A key of the technician's, for one test."""
    at = tmp_path / "key"
    public, file = keygen(at), f"/etc/ssh/authorized_keys/{WHO}"
    by_hand(EDGE, f"cp -p {file} /root/keys; echo {shlex.quote(public)} >> {file}")
    yield at
    by_hand(EDGE, f"mv /root/keys {file}; usermod --expiredate '' {WHO}")


def log_in_as(who: str, key: Path, host: str, command: str) -> list[str]:
    """The command line by which somebody runs a command on a host by SSH."""
    config = lab_directory() / "ssh_config"
    own = ("-l", who, "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes")
    return ["ssh", *own, "-F", str(config), host, command]


def log_in(key: Path, host: str = EDGE, command: str = "id -un", who: str = WHO) -> subprocess.CompletedProcess[str]:
    """Log in as the technician, or as somebody else."""
    return subprocess.run(log_in_as(who, key, host, command), capture_output=True, text=True, check=False)


def test_the_technician_logs_in_until_the_day_after_the_last(key: Path) -> None:
    assert log_in(key).stdout.strip() == WHO
    assert log_in(key, command="sudo -n wg show").returncode == 0
    assert log_in(key, ELSEWHERE).returncode == 255

    by_hand(EDGE, f"usermod --expiredate $(date -u +%F) {WHO}")
    assert log_in(key).returncode == 255
    assert typed(("wg show",), "sudo -n ") == {"wg show": 1}

    by_hand(EDGE, f"usermod --expiredate $(date -u -d tomorrow +%F) {WHO}")
    assert log_in(key).stdout.strip() == WHO


def test_sudo_itself_refuses_after_a_grants_end(lab: Fleet) -> None:
    rules = "\n".join(
        f'{WHO} ALL=(root) NOTAFTER={day} NOPASSWD: NOEXEC: /usr/bin/{program} ""'
        for day, program in (("20200101000000Z", "id"), ("20990101000000Z", "hostname"))
    )
    file = "/etc/sudoers.d/zz-test"
    by_hand(EDGE, f"printf '%s\\n' {shlex.quote(rules)} > {file}; chmod 440 {file}; visudo -cqf {file}")
    ended = typed(("id", "hostname"), "sudo -n ")
    by_hand(EDGE, f"rm {file}")

    assert ended == {"id": 1, "hostname": 0}


@pytest.fixture
def stranger(lab: Fleet, tmp_path: Path) -> Iterator[Path]:
    """The key of somebody who was an admin and is in no list any more, and who saw to it that he may stay."""
    public = shlex.quote(keygen(tmp_path / "stranger"))
    by_hand(
        EDGE,
        f"useradd --create-home --gid samdrift-admins --groups sudo,adm --shell /bin/bash {STRANGER}; "
        f"echo {public} > /etc/ssh/authorized_keys/{STRANGER}; mkdir -p /home/{STRANGER}/.ssh /var/lib/systemd/linger; "
        f"echo {public} > /home/{STRANGER}/.ssh/authorized_keys; touch /var/lib/systemd/linger/{STRANGER}; "
        f"setsid runuser -u {STRANGER} -- sleep 9999 < /dev/null > /dev/null 2>&1 &",
    )
    yield tmp_path / "stranger"
    by_hand(EDGE, f"userdel --remove {STRANGER} 2> /dev/null; rm -f /etc/ssh/authorized_keys/{STRANGER}; true")


def test_whoever_is_let_in_by_hand_is_locked_out_by_the_next_apply(stranger: Path) -> None:
    told = samdrift("--lab", "--limit", EDGE, "drift", expect=2)["findings"]
    assert {f"member {STRANGER} in {group}" for group in ("sudo", "adm")} <= {finding["step"] for finding in told}
    plan = samdrift("--lab", "--limit", EDGE, "plan", "--role", "base")
    (step,) = (s for h in plan["plan"]["hosts"] for s in h["steps"] if s["name"].startswith("members of "))
    assert STRANGER in str(step)
    command = "sudo -n id -u && exec sleep 9999"
    with subprocess.Popen(log_in_as(STRANGER, stranger, EDGE, command), stdout=subprocess.PIPE, text=True) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == "0\n"
        samdrift("--lab", "--limit", EDGE, "apply", "--yes", "--role", "base", "--reason", "somebody who is not ours")
        assert session.wait(60) != 0, "the session goes on"
    state = by_hand(EDGE, f"id -nG {STRANGER}; getent shadow {STRANGER} | cut -d: -f2,8; ls /etc/ssh/authorized_keys")
    assert state.split()[:2] == ["nogroup", "!:1"]
    assert STRANGER not in state.split()[2:]
    assert by_hand(EDGE, f"ps -U {STRANGER} -o args= || true; ls /var/lib/systemd/linger") == ""
    assert log_in(stranger, command="id", who=STRANGER).returncode == 255
