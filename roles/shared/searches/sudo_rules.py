"""What sudo allows beside what roles declare and Debian's own file says, wherever sudo reads it. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from roles.shared.searches.search import Declarations, Found, Search

SUDOERS = "/etc/sudoers"
INCLUDES = r"sed -nE 's/^[[:space:]]*[@#]include(dir)?[[:space:]]+\"?([^\"]+)\"?[[:space:]]*$/\2/p'"


def question(sudoers: str) -> str:
    """Return a command that prints each line of sudoers and of what it includes, each after its file's path."""
    return (
        f"[ -r {sudoers} ] && cd {posixpath.dirname(sudoers)} && files={sudoers} && before= && "
        'while [ "$files" != "$before" ]; do before=$files; '
        f"for named in $({INCLUDES} $files); do "
        'case " $files " in *" $named "*) continue;; esac; '
        'if [ -f "$named" ]; then files="$files $named"; fi; '
        '[ ! -d "$named" ] || for file in "$named"/*; do '
        'case "${file##*/}" in *.*|*~) continue;; esac; '
        'case " $files " in *" $file "*) ;; *) [ ! -f "$file" ] || files="$files $file";; esac; '
        "done; done; done; "
        r"""awk '{ while (/\\$/ && (getline more) > 0) { sub(/\\$/, ""); $0 = $0 more } """
        r"""print FILENAME "\t" $0 }' $files"""
    )


OF_DEBIAN = (
    r"Defaults\s+env_reset",
    r"Defaults\s+mail_badpass",
    r"Defaults\s+use_pty",
    r'Defaults\s+secure_path="(/usr)?(/local)?/s?bin(:(/usr)?(/local)?/s?bin)*"',
    r"root\s+ALL=\(ALL(:ALL)?\) ALL",
    r"%sudo\s+ALL=\(ALL(:ALL)?\) ALL",
    r"[@#]includedir\s+/etc/sudoers\.d",
)
"""The lines of Debian's own sudoers; who is in its group `sudo` is read elsewhere (`people`)."""


NO_COMMENT = re.compile(r"#(include(dir)?\s|-?\d)")
"""What begins as a comment and is none: an older word for `@include`, and a user by number."""


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the rules that stand in no file of a role's."""
    lines = [line.partition("\t")[::2] for line in answer.split("\n") if "\t" in line]
    if not any(path == SUDOERS for path, _ in lines):
        raise ValueError("there is no sudoers")
    for path, text in lines:
        rule = " ".join(text.split())
        if path in declared.files or not rule or (rule.startswith("#") and not NO_COMMENT.match(rule)):
            continue
        if not any(re.fullmatch(known, rule) for known in OF_DEBIAN):
            yield Found(name=f"{rule}  in {path}")


SUDO_RULES = Search(kind="sudo", question=question(SUDOERS), undeclared=undeclared)
