"""What breaks the checks of the roles of a management station: who runs samdrift, the watch, and its pages."""

from __future__ import annotations

from roles.drift_watch import ACCOUNT, BIN, KEY, METRICS, PAGES, STORE, VERSIONS
from roles.management_station import KEY as CHANGING_KEY
from roles.management_station import LOOK_KEY, RUN
from roles.node_metrics import TEXTFILES
from roles.shared.parts.nginx_front import CONFIGURATION, NGINX
from roles.shared.people import RUNS_AS
from roles.watch_pages import TLS
from tests.integration.mutations.change import (
    KEPT,
    UNITS,
    Change,
    Changes,
    disabled,
    edited,
    loosened,
    masked,
    stopped,
    unread,
    written,
)

TIMER, READ_NGINX = f"{ACCOUNT}@heby.timer", f"systemctl reload {NGINX}"
METRICS_OF_HEBY = "samdrift-drift-heby.prom"


def opened(path: str, mode: str) -> Change:
    """Others may read or write what is not theirs; `mode` is what it has otherwise."""
    return Change(f"chmod o+rw {path}", f"chmod {mode} {path}")


def taken(path: str, owner: str) -> Change:
    """It is somebody else's."""
    return Change(f"chown nobody {path}", f"chown {owner} {path}")


def may_log_in(account: str) -> Change:
    """An account of the system has a shell."""
    return Change(f"usermod --shell /bin/sh {account}", f"usermod --shell /usr/sbin/nologin {account}")


def _served(days: int) -> Change:
    """The key has another certificate, which ends after so many days."""
    served = TLS.certificate
    return Change(
        f"cp -a {served} {served}.kept && openssl req -x509 -new -key {TLS.key} -days {days} -subj /CN=tie-adm1 "
        f"-out {served} && {READ_NGINX}",
        f"mv {served}.kept {served} && {READ_NGINX}",
    )


MANAGEMENT_STATION: Changes = {
    "nobody but the account reads the key": (opened(CHANGING_KEY, "600"), taken(LOOK_KEY, RUNS_AS)),
    "nobody logs in as the account": (
        may_log_in(RUNS_AS),
        Change(f"usermod -p '$y$j9T$abc$def' {RUNS_AS}", f"usermod -p '!' {RUNS_AS}"),
        written(f"/etc/ssh/authorized_keys/{RUNS_AS}", ""),
    ),
    "what people run as the account is roots": (opened(RUN, "755"), taken(RUN, "root")),
    "samdrift itself is roots": (
        opened(f"{BIN}/samdrift", "755"),
        taken(f"{BIN}/samdrift", "root"),
    ),
    "the program refuses another key and another inventory": (edited(RUN, "2i import sys; sys.exit(0)"),),
}

DRIFT_WATCH: Changes = {
    "each municipality has a timer that runs and comes back at boot": (stopped(TIMER), disabled(TIMER)),
    "its service may do what it needs and nothing else": loosened(
        f"{ACCOUNT}@alvkarleby.service", f"{UNITS}/{ACCOUNT}@.service", starts=False
    ),
    "samdrift is the wanted revision and nobody but root can change it": (
        Change(
            f"mkdir -p {KEPT} && mv {BIN} {KEPT}/bin && ln -s {VERSIONS}/none/venv/bin {BIN}",
            f"mv -fT {KEPT}/bin {BIN}",
        ),
        Change(f"chmod o+w {VERSIONS}/*/packages", f"chmod o-w {VERSIONS}/*/packages"),
        Change(f"chown nobody {VERSIONS}/*/src/setup.py", f"chown root {VERSIONS}/*/src/setup.py"),
    ),
    "the account is nobody else and its key is its own": (
        Change(f"gpasswd -a {ACCOUNT} adm", f"gpasswd -d {ACCOUNT} adm"),
        may_log_in(ACCOUNT),
        opened(KEY, "600"),
        taken(KEY, ACCOUNT),
    ),
    "the store is the stations and the watchs and no others": (
        opened(STORE, "2770"),
        taken(STORE, RUNS_AS),
        Change(f"chgrp nogroup {STORE}", f"chgrp {ACCOUNT} {STORE} && chmod 2770 {STORE}"),
    ),
    "the exporter reads the metrics of each municipality": (
        Change(
            f"ln -sfnT /dev/null {TEXTFILES}/{METRICS_OF_HEBY}",
            f"ln -sfnT {METRICS}/{METRICS_OF_HEBY} {TEXTFILES}/{METRICS_OF_HEBY}",
        ),
        Change(f"chmod 600 {METRICS}/{METRICS_OF_HEBY}", f"chmod 644 {METRICS}/{METRICS_OF_HEBY}"),
        taken(TEXTFILES, "root"),
    ),
}

WATCH_PAGES: Changes = {
    "it runs and starts at boot": (stopped(NGINX), masked(NGINX)),
    "its service may do what it needs and nothing else": unread(NGINX),
    "whoever does not prove who he is is refused whatever he says": (
        edited(CONFIGURATION, "s/ssl_verify_client on/ssl_verify_client off/", READ_NGINX),
        edited(CONFIGURATION, "s/ssl_verify_client on/ssl_verify_client optional_no_ca/", READ_NGINX),
    ),
    "its answers let nothing be loaded from elsewhere": (
        edited(CONFIGURATION, "s/.*Content-Security-Policy.*//", READ_NGINX),
        edited(CONFIGURATION, "s/script-src 'self'/script-src 'unsafe-inline'/", READ_NGINX),
        edited(CONFIGURATION, "s/.*X-Frame-Options.*//", READ_NGINX),
    ),
    "tls is new enough": (
        edited(CONFIGURATION, "s/ssl_protocols .*/ssl_protocols TLSv1.3;/", READ_NGINX),
        edited(CONFIGURATION, "s/ssl_protocols .*/ssl_protocols TLSv1.2;/", READ_NGINX),
    ),
    "the certificate holds for three weeks": (_served(days=10),),
    "the pages are the watchs and the web servers alone": (
        opened(PAGES, "2750"),
        written(f"{PAGES}/mutation", "anybody's"),
    ),
}
