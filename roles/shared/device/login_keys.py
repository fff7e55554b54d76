"""The public keys by which samdrift logs in to a device: those of role `base` on the management stations. Pure.

Two kinds, for two accounts: `automation_keys` for the one that changes a device, which are the management stations' own
too, and `look_keys` for the one that may only look.

Not here: how a vendor writes them (the role's templates), and that none is taken away that is in use (`way_in`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from inventory.fleet import Fleet
from inventory.frozen import Frozen
from roles.shared.device.letting_in import key_hash
from roles.shared.device.vendor import Vendor
from roles.shared.settings import SettingsError
from roles.shared.traffic import MANAGEMENT_STATION

KEY = r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) ([A-Za-z0-9+/]+={0,2})(?: [\w.@+-]+)?$"
DeviceKey = Annotated[str, Field(pattern=KEY)]


class LoginKey(Frozen):
    """A public key as devices are told it: its type and its base64, without a comment."""

    kind: str
    body: str

    @property
    def text(self) -> str:
        """Return the key as it stands in a file of public keys."""
        return f"{self.kind} {self.body}"

    @property
    def md5(self) -> str:
        """Return the hash by which IOS knows it."""
        return key_hash(self.text)


def login_keys(fleet: Fleet, vendor: Vendor, given: tuple[str, ...]) -> tuple[LoginKey, ...]:
    """Return the keys that an option gives or, without it, those of role `base` on the management stations.

    Raises:
        SettingsError: there is none that the device could take, so that samdrift would shut itself out; or there are
            more than it takes.
    """
    keys = _keys(fleet, vendor, given, "automation_keys")
    if not keys:
        fix = "set samdrift.base.automation_keys for the management stations, or automation_keys for this role"
        raise SettingsError("no key by which samdrift could log in", field="automation_keys", fix=fix)
    return keys


def look_keys(fleet: Fleet, vendor: Vendor, given: tuple[str, ...]) -> tuple[LoginKey, ...]:
    """Return the keys of the account that may only look; none where nobody set any.

    Raises:
        SettingsError: there are more than the device takes.
    """
    return _keys(fleet, vendor, given, "look_keys")


def _keys(fleet: Fleet, vendor: Vendor, given: tuple[str, ...], field: str) -> tuple[LoginKey, ...]:
    found = (re.match(KEY, key) for key in given or _of_stations(fleet, field))
    keys = tuple(dict.fromkeys(LoginKey(kind=m[1], body=m[2]) for m in found if m))
    most = vendor.letting_in.most_keys
    if most is not None and len(keys) > most:
        what = f"{vendor.name} takes {most} keys of an account, and there are {len(keys)}"
        raise SettingsError(what, field=field, fix=f"set {field} for this role to those that are needed")
    return keys


def _of_stations(fleet: Fleet, field: str) -> Iterator[str]:
    for station in fleet.with_device_role(MANAGEMENT_STATION):
        options = station.context.get("samdrift", {})
        base = options.get("base", {}) if isinstance(options, dict) else {}
        keys = base.get(field, ()) if isinstance(base, dict) else ()
        yield from (key for key in keys if isinstance(key, str))
