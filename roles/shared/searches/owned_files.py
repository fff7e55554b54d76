"""Files that no role declares in directories that a role owns (`OWNS`). Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from roles.shared.searches.search import FILE, Declarations, Found, Search
from roles.shared.searches.standing import ENCODED, IN_DETAIL, standing


def owned_files(directories: Sequence[str]) -> Search:
    """Return the search for the files in directories that a role owns."""
    places = " ".join(map(shlex.quote, directories))
    files = f"find {places} -mindepth 1 -maxdepth 1 ! -type d {IN_DETAIL}"
    return Search(kind=FILE, question=f"{files} | {ENCODED}", undeclared=undeclared, needs_all=False)


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the files that no role declares."""
    return (Found(name=f.path, state=f.state) for f in standing(answer) if f.path not in declared.files)
