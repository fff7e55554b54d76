"""Keep the values of secrets in age files, one a municipality: open, read, write them.

A municipality's secrets are `inventory/secrets/<municipality>.age`: YAML, encrypted to everybody that
`recipients.yaml` beside it names. Nothing here prints, logs or raises a value, and nothing but ciphertext touches a
disk. What an engineer does with the files is in `vault.edit`.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyrage
import yaml

from deploy.vault.interface import SecretsError, naming, refuse_weak
from inventory.places import shown
from inventory.secrets import NAME, SLUG, Secret
from inventory.whole_file import close_now, put_in_place
from inventory.yaml_source import Document
from roles.shared.parts.veil import Veil

RECIPIENTS = "recipients.yaml"
INSIDE_RECIPIENTS, INSIDE_KEY, INSIDE_FORMER = "_recipients", "_key", "_former"
"""What an age file holds besides secrets, whose names begin with a letter."""


class NotOpened(SecretsError):
    """An age file cannot be opened with this identity."""


@dataclass(frozen=True)
class Contents:
    """The values in one municipality's file. Prints as what it is about, and never as what is in it.

    Attributes:
        values: by the secrets' names.
        recipients: whom it was encrypted to when it was last written, by name: their public keys.
        key: random, this file's own; seals are made with it (`Veil.seal`).
        former: what secrets were before they were last changed or removed; hosts may still hold and say it.
    """

    municipality: str
    values: Mapping[str, str] = field(repr=False)
    recipients: Mapping[str, str] = field(default_factory=dict)
    key: str = field(repr=False, default_factory=lambda: secrets.token_hex(32))
    former: Mapping[str, str] = field(repr=False, default_factory=dict)

    def with_values(self, values: Mapping[str, str]) -> Contents:
        """Return the file with these values; those that are changed or gone are remembered."""
        gone = {name: value for name, value in self.values.items() if values.get(name) != value}
        return replace(self, values=values, former={**self.former, **gone})


class AgeVault:
    """The age files of one directory, opened with an identity when a value is needed and not before.

    Args:
        identity: the file with the age secret key; by default `default_identity()`.
    """

    def __init__(self, directory: Path, identity: Path | None = None) -> None:
        self.directory = directory
        self.identity = identity or default_identity()

    def open(self, needed: Mapping[Secret, str]) -> Veil:
        """Open the files of the municipalities whose secrets are needed."""
        files: dict[str, Contents] = {}
        for secret, why in needed.items():
            if secret.municipality not in files:
                files[secret.municipality] = self._contents_for(secret, why)
            if secret.name not in files[secret.municipality].values:
                raise self._lacking(secret, f"{why} needs secret {secret.name}, and it is not in this file")
        values = {Secret(name=n, municipality=m): v for m, c in files.items() for n, v in c.values.items()}
        former = {Secret(name=n, municipality=m): v for m, c in files.items() for n, v in c.former.items()}
        return Veil(values, {m: c.key.encode() for m, c in files.items()}, former)

    def _contents_for(self, secret: Secret, why: str) -> Contents:
        if not self.is_there(secret.municipality):
            raise self._lacking(secret, f"{why} needs secret {secret.name}, and there is no such file")
        return self.read(secret.municipality)

    def _lacking(self, secret: Secret, what: str) -> SecretsError:
        fix = f"samdrift secrets edit {secret.municipality} {secret.name}"
        return SecretsError(what, where=shown(self.path(secret.municipality)), fix=fix)

    def path(self, municipality: str) -> Path:
        """Return the municipality's file."""
        return self.directory / f"{municipality}.age"

    def is_there(self, municipality: str) -> bool:
        """Tell whether the municipality has a file."""
        return self.path(municipality).is_file()

    def municipalities(self) -> tuple[str, ...]:
        """Return the municipalities that have a file, in alphabetical order."""
        return tuple(sorted(p.stem for p in self.directory.glob("*.age") if re.fullmatch(SLUG, p.stem)))

    def read(self, municipality: str) -> Contents:
        """Decrypt a municipality's file.

        Raises:
            NotOpened: the identity is not one of its recipients.
            SecretsError: it is damaged, or there is no identity to open it with.
        """
        path = self.path(municipality)
        identities = _identities(self.identity, shown(path))
        try:
            text = pyrage.decrypt(_read(path), identities).decode()
        except pyrage.DecryptError as e:
            if "No matching keys" in str(e):
                raise NotOpened(
                    f"it is not encrypted to the key in {shown(self.identity)}",
                    where=shown(path),
                    fix=f"somebody who can open it adds you to {RECIPIENTS}, then: samdrift secrets rotate {path.stem}",
                ) from None
            raise SecretsError("this is no whole age file", where=shown(path), fix="restore it from git") from None
        except UnicodeDecodeError:
            raise SecretsError("what is encrypted in it is no text", where=shown(path)) from None
        return _parse(text, path)

    def encrypt(self, municipality: str, text: str) -> str:
        """Encrypt a text to the municipality's recipients as they are now."""
        return _encrypted(text, self._required_recipients(municipality)).decode("ascii")

    def decrypt(self, municipality: str, sealed: str, where: str) -> str:
        """Decrypt a text that was encrypted to this municipality's recipients as they were then."""
        try:
            return str(pyrage.decrypt(sealed.encode("ascii", "replace"), _identities(self.identity, where)).decode())
        except pyrage.DecryptError as e:
            if "No matching keys" in str(e):
                what = f"it is not encrypted to the key in {shown(self.identity)}"
                fix = f"ask somebody who was a recipient of {municipality} when it was made: docs/device-backups.md"
                raise NotOpened(what, where=where, fix=fix) from None
            raise SecretsError("this is no whole age file", where=where) from None
        except UnicodeDecodeError:
            raise SecretsError("what is encrypted in it is no text", where=where) from None

    def _required_recipients(self, municipality: str) -> dict[str, str]:
        """Return the municipality's recipients; refuse where it has none."""
        if recipients := self.recipients(municipality):
            return recipients
        raise SecretsError(
            f"{municipality} has no recipients, so nobody could open what is encrypted for it",
            where=shown(self.directory / RECIPIENTS),
            fix="name them there, each with an age public key: docs/secrets.md",
        )

    def write(self, contents: Contents) -> Contents:
        """Encrypt to the municipality's recipients as they are now, and put the file in place whole; what was written.

        Raises:
            SecretsError: it has no recipients, or cannot be written.
        """
        path = self.path(contents.municipality)
        recipients = self._required_recipients(contents.municipality)
        written = replace(contents, recipients=recipients)
        reserved = {
            INSIDE_RECIPIENTS: dict(recipients),
            INSIDE_KEY: contents.key,
            INSIDE_FORMER: dict(sorted(contents.former.items())),
        }
        text = yaml.safe_dump(reserved | dict(sorted(contents.values.items())), allow_unicode=True, sort_keys=False)
        with naming(path):
            put_in_place(path, _encrypted(text, recipients), mode=0o644)
        return written

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Lock this directory while a file is read, changed and written."""
        with naming(self.directory):
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            close_now(descriptor)

    def recipients(self, municipality: str) -> dict[str, str]:
        """Return who shall be able to open this municipality's file: name to public key; empty if nobody is named."""
        return self.all_recipients().get(municipality, {})

    def all_recipients(self) -> dict[str, dict[str, str]]:
        """Read `recipients.yaml`: municipality to name to age public key.

        Raises:
            SecretsError: with the first line in it that is wrong.
        """
        path = self.directory / RECIPIENTS
        if not path.is_file():
            return {}
        document = Document(_read(path).decode("utf-8", "replace"), shown(path))
        faults = [str(p) for p in document.problems] or list(_recipient_faults(document))
        if faults:
            raise SecretsError(faults[0])
        found: dict[str, dict[str, str]] = document.data
        return found

    def stanzas(self, municipality: str) -> int:
        """Count the X25519 keys that the file is encrypted to. Its header does not say whose they are."""
        armoured = _read(self.path(municipality)).decode("ascii", "replace").splitlines()
        with contextlib.suppress(binascii.Error):
            header = base64.b64decode("".join(line for line in armoured if not line.startswith("-----")))
            return header.partition(b"\n--- ")[0].count(b"\n-> X25519 ")
        return 0


def _encrypted(text: str, recipients: Mapping[str, str]) -> bytes:
    keys = [pyrage.x25519.Recipient.from_str(key) for key in sorted(set(recipients.values()))]
    encrypted: bytes = pyrage.encrypt(text.encode(), keys, armored=True)
    return encrypted


def default_identity() -> Path:
    """Return the default path of the age secret key: the system's for root, the user's own otherwise."""
    if os.geteuid() == 0:
        return Path("/etc/samdrift/identity.txt")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "samdrift" / "identity.txt"


def _identities(identity: Path, wanted: str) -> list[Any]:
    """Return the secret keys in an identity file, as age-keygen writes it. Nothing of it is ever said."""
    fix = "give another with --identity, or SAMDRIFT_IDENTITY; how to make one: docs/secrets.md"
    try:
        mode = identity.stat().st_mode
        text = identity.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SecretsError(f"no age identity to open {wanted} with", where=shown(identity), fix=fix) from None
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is no text"
        raise SecretsError(f"cannot read this age identity: {why}", where=shown(identity), fix=fix) from None
    if mode & 0o077:
        raise SecretsError(
            "others can read this age identity", where=shown(identity), fix=f"chmod 600 {shown(identity)}"
        )
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        found = [pyrage.x25519.Identity.from_str(line) for line in lines]
    except pyrage.IdentityError:
        found = []
    if not found:
        what = "this is no age identity: a line AGE-SECRET-KEY-1…, without a passphrase"
        raise SecretsError(what, where=shown(identity), fix=fix)
    return found


def _parse(text: str, path: Path) -> Contents:
    """Parse a decrypted file. An error names its line alone, since the words around it may be a value."""
    document = Document(text, shown(path))
    if document.problems or not isinstance(document.data, dict):
        line = document.problems[0].where.rpartition(":")[2] if document.problems else "1"
        raise SecretsError(f"line {line} of what is encrypted in it is not plain YAML, name: value", where=shown(path))
    values = {name: value for name, value in document.data.items() if not name.startswith("_")}
    for name, value in values.items():
        if not re.fullmatch(NAME, name):
            raise SecretsError(f"line {document.lines[(name,)]} in it has no secret's name", where=shown(path))
        if not isinstance(value, str):
            raise SecretsError(f"the value of secret {name} is no text: write it in quotes", where=shown(path))
        refuse_weak(value, f"{shown(path)}, secret {name}")
    recipients, key, former = (document.data.get(k) for k in (INSIDE_RECIPIENTS, INSIDE_KEY, INSIDE_FORMER))
    if not (isinstance(recipients, dict) and isinstance(former, dict) and isinstance(key, str) and len(key) >= 64):
        fix = "make it with: samdrift secrets edit"
        raise SecretsError(f"it was not written by samdrift: it lacks {INSIDE_KEY}", where=shown(path), fix=fix)
    texts = ({str(k): str(v) for k, v in part.items()} for part in (recipients, former))
    return Contents(path.stem, values, next(texts), key, next(texts))


def _recipient_faults(document: Document) -> Iterator[str]:
    """Yield what is wrong with the recipients' file, once it is YAML."""
    if not isinstance(document.data, dict):
        yield f"{document.name}:1: no mapping of municipalities"
        return
    for municipality, people in document.data.items():
        at = f"{document.name}:{document.lines[(municipality,)]}"
        if not re.fullmatch(SLUG, municipality):
            yield f"{at}: {municipality!r} is no municipality"
        if not isinstance(people, dict):
            yield f"{at}: {municipality} is no mapping of names to age public keys"
            continue
        for name, key in people.items():
            if not _is_recipient(key):
                where = f"{document.name}:{document.lines[(municipality, name)]}"
                yield f"{where}: {name!r} has no age public key (age1…, as age-keygen prints it)"


def _is_recipient(key: object) -> bool:
    try:
        pyrage.x25519.Recipient.from_str(key)
    except (pyrage.RecipientError, TypeError):
        return False
    return True


def _read(path: Path) -> bytes:
    with naming(path):
        return path.read_bytes()
