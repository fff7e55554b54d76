"""Back up what a look reads: a host's whole configuration, encrypted to its municipality's recipients.

Not here: where backups are kept (`store`), what is read of a host (`engine.session`), and restoring (`runs.restore`).
"""

from __future__ import annotations

import hashlib
from difflib import unified_diff

from deploy.model import clock
from deploy.model.backup import Backup
from deploy.store.ports import Backups
from deploy.vault.interface import Vault
from inventory.fleet import Host
from roles.shared.device.backup import significant
from roles.shared.device.known import known_vendors
from roles.shared.device.masking import masked
from roles.shared.parts.veil import Veil


def back_up(backups: Backups, vault: Vault, veil: Veil, host: Host, *, what: str, text: str) -> None:
    """Keep a configuration that was read of a host, if it is another than the newest one that is kept.

    Raises:
        SecretsError: nobody could read the backup.
        StoreError: it cannot be kept.
    """
    digest = _digest(veil, host, text)
    if backups.newest(host.name, what) == digest:
        return  # before it is encrypted, which takes longer
    sealed = vault.encrypt(host.tenant, text)
    backups.keep(
        Backup(host=host.name, municipality=host.tenant, what=what, taken=clock.now(), digest=digest, sealed=sealed)
    )


def opened(backup: Backup, vault: Vault, *, unmasked: bool = False) -> str:
    """Return the text of a backup, masked if nobody asked for it otherwise.

    Raises:
        SecretsError: whoever asks has no key that opens it.
    """
    where = f"backup of {backup.host}, {backup.taken}"
    text = vault.decrypt(backup.municipality, backup.sealed, where)
    return text if unmasked else masked(text)


def changed(before: Backup | None, after: Backup, vault: Vault, *, unmasked: bool = False) -> str:
    """Return what changed from one backup to the next, as a unified diff; empty if there is none before."""
    if before is None:
        return ""
    old, new = (opened(b, vault, unmasked=unmasked).splitlines() for b in (before, after))
    return "\n".join(unified_diff(old, new, before.taken, after.taken, lineterm=""))


def _digest(veil: Veil, host: Host, text: str) -> str:
    """Tell versions apart, in a way that lets nobody try which secret is in one.

    Where the municipality's secrets are not open there is no key for that: then another secret alone makes no version.
    """
    vendor = known_vendors().get(host.platform)
    telling = significant(vendor, text) if vendor else text
    keyed = veil.digest(telling, host.tenant)
    return f"hmac:{keyed}" if keyed else f"masked:{hashlib.sha256(masked(telling).encode()).hexdigest()}"
