"""Which account samdrift looks at a host by: the one for that, once the host was given it. Until then by the one that
changes it, which is said.

Not here: how one logs in (`transport.ssh.Access.for_looks`), and what the account may do (the role's templates).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from deploy.model.record import AppliedStep
from deploy.model.step_id import StepId
from deploy.store.ports import Applied, Damaged
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


def not_given_yet(intent: Intent, accounts: Mapping[str, str], hosts: Iterable[Host]) -> Iterator[str]:
    """Yield the names of the hosts that are to have an account for looks and were not given it."""
    for host in hosts:
        wants = _wanted_device(intent, host) if host.platform in known_vendors() else _wanted(host)
        if wants and host.name not in accounts:
            yield host.name


def _wanted(host: Host) -> bool:
    """Tell whether a server is to have the account: its role `base` is told keys for it."""
    return "base" in host.roles and bool(host.samdrift.get("base", {}).get("look_keys"))


def _given(applied: Applied, host: Host) -> str:
    """Return the account of a server whose keys were put there, and are wanted there now."""
    step = StepId("base", f"file {LOOK_KEYS}")
    return LOOK if _wanted(host) and ((last := _last(applied, host)) is None or step in last) else ""


def _wanted_device(intent: Intent, host: Host) -> dict[str, str]:
    """Return by role the account that a device is to have for looks."""
    settings = ((role, intent.of(host, role)) for role in roles_of(host))
    return {role: s.accounts.look.name for role, s in settings if isinstance(s, Settings) and s.accounts.look}


def _given_device(intent: Intent, applied: Applied, host: Host) -> str:
    vendor = known_vendors()[host.platform]
    last = _last(applied, host)
    for role, name in _wanted_device(intent, host).items():
        declared = (was.declared for step, was in (last or {}).items() if step.role == role)
        if last is None or any(has_account(vendor, text, name) for text in declared if text):
            return name
    return ""


def _last(applied: Applied, host: Host) -> Mapping[StepId, AppliedStep] | None:
    """Return what was last applied to a host; None if it was given something, and what it was is damaged."""
    try:
        return applied.last_applied(host.name)
    except Damaged:
        return None


def shown_in_part(access: Access, accounts: Mapping[str, str] | None, hosts: Iterable[Host]) -> Iterator[str]:
    """Yield why devices are not backed up: a look by an account that is not shown everything is no backup.

    Args:
        accounts: by device the account for looks; None: all are looked at by the account that changes them.
    """
    for host in hosts if accounts is not None else ():
        vendor = known_vendors().get(host.platform)
        if vendor and vendor.looking.hides and access.for_looks((accounts or {}).get(host.name, "")).looks:
            yield f"{vendor.name} does not show accounts for looks everything; an apply backs such devices up"
