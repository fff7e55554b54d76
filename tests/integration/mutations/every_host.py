"""What breaks the checks of the roles that every Debian host has."""

from __future__ import annotations

from roles.shared.parts.watched import RESTARTS, RESTARTS_FILE
from tests.integration.mutations.change import (
    KEPT,
    NOWHERE,
    UNITS,
    Change,
    Changes,
    configured,
    covered,
    disabled,
    edited,
    forgotten,
    loosened,
    masked,
    stopped,
    unread,
    written,
)

SSHD = "/etc/ssh/sshd_config"
READ_SSHD = "systemctl reload ssh.service"
CHRONY = "/etc/chrony/chrony.conf"
RULES = "/etc/nftables.conf"
LOAD_RULES = f"nft -f {RULES}"
RSYSLOG = "/etc/rsyslog.d/60-samdrift-send.conf"
EXPORTER, EXPORTER_UNIT = "/etc/default/prometheus-node-exporter", "prometheus-node-exporter.service"
BY_PASSWORD = edited(
    SSHD, "s/^AuthenticationMethods .*//; s/^PasswordAuthentication .*/PasswordAuthentication yes/", READ_SSHD
)
WRONG_VALUE = f"mkdir -p {KEPT} && echo 77 > {KEPT}/value"
SERVER_OF_TIME = "tie-dns2"

EARLIER = "/usr/local/share/ca-certificates/samdrift-9.crt"

BASE: Changes = {
    "sshd runs and comes back at boot": (forgotten("ssh.service", "sshd.service"),),
    "sshd offers nothing but keys [samdrift]": (BY_PASSWORD,),
    "sshd offers nothing but keys [root]": (BY_PASSWORD,),
    "sshd shows whose host it is before the login": (
        edited("/etc/issue.net", "s/tillhör/är/"),
        edited(SSHD, "s/^Banner .*/Banner none/", READ_SSHD),
    ),
    "sshd has an ed25519 host key and no other": (
        Change(
            f"ssh-keygen -q -t rsa -N '' -f {KEPT}.key && "
            + edited(SSHD, f"s,^HostKeyAlgorithms .*,HostKey {KEPT}.key,", READ_SSHD).breaks,
            edited(SSHD, "", READ_SSHD).mends + f" && rm {KEPT}.key {KEPT}.key.pub",
        ),
    ),
    "sshd would start again with its configuration": (edited(SSHD, "$ a NoSuchWord yes"),),
    "root has no key that sshd would read": (
        written("/etc/ssh/authorized_keys/root", ""),
        edited(SSHD, "s/^PermitRootLogin .*/PermitRootLogin prohibit-password/"),
        edited(SSHD, "s,^AuthorizedKeysFile .*,AuthorizedKeysFile .ssh/authorized_keys,"),
    ),
    "sshd forwards nothing and knows keys alone": (
        edited(SSHD, "s/^DisableForwarding .*//"),
        edited(SSHD, "s/^GSSAPIAuthentication .*/GSSAPIAuthentication yes/"),
    ),
    "sshd does not shut out management stations that connect and do not log in": (
        edited(SSHD, "s/^PerSourcePenaltyExemptList .*//"),
        edited(SSHD, f"s,^(PerSourcePenaltyExemptList .*)$,\\1\\,{NOWHERE}/32,"),
    ),
    "commands of sudo have a terminal of their own and are not looked for where one stands": (
        edited("/etc/sudoers.d/samdrift", "s/^Defaults ignore_dot/Defaults !ignore_dot/"),
        edited("/etc/sudoers.d/samdrift", "s/^Defaults use_pty/Defaults !use_pty/"),
    ),
    "nobody but root becomes somebody else by su": (
        edited("/etc/pam.d/su", "/pam_wheel/d"),
        edited("/etc/group", "s/^sugroup:.*/&nobody/"),
    ),
    "samdrift may become root": (
        edited("/etc/sudoers.d/samdrift", "s/^samdrift .*/samdrift ALL=(root) NOPASSWD: ALL/"),
    ),
    "every admin may become root": (
        edited("/etc/group", "s/^(samdrift-admins:.*:)[^,]*,/\\1/"),
        edited("/etc/sudoers.d/samdrift", "s/^%samdrift-admins .*//"),
    ),
    "nobody else is an admin": (
        edited("/etc/group", "s/^samdrift-admins:.*/&,nobody/"),
        Change("usermod -g samdrift-admins nobody", "usermod -g 65534 nobody"),
    ),
    "helpers may do what their duties say and nothing else as root": (
        edited("/etc/group", "s/^samdrift-people:.*/&,nobody/"),
        edited("/etc/sudoers.d/samdrift-duties", "s/ ^show[$]$/ ^show .*$/"),
        edited("/etc/sudoers.d/samdrift-duties", "s/NOEXEC: //"),
        edited("/etc/sudoers.d/samdrift-duties", "$ a elif-demir ALL=(ALL) NOPASSWD: ALL"),
        edited("/etc/sudoers.d/samdrift-duties", "$ d"),
    ),
    "whoever leaves on a known day cannot log in from the next on": (
        Change("usermod --expiredate 2099-01-01 elif-demir", "usermod --expiredate '' elif-demir"),
    ),
    "no account has a password": (
        edited("/etc/shadow", "s/^nobody:[^:]*:/nobody::/"),
        edited("/etc/shadow", "s/^nobody:[^:]*:/nobody:$y$j9T$abc$def:/"),
    ),
    "no account of the system may log in": (
        Change("usermod --shell /bin/sh www-data", "usermod --shell /usr/sbin/nologin www-data"),
        Change("usermod --shell '' nobody", "usermod --shell /usr/sbin/nologin nobody"),
    ),
    "peoples homes and dotfiles are not open to others": (
        Change("chmod 755 /root", "chmod 700 /root"),
        Change("chmod 644 /home/samdrift/.bashrc", "chmod 600 /home/samdrift/.bashrc"),
    ),
    "former admins are locked out": (
        Change("useradd former", "userdel former", given={"former_admins": ("former",)}),
        Change(
            "useradd --expiredate 1970-01-02 former && "
            "{ setsid setpriv --reuid former --clear-groups sleep 300 < /dev/null > /dev/null 2>&1 & }",
            "pkill -KILL -u former; until userdel former 2> /dev/null; do sleep 0.1; done",
            given={"former_admins": ("former",)},
        ),
    ),
    "kernel settings are in force [ipv4]": (
        Change(
            "echo 1 > /proc/sys/net/ipv4/conf/all/accept_redirects",
            "echo 0 > /proc/sys/net/ipv4/conf/all/accept_redirects",
        ),
    ),
    "kernel settings are in force [ipv6]": (
        Change("echo 1 > /proc/sys/net/ipv6/conf/all/accept_ra", "echo 0 > /proc/sys/net/ipv6/conf/all/accept_ra"),
    ),
    # The outer machine's: not to be written, but covered.
    "kernel settings are in force [kernel]": (
        covered("/proc/sys/kernel/randomize_va_space", f"{KEPT}/value", Change(WRONG_VALUE, "true")),
    ),
    "kernel settings are in force [filesystem]": (
        covered("/proc/sys/fs/suid_dumpable", f"{KEPT}/value", Change(WRONG_VALUE, "true")),
    ),
    "rare modules would not be loaded": (
        edited("/etc/modprobe.d/60-samdrift.conf", "s/^install cramfs .*//"),
        edited("/etc/modprobe.d/60-samdrift.conf", "s/^blacklist usb-storage//"),
    ),
    "no memory dumps": (
        edited("/etc/systemd/coredump.conf.d/60-samdrift.conf", "s/^Storage=.*/Storage=external/"),
        edited(
            "/etc/systemd/system.conf.d/60-samdrift.conf",
            "s/^DefaultLimitCORE=.*/DefaultLimitCORE=infinity/",
            "systemctl daemon-reload",
        ),
    ),
    "no program is run from the memory that programs share": (
        Change("mount -o remount,exec /dev/shm", "mount -o remount,noexec /dev/shm"),
        edited("/etc/fstab", "s/^(tmpfs .dev.shm tmpfs .*),noexec/\\1/"),
        edited("/etc/fstab", "/ .dev.shm /d"),
    ),
    "a password that is given in an emergency is dear to guess": (
        edited("/etc/login.defs", "s/^ENCRYPT_METHOD .*/ENCRYPT_METHOD DES/"),
        edited("/etc/login.defs", "s/^SHA_CRYPT_MIN_ROUNDS .*//"),
        edited("/etc/pam.d/common-password", "s/ yescrypt//"),
        Change(
            "mv /var/cache/cracklib /var/cache/cracklib.mutation", "mv /var/cache/cracklib.mutation /var/cache/cracklib"
        ),
    ),
    "wrong passwords lock an account for a while": (
        edited("/etc/pam.d/common-auth", "/preauth/d"),
        edited("/etc/pam.d/common-auth", "s/required(.*preauth)/optional\\1/"),
        edited("/etc/pam.d/common-auth", "s/preauth/& deny=99/"),
        edited("/etc/pam.d/common-auth", "s/authfail/authsucc/"),
        edited("/etc/pam.d/common-account", "/faillock/d"),
        edited("/etc/security/faillock.conf", "s/^deny = 3/deny = 0/"),
        edited("/etc/security/faillock.conf", "$ a unlock_time = 1"),
        edited("/etc/security/faillock.conf", "$ a even_deny_root"),
    ),
    "what people write is not for everybody [logged in]": (
        edited("/etc/profile.d/60-samdrift.sh", "s/^umask .*/umask 022/"),
    ),
    "what people write is not for everybody [for one command]": (
        edited("/etc/pam.d/common-session", "s/(pam_umask.so) nousergroups/\\1/"),
    ),
    "an idle prompt logs out": (edited("/etc/profile.d/60-samdrift.sh", "s/TMOUT=600/TMOUT=0/"),),
    "logs of packages are not for everybody": (Change("chmod 644 /var/log/dpkg.log", "chmod 640 /var/log/dpkg.log"),),
    "logs are rotated": (
        stopped("logrotate.timer"),
        disabled("logrotate.timer"),
        edited("/etc/logrotate.conf", "s/^weekly/nonsense/"),
    ),
    "what waits for a restart is known": (
        stopped("samdrift-restarts.timer"),
        Change(f"mkdir -p {KEPT} && mv {RESTARTS_FILE} {KEPT}", f"mv {KEPT}/samdrift-restarts.prom {RESTARTS_FILE}"),
        edited(RESTARTS_FILE, "s/^samdrift_restarts_due .*/samdrift_restarts_due 99/"),
    ),
    "which updates wait is known and since when": (
        edited(RESTARTS_FILE, "/^samdrift_security_updates_due /d"),
        edited(RESTARTS_FILE, "/^samdrift_package_lists_timestamp_seconds /d"),
        edited(RESTARTS_FILE, "s/^(samdrift_package_lists_timestamp_seconds) .*/\\1 4102444800/"),
    ),
    "what asks for restarts may do what it needs and nothing else": loosened(
        RESTARTS.unit, f"{UNITS}/{RESTARTS.unit}", starts=False
    ),
    "an update restarts nothing by itself": (edited("/etc/needrestart/conf.d/samdrift.conf", "s/'l'/'a'/"),),
    "nothing is installed that was only recommended": (
        edited("/etc/apt/apt.conf.d/60samdrift-no-recommends", 's/Recommends .false./Recommends "true"/'),
    ),
    "the journal is kept and bounded": (
        configured(
            "systemd-journald",
            "/etc/systemd/journald.conf.d/60-samdrift.conf",
            "s/^SystemMaxUse=.*/SystemMaxUse=100M/",
        ),
    ),
    "it updates at its own hour and at no other": tuple(
        edited(f"{UNITS}/apt-daily-upgrade.timer.d/samdrift.conf", sed, "systemctl daemon-reload")
        for sed in ("s/^OnCalendar=$//", "s/^Persistent=no/Persistent=yes/", "s/30min/3h/")
    ),
    "security updates come by themselves": (
        stopped("apt-daily-upgrade.timer"),
        disabled("apt-daily.timer"),
        edited("/etc/apt/apt.conf.d/20auto-upgrades", 's/Unattended-Upgrade "1"/Unattended-Upgrade "0"/'),
        edited("/etc/apt/apt.conf.d/50unattended-upgrades", "s/-security//"),
    ),
    "packages come the right way": (
        written("/etc/apt/apt.conf.d/99mutation", f'Acquire::http::Proxy "http://{NOWHERE}:3142";'),
    ),
    "the host knows its name and address": (
        Change("hostname mutation", "hostname -F /etc/hostname"),
        edited("/etc/hosts", f"s/^10[0-9.]+ /{NOWHERE} /"),
    ),
    "programs trust the organisations authorities and no earlier one": (
        Change(
            "mv /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/kept",
            "update-ca-certificates; rm /etc/ssl/certs/kept",
        ),
        Change("rm -f $(find /etc/ssl/certs -lname 'samdrift-*.pem')", "update-ca-certificates --fresh"),
        Change(f"touch {EARLIER}", f"rm {EARLIER}"),
    ),
    "time zone is swedish": (
        Change(
            "ln -sfn /usr/share/zoneinfo/Europe/Berlin /etc/localtime",
            "ln -sfn /usr/share/zoneinfo/Europe/Stockholm /etc/localtime",
        ),
        Change(
            "ln -sfn /usr/share/zoneinfo/UTC /etc/localtime",
            "ln -sfn /usr/share/zoneinfo/Europe/Stockholm /etc/localtime",
        ),
    ),
    "language is swedish where people see it": (edited("/etc/locale.conf", "s/^LANG=.*/LANG=C.UTF-8/"),),
    "what runs at times is roots alone": (
        Change("chmod 755 /etc/cron.d", "chmod 700 /etc/cron.d"),
        Change("chmod 644 /etc/cron.allow", "chmod 600 /etc/cron.allow"),
    ),
    "accounts cannot be read or changed by everybody": (
        Change("chmod 644 /etc/shadow", "chmod 640 /etc/shadow"),
        Change("chown nobody /etc/group", "chown root /etc/group"),
    ),
}

FIREWALL: Changes = {
    "its service may do what it needs and nothing else": loosened("nftables.service", starts=False),
    "everything is dropped that no rule accepts": tuple(
        Change(f"nft 'add chain inet samdrift {chain} {{ policy accept; }}'", LOAD_RULES)
        for chain in ("input", "forward")
    ),
    "there is one ruleset and it is ours": (
        Change("nft add table ip mutation", LOAD_RULES),
        Change("nft add chain inet samdrift mutation", LOAD_RULES),
        Change("nft flush ruleset", LOAD_RULES),
    ),
    "exactly the declared sources reach exactly the declared ports": (
        Change("nft insert rule inet samdrift input tcp dport 8080 accept", LOAD_RULES),
        Change(f"sed -E 's/(ip saddr [{{] )(.*tcp dport 22 )/\\1{NOWHERE}, \\2/' {RULES} | nft -f -", LOAD_RULES),
        Change(f"sed -E 's/ip saddr .* (tcp dport 9100 )/meta nfproto ipv4 \\1/' {RULES} | nft -f -", LOAD_RULES),
        Change(f"sed -E '/udp dport 53 /d' {RULES} | nft -f -", LOAD_RULES),
    ),
    "exactly the declared traffic is forwarded": (
        Change(f"nft insert rule inet samdrift forward ip saddr {NOWHERE} accept", LOAD_RULES),
        Change(f"sed -E '/chain forward/,/^    [}}]/ {{ /tcp dport 53 /d }}' {RULES} | nft -f -", LOAD_RULES),
        Change(
            f"sed -E '/chain forward/,/^    [}}]/ s/ip daddr [{{].*[}}] (tcp dport 53 )/\\1/' {RULES} | nft -f -",
            LOAD_RULES,
        ),
    ),
    "nobody speaks in the name of an address that is reached another way": (
        Change('nft insert rule inet samdrift origin iifname "wan0" accept', LOAD_RULES),
        Change(f"sed '/fib saddr/d' {RULES} | nft -f -", LOAD_RULES),
    ),
    "the ruleset comes back at boot": (
        disabled("nftables.service"),
        edited(RULES, "s/policy drop/policy accept/"),
        edited(RULES, "$ a nonsense"),
        written(
            "/run/systemd/system/nftables.service.d/mutation.conf",
            "[Service]\nExecStart=\nExecStart=/usr/sbin/nft -f /etc/other.conf\n",
            "systemctl daemon-reload",
        ),
    ),
}

TIME: Changes = {
    "its service may do what it needs and nothing else": unread("chrony.service"),
    "chrony runs and comes back at boot": (stopped("chrony.service"), masked("chrony.service")),
    "no other program sets the clock": (
        Change(
            "printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' > "
            "/run/systemd/system/systemd-timesyncd.service && systemctl daemon-reload && "
            "systemctl start systemd-timesyncd",
            "systemctl stop systemd-timesyncd; rm /run/systemd/system/systemd-timesyncd.service; "
            "systemctl daemon-reload",
        ),
    ),
    "it asks whom it should and nobody else": (
        Change(f"chronyc add server {NOWHERE}", f"chronyc delete {NOWHERE}"),
        Change("chronyc delete 10.60.10.11", "systemctl restart chrony"),
    ),
    "a server answers the fleet and a client nobody": (
        configured("chrony", CHRONY, "s/^port 0/allow 127.0.0.1/"),
        configured("chrony", CHRONY, "s/^allow .*//", on=SERVER_OF_TIME),
    ),
    "it has the time": (
        configured("chrony", CHRONY, f"s/^server [^ ]*/server {NOWHERE}/"),
        configured("chrony", CHRONY, "s/^(local|server) .*//", on=SERVER_OF_TIME),
    ),
    "the clock is right": (
        configured("chrony", CHRONY, f"s/^server [^ ]*/server {NOWHERE}/", given={"control_clock": True}),
    ),
}

LOG_CLIENT: Changes = {
    "no text log of an earlier set up is left": (written("/var/log/auth.log.1", "mutation"),),
    "its service may do what it needs and nothing else": loosened("rsyslog.service"),
    "rsyslog runs and is enabled": (
        stopped("syslog.socket", "rsyslog.service"),
        forgotten("rsyslog.service", "syslog.service"),
    ),
    "what is logged here reaches the journal": (
        written(
            "/run/systemd/journald.conf.d/zz-mutation.conf",
            "[Journal]\nStorage=none\n",
            "systemctl restart systemd-journald",
        ),
    ),
    "every log server is connected": (configured("rsyslog", RSYSLOG, 's/target="[0-9.]*"/target="127.0.0.1"/'),),
    "the bookmark in the journal is kept": (
        Change(
            "systemctl stop syslog.socket rsyslog && mv /var/spool/rsyslog/journal.state /var/spool/kept.state",
            "mv /var/spool/kept.state /var/spool/rsyslog/journal.state && systemctl start rsyslog",
        ),
    ),
    "nothing is pushed at rsyslog beside the journal": (
        written("/etc/systemd/journald.conf.d/zz-mutation.conf", "[Journal]\nForwardToSyslog=yes\n"),
    ),
}

NODE_METRICS: Changes = {
    "its service may do what it needs and nothing else": loosened(EXPORTER_UNIT),
    "the exporter runs and is enabled": (stopped(EXPORTER_UNIT), masked(EXPORTER_UNIT)),
    "it answers with metrics of this host": (configured(EXPORTER_UNIT, EXPORTER, "/collector.uname/d"),),
    "it answers nobody without the password": (edited("/etc/node-exporter/web.yml", "d"),),
    "it listens on the primary address only": (
        configured(EXPORTER_UNIT, EXPORTER, "s/listen-address=[0-9.]*/listen-address=0.0.0.0/"),
    ),
    "every collector measures": (configured(EXPORTER_UNIT, EXPORTER, "/collector.meminfo/d"),),
    "the kernel lets itself be measured": (
        covered(
            "/usr/bin/systemd-detect-virt",
            "/usr/bin/false",
            configured(EXPORTER_UNIT, EXPORTER, "/collector.timex/d"),
        ),
    ),
}
