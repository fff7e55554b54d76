"""What breaks each state check: for every check of every role one change of a host by which it must fail, or several.

A table, in the order of the roles: shell commands for the lab's hosts, here; `devices` has those of emulated devices.
Who makes the changes: `test_mutations` and `test_device_checks`. That no check is left out: `tests/unit/state`.
"""

from __future__ import annotations

from tests.integration.mutations import every_host, gateways, netbox, services
from tests.integration.mutations.change import Changes

EDGE = "heb-gw1"
PLACES = {
    "alertmanager": "tie-mon1",
    "certificates": "tie-netbox1",
    "dns_resolver": "tie-dns2",
    "keepalived": "tie-gw1",
    "log_server": "tie-log1",
    "monitoring": "tie-mon1",
    "netbox": "tie-netbox1",
    "package_cache": "tie-cache1",
    "probes": "tie-mon1",
    "snmp_metrics": "tie-mon1",
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
    "certificates": netbox.CERTIFICATES,
}

NO_STATION = "the lab has no management station"
STATION = "the lab has no management station; made-up answers in the unit tests"
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
    ("drift_watch", "each municipality has a timer that runs and comes back at boot"): NO_STATION,
    ("drift_watch", "its service may do what it needs and nothing else"): NO_STATION,
    ("drift_watch", "samdrift is the wanted revision and nobody but root can change it"): STATION,
    ("drift_watch", "the account is nobody else and its key is its own"): STATION,
    ("drift_watch", "the store is the stations and the watchs and no others"): STATION,
    ("drift_watch", "the exporter reads the metrics of each municipality"): NO_STATION,
    ("management_station", "nobody but the account reads the key"): STATION,
    ("management_station", "nobody logs in as the account"): STATION,
    ("management_station", "what people run as the account is roots"): STATION,
    ("management_station", "samdrift itself is roots"): STATION,
    ("management_station", "the program refuses another key and another inventory"): STATION,
    ("watch_pages", "it runs and starts at boot"): NO_STATION,
    ("watch_pages", "its service may do what it needs and nothing else"): NO_STATION,
    ("watch_pages", "whoever does not prove who he is is refused whatever he says"): STATION,
    ("watch_pages", "its answers let nothing be loaded from elsewhere"): STATION,
    ("watch_pages", "tls is new enough"): STATION,
    ("watch_pages", "the certificate holds for three weeks"): NO_STATION,
    ("watch_pages", "the pages are the watchs and the web servers alone"): STATION,
    ("time", "a server has the time from outside"): (
        "the lab's servers have the machine's clock, and nobody outside answers them; made-up answers in the unit tests"
    ),
}
"""The checks that no change of a lab host can make fail, and why."""
