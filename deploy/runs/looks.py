"""Which account samdrift looks at a host by: the one for that, once the host was given it.

Not here: how one logs in (`transport.ssh.Access.for_looks`), and what the account may do (the role's templates).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from deploy.model.step_id import StepId
from deploy.store.ports import Applied
from deploy.transport.ssh import Access
from inventory.fleet import Host
from roles.shared.catalogue import roles_of
from roles.shared.device.known import known_vendors
from roles.shared.device.settings import Settings
from roles.shared.device.way_in import has_account
from roles.shared.intent import Intent
from roles.shared.parts.looks import LOOK, LOOK_KEYS


def look_accounts(intent: Intent, applied: Applied, hosts: Iterable[Host]) -> dict[str, str]:
    """Return by host the account for looks that was a part of what was last applied to it, if one was."""
    given = (
        (host.name, _given_device(intent, applied, host) if host.platform in known_vendors() else _given(applied, host))
        for host in hosts
    )
    return {name: account for name, account in given if account}


def _given(applied: Applied, host: Host) -> str:
    """Return the account of a server whose keys were put there, and are wanted there now."""
    step = StepId("base", f"file {LOOK_KEYS}")
    wanted = host.samdrift.get("base", {}).get("look_keys")
    return LOOK if wanted and "base" in host.roles and step in applied.last_applied(host.name) else ""


def _given_device(intent: Intent, applied: Applied, host: Host) -> str:
    vendor = known_vendors()[host.platform]
    for role in roles_of(host):
        settings = intent.of(host, role)
        if not isinstance(settings, Settings) or settings.accounts.look is None:
            continue
        name = settings.accounts.look.name
        last = (was.declared for step, was in applied.last_applied(host.name).items() if step.role == role)
        if any(has_account(vendor, declared, name) for declared in last if declared):
            return name
    return ""


def shown_in_part(access: Access, accounts: Mapping[str, str] | None, hosts: Iterable[Host]) -> Iterator[str]:
    """Yield why devices are not backed up: a look by an account that is not shown everything is no backup.

    Args:
        accounts: by device the account for looks; None: all are looked at by the account that changes them.
    """
    for host in hosts if accounts is not None else ():
        vendor = known_vendors().get(host.platform)
        if vendor and vendor.looking.hides and access.for_looks((accounts or {}).get(host.name, "")).looks:
            yield f"{vendor.name} does not show accounts for looks everything; an apply backs such devices up"
