"""A real sshd on loopback, for root as for anybody else; behind it this very machine, but for what samdrift owns there.

Whoever logs in is root in a mount namespace of their own (an ordinary user also in a user namespace), in which
`/var/lib`, `/run` and systemd's units are empty directories of the test, and `systemctl` and `sudo` are programs of the
test: nothing of the machine is changed, and the tests need no right that an ordinary user has not.
"""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from deploy.transport.ssh import Access
from inventory.fleet import Fleet, Host
from inventory.organisation import Platform, Region, Site, Tenant
from roles.shared import look_program

SSHD = Path("/usr/sbin/sshd")
UNSHARE = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))

ENTER = """\
#!/bin/sh
cd {directory}
export PATH="$PWD/bin:/usr/sbin:/sbin:$PATH"
exec {unshare} sh -c '
    mount --bind lib /var/lib && mount --bind run /run && mount --bind units /etc/systemd/system &&
    exec sh -c "$SSH_ORIGINAL_COMMAND"'
"""

SUDO = f"""\
#!/bin/sh
# sudo -n -- COMMAND: whoever logs in is root already. The program for looks is run as by an account for looks.
[ "$1 $2" = "-n --" ] || exit 64
shift 2
[ "$1" != {look_program.PROGRAM} ] || SUDO_UID=65534 SUDO_GID=65534 exec /usr/bin/python3 -IS {look_program.__file__}
exec "$@"
"""

SYSTEMCTL = """\
#!/bin/sh
# systemd, as far as a guard needs it: a timer that runs its service once, some seconds after it was started.
cd {directory}
units=/etc/systemd/system
stop() {{ [ ! -e timer ] || kill "$(cat timer)" 2> /dev/null; }}
case "$*" in
"stop "*.timer) stop; rm -f timer ;;
"restart "*.timer)
    stop
    seconds=$(sed -n s/^OnActiveSec=//p "$units/$2")
    setsid sh -c 'sleep "$0"; rm -f timer; exec "$1" start samdrift-guard.service' "$seconds" "$0" > log 2>&1 < log &
    echo $! > timer.new && mv timer.new timer ;;
"start "*.service) [ -e "$units/$2" ] && sh -c "$(sed -n s/^ExecStart=//p "$units/$2")" ;;
"show "*) if [ -e timer ]; then echo waiting; fi ;;
esac
"""


def cannot_run() -> str:
    """Why this machine cannot run such an sshd; empty if it can."""
    if not SSHD.exists():
        return f"needs {SSHD}: install openssh-server"
    if subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode:
        return f"needs a mount namespace, which this machine gives to nobody: {' '.join(UNSHARE)}"
    return ""


def parent_of(process: str) -> str:
    """Shell text for the id of a process's parent. Not by `ps`, which a bare Debian does not have."""
    return f'$(sed -n "s/^PPid:[^0-9]*//p" /proc/{process}/status)'


@dataclass
class Sshd:
    """A real sshd on loopback: how to reach it, and its process."""

    port: int
    host_key: str
    access: Access
    process: subprocess.Popen[bytes]
    directory: Path
    """Where its files are: `lib` is the host's /var/lib, `run` its /run, `units` its systemd's."""

    def host(self, name: str = "tie-test1", **changes: object) -> Host:
        """An inventory host that is this sshd."""
        data: dict[str, object] = {
            "name": name,
            "kind": "vm",
            "tenant": "tierp",
            "site": "tierp-datahall",
            "role": "server",
            "platform": "debian-12",
            "primary_address": IPv4Address("127.0.0.1"),
            "host_keys": (self.host_key,),
        }
        return Host.model_validate(data | changes)


def fleet_of(*hosts: Host) -> Fleet:
    """The smallest fleet that holds these hosts."""
    return Fleet(
        regions=(Region(slug="norra-uppland", name="Norra Uppland"),),
        tenants=(Tenant(slug="tierp", name="Tierp"),),
        sites=(Site(slug="tierp-datahall", name="Tierp datahall", tenant="tierp", region="norra-uppland"),),
        platforms=(Platform(slug="debian-12", name="Debian 12", family="debian"),),
        hosts=hosts,
    )


def keygen(path: Path, kind: str = "ed25519") -> str:
    """A new key pair at `path`; the public one as `type base64`."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def free_port(address: str) -> int:
    """A port on which nobody listens at this address."""
    with socket.create_server((address, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running_sshd(directory: Path, options: str = "", kind: str = "ed25519") -> Iterator[Sshd]:
    """An sshd in the foreground, with keys of its own; the host's is of this kind.

    Args:
        options: lines of its configuration, which come before its own.
    """
    host_key = keygen(directory / "host_key", kind)
    user_key = keygen(directory / "user_key")
    (directory / "authorized").write_text(f"{user_key}\n")
    port = free_port("127.0.0.1")
    config = directory / "sshd_config"
    # A HOME of its own: what this user has in the start-up files of a shell is not under test.
    config.write_text(
        f"{options}Port {port}\nListenAddress 127.0.0.1\nHostKey {directory}/host_key\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {directory}/authorized\nStrictModes no\nPermitRootLogin yes\n"
        f"SetEnv HOME={directory}\nForceCommand exec sh {_enter(directory)}\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with (directory / "sshd.log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=log)
        try:
            await_port(port)
            access = Access(user=getpass.getuser(), key_file=directory / "user_key", port=port, connect_timeout=3)
            yield Sshd(port, host_key, access, process, directory)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _enter(directory: Path) -> Path:
    """A program that runs what was asked for by SSH, on the host that lies in this directory."""
    places = {name: directory / name for name in ("bin", "lib", "run", "units")}
    for place in places.values():
        place.mkdir()
    (places["lib"] / "samdrift").mkdir()
    (directory / "log").touch()
    for name, text in (("sudo", SUDO), ("systemctl", SYSTEMCTL.format(directory=directory))):
        (places["bin"] / name).write_text(text)
        (places["bin"] / name).chmod(0o755)
    enter = directory / "enter"
    enter.write_text(ENTER.format(directory=directory, unshare=" ".join(UNSHARE)))
    return enter


def await_port(port: int) -> None:
    """Wait until somebody listens on this port of 127.0.0.1; an error if nobody does."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"sshd did not listen on port {port}")
