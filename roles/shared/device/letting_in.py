"""Which statements of a vendor's configuration let somebody in by SSH, as data, and how samdrift came in. Values only.

A statement is a line with those that it stands below, joined by ` / `; in the `set` syntax, all words of it. Not here:
what a change would take away of a way in (`way_in`).
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from pydantic import Field

from inventory.frozen import Frozen
from inventory.netconf import PORT

SSH = frozenset({"ssh", "22"})
NETCONF = frozenset({"netconf-ssh", str(PORT)})


class CameIn(Frozen):
    """How samdrift logged in to a device: as whom, by which public key (`type base64`), from where, and at which of its
    addresses; and at which port, if it came to its NETCONF server.
    """

    user: str
    key: str
    source: IPv4Address | IPv6Address
    address: IPv4Address | IPv6Address
    looks: bool = Field(default=False, description="whether as an account that may only look")
    netconf_port: int | None = None

    @property
    def ports(self) -> tuple[frozenset[str], ...]:
        """Return the ports that it needs, each by the names that access lists have for it: SSH's, and NETCONF's."""
        if self.netconf_port is None:
            return (SSH,)
        return (SSH, NETCONF if self.netconf_port == PORT else frozenset({str(self.netconf_port)}))


Part = Literal["account", "privilege", "key", "login", "address", "interface", "route", "service", "access"]
"""A part of a way in."""


class LostPart(Frozen):
    """A part of the way in that a change would take away: the statement that holds it, and what stands there instead.

    `instead` is empty where nothing does.
    """

    part: Part
    line: str
    instead: str = ""


class AccessLists(Frozen):
    """The access lists of one kind that judge who may come by SSH over one family of IP.

    A vendor may have several kinds (an administrator's trusted hosts, policies for the device itself); all of them have
    to let somebody in.

    Patterns are as those of `LettingIn`.
    """

    family: Literal[4, 6]
    bound: tuple[str, ...] = Field(
        description="which access list judges who may come by SSH; group `list` is its name; of those with the group "
        "`chain`, several are asked in turn",
    )
    listed: tuple[str, ...] = Field(description="what stands in an access list; group `list` is its name")
    rule: tuple[str, ...] = Field(
        description="a rule of an access list, first match first; groups `list`, `n` (its place), `action`, `source`, "
        "`wild` or `mask`, `named` (lists of sources), `protocol`, `port` (ports, or names of services), `to`, "
        "`interface` (those that it is about), `off` (it counts for nothing), and `other`: a condition not read",
    )
    sources: tuple[str, ...] = Field(default=(), description="a source of a list of them; groups `list` and `source`")
    services: tuple[str, ...] = Field(default=(), description="ports of a service; groups `list` and `ports`")
    unsaid: Literal["permit", "deny"] = Field(default="permit", description="what a rule does that names no action")
    unmatched: Literal["permit", "deny"] = Field(
        default="deny", description="what becomes of those whom no rule is about"
    )


class LettingIn(Frozen):
    """The statements by which a vendor's device lets somebody in.

    Regular expressions are searched for in one statement. In them stand `{user}`, the account; `{interface}`, the one
    that has the address that was come to, as `address` calls it; and `{vrf}`, that one's. Named groups:

    - `of`: statements with the same one are one record (an entry of a table, a term of a filter);
    - `at`: a door of several (`line vty 0 4`), each judged for itself.
    """

    account: tuple[str, ...] = Field(default=(), description="an account; group `level`: what it may do")
    all_levels: tuple[str, ...] = Field(default=(), description="levels that may do everything")
    key: tuple[str, ...] = Field(default=(), description="a key of the account; group `key`: the key, or its hash")
    hashed_keys: bool = Field(default=False, description="whether a key is shown as the MD5 of it, in capitals")
    most_keys: int | None = Field(default=None, description="keys that an account may have")
    login: tuple[str, ...] = Field(
        default=(), description="who is asked about a login; groups `name` and `methods`: `local` is the device itself"
    )
    address: tuple[str, ...] = Field(
        default=(), description="an address of an interface; groups `interface`, `ip` (with its length, or `mask`)"
    )
    down: tuple[str, ...] = Field(default=(), description="what shuts the interface")
    unchanged: tuple[str, ...] = Field(
        default=(), description="settings that stay as they are: the interface's, SSH's; group 1 is the value"
    )
    vrf: tuple[str, ...] = Field(default=(), description="group `vrf` is the one that the interface is in")
    no_vrf: str = Field(default="", description="what the VRF of all other interfaces is called")
    route: tuple[str, ...] = Field(
        default=(), description="groups `to` (or `ip` and `mask`; none for the default route), `hop`, and `vrf`"
    )
    service: tuple[str, ...] = Field(default=(), description="what serves SSH; one found before must be found after")
    netconf: tuple[str, ...] = Field(default=(), description="what serves NETCONF, as `service` does SSH")
    served: dict[Literal[4, 6], tuple[str, ...]] = Field(
        default_factory=dict, description="and what serves it over one family of IP alone"
    )
    called: tuple[str, str] = Field(
        default=("", ""), description="what of an interface's name is written otherwise elsewhere, and how: `{called}`"
    )
    zone: tuple[str, ...] = Field(default=(), description="group `zone` is the one that the interface is in: `{zone}`")
    admits: tuple[tuple[str, str], ...] = Field(
        default=(),
        description="what an interface in a zone lets in, the nearest level first, and the first that is there counts: "
        "what is found if it is, and what lets SSH in by it",
    )
    shut: tuple[str, ...] = Field(default=(), description="what ends SSH, or logins by a key")
    shut_for: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="what ends an account's logins")
    lists: tuple[AccessLists, ...] = Field(default=(), description="the access lists that judge who comes by SSH")

    def shown(self, key: str) -> str:
        """Return what the device shows of a public key (`type base64 …`): the base64, or the hash."""
        body = key.split()[1]
        return key_hash(key) if self.hashed_keys else body


def key_hash(key: str) -> str:
    """Return the MD5 of a public key (`type base64 …`), in capitals, as IOS has it."""
    return hashlib.md5(b64decode(key.split()[1]), usedforsecurity=False).hexdigest().upper()
