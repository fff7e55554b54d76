"""SSH, and nothing else: how samdrift reaches a host, how strictly it believes it, and when it gives up.

A host is believed by the host keys that the inventory holds, and by no others: there is no known_hosts file,
no asking, no "accept new". Every wait here has an end.
"""

from __future__ import annotations

import base64
import binascii
import errno
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import gevent
import paramiko
from paramiko.pkey import UnknownKeyType

from deploy.transport.batch import Answer, Truncated, answers, looked, marker
from deploy.transport.channel import EndedBySignal, Transport, run_program
from deploy.transport.greeting import WITHIN, HostLost, Refused, greeted, refusal
from deploy.transport.way import Reached, straight, through
from inventory.errors import SamdriftError
from inventory.fleet import Host
from inventory.frozen import Frozen
from inventory.network import Address
from roles.shared.device.letting_in import CameIn
from roles.shared.guard import RESTORES_AFTER
from roles.shared.look_program import BY_SUDO, NOT_LET, framed, is_fixed, sent

SIGNED_BY = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}
"""The algorithms that a host key of a type signs by, if not by one of the same name. Old switches know SHA-1."""


AT_ONCE = 50
"""How many hosts are talked to at the same time."""

LOOK_REFUSED = (
    "give its key with --look-key, or load it into the SSH agent; if the host lost this account or was installed anew, "
    "look as the one that changes it (--user), and apply"
)
LOOK_FAILED = "if the program for looks or its rule of sudo is not as it was: look as --user, and apply role base"
SEE_KERNEL = "see what ended it (out of memory? journalctl -k), and run this again"
REFUSES = (
    "try again in some minutes; apply role base, which exempts management stations; if this is one, see who opens "
    "connections from here without logging in"
)
NOT_YET_LET = (
    "its account for looks is not let ask this, which needs more than to read: apply role base, or look as --user"
)


MOST_KEYS = 3
"""How many keys are tried on a host. sshd ends a login after six (`MaxAuthTries`), and a hardened one after three or
four; OpenSSH 9.8 then refuses the whole station for a while (`PerSourcePenalties`).
"""


class UnusableKey(SamdriftError):
    """A private key that cannot be read, or needs a passphrase; nobody is asked for one."""


class Bastion(Frozen):
    """The host of the fleet through which others are reached, and the port of its SSH server."""

    host: Host
    port: int = 22


class Access(Frozen):
    """The way samdrift logs in. Without a `key_file`, the SSH agent and the user's own keys are tried.

    `look_user` is the account by which hosts are looked at, and `look_key_file` its key; None: each host by the
    account that it was given for it, if any. `looks` tells whether this is the way of such an account.

    All times are in seconds. `look_timeout` bounds one whole exec of a look, `fact_timeout` each fact in it,
    `command_timeout` each command of an apply. `guard_seconds` after samdrift was heard of last, a host undoes
    what could have cut it off. `reason` is why hosts are changed, for devices that keep it with a change.

    `through` is the bastion through which every other host is reached, logged in to in the same way; None: straight.
    """

    user: str = "samdrift"
    key_file: Path | None = None
    look_user: str | None = None
    look_key_file: Path | None = None
    looks: bool = False
    port: int = 22
    connect_timeout: float = 10
    fact_timeout: float = 20
    look_timeout: float = 60
    command_timeout: float = 900
    guard_seconds: float = RESTORES_AFTER
    reason: str = ""
    through: Bastion | None = None

    def for_looks(self, given: str) -> Access:
        """Return the way to look at a host to which this account was given for that (empty: none was)."""
        account = self.look_user or given
        if account in {"", self.user}:
            return self
        key_file = self.look_key_file or self.key_file
        return self.model_copy(update={"user": account, "key_file": key_file, "looks": True})


class Login(NamedTuple):
    """A transport that is logged in, and how."""

    transport: Transport
    came_in: CameIn


class Connection:
    """One authenticated SSH connection to one host, on which commands run as root, or are asked in a sandbox.

    Args:
        fixed: what is asked as root, also where `access` may only look.

    Attributes:
        execs: how many exec channels were opened on it so far.
    """

    def __init__(self, host: Host, access: Access, fixed: Sequence[str] = ()) -> None:
        self.host, self.access, self._fixed = host, access, fixed
        self.execs = 0
        self._transport: Transport | None = None

    def open(self) -> None:
        """Connect, check the host's key, log in.

        Raises:
            HostLost: saying which of these failed; nothing was written to the host.
        """
        self._transport = log_in(self.host, self.access).transport

    def run(self, command: str, *, stdin: bytes = b"", timeout: float) -> Answer:
        """Run one shell command as root in one exec channel.

        Raises:
            HostLost: the connection died, or the command did not end within `timeout` seconds.
        """
        if self.access.looks:
            raise HostLost(f"{self.access.user} may only look", where=f"host {self.host.name}")
        # Facts and checks read what programs say: on every host, in any session, it must be said in one language.
        program = f"env LC_ALL=C.UTF-8 {command}"
        return self._exec(program if self.access.user == "root" else f"sudo -n -- {program}", stdin, timeout)

    def _exec(self, program: str, stdin: bytes, timeout: float) -> Answer:
        if self._transport is None:
            raise HostLost("not connected", where=f"host {self.host.name}")
        self.execs += 1
        try:
            with gevent.Timeout(timeout, TimeoutError(f"no answer within {timeout:g} s")):
                return run_program(self._transport, program, stdin, self.access.connect_timeout)
        except EndedBySignal as e:
            raise HostLost(f"a command did not end: {e}", where=f"host {self.host.name}", fix=SEE_KERNEL) from e
        except (paramiko.SSHException, OSError, EOFError) as e:
            raise HostLost(
                f"lost while running a command: {e or type(e).__name__}", where=f"host {self.host.name}"
            ) from e

    def ask(self, commands: Sequence[str], within: float | None = None) -> list[Answer]:
        """Ask many shell commands in one exec channel, each bounded by the access's fact timeout.

        They run as root, and where the account may only look, in its sandbox.

        Args:
            within: seconds for all of them; the access's look timeout if not given.

        Raises:
            HostLost: the host died before the last one answered.
        """
        mark, timeout = marker(), within or self.access.look_timeout
        if self.access.looks:
            answer = self._exec(BY_SUDO, sent(commands, mark, self.access.fact_timeout), timeout)
        else:
            program = framed(commands, mark, self.access.fact_timeout)
            answer = self.run("sh -s", stdin=program.encode(), timeout=timeout)
        try:
            if self.access.looks:
                given, as_root = looked(answer.stdout, answer.stderr, mark, len(commands))
                return [self._let(c, a, n in as_root) for n, (c, a) in enumerate(zip(commands, given, strict=True))]
            return answers(answer.stdout, answer.stderr, mark, len(commands))
        except Truncated as e:
            complaint = answer.stderr.strip().splitlines()
            why = f": {complaint[-1]}" if complaint else ""
            fix = LOOK_FAILED if self.access.looks else ""
            raise HostLost(f"died in the middle of a look, {e}{why}", where=f"host {self.host.name}", fix=fix) from e

    def _let(self, command: str, answer: Answer, as_root: bool) -> Answer:
        """Return the answer; where the sandbox answered what root must be asked, that nobody knows the answer."""
        if as_root or not is_fixed(command, self._fixed):
            return answer
        return Answer(rc=NOT_LET, stdout="", stderr=NOT_YET_LET)

    def close(self) -> None:
        """End the connection; harmless if there is none."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


def log_in(host: Host, access: Access) -> Login:
    """Connect to a host, check its key, log in.

    Raises:
        Refused: it is alive, and lets nobody in from here for a while.
        HostLost: saying which of these failed; nothing was written to the host.
    """
    way = way_to(host, host.address, access)
    try:
        with gevent.Timeout(access.connect_timeout * 2, TimeoutError("no SSH session in time")):
            return _handshake(way, host, access)
    except SamdriftError:
        way.sock.close()
        raise
    except Exception as e:  # whatever a stranger's bytes make paramiko raise, it is about this host alone
        way.sock.close()
        raise HostLost(f"no SSH session: {str(e) or type(e).__name__}", where=f"host {host.name}") from e


def way_to(host: Host, address: Address, access: Access) -> Reached:
    """Connect to a host's SSH server at this address of its, through the bastion where there is one.

    Raises:
        HostLost: it cannot be reached, or the bastion lets nobody in or through.
    """
    bastion = access.through
    if bastion is None or bastion.host.name == host.name:
        return straight(host, address, access.port, within=access.connect_timeout)
    try:
        login = log_in(bastion.host, access.model_copy(update={"port": bastion.port, "through": None}))
    except HostLost as e:
        what = f"cannot be reached through {bastion.host.name}: {e.what}"
        raise type(e)(what, where=f"host {host.name}", fix=e.fix) from e
    return through(login.transport, bastion.host, host, address, access.port, within=access.connect_timeout)


def answers_anew(host: Host, address: Address, access: Access) -> bool:
    """Tell whether a host's SSH server answers a new connection at this address."""
    with gevent.Timeout(min(WITHIN, access.connect_timeout), False):
        try:
            with way_to(host, address, access).sock as sock:
                return greeted(sock)
        except (HostLost, OSError):
            return False
    return False


def _handshake(way: Reached, host: Host, access: Access) -> Login:
    """Exchange keys, check the host's key and authenticate, in this order."""
    known: dict[str, set[bytes]] = {}
    for line in host.host_keys:  # several of a type, while one takes the place of the other
        known.setdefault(line.split()[0], set()).add(_key_blob(line))
    if not known:
        raise HostLost(
            "the inventory has no host key for it",
            where=f"host {host.name}, field host_keys",
            fix="read the key on the host's own console and enter it in NetBox",
        )
    if refused := refusal(way.sock):
        what = f"it is alive, and refuses this station for a while: {refused}"
        raise Refused(what, where=f"host {host.name}", fix=REFUSES)
    transport = Transport(way.sock)
    try:
        _offer_only(known, transport, host)
        transport.start_client(timeout=access.connect_timeout)
        _believe(transport.get_remote_server_key(), known, host)
        key = _authenticate(transport, host, access)
    except BaseException:
        transport.close()
        raise
    transport.set_keepalive(10)
    came_in = CameIn(
        user=access.user,
        key=f"{key.get_name()} {key.get_base64()}",
        source=way.source,
        address=way.address,
        looks=access.looks,
    )
    return Login(transport, came_in)


def _offer_only(known: Iterable[str], transport: paramiko.Transport, host: Host) -> None:
    """Ask the host for a key of a type that the inventory has."""
    options = transport.get_security_options()
    signed = [algorithm for kind in known for algorithm in SIGNED_BY.get(kind, (kind,))]
    try:
        options.key_types = [t for t in options.key_types if t in signed] or signed
    except ValueError as e:
        kinds = ", ".join(known)
        raise HostLost(f"no usable host key type among {kinds}", where=f"host {host.name}, field host_keys") from e


def _believe(offered: paramiko.PKey, known: Mapping[str, Collection[bytes]], host: Host) -> None:
    """Refuse any host key but the inventory's, before anything is sent to the host."""
    if offered.asbytes() not in known.get(offered.get_name(), ()):
        raise HostLost(
            f"its {offered.get_name()} host key ({offered.fingerprint}) is not the one in the inventory",
            where=f"host {host.name}, field host_keys",
            fix="somebody may be in between: compare with the host's own console before changing NetBox",
        )


def _key_blob(line: str) -> bytes:
    try:
        return base64.b64decode(line.split()[1], validate=True)
    except (IndexError, binascii.Error):
        return b""


_accepted: dict[str, bytes] = {}
"""By account, the key that a host accepted last: it is the first that is tried on the next host."""


def _authenticate(transport: paramiko.Transport, host: Host, access: Access) -> paramiko.PKey:
    """Try the named key, or the agent's keys and the user's own, until one is accepted. Returns that one."""
    refused, unusable, left = 0, [], 0
    for candidate in _candidates(access):
        if refused == MOST_KEYS:
            left += 1
            continue
        try:
            key = _load_key(candidate) if isinstance(candidate, Path) else candidate
            transport.auth_publickey(access.user, key)
        except UnusableKey as e:
            if access.key_file is not None:
                raise
            unusable.append(str(e))  # the user's own key may be locked, and the agent's copy of it refused
        except paramiko.AuthenticationException:
            refused += 1
        else:
            _accepted[access.user] = key.asbytes()
            return key
    keys = "no key to try" if not refused else f"{refused} key{'s' if refused > 1 else ''} refused"
    untried = [f"{left} more not tried, as hosts shut out who tries many"] if left else []
    fix = "give a key with --key, or load one into the SSH agent"
    if left:
        fix = "name the right one with --key: its file, or its .pub if the SSH agent has it"
    raise HostLost(
        f"login as {access.user} failed: {'; '.join([keys, *untried, *unusable])}",
        where=f"host {host.name}",
        fix=LOOK_REFUSED if access.looks else fix,
    )


def _candidates(access: Access) -> list[paramiko.PKey | Path]:
    """Return the keys to try: the named one, or the agent's, that which was accepted last first, and the user's own."""
    if access.key_file is not None and access.key_file.suffix != ".pub":
        return [access.key_file]
    agent = list(paramiko.Agent().get_keys()) if "SSH_AUTH_SOCK" in os.environ else []
    if access.key_file is not None:
        named = _public_blob(access.key_file)
        if found := [key for key in agent if key.asbytes() == named]:
            return list(found)
        fix = "load it with ssh-add, or name the file of the private key"
        raise UnusableKey("the SSH agent has no key of this public one", where=str(access.key_file), fix=fix)
    agent.sort(key=lambda key: key.asbytes() != _accepted.get(access.user))
    own = [Path.home() / ".ssh" / name for name in ("id_ed25519", "id_ecdsa", "id_rsa")]
    return [*agent, *(p for p in own if p.exists())]


def _public_blob(path: Path) -> bytes:
    try:
        return _key_blob(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as e:
        raise UnusableKey(f"cannot use this SSH key: {e}", where=str(path)) from e


def _load_key(path: Path) -> paramiko.PKey:
    """Load a private key, with its certificate if `<path>-cert.pub` stands beside it."""
    try:
        return paramiko.PKey.from_path(path)
    except (OSError, ValueError, TypeError, paramiko.SSHException, UnknownKeyType) as e:  # TypeError: it is locked
        if isinstance(e, OSError) and e.errno in {errno.EMFILE, errno.ENFILE}:
            raise  # it is no fault of the key, and this host's affair alone
        fix = "give another with --key, or load it into the SSH agent"
        raise UnusableKey(f"cannot use this SSH key: {e}", where=str(path), fix=fix) from e
