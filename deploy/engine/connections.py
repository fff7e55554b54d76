"""The connections of a session with hosts: opened, kept while they are used, and closed. Thin.

Of few hosts all stay open from the beginning to the end. Of many that would fill memory and run out of descriptors: one
is open while its host is looked at or asked, and while it is changed. Not here: what is asked over them (`session`),
and how one is opened (`deploy.transport`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager

from deploy.transport.device import DeviceConnection
from deploy.transport.device_session import DeviceSession
from deploy.transport.greeting import let_in
from deploy.transport.netconf_connection import NetconfConnection
from deploy.transport.ssh import Access, Connection, HostLost
from inventory.fleet import Fleet, Host
from inventory.netconf import netconf_port
from roles.shared.catalogue import asked_as_root
from roles.shared.device.known import known_vendors, vendor_of
from roles.shared.parts.looks import LOOK

MOST_OPEN = 256
"""Hosts of which all connections stay open. One takes about a third of a megabyte, and a descriptor or two."""


class Connections(MutableMapping[str, Connection | DeviceSession]):
    """The open connections to hosts of a fleet, by host name.

    Args:
        hosts: all that the session is about.
        look_accounts: see `Session`.
        shown: takes secrets out of a text about a host.
        heard: is told how opening a connection to a host ended: `done`, or `failed` and why.

    Attributes:
        unreachable: host name to reason, for hosts that could not be connected to or have died since.
        few: whether all of them stay open.
    """

    def __init__(
        self,
        fleet: Fleet,
        hosts: Sequence[Host],
        access: Access,
        *,
        look_accounts: Mapping[str, str] | None,
        shown: Callable[[str, str], str],
        heard: Callable[[str, str, str], None],
    ) -> None:
        self._fleet, self._access, self._look_accounts = fleet, access, look_accounts
        self._shown, self._heard = shown, heard
        self._open: dict[str, Connection | DeviceSession] = {}
        self._users: Counter[str] = Counter()
        self._held: set[str] = set()
        self.unreachable: dict[str, str] = {}
        self.few = len(hosts) <= MOST_OPEN

    def __getitem__(self, name: str) -> Connection | DeviceSession:
        return self._open[name]

    def __setitem__(self, name: str, connection: Connection | DeviceSession) -> None:
        self._open[name] = connection

    def __delitem__(self, name: str) -> None:
        self._open.pop(name).close()

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    def __len__(self) -> int:
        return len(self._open)

    def make(self, name: str) -> Connection | DeviceSession:
        """Make a connection to a host, not yet open: SSH, or a device's command line or NETCONF server."""
        host, access = self._fleet.host(name), self.access_to(name)
        if host.platform not in known_vendors():
            return Connection(host, access, asked_as_root(host))
        kind = DeviceConnection if netconf_port(host) is None else NetconfConnection
        return kind(host, access, vendor_of(host, self._fleet))

    def only_looks(self, hosts: Collection[Host]) -> frozenset[str]:
        """Return the hosts that are asked as an account that may only look."""
        return frozenset(h.name for h in hosts if self.access_to(h.name).looks)

    def access_to(self, name: str) -> Access:
        """Return how samdrift logs in to a host in this session.

        An account for looks that is named is every device's. A server has the one of role `base`, or none.
        """
        if self._look_accounts is None:
            return self._access
        given = self._look_accounts.get(name, "")
        is_device = self._fleet.host(name).platform in known_vendors()
        looks = is_device or given or self._access.look_user == LOOK
        return self._access.for_looks(given) if looks else self._access

    def open(self, name: str) -> None:
        """Open a new connection to a host, in the place of the one before; if it refuses, it is unreachable."""
        connection = self.make(name)
        try:
            let_in(connection.open)
        except HostLost as e:  # what to do about it is said in our own words: `--key` names no secret
            self.unreachable[name] = str(HostLost(self._shown(name, e.what), where=e.where, fix=e.fix))
            self._heard(name, "failed", self.unreachable[name])
        else:
            if name in self:
                del self[name]
            self._open[name] = connection
            self._heard(name, "done", "")

    @contextmanager
    def used(self, name: str) -> Iterator[None]:
        """Have a host's connection open in this block, unless it is unreachable."""
        self._users[name] += 1
        try:
            if name not in self and name not in self.unreachable:
                self.open(name)
            yield
        finally:
            self._users[name] -= 1
            self._close_unused(name)

    def hold(self, names: Collection[str]) -> None:
        """Keep these hosts' connections open until they are let go."""
        self._held.update(names)

    def let_go(self, names: Collection[str]) -> None:
        """Keep these hosts' connections open no longer than they are used."""
        self._held.difference_update(names)
        for name in names:
            self._close_unused(name)

    def _close_unused(self, name: str) -> None:
        if name in self and not (self.few or self._users[name] or name in self._held):
            del self[name]

    def close_all(self) -> None:
        """Close them all."""
        self.clear()
