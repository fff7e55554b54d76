"""What `plan --brief` shows of the changes: by role and hosts, in a paragraph each, what is alike in it named together.

Not here: which changes are alike (`model.alike`), and all else that a plan shows (`views.plan`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.console import RenderableType
from rich.text import Text

from deploy.model.alike import Alike
from deploy.model.text import inline
from deploy.views.parts import indented

if TYPE_CHECKING:  # pyinfra stands behind these: what only lists hosts must not wait for it
    from deploy.model.plan import Plan, Step

PLURALS = {
    "file": "files",
    "directory": "directories",
    "mode of": "modes of",
    "user": "users",
    "group": "groups",
    "restart": "restart",
    "reload": "reload",
}
"""What several steps that begin with a word are called together."""

OF_A_KIND = re.compile(rf"({'|'.join(PLURALS)}) (\S+)")


FEW = 2
"""How many steps stand in the line of their role."""


class Named(NamedTuple):
    """A step by its name, and how many different ones it stands for."""

    name: str
    different: int = 1

    def ending(self, name: str) -> str:
        """Return a name, or a part of it, with how many it stands for."""
        return f"{name} ({self.different} different)" if self.different > 1 else name


def by_role(made: Plan, changes: Sequence[Alike[Step]]) -> dict[tuple[str, tuple[str, ...]], dict[bool, list[Named]]]:
    """Return the steps of each role and these hosts, and what follows them: handlers are by `True`.

    A step that is not alike everywhere stands once, too, with how many different ones it is.
    """
    steps: dict[tuple[str, bool, str], list[Alike[Step]]] = {}
    for change in changes:
        steps.setdefault((change.first.role, change.first.handler, inline(change.shown("name"))), []).append(change)
    order = [host.host for host in made.hosts]
    together: dict[tuple[str, tuple[str, ...]], dict[bool, list[Named]]] = {}
    for (role, handler, name), some in steps.items():
        hosts = tuple(sorted({host for change in some for host in change.hosts}, key=order.index))
        together.setdefault((role, hosts), {}).setdefault(handler, []).append(Named(name, len(some)))
    return together


def in_brief(role: str, on: str, named: dict[bool, list[Named]]) -> Iterator[RenderableType]:
    """Show what a role changes on some hosts.

    Args:
        on: says on which.
    """
    head = Text.assemble((inline(role), "cyan"), (on, "dim"))
    steps = Text("  ").join(
        Text.assemble((f"{sign} ", colour), "; ".join(folded(names)))
        for sign, colour, handler in (("~", "yellow", False), ("↻", "blue", True))
        if (names := named.get(handler))
    )
    if sum(map(len, named.values())) <= FEW:
        yield indented(Text.assemble(head, "  ", steps), 2)
    else:
        yield indented(head, 2)
        yield indented(steps, 4)


def folded(steps: Iterable[Named]) -> list[str]:
    """Name steps, those of one kind together, and paths in one directory as a shell would: `/etc/{issue, motd}`.

    A directory is not named beside a file that is put in it.
    """
    steps = tuple(steps)
    files = [m[2] for step in steps if (m := OF_A_KIND.fullmatch(step.name)) and m[1] == "file"]
    kinds: dict[str, list[Named]] = {}
    for step in steps:
        match = OF_A_KIND.fullmatch(step.name)
        if match is None:
            kinds.setdefault(step.ending(step.name), [])
        elif match[1] != "directory" or not any(file.startswith(f"{match[2]}/") for file in files):
            kinds.setdefault(match[1], []).append(Named(match[2], step.different))
    return [f"{kind if len(of) == 1 else PLURALS[kind]} {_listed(of)}" if of else kind for kind, of in kinds.items()]


def _listed(things: Sequence[Named]) -> str:
    directories: dict[str, list[str]] = {}
    for thing in things:
        directory, slash, name = thing.name.rpartition("/")
        directories.setdefault(directory + slash, []).append(thing.ending(name))
    return ", ".join(_in(directory, names) for directory, names in directories.items())


def _in(directory: str, names: Sequence[str]) -> str:
    listed = ", ".join(names)
    return f"{directory}{{{listed}}}" if directory and len(names) > 1 else f"{directory}{listed}"
