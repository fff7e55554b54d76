"""Files of packages that are not as the package brought them. Pure.

Who can set the clock back before he changes a file gets past this, and so does who changes dpkg's own sums (`walk`).
Not here: files that packages brought and that are gone, modes and owners, and files of no package.
"""

from __future__ import annotations

from collections.abc import Iterator

from roles.shared.searches.search import Declarations, Found, Search, Unread
from roles.shared.searches.walk import QUESTION, walked


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the files of packages that were changed, and that no role declares."""
    walk = walked(answer)
    if walk.too_many_changed:
        raise Unread("more files are newer than their packages than are compared: was the host copied, or restored?")
    for file in walk.changed:
        if file.path not in declared.files:
            yield Found(name=file.path, state=file.state)


PACKAGE_FILES = Search(kind="package-file", question=QUESTION, undeclared=undeclared, is_slow=True)
