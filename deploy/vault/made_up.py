"""Make up the values of secrets for the lab, whose hosts keep nothing secret.

Not here: the secrets of real hosts (`vault.age`).
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.vault.interface import SecretsError, naming, random_value
from inventory.places import shown
from inventory.secrets import Secret
from inventory.whole_file import put_in_place
from roles.shared.parts.veil import Veil

KEY = "_key"
"""Beside a municipality's secrets, whose names begin with a letter: what seals are made with."""


class MadeUp:
    """A vault in one file of its owner's, which makes up what it lacks: the lab's, whose hosts keep nothing secret."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, needed: Mapping[Secret, str]) -> Veil:
        """Open the vault for these secrets; new ones get random values, which are kept."""
        with naming(self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                kept = self._kept()
                made = self._with(kept, needed)
                if made != kept:
                    put_in_place(self.path, json.dumps(made, indent=1).encode())
        values = {
            Secret(name=name, municipality=m): value
            for m, of_it in made.items()
            for name, value in of_it.items()
            if name != KEY
        }
        return Veil(values, {m: of_it[KEY].encode() for m, of_it in made.items()})

    def _kept(self) -> dict[str, dict[str, str]]:
        if not self.path.exists():
            return {}
        try:
            kept: dict[str, dict[str, str]] = json.loads(self.path.read_text(encoding="ascii"))
        except ValueError:  # its message would quote the file
            what = "this file of made-up secrets is damaged"
            raise SecretsError(what, where=shown(self.path), fix="remove it: new ones will be made") from None
        return kept

    def _with(self, kept: Mapping[str, Mapping[str, str]], needed: Iterable[Secret]) -> dict[str, dict[str, str]]:
        """Return the kept values, and random ones for what is needed besides."""
        made = {m: dict(of_it) for m, of_it in kept.items()}
        for secret in needed:
            of_it = made.setdefault(secret.municipality, {KEY: random_value()})
            of_it.setdefault(secret.name, random_value())
        return made
