"""What a lab has of its own, for roles that differ there (`in_lab`). Not here: the lab (`deploy.lab`)."""

from __future__ import annotations

from ipaddress import IPv4Address

from inventory.frozen import Frozen


class Rehearsal(Frozen):
    """A lab as roles know it: the public keys by which samdrift changes its hosts and looks at them, the nameserver
    that has a way out, the archives that its hosts install from, the commit that the checkout is in the lab's own
    repository as it stands (empty where it is in none), and the certificate of its own authority (PEM).
    """

    automation_key: str
    look_key: str
    nameserver: IPv4Address
    archives: tuple[str, ...] = ()
    revision: str = ""
    authority: str = ""
