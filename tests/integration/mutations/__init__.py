"""What breaks each state check: for every check of every role one change of a host by which it must fail, or several.

A table, in the order of the roles: shell commands for the lab's hosts, here; `devices` has those of emulated devices.
Who makes the changes: `test_mutations` and `test_device_checks`. That no check is left out: `tests/unit/state`.
"""

from __future__ import annotations

from tests.integration.mutations import every_host, gateways, netbox, services, station
from tests.integration.mutations.change import Changes

EDGE = "heb-gw1"
PLACES = {
    "alertmanager": "tie-mon1",
    "certificates": "tie-netbox1",
    "dns_resolver": "tie-dns2",
    "drift_watch": "tie-adm1",
    "keepalived": "tie-gw1",
    "log_server": "tie-log1",
    "management_station": "tie-adm1",
    "monitoring": "tie-mon1",
    "netbox": "tie-netbox1",
    "package_cache": "tie-cache1",
    "probes": "tie-mon1",
    "snmp_metrics": "tie-mon1",
    "watch_pages": "tie-adm1",
}
"""On which host of the lab a role's checks are broken; those of every other role on an edge gateway."""

CHANGES: dict[str, Changes] = {
    "base": every_host.BASE,
    "firewall": every_host.FIREWALL,
    "time": every_host.TIME,
    "log_client": every_host.LOG_CLIENT,
    "node_metrics": every_host.NODE_METRICS,
    "local_dns": services.LOCAL_DNS,
    "dns_resolver": services.DNS_RESOLVER,
    "dhcp_server": services.DHCP_SERVER,
    "log_server": services.LOG_SERVER,
    "print_server": services.PRINT_SERVER,
    "package_cache": services.PACKAGE_CACHE,
    "monitoring": services.MONITORING,
    "alertmanager": services.ALERTMANAGER,
    "probes": services.PROBES,
    "snmp_metrics": services.SNMP_METRICS,
    "lldp": gateways.LLDP,
    "wireguard": gateways.WIREGUARD,
    "edge_gateway": gateways.EDGE_GATEWAY,
    "keepalived": gateways.KEEPALIVED,
    "netbox": netbox.NETBOX,
    "management_station": station.MANAGEMENT_STATION,
    "drift_watch": station.DRIFT_WATCH,
    "watch_pages": station.WATCH_PAGES,
    "certificates": netbox.CERTIFICATES,
}

NOTHING_BREAKS: dict[tuple[str, str], str] = {
    ("base", "no rare module is loaded"): (
        "a lab host is a container, which loads no modules into the machine's kernel; made-up answers in the unit tests"
    ),
    ("base", "services run under the profiles that their packages bring"): (
        "a lab host is a container, in which AppArmor is the machine's; made-up answers in the unit tests"
    ),
    ("base", "the kernel tells who changes what protects the host"): (
        "a lab host is a container, in which auditd cannot be; made-up answers in the unit tests"
    ),
    ("base", "what is plugged into usb later is used only if it is known"): (
        "a lab host is a container, and has no USB of its own; made-up answers in the unit tests"
    ),
    ("dns_resolver", "answers from outside are validated"): (
        "the lab asks the machine's nameserver, which may strip DNSSEC; made-up answers in the unit tests"
    ),
    ("log_server", "every device was heard within a day"): (
        "the lab has no devices; made-up answers, and a directory of logs, in the unit tests"
    ),
    ("time", "a server has the time from outside"): (
        "the lab's servers have the machine's clock, and nobody outside answers them; made-up answers in the unit tests"
    ),
}
"""The checks that no change of a lab host can make fail, and why."""
