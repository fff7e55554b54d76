"""Write an ssh_config for people, who log in to lab hosts as the account that changes them.

Not here: how samdrift logs in (`lab.Lab.access`).
"""

from __future__ import annotations

from collections.abc import Iterable

from deploy.lab.image import USER
from deploy.lab.keys import Keys, without_comment
from deploy.lab.machine import write
from inventory.fleet import Host


def ssh_config(keys: Keys, hosts: Iterable[Host]) -> str:
    """Return the text of a file for `ssh -F .lab/ssh_config tie-dns1`; write the host keys that it names."""
    hosts, known = tuple(hosts), keys.directory / "known_hosts"
    write(known, "".join(f"{h.name} {without_comment(keys.public_host_key(h.name))}\n" for h in hosts))
    each = "".join(f"Host {h.name}\n    HostName {h.address}\n    HostKeyAlias {h.name}\n" for h in hosts)
    options = (
        f"User {USER}",
        f'IdentityFile "{keys.to_change}"',
        "IdentitiesOnly yes",
        f'UserKnownHostsFile "{known}"',
        "StrictHostKeyChecking yes",
        "BatchMode yes",
        "LogLevel ERROR",  # without the hosts' login banner
    )
    return each + "Host *\n" + "".join(f"    {option}\n" for option in options)
