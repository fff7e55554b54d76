"""What stands at homes and lets somebody in, or runs at a log-in: keys, and files that shells start with. Pure.

Every account's home is searched, the system's own, too. A key that a role declares for its owner is nobody's worry, and
a file that is as Debian's skeleton has it neither. Not here: what people keep at home besides: their work is theirs.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator

from roles.shared.searches.search import Declarations, Found, Search
from roles.shared.survey import KEY, key_name

STARTED = (
    *(".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".profile", ".kshrc", ".cshrc", ".tcshrc", ".login"),
    *(".zshrc", ".zshenv", ".zprofile", ".zlogin", ".xinitrc", ".xprofile", ".xsessionrc", ".pam_environment"),
    *(".rhosts", ".shosts", ".forward"),
)
"""Files at a home that shells, desktops, PAM, rlogin and mail start with or believe."""
BELOW = (
    ".config/systemd/user",
    ".config/autostart",
    ".config/environment.d",
    ".local/share/systemd",
    ".local/share/dbus-1",
)
"""Directories at a home whose files are started."""
SKELETONS = ("/etc/skel/", "/usr/share/base-files/dot.")

NO_HOMES = r"/|/nonexistent|/(usr/)?s?bin|/(usr/)?games|/dev|/proc|/sys|/etc|/run(/.*)?|"
LARGEST = 2048
"""Kilobytes up to which a file's content is a part of what is known of it."""

HOMES = f"cut -d: -f6 /etc/passwd | sort -u | grep -vxE '{NO_HOMES}'"
NAMED = " -o ".join(f"-name {name}" for name in STARTED)
LET_IN = "-name 'authorized_keys*' -o -name rc -o -name environment"
PLACES = (
    "IFS='\n'; set -f; homes= ssh= below=; "
    f"for home in $({HOMES}); do "
    '[ ! -d "$home" ] || homes="$homes$home/\n"; [ ! -d "$home/.ssh" ] || ssh="$ssh$home/.ssh\n"; '
    f"for place in {' '.join(shlex.quote(place) for place in BELOW)}; do "
    '[ ! -d "$home/$place" ] || below="$below$home/$place\n"; done; done'
)
"""Sets which homes there are, and which directories at them."""
LOOK = (
    f'look() {{ find $homes -maxdepth 1 ! -type d \\( {NAMED} \\) "$@"; '
    f'[ -z "$ssh" ] || find $ssh ! -type d \\( {LET_IN} \\) "$@"; '
    '[ -z "$below" ] || find $below ! -type d "$@"; }'
)
QUESTION = (
    f"{PLACES}; {LOOK}; "
    r"{ look -printf '%y %m %u:%g %s\002%p\0'; printf '\0'; "
    f"look -type f -size -{LARGEST}k -exec sha256sum -z -- {{}} +; set +f; "
    "sha256sum -z -- /etc/skel/.[a-z]* /usr/share/base-files/dot.*; } | tr '\\0\\n' '\\n\\001'"
)
KEYS_QUESTION = (
    "cut -d: -f1,6 /etc/passwd; echo; "
    f"IFS='\n'; for home in $({HOMES}); do "
    '[ ! -d "$home/.ssh" ] || find "$home/.ssh" -name "authorized_keys*" -type f -print0; done | '
    "{ xargs -0r grep -asH '' || :; }; find /etc/ssh/authorized_keys -type f -print0 | xargs -0r grep -asH '' || :"
)
"""Prints each account's name and home; then each line of every file of keys after its path."""
DECLARED_KEYS = "/etc/ssh/authorized_keys/"


def started(answer: str, _declared: Declarations) -> Iterator[Found]:
    """Yield the files that run or let in when somebody logs in, and that are not as Debian's skeleton has them."""
    listed, _, digests = answer.partition("\n\n")
    content = {path: digest for digest, _, path in (line.partition("  ") for line in digests.split("\n"))}
    skeletons = {digest for path, digest in content.items() if path.startswith(SKELETONS)}
    if not skeletons:
        raise ValueError("a host without skeletons of homes")
    for line in filter(None, listed.split("\n")):
        state, path = line.split("\2")
        digest = content.get(path, "")
        is_of_keys = posixpath.basename(path).startswith("authorized_keys")  # key by key, below
        if digest not in skeletons and not is_of_keys:
            yield Found(name=path.replace("\1", "\n"), state=f"{state} {digest}".strip())


def keys(answer: str, _declared: Declarations) -> Iterator[Found]:
    """Yield the keys at homes, where sshd does not even look, that are not their owner's declared ones."""
    accounts, _, rest = answer.partition("\n\n")
    owners: dict[str, set[str]] = {}
    for account in accounts.split("\n"):
        name, _, home = account.partition(":")
        owners.setdefault(home, set()).add(name)
    lines = [(path, key.strip()) for path, _, key in (line.partition(":") for line in rest.split("\n")) if path]
    own = {(posixpath.basename(path), body_of(key)) for path, key in lines if path.startswith(DECLARED_KEYS)}
    for path, key in lines:
        if path.startswith(DECLARED_KEYS) or not key or key.startswith("#"):
            continue
        if not any((user, body_of(key)) in own for user in owners.get(path.partition("/.ssh/")[0], ())):
            yield Found(name=f"{key_name(key)} in {path}")


def body_of(line: str) -> str:
    """Return what is the key in a line of a file of keys, without options and comment."""
    found = KEY.search(line)
    return found[2] if found else line


STARTED_FILES = Search(kind="startup", question=QUESTION, undeclared=started, remove=("rm", "--", "{name}"))
KEYS = Search(kind="key", question=KEYS_QUESTION, undeclared=keys)
