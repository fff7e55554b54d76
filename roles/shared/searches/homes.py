"""What stands at homes and lets somebody in, or runs at a log-in: keys, and files that shells start with. Pure.

Every account's home is searched, the system's own, too. A key that a role declares for its owner is nobody's worry, and
a file that is as Debian's skeleton has it neither. Not here: what people keep at home besides: their work is theirs.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator

from roles.shared.searches.search import Declarations, Found, Search
from roles.shared.searches.standing import ENCODED, IN_DETAIL, Standing, standing
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
SKELETONS = ("/etc/skel", "/usr/share/base-files")

NO_HOMES = "''|/|/nonexistent|/bin|/sbin|/usr/bin|/usr/sbin|/games|/usr/games|/dev|/proc|/sys|/etc|/run|/run/*"
"""What accounts of the system have in the place of a home, as a shell's pattern."""
EACH_HOME = (
    "IFS='\n'; set -f; homes= ssh= below=; "
    'while IFS=: read -r name _ _ _ _ home _ || [ "$name" ]; do '
    f'case $home in {NO_HOMES}) continue;; esac; [ -d "$home" ] || continue; '
    '[ ! -d "$home/.ssh" ] || ssh="$ssh$home/.ssh/\n"; '
)
"""Begins a loop over the accounts that have a home."""
NAMED = " -o ".join(f"-name {name}" for name in (*STARTED, "'dot.*'"))
LET_IN = "-name 'authorized_keys*' -o -name rc -o -name environment"
QUESTION = (
    f'{EACH_HOME}homes="$homes$home/\n"; for place in {" ".join(map(shlex.quote, BELOW))}; do '
    '[ ! -d "$home/$place" ] || below="$below$home/$place/\n"; done; done < /etc/passwd; '
    f"{{ find $homes {' '.join(SKELETONS)} -maxdepth 1 ! -type d \\( {NAMED} \\) {IN_DETAIL}; "
    f'[ -z "$ssh" ] || find $ssh ! -type d \\( {LET_IN} \\) {IN_DETAIL}; '
    f'[ -z "$below" ] || find $below ! -type d {IN_DETAIL}; }} | {ENCODED}'
)
KEYS_QUESTION = (
    f'{EACH_HOME}echo "$name:$home"; done < /etc/passwd; echo; find $ssh /etc/ssh/authorized_keys -type f '
    r"\( -name 'authorized_keys*' -o -path '/etc/ssh/authorized_keys/*' \) -exec grep -asH '' {} + || :"
)
"""Prints each account's name and home; then each line of every file of keys after its path."""
DECLARED_KEYS = "/etc/ssh/authorized_keys/"


def started(answer: str, _declared: Declarations) -> Iterator[Found]:
    """Yield the files that run or let in when somebody logs in, and that are not as Debian's skeleton has them."""
    files = standing(answer)
    skeletons = {file.digest for file in files if is_skeleton(file) and file.digest}
    if not skeletons:
        raise ValueError("a host without skeletons of homes")
    for file in files:
        is_of_keys = posixpath.basename(file.path).startswith("authorized_keys")  # key by key, below
        if not (file.digest in skeletons or is_skeleton(file) or is_of_keys):
            yield Found(name=file.path, state=file.state)


def is_skeleton(file: Standing) -> bool:
    """Tell whether homes are made with this file."""
    return posixpath.dirname(file.path) in SKELETONS


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
