"""Judge devices: would each vendor's command line take what is to be typed?

A device is judged as if it were empty: all of its intended configuration is typed then, in the form and order in which
a plan would type it. A line is refused by what its `Vendor` says of lines, and by what no command line takes. Pure, so
nothing is *not applicable*.

Not here: what the vendor's own parser would say of a line that has the right form, which only a device knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from deploy.check.judge import Judgement
from deploy.transport.terminal import untypable
from inventory.errors import SamdriftError
from inventory.secrets import PLACEHOLDER
from roles.shared.device.configure import WHAT, compared
from roles.shared.device.known import vendor_with
from roles.shared.device.vendor import Vendor
from roles.shared.parts.registration import ManagedConfiguration

QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
DESCRIPTION = re.compile(r'^(?:set (?:.*? )?)?description (?:"(.*)"|(.*))$')
"""Of any syntax; one of the groups is what it says."""


def judge_configurations(declared: Mapping[str, Sequence[ManagedConfiguration]]) -> tuple[Judgement, ...]:
    """Judge every device's configuration.

    Args:
        declared: by host, what its roles declare of it.
    """
    return tuple(_judged(host, configuration) for host, of_host in declared.items() for configuration in of_host)


def _judged(host: str, configuration: ManagedConfiguration) -> Judgement:
    refused = list(refusals(configuration))
    return Judgement(
        kind="configuration",
        role=configuration.role,
        path=WHAT,
        hosts=(host,),
        outcome="refused" if refused else "accepted",
        detail="\n".join(refused),
    )


def refusals(configuration: ManagedConfiguration) -> Iterator[str]:
    """Tell each line that would be refused, and why; secrets stand in it by name."""
    vendor = vendor_with(configuration.platform, configuration.series)
    if vendor.syntax == "blocks":
        yield from _unbalanced(configuration.content)
    try:
        typed = compared("", configuration).entries
    except SamdriftError as e:
        yield f"{e.where}: {e.what}" if e.where else e.what
        return
    number = 1
    for line, *text in map(vendor.lines_of, typed):
        for why in _refusals_of(vendor, line):
            yield f"line {number}, {_shown(line)}: {why}"
        for further, part in enumerate(text, number + 1):
            if why := untypable(part):
                yield f"line {further}, {_shown(part)}: it has {why}"
        number += 1 + len(text)


def _refusals_of(vendor: Vendor, line: str) -> Iterator[str]:
    """Yield every reason for which a device would refuse a line. The length of a secret cannot be judged here."""
    says = PLACEHOLDER.sub("secret", line)
    if why := untypable(says):
        yield f"it has {why}"
    if vendor.longest_line is not None and len(says) > vendor.longest_line:
        yield f"it has {len(says)} characters, and {vendor.name} takes {vendor.longest_line}"
    if vendor.ascii_only and (strange := re.search(r"[^\x00-\x7f]", says)):
        yield f"{vendor.name} takes ASCII only, and not {strange[0]!r}"
    if (description := DESCRIPTION.search(says)) and len(text := description[1] or description[2]) > vendor.longest:
        yield f"a description of {len(text)} characters, and {vendor.name} takes {vendor.longest}"
    if vendor.syntax != "indented":
        unquoted = QUOTED.sub("", says)
        if '"' in unquoted:
            yield "its quotation mark is never closed"
        elif special := next((c for c in unquoted if c in vendor.special), ""):
            yield f"outside of quotation marks {special!r} is no letter for {vendor.name}"
    if vendor.syntax == "set" and not says.startswith(("set ", "delete ", "deactivate ", "protect ")):
        yield "no statement begins so"
    if says in _of_session(vendor):
        yield "it belongs to the session and not to the configuration"


def _of_session(vendor: Vendor) -> set[str]:
    """Return the commands by which a configuration session begins and ends; in between they would end it too soon."""
    confirm = vendor.confirm
    own = (*confirm.arm, *confirm.enter, *confirm.leave, *confirm.confirm, *confirm.revert) if confirm else ()
    return {*vendor.enter, *vendor.leave, *vendor.abort, *vendor.save, *own}


def _unbalanced(content: str) -> Iterator[str]:
    """Tell where blocks of `config … end` and `edit … next` are not closed, or closed and not open."""
    opened: list[tuple[int, str]] = []
    ends = {"end": "config ", "next": "edit "}
    for number, line in enumerate(map(str.strip, content.splitlines()), 1):
        if line.startswith(("config ", "edit ")):
            opened.append((number, line))
        elif line in ends and (not opened or not opened[-1][1].startswith(ends[line])):
            yield f"line {number} of the template's text, {line!r}: no {ends[line].strip()} is open there"
            return
        elif line in ends:
            opened.pop()
    for number, line in opened:
        yield f"line {number} of the template's text, {_shown(line)}: this block is never closed"


def _shown(line: str) -> str:
    return repr(line if len(line) <= 100 else f"{line[:99]}…")
