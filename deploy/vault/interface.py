"""The interface of every vault: values of secrets in, by name; and what is true of values wherever they are kept.

Not here: the files of the municipalities (`vault.age`), the lab's values (`vault.made_up`), and what an engineer does
with them (`vault.edit`). Hosts are given values by the engine. Nothing in a vault prints, logs or raises a value.
"""

from __future__ import annotations

import contextlib
import secrets
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from inventory.errors import SamdriftError
from inventory.places import shown
from inventory.secrets import Secret
from roles.shared.parts.veil import SHORTEST, Veil

ALPHABET = string.ascii_letters + string.digits
"""Of a random value: letters that mean nothing in any configuration file, command or URL."""

LENGTH = 64
"""Of a random value: 381 bits, and long enough for every program that asks for a certain length at least."""


class SecretsError(SamdriftError):
    """A secret that is needed is not there, or its file cannot be opened, read or written."""


class Vault(Protocol):
    """A place that holds the values of secrets."""

    def open(self, needed: Mapping[Secret, str]) -> Veil:
        """Open the vault for these secrets; `needed` says what needs each.

        Raises:
            SecretsError: naming the first that is not there, and what to do.
        """

    def encrypt(self, municipality: str, text: str) -> str:
        """Encrypt a text so that those who can open the municipality's secrets can read it, and nobody else.

        Raises:
            SecretsError: it has nobody who could.
        """

    def decrypt(self, municipality: str, sealed: str, where: str) -> str:
        """Return what `encrypt` made a text of; `where` is its place, for the error.

        Raises:
            SecretsError: whoever asks may not read it, or it is damaged.
        """


class NoVault:
    """A vault without secrets."""

    def open(self, needed: Mapping[Secret, str]) -> Veil:
        """Refuse: there are no secrets here."""
        secret, why = next(iter(needed.items()))
        raise SecretsError(f"{why} needs secret {secret.name}, and no vault was given", where=secret.municipality)

    def encrypt(self, municipality: str, text: str) -> str:  # noqa: ARG002  a vault's signature
        """Refuse: there is no key here."""
        raise SecretsError("no vault was given, so nothing can be encrypted", where=municipality)

    def decrypt(self, municipality: str, sealed: str, where: str) -> str:  # noqa: ARG002  a vault's signature
        """Refuse: there is no key here."""
        raise SecretsError("no vault was given, so nothing can be decrypted", where=where)


NO_VAULT = NoVault()


def random_value() -> str:
    """Return a new random value for a secret."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def refuse_weak(value: str, where: str) -> None:
    """Refuse a value that could be guessed, would be hidden in texts that only look like it, or is no text."""
    why = ""
    if len(value) < SHORTEST:
        why = f"it has {len(value)} characters, and a secret has {SHORTEST} at least"
    elif not value.replace("\n", "").isprintable():
        why = "it has a character that is not printable"
    if why:
        raise SecretsError(f"this value cannot be a secret: {why}", where=where, fix="--generate makes a good one")


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Say which file an operating system error is about."""
    try:
        yield
    except OSError as e:
        raise SecretsError(f"cannot be used: {e.strerror or e}", where=shown(path)) from e
