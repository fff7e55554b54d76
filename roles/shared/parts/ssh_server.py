"""`ssh_server`: sshd with its whole configuration, host key and authorities, each guarded: it is the way in; and whom
it lets in (`let_in_by_keys`, `let_in_by_names`), in files of root's own.

Not here: who that is (role `base`), and what a refusal of it looks like from outside (`deploy.transport`).
"""

from __future__ import annotations

from roles.shared.parts.files import absent_file, managed_file
from roles.shared.parts.handlers import reload
from roles.shared.parts.looks import KEYS_PARSE, MANAGED
from roles.shared.parts.services import service
from roles.shared.settings import Settings

SSHD_ACCEPTS = (
    "d=$(mktemp -d) && mkdir -p /run/sshd && ssh-keygen -q -t ed25519 -N '' -f $d/key && "
    "{ /usr/sbin/sshd -T -h $d/key -f /dev/null | grep -q ^persourcepenalties && cat {path} || "
    "sed /^PerSourcePenalt/d {path}; } > $d/judged; "
    "/usr/sbin/sshd -t -h $d/key -f $d/judged; accepted=$?; rm -rf $d; exit $accepted"
)
"""With a host key made for the question, so that it is the file that is judged, also where there is no sshd. One before
OpenSSH 9.8 is not asked about penalties, which it does not know: `check` may run beside an older one than the host's.
"""


def ssh_server(settings: Settings, user_ca_keys: tuple[str, ...]) -> None:
    """Declare sshd, which shows one host key and believes these authorities for people's certificates."""
    again = reload("ssh.service")
    for kind in ("rsa", "ecdsa"):
        absent_file(f"/etc/ssh/ssh_host_{kind}_key", guarded=True)
        absent_file(f"/etc/ssh/ssh_host_{kind}_key.pub", guarded=True)
    authorities = "/etc/ssh/user_ca.pub"
    if user_ca_keys:
        content = "\n".join([MANAGED, *user_ca_keys, ""])
        managed_file(authorities, content=content, validate_with=KEYS_PARSE, then=(again,), guarded=True)
    managed_file("/etc/issue.net", template="base/issue.net.j2", settings=settings)
    managed_file(
        "/etc/ssh/sshd_config",
        template="base/sshd_config.j2",
        settings=settings,
        mode="600",
        validate_with=SSHD_ACCEPTS,
        then=(again,),
        guarded=True,
    )
    if not user_ca_keys:
        absent_file(authorities, guarded=True)
    service("ssh.service")


def let_in_by_keys(user: str, keys: tuple[str, ...], *, guarded: bool = False) -> None:
    """Declare the keys by which a user comes in; none is no file."""
    path = f"/etc/ssh/authorized_keys/{user}"
    if keys:
        managed_file(path, content="\n".join([MANAGED, *keys, ""]), validate_with=KEYS_PARSE, guarded=guarded)
    else:
        absent_file(path)


def let_in_by_names(user: str, principals: tuple[str, ...]) -> None:
    """Declare the names in certificates by which a user comes in; none is no file."""
    path = f"/etc/ssh/authorized_principals/{user}"
    if principals:
        managed_file(path, content="\n".join([MANAGED, *principals, ""]))
    else:
        absent_file(path)
