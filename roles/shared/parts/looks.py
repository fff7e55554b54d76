"""`account_for_looks`: the account by which a server is looked at, and the one program that it may run as root.

The program, and what it does with a question, is `roles.shared.look_program`. Not here: that sshd lets the account in,
and sudo the program (role `base`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from inventory.network import Network
from roles.shared import look_program
from roles.shared.look_program import AS_ROOT, BY_SUDO, PROGRAM, listing
from roles.shared.parts.accounts import account
from roles.shared.parts.debian import directory
from roles.shared.parts.files import absent_file, managed_file
from roles.shared.parts.services import UNIT_STATE
from roles.shared.people import LOOKS_AS
from roles.shared.sandbox import QUESTION

LOOK = LOOKS_AS
LOOK_KEYS = f"/etc/ssh/authorized_keys/{LOOK}"
KEYS_PARSE = "ssh-keygen -l -f {path} > /dev/null"
PYTHON_PARSES = "python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' {path}"
MANAGED = "# Managed by samdrift, role base; local changes are lost."

LOOKS_AS_ROOT = (
    UNIT_STATE,
    "systemctl is-active {word}; systemctl is-enabled {word}",
    "systemctl show -p {word} --value",
    *(f"getent ahostsv{version} {{word}}" for version in (4, 6)),
    "systemctl show -p {word} {word}",
    "systemctl show -p {word} -p {word} -p {word} {word}",
    QUESTION,
)
"""What is asked as root of every host: neither systemd nor the resolver answers who may open no socket."""


def restricted(keys: Iterable[str], stations: Iterable[Network], command: str = "") -> tuple[str, ...]:
    """Return the lines for these keys of samdrift's own: good from the management stations, for commands alone.

    Args:
        command: the one command that they are good for; empty for any.
    """
    sources = ",".join(str(network) for network in stations)
    only = f',command="{command}"' if command else ""
    return tuple(f'restrict,from="{sources}"{only} {key}' for key in keys)


def account_for_looks(
    keys: tuple[str, ...], stations: tuple[Network, ...], asked_as_root: Iterable[str], group: str
) -> None:
    """Declare the account, its program, and what that asks as root; where there are no keys, that none is let in.

    Args:
        stations: where the keys are good from.
        group: the group that sshd lets in.
    """
    if not keys:
        absent_file(LOOK_KEYS)
        return
    program = Path(look_program.__file__).read_text(encoding="utf-8")
    managed_file(PROGRAM, content=program, mode="755", validate_with=PYTHON_PARSES)
    directory(str(Path(AS_ROOT).parent), "755")
    managed_file(AS_ROOT, content=listing(MANAGED, asked_as_root))
    account(LOOK, full_name="samdrift looks", groups=(group,))
    lines = restricted(keys, stations, BY_SUDO)
    managed_file(LOOK_KEYS, content="\n".join([MANAGED, *lines, ""]), validate_with=KEYS_PARSE)
