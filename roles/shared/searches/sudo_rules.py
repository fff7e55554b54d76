"""What sudo allows beside what roles declare and Debian's own file says, wherever sudo reads it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from roles.shared.searches.search import Declarations, Found, Search

INCLUDES = r"sed -nE 's/^[[:space:]]*[@#]include(dir)?[[:space:]]+\"?([^\"]+)\"?[[:space:]]*$/\2/p'"
QUESTION = (
    "[ -r /etc/sudoers ] && cd /etc && files=/etc/sudoers && "
    "for round in 1 2 3; do "
    f"for named in $(cat $files 2>/dev/null | {INCLUDES}); do "
    'case " $files " in *" $named "*) ;; *) '
    'if [ -d "$named" ]; then for file in "$named"/*; do '
    'case "$file" in *.*|*~) ;; *) case " $files " in *" $file "*) ;; *) files="$files $file";; esac;; esac; done; '
    'elif [ -f "$named" ]; then files="$files $named"; fi;; esac; done; done; '
    r"""awk '{ while (/\\$/ && (getline more) > 0) { sub(/\\$/, ""); $0 = $0 more } print FILENAME "\t" $0 }' $files"""
)
"""Prints every line of sudoers and of what it includes, three levels deep, each after its file's path."""

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
    if not any(path == "/etc/sudoers" for path, _ in lines):
        raise ValueError("there is no sudoers")
    for path, text in lines:
        rule = " ".join(text.split())
        if path in declared.files or not rule or (rule.startswith("#") and not NO_COMMENT.match(rule)):
            continue
        if not any(re.fullmatch(known, rule) for known in OF_DEBIAN):
            yield Found(name=f"{rule}  in {path}")


SUDO_RULES = Search(kind="sudo", question=QUESTION, undeclared=undeclared)
