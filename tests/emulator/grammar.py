"""What devices make of lines that are typed in their configuration mode: a small model of each vendor, pure.

It is written from the vendors' documentation and not from samdrift's code, so that tests can tell one by the other: it
knows what replaces what, what cannot be removed, what must be there first, and in which form a secret is shown. A
configuration is a tree of lines (of words, for Junos); equal trees are equal configurations, whatever the order.

Not here: prompts, sessions, timers, saving (`tests.emulator`); nor the vendors themselves: IOS, AOS-CX and FRR
(`grammar_indented`, `habits`), Junos (`grammar_junos`) and FortiOS (`grammar_fortios`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tests.emulator.grammar_fortios import BlocksEditor, load_blocks, show_blocks
from tests.emulator.grammar_indented import Habits, IndentedEditor, completed, load_indented, show_indented, typed
from tests.emulator.grammar_junos import SetEditor, load_set, show_set
from tests.emulator.habits import AOS_CX, AOS_CX_6400, FRR, IOS, IOS_3750
from tests.emulator.language import Editor, Refused, Tree, numbers, ranges

__all__ = ["Editor", "Refused", "Tree", "numbers", "ranges"]


@dataclass(frozen=True)
class Grammar:
    """One vendor's configuration mode.

    Attributes:
        editor: makes a configuration mode upon a tree.
        load: reads what `show` prints.
        show: prints it.
    """

    platform: str
    editor: Callable[[Tree], Editor]
    load: Callable[[str], Tree]
    show: Callable[[Tree], str]


def grammar(platform: str) -> Grammar:
    """The grammar of a platform, by its slug."""
    return GRAMMARS[platform]


def applied(platform: str, tree: Tree, lines: Iterable[str]) -> Tree:
    """A new tree: what a device has that had this one, after these were typed at its outermost level, line by line."""
    editor = grammar(platform).editor(copy.deepcopy(tree))
    for line in "\n".join(lines).split("\n"):
        editor.type(line)
    return editor.tree


def _indented(platform: str, habits: Habits) -> Grammar:
    return Grammar(
        platform,
        lambda tree: IndentedEditor(tree, habits),
        lambda text: typed(load_indented(text), habits),
        lambda tree: show_indented(completed(tree, habits), habits.indent),
    )


GRAMMARS: Mapping[str, Grammar] = MappingProxyType(
    {
        "arubaos-cx": _indented("arubaos-cx", AOS_CX),
        "cisco-ios": _indented("cisco-ios", IOS),
        "fortios": Grammar("fortios", BlocksEditor, load_blocks, show_blocks),
        "frr": _indented("frr", FRR),
        "junos": Grammar("junos", SetEditor, load_set, show_set),
    }
)
"""Every grammar, by the slug of its platform."""

AOS_CX_6400_GRAMMAR = _indented("arubaos-cx", AOS_CX_6400)
"""An AOS-CX of another family, which shows what others do not."""
IOS_3750_GRAMMAR = _indented("cisco-ios", IOS_3750)
"""A Catalyst that knows trunks of ISL, too."""
