"""`loaded_ruleset`: the nftables ruleset that is in force, compared with the one that should be.

Both are told by the host's own nft, so that spelling, order within sets and service names cannot differ: the wanted
one is loaded into a network namespace of its own, made for the question and gone with it. A rule that somebody
added by hand is thus a difference, though no file changed.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Generator, Iterable

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation
from pyinfra.api.operation import OperationMeta

from inventory.network import Network
from roles.shared.change import Change
from roles.shared.guard import kept_text
from roles.shared.parts.expected import Expected, answer_digest, expecting
from roles.shared.parts.explain import explain
from roles.shared.parts.registration import current

NFT = "/usr/sbin/nft"
LIVE = f"if [ -x {NFT} ]; then r=$({NFT} -s list ruleset) && printf 'is %s' \"$r\" | base64 -w0; fi"
"""Tells the ruleset in force, as nothing but root may."""
ALONE = 'unshare --net $([ "$(id -u)" = 0 ] || echo --user --keep-caps)'
"""Runs a program in a network of its own, also where the account for looks asks for it."""


class LiveRuleset(FactBase["str | None"]):
    """The ruleset in force as this host's nft lists it; None if there is no nft."""

    @staticmethod
    def default() -> None:
        return None

    def command(self) -> str:
        return LIVE

    def process(self, output: list[str]) -> str | None:
        if not output:
            return None
        return base64.b64decode(output[0]).decode("utf-8", "backslashreplace").partition(" ")[2] + "\n"


class WantedRuleset(LiveRuleset):
    """A ruleset as this host's nft would list it; None if there is no nft. Fails where nft refuses it."""

    def command(self, content: str) -> str:  # type: ignore[override]  # a fact's arguments are its own
        alone = f"{ALONE} sh -c '{NFT} -f /dev/stdin && {NFT} -s list ruleset'"
        return (
            f"if [ -x {NFT} ]; then r=$(printf %s {shlex.quote(content)} | {alone}) && "
            "printf 'is %s' \"$r\" | base64 -w0; fi"
        )


CLIENT = (
    'p=$$; while [ "$p" -gt 1 ]; do '
    r"""c=$(tr '\0' '\n' < "/proc/$p/environ" | sed -n 's/^SSH_CONNECTION=\([^ ]*\).*/\1/p'); """
    """[ -z "$c" ] || break; p=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$p/status"); done"""
)
"""Sets `c` to the address that this SSH session comes from: sudo keeps it from us, but not from its own environment."""


def session_stays(let_in: Iterable[Network]) -> str:
    """Return a shell command that refuses if this SSH session does not come from one of these networks.

    Where it comes from no SSH session at all (a console), there is none to lose.
    """
    networks = tuple(let_in)
    sets = []
    for version in (4, 6):
        elements = ", ".join(str(n) for n in networks if n.version == version)
        these = f"elements = {{ {elements} }};" if elements else ""
        sets.append(f"add set inet t v{version} {{ type ipv{version}_addr; flags interval; {these} }}")
    known = shlex.quote("; ".join(["add table inet t", *sets]))
    of_family = 'case "$1" in *:*) s=v6;; *) s=v4;; esac'
    is_let_in = f'{NFT} {known} && {of_family} && {NFT} get element inet t "$s" "{{ $1 }}" > /dev/null 2>&1'
    text = (
        '"refused: this session comes from $c, and the new ruleset would shut it out; come from a management station"'
    )
    return (
        f'{CLIENT}; [ -z "$c" ] || unshare --net sh -c {shlex.quote(is_let_in)} - "$c" || {{ echo {text} >&2; false; }}'
    )


_NFT_IF_ANY = f"[ ! -x {NFT} ] || {NFT}"
"""Where there is no nft, no ruleset of it is in force. What others made (iptables-nft's extensions, a table that its
program keeps to itself) nft may list and yet refuse to load again: that is why it is asked before."""


def loaded_ruleset(path: str, content: str, let_in: tuple[Network, ...]) -> OperationMeta:
    """Declare that the ruleset in force is `content`; the file at `path` holds it when this step runs.

    Args:
        let_in: where `content` lets SSH in from; a ruleset that would shut out who loads it is not loaded.
    """
    name = "nftables ruleset in force"
    current().guards[name] = kept_text(
        name, tell=_loadable_ruleset(path), put_back=f"{_NFT_IF_ANY} -f -", prove=f"{_NFT_IF_ANY} -c -f -"
    )
    return load(name=name, path=path, content=content, let_in=let_in)


def _loadable_ruleset(path: str) -> str:
    """Return a shell command that prints the live ruleset in a form that `nft -f` can load.

    If it is equal to the file's, the file is printed: nft normalises rules when it lists them, and would normalise its
    own list again.
    """
    p = shlex.quote(path)
    held = f"unshare --net sh -c '{NFT} -f \"$0\" && {NFT} -s list ruleset' {p} 2> /dev/null"
    same = f'[ -f {p} ] && held=$({held}) && [ "$held" = "$({NFT} -s list ruleset)" ]'
    return f"{{ echo flush ruleset; if [ -x {NFT} ]; then if {same}; then cat {p}; else {NFT} list ruleset; fi; fi; }}"


@operation()
def load(path: str, content: str, let_in: tuple[Network, ...]) -> Generator[StringCommand]:
    """Load the file if another ruleset is in force. One transaction: if it is refused, the old one stays."""
    live, wanted = host.get_fact(LiveRuleset), host.get_fact(WantedRuleset, content=content)
    if live is not None and live == wanted:
        host.noop("the ruleset in force is as wanted")
        return
    change = Change(what="nftables ruleset", before=live, after=wanted or content)
    command = StringCommand(f"{{ {session_stays(let_in)}; }} && {NFT} -f {shlex.quote(path)}")
    # What starts nftables may have loaded the new file before us.
    seen = tuple(dict.fromkeys(ruleset_digest(text) for text in (live, wanted) if text is not None))
    absent = f"[ ! -x {NFT} ]" if live is None else ""
    expected = Expected(what="nftables ruleset", question=LIVE, answers=seen or (answer_digest([]),), absent=absent)
    yield expecting(explain(command, change), expected)


def ruleset_digest(ruleset: str) -> str:
    """Return the digest of the answer that tells this ruleset."""
    return answer_digest([base64.b64encode(f"is {ruleset[:-1]}".encode()).decode()])
