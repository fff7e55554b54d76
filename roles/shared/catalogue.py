"""Which roles there are, in which order they are applied, and what each needs to know about a host.

A role is found by its name: `roles/<name>.py`. It has a `deploy(settings)` that declares operations. Everything else
that the house must know of it, the role says itself, by these optional attributes:

    Options                what a config context may set
    settings(host, fleet, options)      what it needs to know, pure; a fourth parameter `intent` if it builds on others
    listens, forwards, exemptions       of its settings: ports that it serves, traffic that it forwards, interfaces
                           exempt from reverse-path filtering
    filters(settings)                   what its host lets in and through (`filtering`); routes, where it sends that
    ways_out(settings)                  what its host needs of the internet
    asks(settings)                      what its host needs of servers of the fleet that no role serves
    probed(settings)                    what monitoring may try of what its host serves
    issued(settings)                    the certificates that the organisation's authority signs for what it serves
    unserved(host, fleet)               what of its host's IPv6 it does not serve yet, a text each: `check` says so
    left(settings)                      what the inventory says and it leaves as it is, a text each: `check` says so
    FORWARDED = False                   gateways do not let others reach what it serves
    adopts(settings, survey)            the options by which a host that already runs keeps what it has
    loses(settings, survey)             what runs or is let in on such a host, and would end
    shared_addresses(settings)          the addresses that its host shares with others; SHARING_PROGRAM, what holds them
    PLATFORMS              slugs; Debian 12 and 13 if it says none
    AFTER                  names of roles that are applied before it (`order`)
    OWNS                   directories in which every file is the role's; MAKES, files that its commands make besides
    SEARCHES               what a look asks for that nobody may have declared (`searches`)
    expects(settings)      what else stands on its host by its doing, patterns of names by the kind of a search
    APPARMOR               the profile that Debian's package brings for its service
    REDUNDANT              "fleet" or "site": there, its hosts stand in for each other, and one is changed at a time
    AS_ROOT                commands of its checks that only root may run: the account for looks may, word for word
    PROTECTS = True        it keeps others out: where it was changed behind our back, it is serious
    SWEDISH                its first line in Swedish, for reports
    CONTROLS               what auditors ask for that it answers; CONTROL_TITLES, where `controls` knows no title
    in_lab(options, lab)   the options that differ in the lab
    LAB_CACHES, LAB_FILES  directories that outlive a lab host's disk; files that the lab's installer leaves there
    LAB_STORE              where the host has the lab's own store of runs, which stations share
    DUTIES                 what people may do there who are no administrators (`duties`)
    LAB_PACKAGES           Debian packages that the lab's installer puts on every host, so that no run waits for them
    BACKS_UP               whole configurations that a look backs up: by name, the command that prints each
    TUNNEL_KEY             where its host's private key for tunnels is
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

import roles
from inventory.errors import Problem, SamdriftError
from inventory.fleet import Fleet, Host
from inventory.places import Path, in_words, owner
from inventory.rules.contexts import RESERVED_KEYS
from inventory.rules.house import of_the_project
from inventory.rules.house_rules import RoleFirewall
from roles.shared.certificates import Issued
from roles.shared.controls import TITLES, Title
from roles.shared.duties import Duty
from roles.shared.filtering import Filter, Route
from roles.shared.order import in_order
from roles.shared.rehearsal import Rehearsal
from roles.shared.searches.owned_files import owned_files
from roles.shared.searches.search import Search
from roles.shared.settings import Options, Settings, SettingsError
from roles.shared.survey import Loss, Survey
from roles.shared.traffic import Ask, Forward, Listen, Probed, ReversePathExemption, SharedAddress, WayOut

if TYPE_CHECKING:
    from roles.shared.intent import Intent

DEBIAN = frozenset({"debian-12", "debian-13"})


@dataclass(frozen=True)
class Role:
    """One role, as its module declares it."""

    name: str
    summary: str
    swedish: str
    deploy: Callable[[Settings], None]
    options: type[Options]
    compute: Callable[[Host, Fleet, Options, Intent], Settings]
    listens: Callable[[Settings], tuple[Listen, ...]]
    forwards: Callable[[Settings], tuple[Forward, ...]]
    exemptions: Callable[[Settings], tuple[ReversePathExemption, ...]]
    filters: Callable[[Settings], Filter] | None
    routes: Callable[[Settings], tuple[Route, ...]]
    platforms: frozenset[str]
    after: tuple[str, ...] | None
    owns: tuple[str, ...]
    makes: tuple[str, ...]
    searches: tuple[Search, ...]
    expects: Callable[[Settings], Mapping[str, tuple[str, ...]]]
    apparmor: str
    controls: tuple[str, ...]
    control_titles: Mapping[str, Title]
    protects: bool
    redundant: Literal["", "site", "fleet"]
    forwarded: bool
    ways_out: Callable[[Settings], tuple[WayOut, ...]] | None
    asks: Callable[[Settings], tuple[Ask, ...]] | None
    probed: Callable[[Settings], tuple[Probed, ...]] | None
    issued: Callable[[Settings], tuple[Issued, ...]]
    shared_addresses: Callable[[Settings], tuple[SharedAddress, ...]] | None
    sharing_program: str
    adopts: Callable[[Settings, Survey], Mapping[str, Any]]
    loses: Callable[[Settings, Survey], tuple[Loss, ...]]
    tunnel_key: str
    in_lab: Callable[[Mapping[str, Any], Rehearsal], Mapping[str, Any]]
    lab_caches: tuple[str, ...]
    lab_store: str
    lab_files: Mapping[str, str]
    lab_packages: tuple[str, ...]
    unserved: Callable[[Host, Fleet], tuple[str, ...]]
    backs_up: Mapping[str, str]
    as_root: tuple[str, ...]
    left: Callable[[Settings], tuple[str, ...]]
    duties: Mapping[str, Duty]

    def options_of(self, host: Host) -> Options | list[Problem]:
        """Validate what the host's config context sets for this role; return the options, or every problem."""
        place = f"host {host.name}, config context samdrift.{self.name}"
        return self.checked_options(host.samdrift.get(self.name, {}), place)

    def checked_options(self, section: object, place: str, *, whole: bool = True) -> Options | list[Problem]:
        """Validate a section of a config context; return the options, or every problem.

        Args:
            whole: it is all that a host is given, and no part of it in which something may be missing.
        """
        try:
            return self.options.model_validate_json(json.dumps(section), strict=True)
        except ValidationError as e:
            return [
                Problem("role-option", ".".join([place, *map(str, err["loc"])]), err["msg"])
                for err in e.errors()
                if whole or err["type"] != "missing"
            ]

    def settings(self, host: Host, intent: Intent) -> Settings | tuple[Problem, ...]:
        """Compute this role's settings for a host, or everything wrong with them; `Intent.of` remembers."""
        options = self.options_of(host)
        if isinstance(options, list):
            return tuple(options)
        try:
            return self.compute(host, intent.fleet, options, intent)
        except SettingsError as e:
            return (Problem("role-settings", f"host {host.name}, {e.field}", f"{self.name}: {e.what}", e.fix),)
        except LookupError as e:
            what = f"{self.name}: it builds on what the inventory does not have: {e}"
            return (Problem("role-settings", f"host {host.name}, config context samdrift.{self.name}", what),)
        except ValidationError as e:  # what an unsound inventory says fits no setting: it costs this host, and no other
            place = f"host {host.name}, {'.'.join(map(str, e.errors()[0]['loc']))}"
            return (Problem("role-settings", place, f"{self.name}: {e.errors()[0]['msg']}"),)


@cache
def catalogue() -> Mapping[str, Role]:
    """Return every role, by name, in the order in which roles are applied.

    Raises:
        SamdriftError: what the roles say they come after makes no order; an error of the code.
    """
    loaded = {m.name: _load(m.name) for m in pkgutil.iter_modules(roles.__path__) if not m.ispkg}
    return MappingProxyType({name: loaded[name] for name in in_order({n: r.after for n, r in loaded.items()})})


def _load(name: str) -> Role:
    module = importlib.import_module(f"roles.{name}")
    after = getattr(module, "AFTER", None)
    if isinstance(after, str):
        raise SamdriftError("it is a text and no tuple", where=f"roles/{name}.py, AFTER", fix=f'write ("{after}",)')
    owned = getattr(module, "OWNS", ())
    searches = (*((owned_files(owned),) if owned else ()), *getattr(module, "SEARCHES", ()))
    return Role(
        name=name,
        summary=(module.__doc__ or name).strip().splitlines()[0],
        swedish=getattr(module, "SWEDISH", ""),
        deploy=module.deploy,
        options=getattr(module, "Options", Options),
        compute=_computing(getattr(module, "settings", None)),
        listens=getattr(module, "listens", lambda _settings: ()),
        forwards=getattr(module, "forwards", lambda _settings: ()),
        exemptions=getattr(module, "exemptions", lambda _settings: ()),
        filters=getattr(module, "filters", None),
        routes=getattr(module, "routes", lambda _settings: ()),
        platforms=frozenset(getattr(module, "PLATFORMS", DEBIAN)),
        after=after,
        owns=tuple(getattr(module, "OWNS", ())),
        makes=tuple(getattr(module, "MAKES", ())),
        searches=searches,
        expects=getattr(module, "expects", lambda _settings: {}),
        apparmor=getattr(module, "APPARMOR", ""),
        controls=tuple(getattr(module, "CONTROLS", ())),
        control_titles=_titles(name, module),
        protects=getattr(module, "PROTECTS", False),
        redundant=getattr(module, "REDUNDANT", ""),
        forwarded=getattr(module, "FORWARDED", True),
        ways_out=getattr(module, "ways_out", None),
        asks=getattr(module, "asks", None),
        probed=getattr(module, "probed", None),
        issued=getattr(module, "issued", lambda _settings: ()),
        shared_addresses=getattr(module, "shared_addresses", None),
        sharing_program=getattr(module, "SHARING_PROGRAM", ""),
        adopts=getattr(module, "adopts", lambda _settings, _survey: {}),
        loses=getattr(module, "loses", lambda _settings, _survey: ()),
        tunnel_key=getattr(module, "TUNNEL_KEY", ""),
        in_lab=getattr(module, "in_lab", lambda _options, _lab: {}),
        lab_caches=tuple(getattr(module, "LAB_CACHES", ())),
        lab_store=getattr(module, "LAB_STORE", ""),
        lab_files=getattr(module, "LAB_FILES", {}),
        lab_packages=tuple(getattr(module, "LAB_PACKAGES", ())),
        unserved=getattr(module, "unserved", lambda _host, _fleet: ()),
        backs_up=getattr(module, "BACKS_UP", {}),
        as_root=(
            *getattr(module, "AS_ROOT", ()),
            *getattr(module, "BACKS_UP", {}).values(),
            *(search.asked_alone for search in searches if search.as_root),
        ),
        left=getattr(module, "left", lambda _settings: ()),
        duties=MappingProxyType({f"{name}.{duty.name}": duty for duty in getattr(module, "DUTIES", ())}),
    )


def _titles(name: str, module: ModuleType) -> Mapping[str, Title]:
    """Return the title of every control that a role names."""
    known = {**TITLES, **getattr(module, "CONTROL_TITLES", {})}
    controls: tuple[str, ...] = getattr(module, "CONTROLS", ())
    if nameless := [control for control in controls if control not in known]:
        fix = "give it one, in Swedish and in English, in the role's CONTROL_TITLES"
        raise SamdriftError(f"control {nameless[0]} has no title", where=f"roles/{name}.py, CONTROLS", fix=fix)
    return MappingProxyType({control: known[control] for control in controls})


def _computing(settings: Callable[..., Settings] | None) -> Callable[[Host, Fleet, Options, Intent], Settings]:
    """Make a role's `settings` one that takes the intent, too: only roles that build on other roles ask for it."""
    if settings is None:
        return lambda _host, _fleet, _options, _intent: Settings()
    if "intent" in inspect.signature(settings).parameters:
        return settings
    return lambda host, fleet, options, _intent: settings(host, fleet, options)


def roles_of(host: Host) -> tuple[str, ...]:
    """Return the names of a host's roles, in the order in which they are applied; names of no role stand last."""
    given = host.roles
    known = tuple(name for name in catalogue() if name in given)
    return (*known, *(name for name in given if name not in known))


def known_roles(host: Host) -> tuple[Role, ...]:
    """Return those of a host's roles that there are, in the order in which they are applied."""
    return tuple(role for name, role in catalogue().items() if name in host.roles)


def asked_as_root(host: Host) -> tuple[str, ...]:
    """Return what looks at a host ask as root, each once: what its roles say, in their order."""
    return tuple(dict.fromkeys(command for role in known_roles(host) for command in role.as_root))


def _unread_sections(place: str, section: Mapping[str, object]) -> list[Problem]:
    """Return the sections that are options of no role: misspelled, they would be believed and never read."""
    known = sorted({*RESERVED_KEYS, *catalogue()})
    fix = f"one of: {', '.join(known)}"
    unread = [name for name in section if name not in known]
    return [Problem("role-section", f"{place}.{name}", "there is no role of this name", fix) for name in unread]


def _unknown_roles(place: str, section: Mapping[str, object]) -> list[Problem]:
    """Return the names of no role, given or taken away: misspelled, either would be believed and change nothing."""
    given = section.get("roles")
    unknown = sorted(given.keys() - catalogue().keys()) if isinstance(given, dict) else []
    fix = f"one of: {', '.join(sorted(catalogue()))}"
    return [Problem("role-unknown", place, f"there is no role {name!r}", fix) for name in unknown]


def problems_of_roles(fleet: Fleet) -> tuple[Problem, ...]:
    """Return what is wrong with the roles of a fleet, whatever the rest of it says.

    A mistake in a config context is told once, where it was written, and not again for each host that was given it.
    """
    written = [*problems_of_contexts(fleet), *(problem for _, problem in problems_of_gateways(fleet))]
    reported = {(p.host, *mistake(p)) for p in written}  # of a config context, no host; of a local one, its own
    given = (
        p
        for host in fleet.hosts
        for p in problems_of(host, None)
        if reported.isdisjoint({("", *mistake(p)), (host.name, *mistake(p))})
    )
    return (*written, *given)


def problems_of_gateways(fleet: Fleet) -> Iterator[tuple[int, Problem]]:
    """Yield the prefixes (by index) whose gateway no interface has, and no host shares by a role of its own."""
    fix = "give it to an interface of a host there, or to several hosts a role that shares addresses"
    for i, prefix in enumerate(fleet.prefixes):
        if (having := fleet.candidates_of(prefix)) and not any(shares_addresses(h) for h, _ in having):
            where = in_words(fleet, ("prefixes", i, "gateway"))
            yield i, Problem("gateway-host", where, f"{prefix.gateway}: no host has it", fix, about=where)


def shares_addresses(host: Host) -> bool:
    """Tell whether a host has a role by which it shares addresses with others."""
    return any(role.shared_addresses is not None for role in known_roles(host))


Mistake = tuple[str, str, str]


def mistake(problem: Problem) -> Mistake:
    """Identify a mistake by rule, option and text, wherever it was written."""
    _, _, path = problem.where.rpartition(", ")  # before it stands a name, which may say anything
    return problem.rule, path.partition("samdrift")[2], problem.what


def given_to_nobody(fleet: Fleet, reported: Iterable[Problem]) -> Iterator[Problem]:
    """Yield what is wrong in config contexts as people wrote them, and was not told of a host that was given it."""
    known = {mistake(p) for p in reported}
    yield from (p for p in problems_of_contexts(fleet) if mistake(p) not in known)


def problems_of_contexts(fleet: Fleet) -> list[Problem]:
    """Return what is wrong in config contexts as people wrote them, whether or not any host is given them.

    A context is a part of what a host is given, so that nothing is missing in it.
    """
    paths: list[tuple[Path, Mapping[str, object]]] = []
    paths += [(("config_contexts", i, "data", "samdrift"), c.data) for i, c in enumerate(fleet.config_contexts)]
    paths += [(("hosts", i, "local_context", "samdrift"), h.local_context) for i, h in enumerate(fleet.hosts)]
    problems = []
    for path, data in paths:
        for problem in _problems_in(in_words(fleet, path), data.get("samdrift", {})):
            problem.host, problem.municipality = owner(fleet, path)
            problems.append(problem)
    return problems


def _problems_in(place: str, section: object) -> list[Problem]:
    if not isinstance(section, dict):  # the rules of a sound fleet say so
        return []
    problems = _unread_sections(place, section)
    problems += _unknown_roles(f"{place}.roles", section)
    for name, options in section.items():
        role = catalogue().get(name)
        if role is None or not isinstance(options, dict):
            continue
        found = role.checked_options(options, f"{place}.{name}", whole=False)
        problems += found if isinstance(found, list) else []
    return problems


def problems_of(host: Host, intent: Intent | None) -> list[Problem]:
    """Return everything wrong with the roles of a host: unknown ones, ones that do not fit, and bad settings.

    Without an intent (there is no sound fleet), only what is wrong whatever the fleet is.
    """
    place = f"host {host.name}, config context samdrift.roles"
    problems = _unread_sections(f"host {host.name}, config context samdrift", host.samdrift)
    problems += _unknown_roles(place, host.samdrift)
    for name in roles_of(host):
        role = catalogue().get(name)
        if role is None:
            continue
        if host.platform not in role.platforms:
            fits = ", ".join(sorted(role.platforms))
            problems.append(
                Problem("role-platform", place, f"role {name} does not fit platform {host.platform}", f"fits: {fits}")
            )
        else:
            found = role.options_of(host) if intent is None else intent.of(host, name)
            problems += found if isinstance(found, list | tuple) else ()
    return problems if intent is None else [*problems, *_problems_of_firewall(host, intent, place)]


def _problems_of_firewall(host: Host, intent: Intent, place: str) -> list[Problem]:
    """Return the problem of a host that listens without a firewall, where the organisation asks for one.

    A device has no such role: who may reach it is in its own configuration.
    """
    asked, firewall = of_the_project().of(RoleFirewall), catalogue().get("firewall")
    if asked is None or firewall is None or firewall.name in host.roles or host.platform not in firewall.platforms:
        return []
    listening = [name for name, settings in intent.settings(host).items() if catalogue()[name].listens(settings)]
    if not listening or host.name in asked.elsewhere:
        return []
    what = f"{', '.join(listening)} listens, and no firewall says to whom"
    fix = "firewall: true; or name the host in inventory/rules.yaml, role-firewall, elsewhere"
    return [Problem("role-firewall", place, what, fix)]
