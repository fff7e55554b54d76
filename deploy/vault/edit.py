"""What `samdrift secrets` does with a municipality's age file: edit, rotate, check. Says names, and never values.

Not here: where a value comes from (`cli.secrets`), and how a file is encrypted (`vault`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from deploy.model.findings import Finding, Kind, severity
from deploy.model.messages import Message, MessageId, as_written, samdrift
from deploy.vault.age import AgeVault, Contents, NotOpened
from deploy.vault.interface import SecretsError, random_value, refuse_weak
from inventory.frozen import Frozen
from inventory.secrets import Secret


class Written(Frozen):
    """A file as it was written: who can open it now, and which secrets are new, changed or gone."""

    municipality: str
    file: Path
    recipients: tuple[str, ...]
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def edit(vault: AgeVault, secret: Secret, value: str | None) -> Written:
    """Give a secret this value, or with None remove it; the first value makes the file."""
    municipality, name = secret.municipality, secret.name
    if value is not None:
        refuse_weak(value, f"secret {name} of {municipality}")
    with vault.alone():
        old = vault.read(municipality) if vault.is_there(municipality) else Contents(municipality, {})
        if value is None and name not in old.values:
            raise _no_such(vault, old, name)
        values = {n: v for n, v in old.values.items() if n != name} | ({} if value is None else {name: value})
        return _write(vault, old, values)


def rotate(vault: AgeVault, municipality: str, names: Sequence[str]) -> Written:
    """Encrypt a file to its recipients as they are now, with new random values for the secrets of these names."""
    with vault.alone():
        if not vault.is_there(municipality):
            fix = f"samdrift secrets edit {municipality} NAME makes it"
            raise SecretsError("there is no such file", where=str(vault.path(municipality)), fix=fix)
        old = vault.read(municipality)
        for name in names:
            if name not in old.values:
                raise _no_such(vault, old, name)
        return _write(vault, old, {**old.values, **{name: random_value() for name in names}})


def _write(vault: AgeVault, old: Contents, values: Mapping[str, str]) -> Written:
    new = vault.write(old.with_values(values))
    return Written(
        municipality=new.municipality,
        file=vault.path(new.municipality),
        recipients=tuple(sorted(new.recipients)),
        added=tuple(sorted(values.keys() - old.values.keys())),
        changed=tuple(sorted(n for n, v in values.items() if n in old.values and old.values[n] != v)),
        removed=tuple(sorted(old.values.keys() - values.keys())),
    )


def _no_such(vault: AgeVault, contents: Contents, name: str) -> SecretsError:
    there = ", ".join(sorted(contents.values)) or "none"
    return SecretsError(f"there is no secret {name}", where=str(vault.path(contents.municipality)), fix=f"has: {there}")


def file_findings(vault: AgeVault, needed: Mapping[Secret, str], municipalities: Iterable[str]) -> tuple[Finding, ...]:
    """Return everything that is wrong with these municipalities' files.

    Args:
        needed: every secret that a role of the fleet needs, with a role and host that does.
    """
    return tuple(f for m in sorted(municipalities) for f in _findings_of(vault, needed, m))


def _findings_of(vault: AgeVault, needed: Mapping[Secret, str], municipality: str) -> Iterator[Finding]:
    wanted = {s.name: why for s, why in needed.items() if s.municipality == municipality}
    if not vault.is_there(municipality):
        for name, why in sorted(wanted.items()):
            without = MessageId.SECRET_WITHOUT_FILE(needed_by=why, name=name, municipality=municipality)
            yield _missing(municipality, name, without)
        return
    try:
        contents = vault.read(municipality)
    except NotOpened as e:
        what = MessageId.SECRETS_NOT_OPENED(what=e.what)
        yield _finding(Kind.UNKNOWN, municipality, "file", what, as_written(e.fix))
        return
    except SecretsError as e:
        what = MessageId.SECRETS_DAMAGED(where=e.where, what=e.what)
        yield _finding(Kind.UNSOUND, municipality, "file", what, as_written(e.fix))
        return
    yield from _recipient_findings(vault, contents)
    for name in sorted(wanted.keys() - contents.values.keys()):
        yield _missing(municipality, name, MessageId.SECRET_MISSING(needed_by=wanted[name], name=name))
    for name in sorted(contents.values.keys() - wanted.keys()):
        advice = MessageId.REMOVE_SECRET(edit=samdrift("secrets", "edit", municipality, name, "--remove"))
        yield _finding(Kind.UNMANAGED, municipality, name, MessageId.SECRET_UNNEEDED(name=name), advice)


def _recipient_findings(vault: AgeVault, contents: Contents) -> Iterator[Finding]:
    """Yield the differences between the file's recipients and those that `recipients.yaml` names, as far as the file
    says.
    """
    municipality, listed = contents.municipality, vault.recipients(contents.municipality)
    advice = MessageId.ENCRYPT_ANEW(rotate=samdrift("secrets", "rotate", municipality))
    left = ", ".join(sorted(n for n, key in contents.recipients.items() if listed.get(n) != key))
    lacking = ", ".join(sorted(n for n, key in listed.items() if contents.recipients.get(n) != key))
    keys, stanzas = len(set(contents.recipients.values())), vault.stanzas(municipality)
    if left and lacking:
        what = MessageId.RECIPIENTS_DIFFER(left=left, lacking=lacking)
        yield _finding(Kind.PENDING, municipality, "recipients", what, advice)
    elif left or lacking:
        what = MessageId.RECIPIENTS_LEFT(names=left) if left else MessageId.RECIPIENTS_LACKING(names=lacking)
        yield _finding(Kind.PENDING, municipality, "recipients", what, advice)
    elif keys != stanzas:
        what = MessageId.RECIPIENTS_UNCLEAR(keys=keys, stanzas=stanzas)
        yield _finding(Kind.UNSOUND, municipality, "recipients", what, advice)


def _missing(municipality: str, name: str, what: Message) -> Finding:
    advice = MessageId.GIVE_A_VALUE(edit=samdrift("secrets", "edit", municipality, name))
    return _finding(Kind.UNSOUND, municipality, name, what, advice)


def _finding(kind: Kind, municipality: str, step: str, message: Message, advice: Message) -> Finding:
    return Finding(
        kind=kind,
        municipality=municipality,
        step=f"{municipality} {step}",
        message=message,
        advice=advice,
        severity=severity(kind, message.id),
    )
