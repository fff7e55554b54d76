"""What is hardened of every Debian kernel: its settings, and the network protocols that it does not load. Pure values.

Not here: how settings come onto a host (`parts.kernel`), and what a role adds to them for its own purpose.
"""

from __future__ import annotations

KERNEL: dict[str, dict[str, str]] = {
    "ipv4": {
        "net.ipv4.conf.*.accept_redirects": "0",
        "net.ipv4.conf.*.accept_source_route": "0",
        "net.ipv4.conf.*.log_martians": "1",
        "net.ipv4.conf.*.secure_redirects": "0",
        "net.ipv4.conf.*.send_redirects": "0",
        "net.ipv4.icmp_echo_ignore_broadcasts": "1",
        "net.ipv4.icmp_ignore_bogus_error_responses": "1",
        "net.ipv4.tcp_rfc1337": "1",
        "net.ipv4.tcp_syncookies": "1",
    },
    "ipv6": {
        "net.ipv6.conf.*.accept_ra": "0",
        "net.ipv6.conf.*.accept_redirects": "0",
        "net.ipv6.conf.*.accept_source_route": "0",
    },
    "kernel": {
        "kernel.dmesg_restrict": "1",
        "kernel.kptr_restrict": "2",
        "kernel.perf_event_paranoid": "3",
        "kernel.randomize_va_space": "2",
        "kernel.unprivileged_bpf_disabled": "1",
        "kernel.yama.ptrace_scope": "1",
        "net.core.bpf_jit_harden": "2",
    },
    "filesystem": {
        "fs.protected_fifos": "2",
        "fs.protected_hardlinks": "1",
        "fs.protected_regular": "2",
        "fs.protected_symlinks": "1",
        "fs.suid_dumpable": "0",
    },
}
"""By theme, sysctl's keys and values; `*` stands for every interface."""

RARE_MODULES = ("appletalk", "atm", "ax25", "can", "dccp", "netrom", "rds", "rose", "sctp", "tipc", "x25")
"""Network protocols that no host here speaks, and whose code has had more holes than users."""
