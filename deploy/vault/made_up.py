"""Make up the values of secrets for the lab, whose hosts keep nothing secret.

Not here: the secrets of real hosts (`vault.age`).
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyrage

from deploy.vault.age import Contents
from deploy.vault.interface import SecretsError, naming, random_value
from inventory.places import shown
from inventory.secrets import Secret
from inventory.whole_file import put_in_place
from roles.shared.parts.veil import Veil

KEY = "_key"
"""Beside a municipality's secrets, whose names begin with a letter: what seals are made with."""
IDENTITY = "_identity"
"""The age key to which backups of its hosts are encrypted."""
APART = frozenset({KEY, IDENTITY})
"""What stands beside secrets and is none."""

Kept = dict[str, dict[str, str]]
"""By municipality and name, what is made up."""


class MadeUp:
    """A vault in one file of its owner's, which makes up what it lacks: the lab's, whose hosts keep nothing secret.

    Args:
        given: by name, the files of secrets that cannot be made up, for they are of a certain form.
    """

    def __init__(self, path: Path, given: Mapping[str, Path] | None = None) -> None:
        self.path, self._given = path, given or {}

    def open(self, needed: Mapping[Secret, str]) -> Veil:
        """Open the vault for these secrets; new ones get random values, which are kept."""
        made = self._kept_with(lambda kept: self._with(kept, needed))
        values = {
            Secret(name=name, municipality=m): value
            for m, of_it in made.items()
            for name, value in of_it.items()
            if name not in APART
        }
        values |= {s: self._given[s.name].read_text(encoding="ascii") for s in needed if s.name in self._given}
        return Veil(values, {m: of_it[KEY].encode() for m, of_it in made.items()})

    def contents(self) -> tuple[Contents, ...]:
        """Return all that was made up, as the municipalities' age files would have it: sealed alike, too."""
        return tuple(
            Contents(m, {name: value for name, value in of_it.items() if name not in APART}, key=of_it[KEY])
            for m, of_it in sorted(self._kept_with(lambda kept: kept).items())
        )

    def encrypt(self, municipality: str, text: str) -> str:
        """Encrypt to a key of the municipality's own, which is made and kept here, too."""
        encrypted: bytes = pyrage.encrypt(text.encode(), [self._identity(municipality).to_public()], armored=True)
        return encrypted.decode("ascii")

    def decrypt(self, municipality: str, sealed: str, where: str) -> str:
        """Decrypt with the municipality's key."""
        try:
            return str(pyrage.decrypt(sealed.encode("ascii", "replace"), [self._identity(municipality)]).decode())
        except (pyrage.DecryptError, UnicodeDecodeError):
            what = "it is not encrypted to the key that was made up here"
            raise SecretsError(
                what, where=where, fix="the lab's keys were made anew since: make a new backup"
            ) from None

    def _identity(self, municipality: str) -> Any:
        def with_identity(kept: Kept) -> Kept:
            of_it = {
                KEY: random_value(),
                IDENTITY: str(pyrage.x25519.Identity.generate()),
                **kept.get(municipality, {}),
            }
            return {**kept, municipality: of_it}

        return pyrage.x25519.Identity.from_str(self._kept_with(with_identity)[municipality][IDENTITY])

    def _kept_with(self, change: Callable[[Kept], Kept]) -> Kept:
        """Return what is kept, changed in this way; what is new is kept from now on."""
        with naming(self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                kept = self._kept()
                made = change(kept)
                if made != kept:
                    put_in_place(self.path, json.dumps(made, indent=1).encode())
        return made

    def _kept(self) -> Kept:
        if not self.path.exists():
            return {}
        try:
            kept: Kept = json.loads(self.path.read_text(encoding="ascii"))
        except ValueError:  # its message would quote the file
            what = "this file of made-up secrets is damaged"
            raise SecretsError(what, where=shown(self.path), fix="remove it: new ones will be made") from None
        return kept

    def _with(self, kept: Mapping[str, Mapping[str, str]], needed: Iterable[Secret]) -> Kept:
        """Return the kept values, and random ones for what is needed besides."""
        made = {m: dict(of_it) for m, of_it in kept.items()}
        for secret in needed:
            of_it = made.setdefault(secret.municipality, {KEY: random_value()})
            if secret.name not in self._given:
                of_it.setdefault(secret.name, random_value())
        return made
