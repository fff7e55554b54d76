"""Adopt: look at a host that nobody manages yet, and say what taking it over would mean. Nothing is written to it.

Two looks: what runs there, which the proposal is made of; then the look of an ordinary plan, for the host as proposed.
Not here: what a proposal is (`inventory.proposal`), and what a role would end (`Role.loses`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import yaml

from deploy.engine.session import Session
from deploy.model.adoption import Adoption, Proposed, RoleAdoption, role_adoptions
from deploy.model.kinds import Exit
from deploy.model.plan import HostPlan
from deploy.model.record import HostResult
from deploy.runs.invocation import Invocation
from deploy.runs.looks import look_accounts
from deploy.transport.ssh import HostLost
from inventory import rules
from inventory.difference import FieldDifference, difference
from inventory.errors import InventoryError, SamdriftError, UsageError
from inventory.fleet import Fleet, Host, Interface, Service
from inventory.proposal import placed, usual_roles, with_interfaces, with_networks, with_options, with_services
from roles.shared.catalogue import catalogue
from roles.shared.device.found import Found, found
from roles.shared.device.known import known_vendors
from roles.shared.device.series import Series
from roles.shared.intent import Intent
from roles.shared.settings import Settings
from roles.shared.survey import QUESTIONS, Link, Loss, Survey
from roles.shared.survey import survey as survey_of

Overlay = Callable[[Fleet], Fleet]
"""How the fleet differs where this is a rehearsal; elsewhere, not at all."""


MERGED = "context"
"""The field of a host that NetBox makes of other objects."""


class NotLookedAt(SamdriftError):
    """The host cannot be reached, or is not who it should be (exit code 3)."""

    exit_code = int(Exit.INCOMPLETE)


@dataclass(frozen=True)
class Adopted:
    """What taking a host over would mean, and the fleet as it is proposed."""

    adoption: Adoption
    fleet: Fleet


def adopt(run: Invocation, host: Host, only: Collection[str] = (), overlay: Overlay = lambda fleet: fleet) -> Adopted:
    """Look at a host twice, and say what taking it over would mean.

    Args:
        run: what its fleet lacks is proposed.
        host: as the inventory has it, or as the command line says it.
        only: the roles to judge, which it is given besides those of its config contexts; if it is empty, all that its
            config contexts give it or, if they give none, those that such hosts usually have.

    Raises:
        NotLookedAt: it cannot be reached, or its host key is another.
        InventoryError: the proposal would break rules, which says what to correct on the command line or in NetBox.
    """
    seen, asked = _seen(run, host, overlay)
    whole = with_interfaces(host, seen.interfaces)
    fleet = placed(with_networks(run.fleet, whole, seen.vlans), whole)
    given = fleet.host(host.name).roles
    wanted = {*given, *(only or (() if given else usual_roles(fleet, whole)))}
    fleet, unjudged = _with_sound_roles(run, fleet, host.name, wanted, seen=seen, overlay=overlay)
    _require_sound(fleet, run.fleet)
    intent = Intent(overlay(fleet))
    about = intent.fleet.host(host.name)
    plan, removed, unlooked = _plan(run, intent, about, tuple(only))
    settings = {role: s for role, s in intent.settings(about, only).items() if role not in unlooked}
    changing = {step.role for step in plan.changes}  # what a role in force ends, it has ended
    losses = {r: (*_losses(r, settings[r], seen.survey), *removed.get(r, ())) for r in settings if r in changing}
    judged = {role: catalogue()[role].summary for role in settings}
    not_judged = tuple(
        RoleAdoption(role=role, summary=catalogue()[role].summary, unjudged=why)
        for role, why in {**unjudged, **unlooked}.items()
        if not only or role in only
    )
    adoption = Adoption(
        host=host.name,
        municipality=host.tenant,
        platform=host.platform,
        known=any(h.name == host.name for h in run.fleet.hosts),
        seen=seen.lines,
        roles=(*role_adoptions(plan, judged, losses), *not_judged),
        stays=seen.stays,
        unknown=seen.unknown,
        proposed=_proposed(run.fleet, fleet),
        asked=asked,
    )
    return Adopted(adoption, fleet)


def result_of(made: Adoption) -> HostResult:
    """Return what history keeps of an adoption: how the host differs, and what it was asked."""
    differs = any(role.changes or role.unjudged for role in made.roles)
    asked = "\n".join(("looked at as a plan does, and asked:", *made.asked))
    outcome: Literal["differs", "in sync"] = "differs" if differs else "in sync"
    return HostResult(host=made.host, municipality=made.municipality, outcome=outcome, detail=asked)


@dataclass(frozen=True)
class _Seen:
    """What was seen on a host, in NetBox's words and in people's."""

    interfaces: tuple[Interface, ...]
    services: tuple[Service, ...] = ()
    vlans: Mapping[int, str] = field(default_factory=dict)
    survey: Survey | None = None
    lines: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def _seen(run: Invocation, host: Host, overlay: Overlay) -> tuple[_Seen, tuple[str, ...]]:
    """Ask a host what runs there; returns that, and what it was asked."""
    bare = host.model_copy(update={"context": {}, "local_context": {}})  # no role, so that nothing is declared
    others = tuple(h for h in run.fleet.hosts if h.name != host.name)
    intent = Intent(overlay(run.fleet.model_copy(update={"hosts": (*others, bare)})))
    vendor = known_vendors().get(host.platform)
    accounts = look_accounts(run.intent, run.stores.applied, [host])
    looks = run.access.for_looks(accounts.get(host.name, "")).looks
    commands = list(QUESTIONS.values()) if vendor is None else [vendor.show_to(looks=looks)]
    try:
        about = [intent.fleet.host(host.name)]
        with Session(intent, about, run.access, run.observer, look_accounts=accounts) as session:
            answers = session.ask(host.name, commands)
    except HostLost as e:
        raise NotLookedAt(e.what) from e
    if vendor is not None:
        running = answers[0].stdout
        return _of_device(host, found(vendor, running), vendor.series_printed(running)), tuple(commands)
    named = dict(zip(QUESTIONS, answers, strict=True))
    failed = {name: (a.stderr.strip() or f"exit {a.rc}").splitlines()[-1] for name, a in named.items() if a.rc}
    given = {name: None if name in failed else a.stdout for name, a in named.items()}
    return _of_server(host, survey_of(given, failed)), tuple(commands)


def _of_server(host: Host, seen: Survey) -> _Seen:
    if seen.system and host.platform != seen.system:
        fix = f"--platform {seen.system}, or correct the platform in NetBox"
        raise UsageError(f"it is {seen.system}, and no {host.platform}", where=f"host {host.name}", fix=fix)
    interfaces = tuple(_as_interface(link, host) for link in seen.links if link.addresses or link.lent)
    people = [f"{a.name} ({'may become root' if a.is_root else 'no sudo'}, {len(a.keys)} keys)" for a in seen.accounts]
    lent = [f"{link.name}: {a} is lent (DHCP or advertised), and may change" for link in seen.links for a in link.lent]
    return _Seen(
        interfaces=interfaces,
        services=tuple(
            Service(name=s.program or f"{s.protocol}-{s.port}", protocol=s.protocol, ports=(s.port,))
            for s in seen.open_ports
        ),
        survey=seen,
        lines=(
            f"system: {seen.system or 'unknown'}",
            *_renamed(host, seen.name),
            f"ports that others can reach: {', '.join(s.what for s in seen.open_ports) or 'none'}",
            f"accounts with a shell: {', '.join(people) or 'none'}",
            *lent,
        ),
        stays=tuple(f"{path}" for path in (*seen.units, *seen.schedules)),
        unknown=(
            *seen.unknown,
            "what runs in containers, and rules of other firewalls than nftables",
            "files that no role declares, beyond the directories that roles own",
        ),
    )


def _renamed(host: Host, own_name: str) -> list[str]:
    """Say that a host calls itself otherwise than it will be called."""
    return [f"it calls itself {own_name}, and becomes {host.name}"] if own_name not in {"", host.name} else []


def _as_interface(link: Link, host: Host) -> Interface:
    kinds = {"bridge": "bridge", "bond": "lag"}
    kind = "virtual" if host.kind == "vm" else kinds.get(link.kind, "virtual" if link.kind else "1000base-t")
    addresses = link.addresses or link.lent
    return Interface(name=link.name, type=kind, untagged_vlan=link.vlan, addresses=addresses)


def _of_device(host: Host, seen: Found, series: Series | None) -> _Seen:
    return _Seen(
        interfaces=seen.interfaces,
        vlans=seen.vlans,
        lines=(
            *_renamed(host, seen.name),
            f"{len(seen.interfaces)} interfaces, VLANs {', '.join(map(str, seen.vlans)) or 'none'}",
            *([f"default route by {seen.gateway}"] if seen.gateway else []),
            *([f"it says that it is of the series {series.name}"] if series else []),
        ),
        unknown=(
            *seen.unread,
            *(["it is a stack: its other members are devices of a virtual chassis"] if seen.is_stack else []),
            "cables: what is at the other end of each port, no configuration says",
        ),
    )


def _with_sound_roles(
    run: Invocation, fleet: Fleet, name: str, wanted: Iterable[str], *, seen: _Seen, overlay: Overlay
) -> tuple[Fleet, dict[str, tuple[str, ...]]]:
    """Give a host these roles, but for those whose settings have a problem; the options that keep what it has; and the
    services that no role serves.

    Returns:
        The fleet, and why roles are left out.
    """
    unjudged: dict[str, tuple[str, ...]] = {}
    roles = [role for role in catalogue() if role in wanted]
    plain = fleet.host(name)
    given = fleet.host(name).roles
    while True:
        chosen = {**dict.fromkeys(given, False), **dict.fromkeys(roles, True)}
        differs = {r: has for r, has in chosen.items() if has is not (r in given)}
        host = with_options(plain, {"roles": differs}) if differs else plain
        trial = placed(fleet, host)
        intent = Intent(overlay(trial))
        problems = {role: _problems(run, intent, intent.fleet.host(name), role) for role in roles}
        if not any(problems.values()):
            break
        unjudged |= {role: why for role, why in problems.items() if why}
        roles = [role for role in roles if not problems[role]]
    settings = intent.settings(intent.fleet.host(name))
    served = {(x.protocol, x.port) for role, s in settings.items() for x in catalogue()[role].listens(s)}
    host = with_services(host, [s for s in seen.services if not {(s.protocol, p) for p in s.ports} <= served])
    if (survey := seen.survey) is not None:
        kept = {r: options for r, s in settings.items() if (options := dict(catalogue()[r].adopts(s, survey)))}
        host = with_options(host, kept) if kept else host
    return placed(trial, host), unjudged


def _problems(run: Invocation, intent: Intent, host: Host, role: str) -> tuple[str, ...]:
    """Return why a role cannot be judged on a host: what its settings lack, and secrets that cannot be opened."""
    if host.platform not in catalogue()[role].platforms:
        return (f"it does not fit platform {host.platform}",)
    settings = intent.of(host, role)
    if not isinstance(settings, Settings):
        return tuple(str(problem) for problem in settings)
    try:
        if needed := intent.secrets([host], [role]):
            run.vault.open(needed)
    except SamdriftError as e:
        return (str(e),)
    return ()


def _require_sound(proposed: Fleet, before: Fleet) -> None:
    """Refuse a proposal that breaks a rule which the inventory kept before."""
    known = {str(p) for p in rules.problems(before)}
    if new := tuple(p for p in rules.problems(proposed) if str(p) not in known):
        raise InventoryError(new)


def _plan(
    run: Invocation, intent: Intent, host: Host, only: tuple[str, ...]
) -> tuple[HostPlan, dict[str, tuple[Loss, ...]], dict[str, tuple[str, ...]]]:
    """Look at these roles of a host (all, if none is named) as a plan does; if that fails, at one after the other.

    Returns:
        The plan, what installing packages would remove, and the roles that could not be looked at, with the reason.
    """
    plan, removed = _look(run, intent, host, only)
    if not plan.error:
        return plan, removed, {}
    unlooked: dict[str, tuple[str, ...]] = {}
    whole = HostPlan(host=host.name, municipality=host.tenant)
    for role in intent.settings(host, only):
        plan, lost = _look(run, intent, host, (role,))
        if plan.error:
            unlooked[role] = (plan.error,)
            continue
        removed |= lost
        more = {"steps": (*whole.steps, *plan.steps), "unmanaged": (*whole.unmanaged, *plan.unmanaged)}
        whole = whole.model_copy(update=more)
    return whole, removed, unlooked


def _look(
    run: Invocation, intent: Intent, host: Host, roles: tuple[str, ...]
) -> tuple[HostPlan, dict[str, tuple[Loss, ...]]]:
    about = replace(run, intent=intent, hosts=(host,), only_roles=roles)
    with about.session() as session:
        (plan,) = session.look()
        return plan, {} if plan.error or host.platform in known_vendors() else _removed(session, plan)


def _removed(session: Session, plan: HostPlan) -> dict[str, tuple[Loss, ...]]:
    """Ask apt which packages would go if those that are missing were installed. It simulates, and changes nothing."""
    steps = [s for s in plan.changes if s.name.startswith("packages ")]
    names = [s.name.removeprefix("packages ").replace(",", "") for s in steps]
    simulated = [f"apt-get -s -q -o Debug::NoLocking=1 install --no-install-recommends {n} 2>&1" for n in names]
    answers = session.ask(plan.host, simulated) if simulated else []
    found: dict[str, tuple[Loss, ...]] = {}
    for step, answer in zip(steps, answers, strict=True):
        gone = [line.split()[1] for line in answer.stdout.splitlines() if line.startswith("Remv ")]
        losses = [Loss(kind="package", what=f"{package} is removed: {step.name}") for package in gone]
        if answer.rc:
            why = answer.stdout.strip().splitlines()[-1:] or ["it said nothing"]
            losses = [Loss(kind="package", what=f"unknown: what {step.name} would remove; apt: {why[0]}")]
        found[step.role] = (*found.get(step.role, ()), *losses)
    return found


def _losses(role: str, settings: Settings, seen: Survey | None) -> tuple[Loss, ...]:
    return catalogue()[role].loses(settings, seen) if seen is not None else ()


def _proposed(before: Fleet, after: Fleet) -> tuple[Proposed, ...]:
    return tuple(
        Proposed(what=f"{d.section}: {d.name}", fields=tuple(line for f in d.fields for line in _in_words(f)))
        for d in difference(before, after)
    )


def _in_words(field: FieldDifference) -> Iterator[str]:
    """Yield what a field would hold; a list of objects, each by itself."""
    path = ".".join(field.path)
    if field.path[0] == MERGED:
        return
    if isinstance(field.after, list | tuple) and all(isinstance(item, dict) for item in field.after):
        for item in field.after:
            yield f"{path}: " + ", ".join(f"{name} {_as_yaml(value)}" for name, value in item.items())
    else:
        yield f"{path}: {_as_yaml(field.after)}"


def _as_yaml(value: object) -> str:
    """Return a value on one line, as a snapshot would have it."""
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6).removesuffix("...\n").strip()
