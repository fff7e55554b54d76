#!/usr/bin/python3 -IS
"""Answer a look's questions so that none of them can change this host. Managed by samdrift, role base.

Role `base` installs this very file on servers, as the one program that the account for looks may run as root. samdrift
itself imports from it how questions are sent, framed and told apart. So it needs nothing but Python's own library.

A question is a shell command. Those that `AS_ROOT` on the host lists, and word by word the roles, are run as root.
All others run in a sandbox: nothing that is mounted can be written to; no rights but to read every file and to list
every directory; no network, no sockets of other programs; no other process can be reached. A program's own number is
another than the one under which it stands in /proc, so one that looks for itself there by it (`ps`) may find nobody.

Not here: which are asked as root (roles' own `AS_ROOT`), and how answers are taken apart (`deploy.transport.batch`).
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

TYPE_CHECKING = False  # to a type checker it is true; `typing` and `collections` take as long to load as all else here
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PROGRAM = "/usr/local/sbin/samdrift-look"
BY_SUDO = f"sudo -n -- {PROGRAM}"
AS_ROOT = "/etc/samdrift/asked-as-root"
"""The file of what is asked as root."""
BETWEEN = "\n--\n"
"""Stands between two commands in it."""

WORD = "[A-Za-z0-9_:][A-Za-z0-9_.:@%+-]*"
HOLES = {"{word}": WORD, "{words}": f"{WORD}(?: {WORD})*"}
"""What may stand in the place of a hole in such a command: names and addresses, which mean nothing to a shell, are no
option of a program and lead to no other file.
"""

KILL_AFTER = 2
"""Seconds between TERM and KILL for a command that overstays its time."""


LARGEST = 16 * 1024 * 1024
"""Bytes that are read of questions."""
LONGEST = 900.0
"""Seconds that a question may take, whatever was sent."""


def quoted(text: str) -> str:
    """Quote a text for the shell, as `shlex.quote` does, which is slow to load."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def framed(commands: Iterable[str], mark: str, each: float) -> str:
    """Return a shell script that runs every command in turn, each for at most `each` seconds, a mark after each."""
    guard = f"timeout -k {KILL_AFTER} {each:g}"
    asks = (
        f"{guard} sh -c {quoted(command)} </dev/null; printf '\\n{mark} %s\\n' $?; printf '\\n{mark}\\n' >&2"
        for command in commands
    )
    return "\n".join([*asks, "exit 0", ""])


def listing(head: str, fixed: Iterable[str]) -> str:
    """Return the text of the file of what is asked as root, below a line that says whose it is."""
    return f"{head}\n{BETWEEN.join(fixed)}\n"


def listed(text: str) -> list[str]:
    """Return the commands of a `listing`."""
    return text.partition("\n")[2].removesuffix("\n").split(BETWEEN)


def is_fixed(command: str, fixed: Iterable[str]) -> bool:
    """Tell whether a command is one of these, with its holes filled by what may stand there."""
    return any(_fits(command, one) for one in fixed)


def _fits(command: str, fixed: str) -> bool:
    before, hole, _ = fixed.partition("{word")
    if not hole or not command.startswith(before):
        return command == fixed and not hole
    import re  # noqa: PLC0415  takes as long to load as all else, and few questions come this far

    pattern = re.escape(fixed)
    for name, may in HOLES.items():
        pattern = pattern.replace(re.escape(name), may)
    return re.fullmatch(pattern, command) is not None


def sent(commands: Sequence[str], mark: str, each: float) -> bytes:
    """Return questions as the program reads them."""
    return "\0".join([mark, f"{each:g}", *commands]).encode("utf-8", "surrogateescape")


def received(data: bytes) -> tuple[list[str], str, float]:
    """Return the questions that were sent, their mark, and the seconds that each may take.

    Raises:
        ValueError: it is not what `sent` makes. The mark stands in a script that root runs, so it may say nothing else.
    """
    mark, each, *commands = data.decode("utf-8", "surrogateescape").split("\0")
    if not mark.isascii() or not mark.strip("@").replace("-", "").isalnum():
        raise ValueError("it is no mark")
    return commands, mark, min(float(each), LONGEST)


def order_of(commands: Sequence[str], fixed: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the places of the commands that are asked as root, and of those that are not."""
    as_root = [place for place, command in enumerate(commands) if is_fixed(command, fixed)]
    known = set(as_root)
    return as_root, [place for place in range(len(commands)) if place not in known]


# From here on, only what runs on the host.

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWPID = 0x00020000, 0x08000000, 0x20000000
CAP_DAC_READ_SEARCH = 2
AF_NETLINK = 16
NOT_LET = 77
"""Exit status where the sandbox cannot be made, so that nothing is run (sysexits' EX_NOPERM)."""

ARCHITECTURE = 0xC000003E
"""x86-64, as seccomp names it; the numbers below are its own."""
SOCKET = 41
MOUNT_SETATTR = 442
DENIED = (
    *(101, 310, 311, 438),  # ptrace, process_vm_readv, process_vm_writev, pidfd_getfd
    *(155, 161, 165, 166, 308, 428, 429, 430, 431, 432, 433, MOUNT_SETATTR, 467),  # whatever changes what is mounted
    304,  # open_by_handle_at: who may read everything could open what no mount here shows
    *(248, 249, 250),  # keys of the kernel's keyring
    *(425, 426, 427),  # io_uring, which seccomp does not see
    *(298, 321, 323),  # perf_event_open, bpf, userfaultfd
    *(175, 176, 246, 313, 320),  # modules and kernels
    *(159, 163, 164, 167, 168, 169, 170, 171, 179, 227, 305, 443),  # clock, accounting, swap, names, quota
)
"""System calls that no look needs. Most ask for rights that it has not; a user namespace of its own would give some."""


def main() -> int:
    """Read questions from stdin and answer them on stdout: first a line that says in which order."""
    account = int(os.environ.get("SUDO_UID", "0"))
    group = int(os.environ.get("SUDO_GID", "0"))
    if os.getuid() != 0 or account == 0 or group == 0 or os.uname().machine != "x86_64":
        sys.stderr.write("samdrift-look: an account for looks runs it by sudo, on x86-64\n")
        return NOT_LET
    try:
        commands, mark, each = received(sys.stdin.buffer.read(LARGEST))
    except ValueError as e:
        sys.stderr.write(f"samdrift-look: these are no questions: {e}\n")
        return NOT_LET
    fixed, rest = order_of(commands, _fixed_on_host())
    os.environ.clear()
    os.environ.update(PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL="C.UTF-8", HOME="/")
    os.chdir("/")
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        os.write(1, f"{mark} {len(fixed)} {' '.join(map(str, (*fixed, *rest)))}\n".encode())
        _run(framed((commands[place] for place in fixed), mark, each), lambda: None)
        if rest:
            _nothing_writable(libc)  # not before: as root chronyc, say, makes a socket to be answered at
            _must(libc.unshare(CLONE_NEWPID | CLONE_NEWIPC))
            script = framed((commands[place] for place in rest), mark, each)
            _run(script, lambda: _shut_in(libc, account, group))
    except OSError as e:
        sys.stderr.write(f"samdrift-look: no sandbox can be made here: {e.strerror}\n")
        return NOT_LET
    return 0


def _fixed_on_host() -> list[str]:
    try:
        with open(AS_ROOT, encoding="utf-8") as file:  # noqa: PTH123  pathlib takes long to load
            return listed(file.read())
    except FileNotFoundError:
        return []


def _run(script: str, prepare: Callable[[], None]) -> None:
    """Run a shell script in a process that has done `prepare`, and wait for its end."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        given = os.memfd_create("look")
        os.write(given, script.encode("utf-8", "surrogateescape"))
        os.lseek(given, 0, os.SEEK_SET)
        os.dup2(given, 0)
        os.closerange(3, 1024)
        prepare()
        os.execv("/bin/sh", ["sh", "-s"])  # noqa: S606  a shell is what is meant
    except OSError as e:
        sys.stderr.write(f"samdrift-look: no sandbox can be made here: {e.strerror}\n")
    finally:
        os._exit(NOT_LET)


def _nothing_writable(libc: ctypes.CDLL) -> None:
    """Make everything that is mounted read-only for this process and its children; /proc/sys, too."""
    _must(libc.unshare(CLONE_NEWNS))
    read_only, private, recursive, here = 1, 1 << 18, 0x8000, -100
    attributes = struct.pack("QQQQ", read_only, 0, private, 0)
    _must(libc.syscall(MOUNT_SETATTR, here, b"/", recursive, attributes, len(attributes)))


def _shut_in(libc: ctypes.CDLL, account: int, group: int) -> None:
    """Give up every right but to read, for good, and whatever reaches beyond this process."""
    keep_caps, drop_bounding, ambient, no_new_privileges, seccomp = 8, 24, 47, 38, 22
    _must(libc.prctl(keep_caps, 1, 0, 0, 0))
    for capability in range(64):
        if capability != CAP_DAC_READ_SEARCH and libc.prctl(drop_bounding, capability, 0, 0, 0):
            break  # this kernel knows no more
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(account, account, account)
    only = 1 << CAP_DAC_READ_SEARCH
    version = 0x20080522
    _must(libc.capset(struct.pack("Ii", version, 0), struct.pack("IIIIII", only, only, only, 0, 0, 0)))
    _must(libc.prctl(ambient, 2, CAP_DAC_READ_SEARCH, 0, 0))
    _must(libc.prctl(no_new_privileges, 1, 0, 0, 0))
    program = _filter()
    held = ctypes.create_string_buffer(program, len(program))
    _must(libc.prctl(seccomp, 2, struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(held)), 0, 0))


def _filter() -> bytes:
    """Return seccomp's program: a call of `DENIED` fails, and so does a socket of anything but netlink."""
    load, equal, at_least, end = 0x20, 0x15, 0x35, 0x06
    allowed, refused, killed = 0x7FFF0000, 0x00050001, 0x80000000
    number, architecture, argument = 0, 4, 16
    calls = len(DENIED)
    lines = [
        (load, 0, 0, architecture),
        (equal, 1, 0, ARCHITECTURE),
        (end, 0, 0, killed),
        (load, 0, 0, number),
        (at_least, calls + 4, 0, 0x40000000),  # x32's own numbers
        *((equal, calls + 3 - n, 0, call) for n, call in enumerate(DENIED)),
        (equal, 0, 2, SOCKET),
        (load, 0, 0, argument),
        (equal, 0, 1, AF_NETLINK),
        (end, 0, 0, allowed),
        (end, 0, 0, refused),
    ]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def _must(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.exit(main())
