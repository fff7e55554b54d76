"""What `samdrift secrets` does with a municipality's age file: edit, rotate, check. Says names, and never values.

Not here: where a value comes from (`cli.secrets`), and how a file is encrypted (`vault`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from deploy.model.findings import Finding, Kind, Severity
from deploy.vault.age import AgeVault, Contents, NotOpened
from deploy.vault.interface import SecretsError, random_value, refuse_weak
from inventory.fleet import Frozen
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


def check(vault: AgeVault, needed: Mapping[Secret, str], municipalities: Iterable[str]) -> tuple[Finding, ...]:
    """Everything that is wrong with these municipalities' files.

    Args:
        needed: every secret that a role of the fleet needs, with a role and host that does.
    """
    return tuple(f for m in sorted(municipalities) for f in _check_one(vault, needed, m))


def _check_one(vault: AgeVault, needed: Mapping[Secret, str], municipality: str) -> Iterator[Finding]:
    wanted = {s.name: why for s, why in needed.items() if s.municipality == municipality}
    if not vault.is_there(municipality):
        for name, why in sorted(wanted.items()):
            yield _missing(municipality, name, f"{why} needs secret {name}, and {municipality} has no file of secrets")
        return
    try:
        contents = vault.read(municipality)
    except NotOpened as e:
        yield _finding(Kind.UNKNOWN, municipality, "file", str(e.what), e.fix)
        return
    except SecretsError as e:
        yield _finding(Kind.UNSOUND, municipality, "file", f"{e.where}: {e.what}", e.fix)
        return
    yield from _check_recipients(vault, contents)
    for name in sorted(wanted.keys() - contents.values.keys()):
        yield _missing(municipality, name, f"{wanted[name]} needs secret {name}, and it is not in the file")
    for name in sorted(contents.values.keys() - wanted.keys()):
        remedy = f"samdrift secrets edit {municipality} {name} --remove"
        yield _finding(Kind.UNMANAGED, municipality, name, f"no role needs secret {name}", remedy)


def _check_recipients(vault: AgeVault, contents: Contents) -> Iterator[Finding]:
    """Whether the file is encrypted to those that `recipients.yaml` names, as far as the file says."""
    municipality, listed = contents.municipality, vault.recipients(contents.municipality)
    remedy = f"samdrift secrets rotate {municipality}; who left knows the values: rotate those too, by name"
    more = sorted(n for n, key in contents.recipients.items() if listed.get(n) != key)
    fewer = sorted(n for n, key in listed.items() if contents.recipients.get(n) != key)
    said = [f"still to {', '.join(more)}" if more else "", f"not yet to {', '.join(fewer)}" if fewer else ""]
    keys, stanzas = len(set(contents.recipients.values())), vault.stanzas(municipality)
    if any(said):
        what = f"the file is encrypted {' and '.join(filter(None, said))}"
        yield _finding(Kind.PENDING, municipality, "recipients", what, remedy)
    elif keys != stanzas:
        what = f"the file says that it is encrypted to {keys} keys, and is to {stanzas}: samdrift did not write it"
        yield _finding(Kind.UNSOUND, municipality, "recipients", what, remedy)


def _missing(municipality: str, name: str, what: str) -> Finding:
    return _finding(Kind.UNSOUND, municipality, name, what, f"samdrift secrets edit {municipality} {name}")


def _finding(kind: Kind, municipality: str, step: str, summary: str, remedy: str) -> Finding:
    return Finding(
        kind=kind,
        municipality=municipality,
        step=f"{municipality} {step}",
        summary=summary,
        remedy=remedy,
        severity=Severity.LOW if kind is Kind.UNMANAGED else Severity.HIGH,
    )
