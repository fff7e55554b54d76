"""`samdrift secrets`: where a value comes from, and whose it is.

Not here: what is done with the file that it goes into (`vault.edit`).
"""

from __future__ import annotations

import sys
from collections.abc import Container

import click
from pydantic import ValidationError

from deploy.cli.command import Common, InOrder, answer, command
from deploy.cli.subject import fleet_of, hosts_of, intent_of, options_of, vault_of
from deploy.model.findings import Finding, exit_code
from deploy.model.messages import MessageId
from deploy.source.known import SourcedFleet
from deploy.views.parts import municipalities
from inventory.errors import UsageError
from inventory.secrets import Secret


@click.group("secrets", cls=InOrder)
def secrets() -> None:
    """What only hosts may know: one encrypted file for each municipality."""


@command("edit", of=secrets)
@click.argument("municipality")
@click.argument("name")
@click.option("--generate", is_flag=True, help="A random value, which nobody need know.")
@click.option("--remove", is_flag=True, help="Take the secret out of the file.")
def secrets_edit(common: Common, municipality: str, name: str, generate: bool, remove: bool) -> None:
    """Give a secret a value, asked for without echo.

    Without a terminal, all of stdin is the value, but for a newline at its end.
    """
    from deploy.vault import edit
    from deploy.vault.interface import random_value
    from deploy.views import secrets as view

    if generate and remove:
        raise UsageError("--generate and --remove are two things", fix="choose one")
    fleet = _with_secrets(common, municipality).fleet
    secret = _secret(municipality, name)
    value = None if remove else random_value() if generate else _asked(secret)
    done = edit.edit(vault_of(common), secret, value)
    answer(common, done.model_dump(mode="json"), view.secrets_written(done, municipalities(fleet)))


def _asked(secret: Secret) -> str:
    """Read a secret's value from a person, who types it twice, or from a pipe."""
    if sys.stdin.isatty():
        asked = f"{secret.name} of {secret.municipality}"
        return str(click.prompt(asked, hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.read().removesuffix("\n")


@command("rotate", of=secrets)
@click.argument("municipality")
@click.argument("names", metavar="[NAME]...", nargs=-1)
def secrets_rotate(common: Common, municipality: str, names: tuple[str, ...]) -> None:
    """Encrypt to the recipients as they are now.

    With names, these secrets get new random values too.
    """
    from deploy.vault import edit
    from deploy.views import secrets as view

    fleet = _with_secrets(common, municipality).fleet
    done = edit.rotate(vault_of(common), municipality, names)
    answer(common, done.model_dump(mode="json"), view.secrets_written(done, municipalities(fleet)))


@command("check", of=secrets)
def secrets_check(common: Common) -> int:
    """Check that each file opens, for whom, and holds what roles need."""
    from deploy.vault import edit
    from deploy.views import secrets as view

    known = _with_secrets(common)
    fleet = known.fleet
    intent = intent_of(known)
    needed = intent.secrets(fleet.hosts, staying=True)
    troubled = {h.tenant for h in fleet.hosts if h.roles and intent.problems(h)}
    vault, about = vault_of(common), {h.tenant for h in hosts_of(common, fleet)}
    if common.limit is None:
        about |= {secret.municipality for secret in needed}  # who keeps the authority's key is no municipality
    files = {m for m in vault.municipalities() if m in about or common.limit is None}
    judged = [f for f in edit.file_findings(vault, needed, files | about) if not _is_unsure(f, troubled)]
    found = tuple(f.with_options(options_of(common)) for f in judged)
    code = exit_code(found)
    document = {"files": len(files), "findings": [f.model_dump(mode="json") for f in found], "exit_code": code}
    answer(common, document, view.secrets_checked(len(files), found, municipalities(fleet)))
    return code


def _is_unsure(finding: Finding, troubled: Container[str]) -> bool:
    """Tell whether a secret only seems to be needed by nobody: a host of its municipality does not know yet."""
    return finding.message.id is MessageId.SECRET_UNNEEDED and finding.municipality in troubled


def _with_secrets(common: Common, municipality: str | None = None) -> SourcedFleet:
    """Return the fleet that has these secrets; refuse the lab, and whoever is no municipality and has no recipients."""
    if common.lab:
        raise UsageError("the lab makes up its secrets itself", where="--lab", fix="leave it out")
    sourced = fleet_of(common)
    known = sorted(t.slug for t in sourced.fleet.tenants)
    if municipality is not None and municipality not in {*known, *vault_of(common).all_recipients()}:
        raise UsageError(f"there is no municipality {municipality!r}", fix=f"one of: {', '.join(known)}")
    return sourced


def _secret(municipality: str, name: str) -> Secret:
    try:
        return Secret(name=name, municipality=municipality)
    except ValidationError:
        raise UsageError(f"{name!r} is no name of a secret", fix="a-z, 0-9 and _, a letter first") from None
