"""A worker of the watch: makes the scans that stations queue for its municipality, from where its hosts are.

samdrift is installed and runs as on a station with role `drift_watch`: by a commit, with an account of its own that has
a key which looks and none that changes. One service, `samdrift-worker`, takes scans from the queue in the store's
database, one after the other, and makes each as a station would (docs/watch.md). It may be killed at any moment. As
hosts let in nobody else, its host is a management station in NetBox, too (its device role).

Options (config context `samdrift.watch_worker`):

- `store`: the database, as the stations have it, but by the worker's own database role, which may little
  (`samdrift-queue --worker ROLE`). Its password is the secret `store_password`, unless the URL names a certificate.
- `municipalities`: whose scans it makes, by their short names; without, those of the municipality that owns the host.
- `repository`, `revision`, `index`, `source`, `limit`, `cache`, `keys`: as for `drift_watch`.
- `netbox_url`: the inventory is what this NetBox says, by the token in the account's file `netbox-token`; without, the
  snapshot that is in the revision.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from inventory.secrets import Secret
from roles import drift_watch
from roles.drift_watch import BIN, JSON_PARSES, UNITS, Installed, Installing
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import restart
from roles.shared.parts.remote_store import STORE_URL, asks_store, needs_password, password_file
from roles.shared.parts.services import service
from roles.shared.parts.templates import render
from roles.shared.rehearsal import Rehearsal
from roles.shared.sandbox import Need, Sandbox
from roles.shared.settings import SettingsError
from roles.shared.traffic import MANAGEMENT_STATION, Ask, WayOut

SWEDISH = "Bevakningens arbetare: gör de granskningar av en kommuns värdar som stationen har lagt i kö."
PLATFORMS = drift_watch.PLATFORMS
AFTER = ("base", "node_metrics")
LAB_CACHES = drift_watch.LAB_CACHES
CONTROLS = drift_watch.CONTROLS
MAKES = (f"{drift_watch.OPT}/*",)

ACCOUNT = "samdrift-worker"
HOME, ETC = f"/var/lib/{ACCOUNT}", f"/etc/{ACCOUNT}"
UNIT = f"{ACCOUNT}.service"
SLUG = r"^[a-z0-9][a-z0-9-]{0,98}$"


class Options(Installing):
    """What a config context may set for this role; see the module's text."""

    store: str = Field(pattern=STORE_URL, max_length=300)
    municipalities: tuple[str, ...] = Field(default=(), strict=False)
    netbox_url: str = Field(default="", pattern=r"^(https://[A-Za-z0-9.:/_-]+)?$", max_length=200)


class Settings(Installed):
    """Which samdrift is installed, whose scans it makes, and by which inventory and store."""

    municipalities: tuple[str, ...]
    store_password: Secret | None
    home: str = HOME
    account: str = ACCOUNT

    @property
    def watch(self) -> str:
        """Return what the worker is told, as JSON."""
        watch = {
            "at": "00:00",  # a worker asks for no day's scan
            "program": f"{BIN}/samdrift",
            "environment": self.environment,
            "state": f"{HOME}/state",
            "metrics": f"{HOME}/state",  # the station tells the node exporter
            "queued": True,
            **({"limit": self.limit} if self.limit else {}),
        }
        return json.dumps(watch, indent=2, ensure_ascii=False) + "\n"


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute whose scans the worker makes."""
    if MANAGEMENT_STATION not in fleet.device_roles_of(host):
        fix = "give it device role management-station: hosts let in nobody else"
        raise SettingsError("no host would let this worker in", field="role", fix=fix)
    if "drift_watch" in host.roles:
        fix = "give either role to another host"
        raise SettingsError(
            "a station that queues makes no scans itself", field="config context samdrift.roles", fix=fix
        )
    asked = options.municipalities or (host.tenant,)
    drift_watch.limited(options.limit, fleet, "watch_worker")
    known = {tenant.slug for tenant in fleet.tenants}
    if unknown := sorted(set(asked) - known):
        field = "config context samdrift.watch_worker.municipalities"
        raise SettingsError(f"no such municipality: {', '.join(unknown)}", field=field, fix="a tenant's slug in NetBox")
    password = Secret(name="store_password", municipality=host.tenant)
    return Settings(
        municipalities=asked,
        store_password=password if needs_password(options.store) else None,
        **options.model_dump(exclude={"municipalities"}),
    )


def ways_out(settings: Settings) -> tuple[WayOut, ...]:
    """Let the host fetch samdrift and what it needs from outside, unless both are inside."""
    return drift_watch.ways_out(settings)


def asks(settings: Settings) -> tuple[Ask, ...]:
    """Let the host reach the database, where that is named by its address."""
    return asks_store(settings.store)


def in_lab(options: Mapping[str, Any], lab: Rehearsal) -> Mapping[str, Any]:
    """Install the checkout that the lab is of, as it stands, from the lab's own repository."""
    return {name: value for name, value in drift_watch.in_lab(options, lab).items() if name in Options.model_fields}


def sandbox() -> Sandbox:
    """Return what the service needs: to write its own files."""
    why = "What it did, and the answers of its scans."
    return Sandbox(unit=UNIT, needs=(Need(directive="ReadWritePaths", value=HOME, why=why),))


def deploy(settings: Settings) -> None:
    """Declare samdrift, the account that runs it, and the service that takes scans from the queue."""
    drift_watch.account(settings)
    files.directory(name=f"directory {ETC}", path=ETC, user="root", group=ACCOUNT, mode="750")
    drift_watch.program(settings)
    again = restart(UNIT, daemon_reload=True)
    file = f"{ETC}/watch.json"
    managed_file(file, content=settings.watch, group=ACCOUNT, mode="640", validate_with=JSON_PARSES, then=(again,))
    password_file(HOME, ACCOUNT, settings.store_password)
    text = render(f"watch_worker/{UNIT}.j2", settings=settings, sandbox=sandbox())
    managed_file(f"{UNITS}/{UNIT}", content=text, then=(again,))
    service(UNIT)
