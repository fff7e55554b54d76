"""What a plan was computed by: the digest of roles, templates, people, recipients and pyinfra. Imports none of them."""

from __future__ import annotations

import hashlib
from importlib.metadata import version

from inventory.frozen import Frozen
from inventory.paths import CODE, PEOPLE, RECIPIENTS, TEMPLATES


class Commit(Frozen):
    """The commit of the code that runs, as git has it, and whether files differ from it (`dirty`)."""

    id: str
    dirty: bool = False

    def __str__(self) -> str:
        return self.id[:12] + (" with changes that are not committed" if self.dirty else "")


def code_digest() -> str:
    """Return the SHA-256 of the roles, their templates, the files of people and recipients, and pyinfra's version; the
    same in a checkout and installed from it.
    """
    roots = {"roles": CODE / "roles", "templates": TEMPLATES}
    named = {
        f"{name}/{path.relative_to(root).as_posix()}": path
        for name, root in roots.items()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "_templates" not in path.relative_to(root).parts
    }
    named.update({file.name: file for file in (PEOPLE, RECIPIENTS) if file.is_file()})
    sha = hashlib.sha256(f"pyinfra {version('pyinfra')}".encode())
    for name, path in sorted(named.items()):
        sha.update(f"\0{name}\0".encode() + path.read_bytes())
    return sha.hexdigest()
