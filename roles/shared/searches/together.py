"""The questions of all searches asked as one: a process for each program that it takes, and none besides. Pure.

To begin a process is most of what a small question costs a host. Asked alone, each has one that bounds its time, one
that bounds its answer, and a shell; asked together, they share these. The answers come a line each, so that nothing in
one can be taken for another. Not here: what is asked (`search`), and what the answers mean.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

LARGEST = 4 * 1024 * 1024
"""Bytes that an answer may have; of a longer one, nothing is told."""

PROGRAM = r"""
$| = 1;
for my $question (@ARGV) {
    open my $answer, "-|", "sh", "-c", $question or die "sh: $!";
    read $answer, my $said, LARGEST + 1;
    close $answer;
    $said = "" if length $said > LARGEST;
    print $said =~ s/\\/\\\\/gr =~ s/\n/\\n/gr, "\n";
}
""".strip().replace("LARGEST", str(LARGEST))


def together(questions: Sequence[str]) -> str:
    """Return the command that asks these, in order."""
    return shlex.join(("perl", "-e", PROGRAM, *questions))


def apart(answer: str) -> list[str]:
    """Return the answers of those that were asked together; of those that there was no time for, none."""
    *lines, _ = answer.split("\n")
    return [re.sub(r"\\([\\n])", lambda found: "\n" if found[1] == "n" else "\\", line) for line in lines]
