"""What sudo and sshd make of people's rights: the real ones of this machine, in a namespace where these are all.

The programs that duties name are stubs there, so that it costs seconds; on a lab host they are real (`test_people`).
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from deploy.engine.declare import declarations
from inventory import snapshot
from inventory.paths import CODE, PEOPLE
from inventory.people import read
from roles.management_station import Settings
from roles.shared.duties import Command, Entitlement
from roles.shared.intent import Intent
from roles.shared.parts.templates import render
from tests.integration.test_people import EDGE, MAY, MAY_NOT_AS_ROOT, QUEUE, WHO
from tests.integration.test_ssh_audit import SETTINGS as SSHD_SETTINGS
from tests.sshd import free_port

JOBS = (f"lp -i {QUEUE}-12 -H hold", f"lp -i {QUEUE}-12 -H resume", f"cancel {QUEUE}-12")
STUBS = ("lpstat", "lp", "cancel", "vtysh", "wg", "ping", "journalctl", "lpadmin", "cupsdisable")
ENDS = tuple(
    Command(program="/usr/bin/lpstat", arguments=option, example=f"lpstat {option}") for option in ("-t", "-r")
)
SETUP = """\
set -e
mount --make-rprivate /
for of in usr/bin etc; do
    mkdir -p "$1/$of.up" "$1/$of.work"
    mount -t overlay overlay -o "lowerdir=/$of,upperdir=$1/$of.up,workdir=$1/$of.work" "/$of"
done
for stub in $2; do rm -f "/usr/bin/$stub"; printf '#!/bin/sh\\n' > "/usr/bin/$stub"; chmod 755 "/usr/bin/$stub"; done
mkdir -p /var/lib/kea
mount -t tmpfs tmpfs /var/lib/kea
case "${6-}" in /root/*) mkdir "$1/python"; mount --bind "$6" "$1/python";; esac
mount -t tmpfs tmpfs /root
case "${6-}" in /root/*) mkdir -p "$6"; mount --bind "$1/python" "$6";; esac  # a Python of root's own
echo leases > /var/lib/kea/kea-leases4.csv
echo "$3:x:5001:5001::/:/bin/sh" >> /etc/passwd
echo "$3:x:5001:" >> /etc/group
echo "$3:!:20000:0:99999:7:::" >> /etc/shadow
rm -rf /etc/sudoers /etc/sudoers.d
cp "$1/sudoers" /etc/sudoers
chmod 440 /etc/sudoers
visudo -c -q
set +e
"""


def typed(lines: tuple[str, ...], sudoers: str, at: Path) -> dict[str, int]:
    """Type each line after `sudo -n` as the technician; how each ended."""
    (at / "sudoers").write_text(sudoers, encoding="utf-8")
    each = [
        f"runuser -u {WHO} -- sh -c {shlex.quote(f'cd / && sudo -n {line}')} > /dev/null 2>&1 < /dev/null; echo $?"
        for line in lines
    ]
    argv = ["unshare", "--mount", "sh", "-s", "--", str(at), " ".join(STUBS), WHO]
    said = subprocess.run(argv, input=SETUP + "\n".join(each), capture_output=True, text=True, check=False)
    assert said.stdout, said.stderr
    return dict(zip(lines, map(int, said.stdout.split()), strict=True))


@pytest.fixture
def at(tmp_path: Path) -> Path:
    """A directory for the namespace, on a machine that can make one."""
    if os.geteuid() != 0 or not shutil.which("sudo"):
        pytest.skip("needs root and sudo")
    return tmp_path


def test_sudo_lets_a_technician_do_what_the_duties_say_and_nothing_else(at: Path) -> None:
    fleet = snapshot.load().model_copy(update={"people": read(PEOPLE, date(2026, 11, 29))})
    files = {f.path: f.content for f in declarations(fleet.host(EDGE), Intent(fleet))[0]}
    ended = typed(
        (*MAY, *JOBS, *MAY_NOT_AS_ROOT),
        "".join(files[f"/etc/sudoers.d/{n}"] for n in ("samdrift", "samdrift-duties")),
        at,
    )

    assert {line for line, code in ended.items() if code == 0} == {*MAY, *JOBS}


def test_sudo_refuses_after_the_last_day_of_a_grant(at: Path) -> None:
    past, to_come = (
        Entitlement(user=WHO, duty="x.y", until=day, commands=(command,))
        for day, command in zip((date(2020, 1, 1), date(2099, 1, 1)), ENDS, strict=True)
    )

    assert typed(("lpstat -t", "lpstat -r"), "\n".join((*past.sudo, *to_come.sudo, "")), at) == {
        "lpstat -t": 1,
        "lpstat -r": 0,
    }


STATION = """\
echo "samdrift-runs:x:5002:5002::/var/lib/samdrift-runs:/usr/sbin/nologin" >> /etc/passwd
echo "samdrift-runs:x:5002:" >> /etc/group
echo "samdrift-people:x:5003:$3" >> /etc/group
echo "samdrift-runs:!:20000:0:99999:7:::" >> /etc/shadow
mkdir -p /var/lib/samdrift-runs
mount -t tmpfs tmpfs /var/lib/samdrift-runs
mount -t tmpfs tmpfs /usr/local
mkdir -p /var/lib/samdrift-runs/plans /usr/local/libexec /usr/local/bin
for key in key look-key; do echo private > /var/lib/samdrift-runs/$key; done
chown -R samdrift-runs:samdrift-runs /var/lib/samdrift-runs
chmod 711 /var/lib/samdrift-runs
chmod 600 /var/lib/samdrift-runs/*key
mount -t tmpfs tmpfs /opt
mkdir /opt/venv /opt/code
mount --bind "$4" /opt/venv
mount --bind "$5" /opt/code
printf '#!/bin/sh\nPYTHONPATH=/opt/code exec /opt/venv/bin/python -P -m deploy.cli "$@"\n' > /opt/samdrift
chmod 755 /opt/samdrift
install -m 755 "$1/run" /usr/local/libexec/samdrift-run
install -m 755 "$1/samdrift" /usr/local/bin/samdrift
"""


@pytest.mark.long
def test_people_run_samdrift_as_the_account_that_holds_the_key_for_their_own_municipality(at: Path) -> None:
    samdrift = "/opt/samdrift"
    said = Settings(program=samdrift, netbox_url="")
    for file, template in (("run", "run.py"), ("samdrift", "samdrift.sh"), ("sudoers", "sudoers")):
        (at / file).write_text(render(f"management_station/{template}.j2", settings=said), encoding="utf-8")
    asked = (
        "samdrift plan --limit tierp",
        "samdrift apply --limit heby --yes --reason test",
        "samdrift hosts --json --limit heby",
        "samdrift plan --key /tmp/key",
        "cat /var/lib/samdrift-runs/key",
        "sudo -n -u samdrift-runs cat /var/lib/samdrift-runs/key",
        f"sudo -n -u samdrift-runs {samdrift} hosts",
    )
    each = "".join(f"runuser -u {WHO} -- sh -c {shlex.quote(f'cd / && {line}')} 2>&1 | tail -n 1\n" for line in asked)
    argv = ["unshare", "--mount", "sh", "-s", "--", str(at), "", WHO, sys.prefix, str(CODE), sys.base_prefix]
    done = subprocess.run(argv, input=SETUP + STATION + each, capture_output=True, text=True, check=False)
    answers = dict(zip(asked, done.stdout.splitlines(), strict=True))

    plan, apply, hosts, *others = (answers[line] for line in asked)
    assert f"{WHO} may not plan for tierp" in plan
    assert f"{WHO} may not apply for heby" in apply
    assert hosts.endswith("}")
    assert "--key is not let through" in others[0]
    assert [line for line in others[1:] if "private" in line or "heb-gw1" in line] == []


SSHD = """\
echo "samdrift-people:x:5003:$3" >> /etc/group
mkdir -p /etc/ssh/authorized_keys /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$1/key" < /dev/null
rm -f /etc/ssh/ssh_host_ed25519_key /etc/ssh/ssh_host_ed25519_key.pub
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key < /dev/null
cp "$1/key.pub" "/etc/ssh/authorized_keys/$3"
cp "$1/sshd_config" /etc/ssh/sshd_config
: > /etc/issue.net
/usr/sbin/sshd -D -f /etc/ssh/sshd_config "-oListenAddress=127.0.0.1:$7" -oPidFile=none 2> /dev/null &
log_in() {
    ssh -F /dev/null -i "$1/key" -p "$7" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o LogLevel=ERROR "$3@127.0.0.1" true > /dev/null 2>&1 < /dev/null
    echo $?
}
for _ in 1 2 3 4 5 6 7 8 9 10; do [ "$(log_in "$@")" = 0 ] && break; sleep 0.3; done
log_in "$@"
usermod --expiredate "$(date -u +%F)" "$3"; log_in "$@"
usermod --expiredate "$(date -u -d tomorrow +%F)" "$3"; log_in "$@"
chage --maxdays 1 "$3"; log_in "$@"
chage --maxdays -1 "$3"; log_in "$@"
gpasswd --delete "$3" samdrift-people > /dev/null; log_in "$@"
kill $!
"""


def test_sshd_lets_a_technician_in_until_the_last_day_is_over_and_as_long_as_the_group_is_theirs(at: Path) -> None:
    if not Path("/usr/sbin/sshd").exists():
        pytest.skip("needs an sshd")
    (at / "sshd_config").write_text(render("base/sshd_config.j2", settings=SSHD_SETTINGS), encoding="utf-8")
    (at / "sudoers").write_text("", encoding="utf-8")
    argv = ["unshare", "--mount", "sh", "-s", "--", str(at), "", WHO, "", "", "", str(free_port("127.0.0.1"))]
    done = subprocess.run(argv, input=SETUP + SSHD, capture_output=True, text=True, check=False, timeout=120)

    in_time, last_day_over, last_day, password_aged, never_ages, not_in_group = map(int, done.stdout.split())
    assert (in_time, last_day, never_ages) == (0, 0, 0)
    assert (last_day_over, not_in_group) == (255, 255)
    assert password_aged != 0, (
        "a password that must be changed keeps out who logs in by a key, so accounts must have none"
    )
