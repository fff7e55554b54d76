"""Find who signs certificates for what a host serves. Pure."""

from __future__ import annotations

from typing import Protocol, cast

from inventory.fleet import Host
from roles.shared.certificates import Issuer
from roles.shared.intent import Intent


class _Settings(Protocol):
    @property
    def issuer(self) -> Issuer:
        """Return who signs."""


def issuer_of(host: Host, intent: Intent) -> Issuer | None:
    """Return who signs certificates for a host's services; None if the organisation's authority does not."""
    if "certificates" not in host.roles:
        return None
    return cast("_Settings", intent.required(host, "certificates")).issuer
