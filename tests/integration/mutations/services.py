"""What breaks the checks of the roles that serve something: names, addresses, logs, packages, printers, metrics."""

from __future__ import annotations

from tests.integration.mutations.change import (
    NOWHERE,
    UNITS,
    Change,
    Changes,
    configured,
    disabled,
    edited,
    forgotten,
    loosened,
    masked,
    stopped,
    written,
)

DOMAIN = "norduppland.internal"
KEA, KEA_UNIT = "/etc/kea/kea-dhcp4.conf", "kea-dhcp4-server.service"
UNBOUND = "/etc/unbound/unbound.conf"
RSYSLOG = "/etc/rsyslog.conf"
CACHE, CACHE_UNIT = "/etc/apt-cacher-ng/acng.conf", "apt-cacher-ng.service"
TRIMS = "samdrift-package-cache-trim.service"
CUPS = "/etc/cups/cupsd.conf"
CUPS_UNITS = stopped("cups.socket", "cups.path", "cups.service")
READ_CUPS = f"{{ {CUPS_UNITS.breaks}; {CUPS_UNITS.mends}; }}"
"""All of its units: the socket goes with the service, and is counted, too, when it starts."""
PROMETHEUS = "/etc/prometheus/prometheus.yml"
READ_PROMETHEUS = "systemctl reload prometheus.service && sleep 2"


def told_unbound(command: str) -> Change:
    """Unbound was told something that its file does not say."""
    return Change(f"unbound-control {command}", "unbound-control reload")


RESOLVES: Changes = {
    "unbound runs and is enabled": (stopped("unbound.service"), masked("unbound.service")),
    "a name that no host has does not exist": (told_unbound(f"local_data no-such-host.{DOMAIN}. 60 IN A {NOWHERE}"),),
    "the validator is at work": (
        configured("unbound", UNBOUND, 's/module-config: "validator iterator"/module-config: "iterator"/'),
    ),
}
"""What the two roles of resolvers have in common."""
NO_TCP = configured("unbound", UNBOUND, "s/do-ip6: no/&\\n    do-tcp: no/")
OPEN = configured("unbound", UNBOUND, "s,127.0.0.0/8 refuse,127.0.0.0/8 allow,")
DEAF = configured("unbound", UNBOUND, "s/^ *interface: 10.*//")
FORGOTTEN = (
    told_unbound(f"local_data_remove alv-fw1.{DOMAIN}."),
    told_unbound(f"local_data_remove tie-web1.{DOMAIN}."),
)
FORGOTTEN_ADDRESS = (told_unbound("local_data_remove 4.1.61.10.in-addr.arpa."),)


LOCAL_DNS: Changes = RESOLVES | {
    "its service may do what it needs and nothing else": loosened("unbound.service"),
    "it answers at its addresses in the site": (DEAF,),
    "it answers over tcp": (NO_TCP,),
    "it knows the first and the last host of the fleet": FORGOTTEN,
    "it knows the name of an address": FORGOTTEN_ADDRESS,
    "everything else is asked of exactly the fleets resolvers": (
        told_unbound(f"forward_add . {NOWHERE}"),
        told_unbound("forward_add . 10.60.10.11"),
    ),
    "a source outside the site is refused": (OPEN,),
    "names that were known are answered while the fleets resolvers are away": (
        told_unbound("set_option serve-expired: no"),
    ),
}

DNS_RESOLVER: Changes = RESOLVES | {
    "its service may do what it needs and nothing else": loosened("unbound.service"),
    "every address of its own answers": (DEAF,),
    "answers over tcp": (NO_TCP,),
    "knows the first and the last host of the fleet": FORGOTTEN,
    "knows the name of an address": FORGOTTEN_ADDRESS,
    "a source outside the fleet is refused": (OPEN,),
}

LOG_SERVER: Changes = {
    "no text log of an earlier set up is left": (written("/var/log/auth.log.1", "mutation"),),
    "its service may do what it needs and nothing else": loosened("rsyslog.service"),
    "rsyslog runs and is enabled": (
        stopped("syslog.socket", "rsyslog.service"),
        forgotten("rsyslog.service", "syslog.service"),
    ),
    "receives from hosts": (configured("rsyslog", RSYSLOG, 's/^input\\(type="imrelp"/& address="127.0.0.1"/'),),
    "receives from devices": (
        configured("rsyslog", RSYSLOG, 's/^input\\(type="imtcp"/& address="127.0.0.1"/'),
        configured("rsyslog", RSYSLOG, 's/^input\\(type="imudp"/& address="127.0.0.1"/'),
    ),
    "a sender that the fleet does not know is kept apart": (
        configured("rsyslog", RSYSLOG, 's,sender = "unknown",sender = "tierp/tie-log1",'),
    ),
    "its own log is kept beside the others": (
        configured("rsyslog", RSYSLOG, 's,file="/var/log/fleet/[^"]*",file="/dev/null",'),
    ),
    "only administrators read the logs": (
        Change("chmod 755 /var/log/fleet", "chmod 750 /var/log/fleet"),
        Change("chown nobody /var/log/fleet/unknown.log", "chown root /var/log/fleet/unknown.log"),
    ),
    "every municipality has its directory": (
        Change("mv /var/log/fleet/heby /var/log/heby", "mv /var/log/heby /var/log/fleet/heby"),
    ),
    "logs are rotated every day": (stopped("logrotate.timer"), disabled("logrotate.timer")),
}

DHCP_SERVER: Changes = {
    "its service may do what it needs and nothing else": loosened(KEA_UNIT),
    "kea runs and is enabled": (stopped(KEA_UNIT), masked(KEA_UNIT)),
    "kea accepts its file with the interfaces of this host": (
        edited(KEA, "$ a nonsense"),
        edited(KEA, 's,"lan0/,"nolan0/,'),
    ),
    "it lends from exactly the pools of netbox": (
        configured(KEA_UNIT, KEA, 's/("pool": "[0-9.]*)1 -/\\12 -/; s/("pool": "[0-9.]*)0 -/\\11 -/'),
    ),
    "clients are told their gateway and whom to ask for names": (
        configured(KEA_UNIT, KEA, f's/("routers", "data": )"[0-9.]*"/\\1"{NOWHERE}"/'),
    ),
    "it hears clients in exactly the prefixes that it serves": (
        configured(KEA_UNIT, KEA, 's,"interfaces": \\[,&"mgt0"\\, ,'),
        configured(KEA_UNIT, KEA, 's,"interfaces": \\[.*\\],"interfaces": [],'),
    ),
    "what it lent is kept on this host": (configured(KEA_UNIT, KEA, 's/"persist": true/"persist": false/'),),
}

PRINT_SERVER: Changes = {
    "its service may do what it needs and nothing else": loosened("cups.service"),
    "cups runs and is enabled": (CUPS_UNITS, masked("cups.service")),
    "cups accepts its file": (edited(CUPS, "$ a DefaultEncryption nonsense"),),
    "it has exactly the queues that are declared": (
        Change(f"lpadmin -p mutation -v ipp://{NOWHERE}/ -E", "lpadmin -x mutation"),
        Change(
            "lpadmin -p heb-kopiator1 -v ipp://10.63.10.99/ipp/print",
            "lpadmin -p heb-kopiator1 -v ipp://10.63.10.20/ipp/print",
        ),
    ),
    "every queue takes jobs": (Change("cupsreject heb-kopiator1", "cupsaccept heb-kopiator1"),),
    "it listens for the site": (edited(CUPS, "s/^Listen 0.0.0.0/Listen 127.0.0.1/", READ_CUPS),),
    "nobody reads its configuration and logs over the network": (
        edited(CUPS, "s,^<Location /admin>,<Location /other>,", READ_CUPS),
    ),
    "its web pages are off": (edited(CUPS, "s/^WebInterface No/WebInterface Yes/", READ_CUPS),),
}

PACKAGE_CACHE: Changes = {
    "what trims the cache may do what it needs and nothing else": loosened(TRIMS, f"{UNITS}/{TRIMS}", starts=False),
    "its service may do what it needs and nothing else": loosened(CACHE_UNIT),
    "the daemon runs and is enabled": (stopped(CACHE_UNIT), masked(CACHE_UNIT)),
    "a cached package is served": (configured(CACHE_UNIT, CACHE, "s/^Port: .*/Port: 3143/"),),
    "tunnels are refused": (
        configured(CACHE_UNIT, CACHE, "s/^PassThroughPattern: .*/PassThroughPattern: .*/; s/^AllowUserPorts.*//"),
    ),
    "ports other than 80 are refused": (
        configured(CACHE_UNIT, CACHE, "s/^AllowUserPorts: .*/AllowUserPorts: 80 8080/"),
    ),
    "what is no package archive is refused": (
        configured(CACHE_UNIT, CACHE, "s/^ForceManaged: .*/&\\nVfilePatternEx: .*/"),
    ),
    "an archive that nobody named is refused": (configured(CACHE_UNIT, CACHE, "s/^ForceManaged: .*/ForceManaged: 0/"),),
    "there is no maintenance page": (configured(CACHE_UNIT, CACHE, "s/^ReportPage:.*/ReportPage: acng-report.html/"),),
    "the cache is trimmed every day": (
        stopped("samdrift-package-cache-trim.timer"),
        disabled("samdrift-package-cache-trim.timer"),
    ),
}

MONITORING: Changes = {
    "its service may do what it needs and nothing else": loosened("prometheus.service"),
    "prometheus runs and is enabled": (stopped("prometheus.service"), masked("prometheus.service")),
    "it is ready": (Change("systemctl kill -s STOP prometheus.service", "systemctl kill -s CONT prometheus.service"),),
    "it answers nobody without the password": (edited("/etc/prometheus/web/web.yml", "d"),),
    "it asks every host of the fleet and itself": (
        edited(PROMETHEUS, f"s/10.60.10.11:9100/{NOWHERE}:9100/", READ_PROMETHEUS),
        edited(PROMETHEUS, "/10.60.10.11:9100/,+1 d", READ_PROMETHEUS),
    ),
    "the rules of hosts services devices municipalities and drift are loaded": (
        edited("/etc/prometheus/rules/hosts.yml", 's/(up.job="node".) == 0/\\1 == 2/', READ_PROMETHEUS),
        edited("/etc/prometheus/rules/hosts.yml", "s/for: 3m/for: 3d/", READ_PROMETHEUS),
        edited("/etc/prometheus/rules/municipalities.yml", "s/critical/warning/", READ_PROMETHEUS),
        edited("/etc/prometheus/rules/drift.yml", "s/== 1/== 2/", READ_PROMETHEUS),
    ),
    "its pages are served": (
        edited("/etc/prometheus/pages/index.html", "$ a {{ nonsense }}"),
        edited("/etc/prometheus/pages/municipality-heby.html", "$ a {{ nonsense }}"),
    ),
    "it tells alertmanager what is wrong": (
        edited(PROMETHEUS, "/^alerting:/,/^$/ s/:9093/:9094/", READ_PROMETHEUS),
        edited(PROMETHEUS, "/^alerting:/,/^$/ d", READ_PROMETHEUS),
    ),
    "no rule fails when it is evaluated": (
        written(
            "/etc/prometheus/rules/mutation.yml",
            "groups: [{name: mutation, interval: 1s, rules: [{alert: Mutation, expr: up + on() up}]}]",
            READ_PROMETHEUS,
        ),
    ),
    "the configuration on disk is the one in force": (
        edited(PROMETHEUS, "$ a # changed"),
        edited(PROMETHEUS, "$ a nonsense: true", "{ systemctl reload prometheus.service; sleep 2; }"),
    ),
    "samples are kept for as long as they should": (
        configured("prometheus", "/etc/default/prometheus", 's/retention.time=[^ "]*/retention.time=1d/'),
    ),
}

ALERTS, ALERTS_UNIT = "/etc/prometheus/alertmanager.yml", "prometheus-alertmanager.service"
READ_ALERTS = f"systemctl reload {ALERTS_UNIT} && sleep 1"
ALERTMANAGER: Changes = {
    "its service may do what it needs and nothing else": loosened(ALERTS_UNIT),
    "alertmanager runs and is enabled": (stopped(ALERTS_UNIT), masked(ALERTS_UNIT)),
    "it is ready": (Change(f"systemctl kill -s STOP {ALERTS_UNIT}", f"systemctl kill -s CONT {ALERTS_UNIT}"),),
    "it answers nobody without the password": (edited("/etc/prometheus/web/web.yml", "d"),),
    "it listens at its one address and for no cluster": (
        configured(ALERTS_UNIT, "/etc/default/prometheus-alertmanager", "s/^ --cluster.listen-address=/ /"),
    ),
    "each municipality s alerts go to its own receiver": (
        edited(ALERTS, 's/receiver: "municipality heby"/receiver: "municipality knivsta"/', READ_ALERTS),
        edited(ALERTS, '0,/receiver: nobody/ s/receiver: nobody/receiver: "municipality heby"/', READ_ALERTS),
    ),
    "each receiver has the addresses of its municipality": (
        edited(ALERTS, "s/it@heby.example/it@knivsta.example/", READ_ALERTS),
    ),
    "what follows from another alert is not told": (
        edited(ALERTS, "/^inhibit_rules:/,/^$/ d", READ_ALERTS),
        edited(ALERTS, "s/equal: .instance./equal: [municipality]/", READ_ALERTS),
    ),
    "quiet times are those of the organisation": (
        edited(
            ALERTS,
            "0,/mute_time_intervals: ../ s/mute_time_intervals: ../mute_time_intervals: [always]/; "
            '$ a time_intervals: [{name: always, time_intervals: [{months: ["1:12"]}]}]',
            READ_ALERTS,
        ),
    ),
    "the configuration on disk is the one in force": (
        Change(f"touch -d '+1 hour' {ALERTS}", f"touch {ALERTS} && {READ_ALERTS}"),
        edited(ALERTS, "$ a nonsense: true", f"{{ systemctl reload {ALERTS_UNIT}; sleep 1; }}"),
    ),
}

BLACKBOX, BLACKBOX_UNIT = "/etc/prometheus/blackbox.yml", "prometheus-blackbox-exporter.service"
READ_BLACKBOX = f"systemctl reload {BLACKBOX_UNIT} && sleep 1"
PROBES: Changes = {
    "its service may do what it needs and nothing else": loosened(BLACKBOX_UNIT),
    "the exporter runs and is enabled": (stopped(BLACKBOX_UNIT), masked(BLACKBOX_UNIT)),
    "it answers nobody without the password": (edited("/etc/prometheus/web/web.yml", "d"),),
    "only this host itself can ask it": (
        configured(BLACKBOX_UNIT, "/etc/default/prometheus-blackbox-exporter", "s/127.0.0.1:9115/:9115/"),
    ),
    "it may ping": (
        Change(
            "echo '1 0' > /proc/sys/net/ipv4/ping_group_range",
            "echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range",
        ),
    ),
    "it knows what it is to try": (
        edited(BLACKBOX, "s/query_type: A$/query_type: AAAA/", READ_BLACKBOX),
        edited(BLACKBOX, "s/fail_if_not_matches_regexp/fail_if_matches_regexp/", READ_BLACKBOX),
        edited(BLACKBOX, "/tcp: . tls/ d", READ_BLACKBOX),
    ),
    "the configuration on disk is the one in force": (
        Change(f"touch -d '+1 hour' {BLACKBOX}", f"touch {BLACKBOX} && {READ_BLACKBOX}"),
        edited(BLACKBOX, "$ a nonsense: true", f"{{ systemctl reload {BLACKBOX_UNIT}; sleep 1; }}"),
    ),
}

SNMP_USERS, SNMP_UNIT = "/etc/prometheus/snmp-users.yml", "prometheus-snmp-exporter.service"
READ_SNMP = f"systemctl reload {SNMP_UNIT} && sleep 1"
SNMP_METRICS: Changes = {
    "its service may do what it needs and nothing else": loosened(SNMP_UNIT),
    "the exporter runs and is enabled": (stopped(SNMP_UNIT), masked(SNMP_UNIT)),
    "it answers nobody without the password": (edited("/etc/prometheus/web/web.yml", "d"),),
    "only this host itself can ask it": (
        configured(SNMP_UNIT, "/etc/default/prometheus-snmp-exporter", "s/127.0.0.1:9116/:9116/"),
    ),
    "it knows by whom each municipality s devices are read and nobody else": (
        edited(SNMP_USERS, "0,/priv_protocol: AES/ s/priv_protocol: AES/priv_protocol: DES/", READ_SNMP),
        edited(SNMP_USERS, "s/heby switch monitor/uppsala switch monitor/", READ_SNMP),
    ),
    "it knows what it is to read": (edited("/etc/prometheus/snmp.yml", "/^ *- 1.3.6.1.2.1.2.2.1.8$/ d", READ_SNMP),),
    "nobody else reads the passwords": (Change(f"chmod 644 {SNMP_USERS}", f"chmod 640 {SNMP_USERS}"),),
}
