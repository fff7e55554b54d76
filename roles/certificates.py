"""Certificates of what a host serves, signed by the organisation's own authority, and renewed in time.

A role says which certificates it shows (`issued` in its module). The key is made on the host and never leaves it. The
host asks for a certificate by a request, which is signed where samdrift runs, for the names and addresses that the
inventory gives the role there and no others. From the day on when a third of a certificate's time is left, its renewal
is *pending*: the next apply renews it, and what serves with it reads it again without a restart.

The authority is the first that role `base` has the host trust (`authorities`). Its key is the secret `authority_key`,
which is used where samdrift runs and goes to no host.

Options (config context `samdrift.certificates`):

- `keeper`: whose secrets hold the authority's key: a name of `inventory/secrets/recipients.yaml`, which need be no
  municipality's. Empty where a program of the machine that applies signs, as with a token (docs/certificates.md).
- `days`: for how long a certificate is good.
"""

from __future__ import annotations

from typing import cast

from pydantic import Field

from inventory.fleet import Fleet, Host
from inventory.secrets import SLUG, Secret
from roles import base
from roles.shared.certificates import AUTHORITY_KEY, Issuer
from roles.shared.intent import Intent
from roles.shared.parts.packages import packages
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError

SWEDISH = "Certifikat för det värden tillhandahåller, från organisationens egen utfärdare, och förnyade i tid."
CONTROLS = ("ISO 27002:2022 8.24",)


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    keeper: str = Field(default="authority", pattern=rf"^$|^{SLUG}$")
    days: int = Field(default=90, ge=60, le=397)


class Settings(RoleSettings):
    """Who signs, and for how long."""

    issuer: Issuer


def settings(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:  # noqa: ARG001  a role's signature
    """Compute who signs: the first authority that the host trusts."""
    if "base" not in host.roles:
        fix = "give the host role base, which has it trust the authority"
        raise SettingsError("nobody is trusted to sign", field="config context samdrift.roles", fix=fix)
    trusted = cast("base.Settings", intent.required(host, "base")).authorities
    if not trusted:
        fix = "put the authority's certificate there: docs/certificates.md"
        raise SettingsError("nobody signs", field="config context samdrift.base.authorities", fix=fix)
    key = Secret(name=AUTHORITY_KEY, municipality=options.keeper, stays=True) if options.keeper else None
    return Settings(issuer=Issuer(authority=trusted[0], key=key, days=options.days))


def deploy(settings: Settings) -> None:  # noqa: ARG001  a role's signature
    """Declare what keys and requests are made with; the certificates are declared by the roles that show them."""
    packages("openssl")
