"""What is hardened of every Debian host: the kernel's settings, and what it does not load. Pure values.

Not here: how they come onto a host (`parts.hardened`, `parts.kernel`), and what a role adds for its own purpose. Rule
by rule, with what is waived and why: docs/hardening.md.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

KERNEL: dict[str, dict[str, str]] = {
    "ipv4": {
        "net.ipv4.conf.*.accept_local": "0",
        "net.ipv4.conf.*.accept_redirects": "0",
        "net.ipv4.conf.*.accept_source_route": "0",
        # ARP, on gateways above all: each interface speaks for its own addresses alone. Not drop_gratuitous_arp, by
        # which the address that two gateways share moves from one to the other; not arp_ignore 2, which leaves whoever
        # asks from an address of another network without an answer.
        "net.ipv4.conf.*.arp_announce": "2",
        "net.ipv4.conf.*.arp_filter": "1",
        "net.ipv4.conf.*.arp_ignore": "1",
        "net.ipv4.conf.*.bootp_relay": "0",
        "net.ipv4.conf.*.log_martians": "1",
        "net.ipv4.conf.*.proxy_arp": "0",
        "net.ipv4.conf.*.route_localnet": "0",
        "net.ipv4.conf.*.secure_redirects": "0",
        "net.ipv4.conf.*.send_redirects": "0",
        "net.ipv4.conf.*.shared_media": "0",
        "net.ipv4.icmp_echo_ignore_broadcasts": "1",
        "net.ipv4.icmp_ignore_bogus_error_responses": "1",
        "net.ipv4.ip_local_port_range": "32768 65535",
        "net.ipv4.tcp_rfc1337": "1",
        "net.ipv4.tcp_syncookies": "1",
    },
    "ipv6": {
        # Addresses and routes are NetBox's: a router that announces others is not believed, and not asked.
        "net.ipv6.conf.*.accept_ra": "0",
        "net.ipv6.conf.*.accept_ra_defrtr": "0",
        "net.ipv6.conf.*.accept_ra_pinfo": "0",
        "net.ipv6.conf.*.accept_ra_rtr_pref": "0",
        "net.ipv6.conf.*.accept_redirects": "0",
        "net.ipv6.conf.*.accept_source_route": "0",
        "net.ipv6.conf.*.autoconf": "0",
        "net.ipv6.conf.*.max_addresses": "1",
        "net.ipv6.conf.*.router_solicitations": "0",
    },
    "kernel": {
        # A terminal's line discipline is a module that anybody could have loaded: old ones had holes.
        "dev.tty.ldisc_autoload": "0",
        "kernel.core_uses_pid": "1",
        "kernel.ctrl-alt-del": "0",
        "kernel.dmesg_restrict": "1",
        # Of no program here; seccomp does not see what is done by it. Kernels before 6.6 do not know this.
        "kernel.io_uring_disabled": "2",
        # Nobody boots another kernel past the firmware. It holds until the next boot.
        "kernel.kexec_load_disabled": "1",
        "kernel.kptr_restrict": "2",
        # Performance counters: nobody's but root's, who takes no more than a hundredth of the processors.
        "kernel.perf_cpu_time_max_percent": "1",
        "kernel.perf_event_max_sample_rate": "1",
        "kernel.perf_event_paranoid": "3",
        "kernel.pid_max": "65536",
        "kernel.randomize_va_space": "2",
        # Whoever sits at the console, or breaks in there, gives the kernel no orders by the keyboard.
        "kernel.sysrq": "0",
        "kernel.unprivileged_bpf_disabled": "1",
        "kernel.yama.ptrace_scope": "1",
        "net.core.bpf_jit_harden": "2",
        "vm.mmap_min_addr": "65536",
        "vm.unprivileged_userfaultfd": "0",
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

FORWARDING = {"ipv4": "net.ipv4.conf.*.forwarding", "ipv6": "net.ipv6.conf.*.forwarding"}


def kernel_of(*, multihomed: bool, forwards: bool) -> dict[str, dict[str, str]]:
    """Return the settings of one host's kernel, by theme.

    Args:
        forwards: it passes on what is for others, as its own role says; whoever does not is no way around a gateway.
    """
    # Strict reverse path filtering (RFC 3704) needs to know the one way back; with several networks, loose.
    own = {"net.ipv4.conf.*.rp_filter": "2" if multihomed else "1"}
    themes = {**KERNEL, "ipv4": KERNEL["ipv4"] | own}
    return themes if forwards else {t: v | ({FORWARDING[t]: "0"} if t in FORWARDING else {}) for t, v in themes.items()}


RARE_PROTOCOLS = ("appletalk", "atm", "ax25", "can", "dccp", "netrom", "rds", "rose", "sctp", "tipc", "x25")
"""Network protocols that no host here speaks, and whose code has had more holes than users."""
RARE_FILESYSTEMS = ("cramfs", "freevxfs", "hfs", "hfsplus", "jffs2", "squashfs", "udf")
"""File systems that no disk here has: a medium or an image that somebody brings could attack the code that reads it."""
RARE_DEVICES = ("firewire-core", "firewire-net", "firewire-ohci", "firewire-sbp2", "usb-storage")
"""Ways in past the network: FireWire reads memory, and a stick brings or takes files."""
RARE_MODULES = tuple(sorted((*RARE_PROTOCOLS, *RARE_FILESYSTEMS, *RARE_DEVICES)))


def _is_rare(name: str) -> str:
    """Return the name of a module that no host loads; raise ValueError for another, which there is no need to keep."""
    if name not in RARE_MODULES:
        raise ValueError(f"no module that is refused: {', '.join(RARE_MODULES)} are")
    return name


RareModule = Annotated[str, AfterValidator(_is_rare)]

MAY_HAVE_SHELLS = ("root", "sync")
"""Accounts of the system that keep the shell that Debian gives them; sync's does nothing but that."""

SHELLS_OF_ROLES = ("frr", "postgres")
"""Accounts whose package gives them a shell, and whose role takes it when the package is there (`parts.hardened`)."""
