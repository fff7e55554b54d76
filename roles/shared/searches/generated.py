"""Files that packages make when they are installed and that run something or let somebody in: what they say. Pure.

dpkg knows nothing of their content: what PAM asks at every log-in, what every program's environment is, where names are
looked up. Each line that Debian would not write there is told. Not here: files that dpkg knows (`package_files`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from roles.shared.searches.search import Declarations, Found, Search

PAM = tuple(f"/etc/pam.d/common-{of}" for of in ("account", "auth", "password", "session", "session-noninteractive"))
COPIES = {
    "/etc/profile": "/usr/share/base-files/profile",
    "/etc/inputrc": "/usr/share/readline/inputrc",
}
"""Files that are copies of a package's file."""

OF_PAM = re.compile(
    r"(account|auth|password|session)\s+"
    r"(required|requisite|sufficient|optional|include|substack|\[[\w= ]+\])\s+"
    r"(pam_(unix|deny|permit|umask|systemd|systemd_home|cap|faillock|pwquality|pwhistory|faildelay|lastlog2?|limits|"
    r"apparmor|fscrypt|keyinit|loginuid|tty_audit|mkhomedir|access|time)\.so)(\s.*)?"
)
"""A line as the profiles of Debian's packages bring it: modules that start no program and ask no other machine."""
NSS = re.compile(
    r"((passwd|group|shadow|gshadow|initgroups|sudoers):(\s+(files|compat|db|systemd|\[!?[\w=]+\]))*)|"
    r"((hosts|networks|protocols|services|ethers|rpc|netgroup|automount|aliases|bootparams|netmasks|publickey):"
    r"(\s+(files|db|dns|nis|resolve|myhostname|mymachines|mdns[46]?(_minimal)?|\[!?[\w=]+\]))*)"
)
"""A line that looks names up where Debian does: accounts on the host itself, and in no directory of another machine."""
VARIABLE = re.compile(
    r'PATH="?(/usr)?(/local)?/s?(bin|games)(:(/usr)?(/local)?/s?(bin|games))*"?|(LANG|LC_[A-Z]+|LANGUAGE|TZ)=[^$`]*'
)
NETWORK = re.compile(
    r"(source|source-directory|auto|allow-\w+|iface|address|netmask|gateway|broadcast|network|mtu|hwaddress|metric|"
    r"dns-\w+|accept_ra|autoconf|privext|vlan-raw-device|bond-\w+|bridge_\w+)\b.*"
)
"""A line of interfaces(5) that starts no program."""

LINES: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(PAM, lambda line: OF_PAM.fullmatch(line) is not None),
    "/etc/environment": lambda line: VARIABLE.fullmatch(line) is not None,
    "/etc/nsswitch.conf": lambda line: NSS.fullmatch(line) is not None,
    "/etc/network/interfaces": lambda line: NETWORK.fullmatch(line) is not None,
    "/etc/modules": lambda _line: False,
    "/etc/hosts.allow": lambda _line: False,
    "/etc/hosts.deny": lambda _line: False,
}
"""Which lines each of the files may have, beside comments."""

QUESTION = (
    f"{{ grep -asH '' {' '.join(LINES)} || :; }}; "
    + "; ".join(f"[ ! -f {made} ] || cmp -s {made} {of} || echo {made}" for made, of in COPIES.items())
    + "; true"
)
"""Prints each line of the files after its path, and the paths of what are no copies any more."""


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the lines that Debian would not write there, and the files that are no copies any more."""
    lines = [line.partition(":")[::2] for line in answer.split("\n")]
    if not any(path in PAM for path, _ in lines):
        raise ValueError("a host without PAM")
    for path, line in lines:
        text = " ".join(line.partition("#")[0].split())
        if path in COPIES:
            yield Found(name=path, state=f"not as {COPIES[path]} is")
        elif path in LINES and path not in declared.files and text and not LINES[path](text):
            yield Found(name=f"{text}  in {path}")


GENERATED = Search(kind="generated", question=QUESTION, undeclared=undeclared)
