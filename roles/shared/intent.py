"""Intent: what every host of a fleet should be: its roles in order, each with its settings, and every problem.

Made once a command and handed on: to check, show, the planner, the lab, the report, and to roles that build on other
roles. A role's settings on a host are computed when somebody first asks for them, and never again.
Not here: which roles there are (`catalogue`), and what they declare on a host (`deploy.engine.declare`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, TypeVar, cast

from inventory.dependence import Dependence
from inventory.errors import InventoryError, Problem, SamdriftError
from inventory.fleet import Fleet, Host
from inventory.parts import is_asked_for
from inventory.secrets import Secret, secrets_in
from roles.shared.catalogue import (
    Mistake,
    catalogue,
    mistake,
    problems_of,
    problems_of_contexts,
    problems_of_gateways,
    roles_of,
)
from roles.shared.settings import Settings, SettingsError

T = TypeVar("T")


class Intent:
    """The desired state of every host of a fleet: its roles in order, each with its settings.

    Roles read it while their settings are computed (`settings(host, fleet, options, intent)`), so settings may build on
    settings, of the same host or of others. They must not go round in a circle.

    Args:
        problems: of the inventory, each naming the host that it costs.

    Raises:
        SamdriftError: from any method, if roles' settings build on each other in a circle: an error of the code.
    """

    def __init__(self, fleet: Fleet, problems: Iterable[Problem] = ()) -> None:
        self.fleet = fleet
        self._of_inventory: dict[str, list[Problem]] = {}
        for problem in problems:
            self._of_inventory.setdefault(problem.host, []).append(problem)
        self._computed: dict[tuple[str, str], Settings | tuple[Problem, ...]] = {}
        self._derived: dict[Callable[[Intent], Any], Any] = {}
        self._problems: dict[str, tuple[Problem, ...]] = {}
        self._under_way: list[tuple[str, str]] = []

    def of(self, host: Host, role: str) -> Settings | tuple[Problem, ...]:
        """Return a role's settings for a host, or everything that is wrong with them."""
        key = (host.name, role)
        if key not in self._computed:
            if key in self._under_way:
                circle = " → ".join(f"{r} of {h}" for h, r in (*self._under_way, key))
                raise SamdriftError(f"settings build on each other in a circle: {circle}", where=f"roles/{role}.py")
            self._under_way.append(key)
            try:
                self._computed[key] = catalogue()[role].settings(host, self)
            finally:
                self._under_way.pop()
        return self._computed[key]

    def required(self, host: Host, role: str) -> Settings:
        """Return a role's settings for a host, for a role that builds on them.

        Raises:
            SettingsError: they have a problem; the first one.
        """
        found = self.of(host, role)
        if isinstance(found, Settings):
            return found
        raise SettingsError(str(found[0]), field=f"config context samdrift.{role}")

    def settings(self, host: Host, only: Collection[str] = ()) -> dict[str, Settings]:
        """Return the settings of those of a host's roles that have no problem, in the order of the roles.

        Args:
            only: the roles to return; all if it is empty. Settings are the same, whichever others are returned.
        """
        wanted = (name for name in roles_of(host) if not only or name in only)
        fitting = (name for name in wanted if name in catalogue())
        found = {name: self.of(host, name) for name in fitting if host.platform in catalogue()[name].platforms}
        return {name: settings for name, settings in found.items() if isinstance(settings, Settings)}

    def problems(self, host: Host) -> tuple[Problem, ...]:
        """Return everything that is wrong with a host: with what the inventory says of it, and with its roles."""
        if host.name not in self._problems:
            mistakes = self.derive(_mistakes)
            of_roles = (mistakes.get(mistake(p), p) for p in problems_of(host, self))
            own = (*self._of_inventory.get(host.name, ()), *(p.of(host.name, host.tenant) for p in of_roles))
            self._problems[host.name] = tuple(dict.fromkeys(own))
        return self._problems[host.name]

    def nowhere(self) -> tuple[Problem, ...]:
        """Return the problems of hosts that are not in the fleet: no fleet can hold them."""
        known = {h.name for h in self.fleet.hosts}
        return tuple(p for name, of in self._of_inventory.items() if name not in known for p in of)

    def all_problems(self) -> tuple[Problem, ...]:
        """Return everything that is wrong with the hosts that are to be managed, those that no fleet can hold first."""
        return (*self.nowhere(), *(p for h in self.fleet.hosts if is_asked_for(h) for p in self.problems(h)))

    def require(self, hosts: Iterable[Host]) -> None:
        """Refuse hosts whose roles have problems.

        Raises:
            InventoryError: with all problems of all these hosts.
        """
        if problems := tuple(p for host in hosts for p in self.problems(host)):
            raise InventoryError(problems)

    def secrets(self, hosts: Iterable[Host], only: Collection[str] = (), *, staying: bool = False) -> dict[Secret, str]:
        """Return the secrets that the settings of these hosts refer to, each with a role and a host that need it.

        Args:
            only: the roles whose settings are read; all if it is empty.
            staying: also those that stay where samdrift runs.
        """
        return {
            secret.as_kept: f"role {role} of {host.name}"
            for host in hosts
            for role, found in self.settings(host, only).items()
            for secret in secrets_in(found)
            if staying or not secret.stays
        }

    def derive(self, make: Callable[[Intent], T]) -> T:
        """Return what `make` computes from this intent; it is computed once, however often it is asked for."""
        if make not in self._derived:
            self._derived[make] = make(self)
        return cast("T", self._derived[make])


def _mistakes(intent: Intent) -> dict[Mistake, Problem]:
    """Return what is wrong in config contexts where people wrote it: there it is mended for all that were given it."""
    return {mistake(p): p for p in problems_of_contexts(intent.fleet) if not p.host}


def gateways_missing(fleet: Fleet) -> Iterator[Problem]:
    """Yield the gateways that nobody has, once for each managed host that needs them."""
    dependence = Dependence(fleet, [i for i, h in enumerate(fleet.hosts) if h.is_managed])
    for i, problem in problems_of_gateways(fleet):
        for n in sorted(dependence.on(("prefixes", i))):
            yield problem.of(fleet.hosts[n].name, fleet.hosts[n].tenant)
