"""What `secrets edit`, `rotate` and `check` show: names of secrets and who can open them, never a value.

Not here: encryption and files (`vault`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from deploy.model.findings import Finding
from deploy.model.text import inline, several
from deploy.views.findings import findings

if TYPE_CHECKING:  # pyinfra stands behind these: what only lists hosts must not wait for it
    from deploy.vault.edit import Written


def secrets_written(done: Written, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show which secrets of a municipality are new, changed or gone, and who can open them."""
    name = inline(names.get(done.municipality, done.municipality))
    parts = (("new", done.added), ("changed", done.changed), ("removed", done.removed))
    listed = "; ".join(f"{what}: {', '.join(secrets)}" for what, secrets in parts if secrets)
    yield Text(f"{name}: {listed or 'no value changed'}.", "bold green")
    yield Text(f"Encrypted to {', '.join(map(inline, done.recipients))}, in {inline(done.file)}")
    if done.added or done.changed:
        yield Text("The hosts get it with the next apply.")


def secrets_checked(files: int, found: Sequence[Finding], names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show what is wrong with the files of secrets, and how many were looked at."""
    yield from findings(found, names)
    summary = f"{several(files, 'file')} of secrets looked at, {several(len(found), 'problem')}."
    yield Text(summary, "bold red" if found else "bold green")
