"""Who helps at a switch: the people who have a duty there, as accounts of their own with fewer rights. Pure.

They see how it stands, and at ports where people plug in they may set a description and the access VLAN, and take a
port down and up. Not here: how a vendor says so (the role's template); whether it can say which ports is the vendor's.

A device knows no days: who has left loses the account at the first apply after the last one, and drift tells it the
night before that.
"""

from __future__ import annotations

import re

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.secrets import Secret
from roles.shared.device.login_keys import KEY, LoginKey
from roles.shared.device.vendor import Vendor
from roles.shared.settings import SettingsError

GROUP = "samdrift-ports"
"""What the group or class of these accounts is called, where a vendor has such."""


class Helper(Frozen):
    """A person's account on a device; a `secret` where the vendor wants a password, by which nobody logs in."""

    name: str
    keys: tuple[LoginKey, ...]
    secret: Secret | None


def helpers_of(
    host: Host, fleet: Fleet, vendor: Vendor, duty: str, *, secret: Secret, taken: tuple[str, ...]
) -> tuple[Helper, ...]:
    """Return who has this duty for the device's municipality, by name; whose keys it cannot take has no account.

    Args:
        taken: the names of samdrift's own accounts.

    Raises:
        SettingsError: a person has the name of one of those.
    """
    found = []
    for person in fleet.people.everybody:
        keys = _keys(person.keys, vendor)
        if duty not in person.duties_for(host.tenant) or not keys:
            continue
        if person.name in taken:
            what = f"{person.name} is a person, and an account by which samdrift logs in"
            raise SettingsError(what, field="admin", fix="name samdrift's account otherwise")
        needs_password = vendor.looking.needs_password
        found.append(Helper(name=person.name, keys=keys, secret=secret if needs_password else None))
    return tuple(found)


def _keys(given: tuple[str, ...], vendor: Vendor) -> tuple[LoginKey, ...]:
    read = (re.match(KEY, key) for key in given)
    return tuple(LoginKey(kind=m[1], body=m[2]) for m in read if m)[: vendor.letting_in.most_keys]
