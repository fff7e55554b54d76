"""Read what Junos shows with curly brackets into statements, for tests of published configurations.

`inactive:` before a statement becomes a `deactivate` behind it, as in `display set`; a list in square brackets becomes
as many statements. What stands after a word in one line (`archive size 100k files 3`) stays one statement, since only
Junos's own schema tells which of its words are statements of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

WORDS = re.compile(r'"(?:[^"\\]|\\.)*"|/\*.*?\*/|#[^\n]*|[{};\[\]]|[^\s{};\[\]"]+', re.DOTALL)


def statements(text: str) -> str:
    """The same configuration as `display set` would have it."""
    return "".join(f"{line}\n" for line in _statements(text))


def _statements(text: str) -> Iterator[str]:
    above: list[list[str]] = []
    words: list[str] = []
    marked: list[list[str]] = []  # what is deactivated, told when it ends
    for word in WORDS.findall(text):
        if word.startswith(("#", "/*")):
            continue
        if word == "{":
            if words[0] == "inactive:":
                words = words[1:]
                marked.append([*_flat(above), *words])
            above.append(words)
            words = []
        elif word == "}":
            path = _flat(above)
            above.pop()
            if path in marked:
                yield f"deactivate {' '.join(path)}"
        elif word == ";":
            yield from _whole(_flat(above), words)
            words = []
        else:
            words.append(word)


def _whole(above: list[str], words: list[str]) -> Iterator[str]:
    inactive, words = words[0] == "inactive:", words[1:] if words[0] == "inactive:" else words
    if "[" in words:
        begins = words.index("[")
        for value in words[begins + 1 : words.index("]")]:
            yield f"set {' '.join([*above, *words[:begins], value])}"
    else:
        yield f"set {' '.join([*above, *words])}"
    if inactive:
        yield f"deactivate {' '.join([*above, *words])}"


def _flat(above: list[list[str]]) -> list[str]:
    return [word for words in above for word in words]
