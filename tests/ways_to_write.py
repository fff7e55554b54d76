"""Ways in which whoever holds the key for looks may try to change a host, each with what would tell that it worked."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple


class Way(NamedTuple):
    """A way to change a host: a question for it, and a command by which root sees whether it did.

    `here` says that it may be tried on the machine of the tests: if it worked, nothing but a file of its own is left.
    """

    name: str
    command: str
    evidence: str
    here: bool = False


def _file(name: str, command: str, path: str, settles: str = "") -> Way:
    """A way that leaves a file."""
    return Way(name, command.format(path=path), f"{settles}ls -d {path} 2>/dev/null; rm -rf {path}", here=True)


def _python(text: str) -> str:
    return f"python3 -c {shlex.quote(text)}"


CALL = "python3 -c 'import ctypes, os; libc = ctypes.CDLL(None, use_errno=True); {0}'"
WAYS = (
    # Files: new ones, in all places that are everybody's and in root's own
    _file("a file in /etc", "touch {path}", "/etc/way-1"),
    _file("a file in /tmp", "touch {path}", "/tmp/way-2"),
    _file("a file in /var/tmp", "echo way > {path}", "/var/tmp/way-3"),
    _file("a file in shared memory", "touch {path}", "/dev/shm/way-4"),
    _file("a file where locks are", "touch {path}", "/run/lock/way-5"),
    _file("a file in root's home", "touch {path}", "/root/way-6"),
    _file("a directory in /run", "mkdir {path}", "/run/way-7"),
    _file("a pipe with a name", "mkfifo {path}", "/tmp/way-8"),
    _file("a link", "ln -s /etc/shadow {path}", "/tmp/way-9"),
    _file("a second name of a file", "ln /etc/hostname {path}", "/etc/way-10"),
    _file("a device", "mknod {path} c 1 3", "/tmp/way-11"),
    _file("a socket", _python("import socket; socket.socket(socket.AF_UNIX).bind('{path}')"), "/tmp/way-12"),
    _file("a program that is root's", "cp /bin/sh {path} && chmod 4755 {path}", "/tmp/way-13"),
    _file("a unit", "printf '[Service]\\nExecStart=/bin/true\\n' > {path}", "/etc/systemd/system/way-14.service"),
    _file("a job of cron", "echo '* * * * * root true' > {path}", "/etc/cron.d/way-15"),
    _file(
        "a file by its handle",
        CALL.format(
            "h = ctypes.create_string_buffer(bytes([8, 0, 0, 0, 1, 0, 0, 0]) + bytes(120)); "
            'd = os.open("/", 0); libc.syscall(304, d, h, os.O_RDWR) >= 0 and os.system("touch {path}")'
        ),
        "/tmp/way-16",
    ),
    # Mounts and namespaces: another view of the same files, in which they could be written to
    _file("all mounted anew", "mount -o remount,rw / && touch {path}", "/etc/way-17"),
    _file("something mounted over a directory", "mount -t tmpfs none /mnt && touch {path}", "/tmp/way-18"),
    _file("a user of its own, who is root", "unshare --map-root-user --mount touch {path}", "/tmp/way-19"),
    _file("a user of its own, with all rights", "unshare --user --keep-caps touch {path}", "/etc/way-20"),
    _file("the namespace of PID 1", "nsenter --target 1 --mount touch {path}", "/etc/way-21"),
    _file("the root of PID 1", "touch /proc/1/root{path}", "/etc/way-22"),
    _file("the root of PID 1, by chroot", "chroot /proc/1/root touch {path}", "/etc/way-23"),
    _file(
        "a mount that is made read-only no more",
        CALL.format(
            'import struct; a = struct.pack("QQQQ", 0, 1, 0, 0); '
            'libc.syscall(442, -100, b"/", 0x8000, a, 32) == 0 and os.system("touch {path}")'
        ),
        "/tmp/way-24",
    ),
    # Somebody else's rights
    _file("sudo", "sudo -n touch {path}", "/etc/way-25"),
    _file("the uid of root", _python("import os; os.setuid(0); open('{path}', 'w')"), "/etc/way-26"),
    _file("su", "su -c 'touch {path}' root", "/etc/way-27"),
    _file("systemd", "systemd-run --wait touch {path}", "/etc/way-28"),
    _file("systemd, as the account itself", "systemd-run --user --wait touch {path}", "/tmp/way-29"),
    _file(
        "what runs on when the look is over",
        "setsid sh -c 'sleep 1; touch {path}' & sleep 0",
        "/tmp/way-30",
        settles="sleep 1.5; ",
    ),
    _file("a shell that root's command is led into", "systemctl is-active x; touch {path}", "/etc/way-31"),
    _file("a second line in root's command", "systemctl show -p Id --value\ntouch {path}", "/etc/way-32"),
    _file("a name that is a command", "sudo -l -U $(touch {path})", "/etc/way-33"),
    _file("a name that is an option", "systemctl show -p Id --value --root=/ ; touch {path}", "/etc/way-34"),
    _file(
        "ptrace",
        CALL.format('libc.ptrace(16, os.getppid(), 0, 0) == 0 and os.system("touch {path}")').replace(
            "{{path}}", "{path}"
        ),
        "/tmp/way-35",
    ),
    # What is there already
    Way("a line in /etc/passwd", "echo way::0:0::/root:/bin/sh >> /etc/passwd", "sha256sum /etc/passwd"),
    Way("the mode of /etc/shadow", "chmod 666 /etc/shadow", "stat -c %a /etc/shadow"),
    Way("the owner of /etc/shadow", "chown samdrift-look /etc/shadow", "stat -c %U /etc/shadow"),
    Way("another name for /etc/motd", "mv /etc/motd /etc/motd.way", "ls /etc/motd*"),
    Way("a file without its content", ": > /etc/issue", "stat -c %s /etc/issue"),
    Way("the time of a file", "touch -d 2000-01-01 /etc/hostname", "stat -c '%X %Y' /etc/hostname"),
    Way(
        "one more key that is let in",
        "cat /etc/hostname >> /etc/ssh/authorized_keys/samdrift-look",
        "sha256sum /etc/ssh/authorized_keys/*",
    ),
    Way(
        "what may be asked as root",
        "echo 'touch {word}' >> /etc/samdrift/asked-as-root",
        "sha256sum /etc/samdrift/asked-as-root /usr/local/sbin/samdrift-look /etc/sudoers.d/*",
    ),
    Way("a new account", "useradd way", "getent passwd way"),
    Way("root without a password", "passwd -d root", "getent shadow root"),
    Way("a package", "dpkg --force-all --remove tzdata", "dpkg-query -W tzdata"),
    # The kernel and what runs
    Way("a service that is stopped", "systemctl stop cron ssh", "systemctl show -p MainPID --value cron ssh"),
    Way("systemd's environment", "systemctl set-environment WAY=1", "systemctl show-environment | grep WAY"),
    Way(
        "systemd by its bus",
        "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 "
        "org.freedesktop.systemd1.Manager SetEnvironment as 1 WAY=1",
        "systemctl show-environment | grep WAY",
    ),
    Way("an account that lingers", "loginctl enable-linger", "ls /var/lib/systemd/linger 2>/dev/null"),
    Way("the name of the host", "hostname way || hostnamectl set-hostname way", "hostname; cat /etc/hostname"),
    Way("the clock", "date -s '2000-01-01' ; timedatectl set-time 2000-01-01", "test $(date +%Y) -gt 2020; echo $?"),
    Way(
        "a value of the kernel",
        "echo 1 > /proc/sys/net/ipv4/conf/lo/log_martians",
        "cat /proc/sys/net/ipv4/conf/lo/log_martians",
    ),
    Way(
        "a value of the kernel, by sysctl",
        "sysctl -w net.ipv4.conf.lo.log_martians=1",
        "cat /proc/sys/net/ipv4/conf/lo/log_martians",
    ),
    Way("a group of processes", "mkdir /sys/fs/cgroup/way", "ls -d /sys/fs/cgroup/way 2>/dev/null"),
    Way(
        "processes that are ended",
        "kill -9 -1; kill -9 $(cat /run/sshd.pid)",
        "systemctl show -p MainPID --value ssh systemd-journald",
    ),
    Way(
        "a restart",
        "systemctl reboot; reboot -f; " + CALL.format("libc.reboot(0x1234567)"),
        "cut -d. -f1 /proc/1/stat | wc -l; cat /proc/1/stat | cut -d' ' -f22",
    ),
    Way("a segment of shared memory", "ipcmk -M 4096", "ipcs -m | grep -c 0x"),
    Way(
        "a key in the kernel's keyring",
        CALL.format('print(libc.syscall(248, b"user", b"way", b"x", 1, -4))'),
        "grep -c way /proc/keys || true",
    ),
    # The network
    Way("a rule of the firewall", "nft add table inet way", "nft list tables"),
    Way("no rules of the firewall", "nft flush ruleset", "nft -s list ruleset | sha256sum"),
    Way("an address", "ip address add 192.0.2.77/32 dev lo", "ip -o address show dev lo"),
    Way("a route", "ip route add blackhole 192.0.2.78", "ip route show 192.0.2.78"),
    Way("a line in the log", "logger -t way written", "journalctl --sync; journalctl -q -t way -o cat"),
    Way(
        "a line in the kernel's log", "echo way-written > /dev/kmsg", "dmesg 2>/dev/null | grep -c way-written || true"
    ),
)

CONNECTIONS = (
    "bash -c 'exec 3<>/dev/tcp/127.0.0.1/22 && echo connected'",
    "bash -c 'exec 3<>/dev/udp/10.60.10.11/53 && echo connected'",
    _python("import socket; socket.socket(socket.AF_UNIX).connect('/run/dbus/system_bus_socket'); print('connected')"),
    _python("import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW); print('connected')"),
    _python("import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); print('connected')"),
    CALL.format('b = ctypes.create_string_buffer(120); print("connected") if libc.syscall(425, 8, b) >= 0 else 0'),
)
"""What would say `connected`: to anybody, by whatever means."""


def seen_of(ways: Iterable[Way], ask: Callable[[str], str]) -> dict[str, str]:
    """What tells of each way whether it worked, asked of root in one script."""
    ways, end = tuple(ways), "@@ end of evidence @@"
    found = ask("".join(f"{{ {way.evidence}\n}} 2>/dev/null; echo {shlex.quote(end)}\n" for way in ways)).split(end)
    return {way.name: said.strip() for way, said in zip(ways, found, strict=False)}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The ways that worked."""
    assert len(before) == len(after) > 0
    return [name for name, said in after.items() if said != before[name]]
