"""What commands show: tables, diffs and findings, for people. Decides nothing, and touches no host.

Text from NetBox and from hosts is untrusted: it only ever becomes rich `Text` (never markup), with every
character that a terminal could obey shown as an escape. What is a `Text` by itself is printed as it is, however
long its lines (diffs and commands are copied); everything else is fitted to the screen.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode, b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, Any, TextIO

from rich.box import Box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deploy.model.findings import Exit, Finding, Kind
from deploy.model.record import Check, HostResult, Record
from inventory.difference import FieldDifference, ObjectDifference, between
from inventory.fleet import Fleet, Host
from roles.shared.device.known import known_vendors

if TYPE_CHECKING:  # pyinfra stands behind these: what only lists hosts must not wait for it
    from deploy.check.offline import Offline, Verdict
    from deploy.lab.lab import LabStatus
    from deploy.model.plan import HostPlan, Plan, Step
    from deploy.vault.edit import Written
    from inventory.netbox.writes import Writes
    from roles.shared.parts.registration import ManagedConfiguration, ManagedFile

WIDTH = 100
"""Columns where there is no terminal to ask."""

LONG_WORD = 60
"""A longer word (a public key) is shown by its start and its end."""

OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
"""Characters that a terminal obeys or hides instead of showing: controls, and Unicode's invisible ones."""

LINE = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
"""A table with a line below its head, and nothing else."""

COLOURS: Mapping[str, str] = {
    Kind.DRIFT: "bold yellow",
    Kind.PENDING: "bold cyan",
    Kind.CONFLICT: "bold red",
    Kind.MISSING: "bold yellow",
    Kind.UNMANAGED: "bold magenta",
    Kind.UNKNOWN: "bold red",
    Kind.FAILED_CHECK: "bold red",
    Kind.FAILED_STEP: "bold red",
    Kind.STALE: "bold red",
    Kind.ROLLED_BACK: "bold red",
    Kind.ARMED: "bold yellow",
    Kind.UNSOUND: "bold red",
    "in sync": "green",
    "changed": "green",
    "differs": "yellow",
    "failed": "bold red",
    "stale": "bold red",
    "skipped": "dim",
    "passed": "green",
    "accepted": "green",
    "refused": "bold red",
    "not applicable": "dim",
}

MEANINGS: Mapping[int, str] = {
    Exit.OK: "all well",
    Exit.ERROR: "error",
    Exit.DIFFERENCES: "differences",
    Exit.INCOMPLETE: "incomplete",
    Exit.LOCKED: "locked",
    Exit.STALE: "stale plan",
    Exit.ROLLED_BACK: "rolled back",
    Exit.VERIFY_FAILED: "verification failed",
    Exit.USAGE: "wrong usage",
}


DIFF_COLOURS = (
    ("+++", "bold"),
    ("---", "bold"),
    ("@@", "cyan"),
    ("+", "green"),
    ("-", "red"),
    ("owner, mode:", "yellow"),
    ("\\", "dim"),
)


def screen(stream: TextIO) -> Console:
    """A console on this stream: as wide as the terminal, or 100 columns (or $COLUMNS) where there is none."""
    width = None if stream.isatty() else int(os.environ.get("COLUMNS") or WIDTH)
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def put(console: Console, parts: Iterable[RenderableType]) -> None:
    """Print what one of this module's functions says."""
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text))


def safe(text: str) -> str:
    """The text with every character that a terminal would obey or hide shown as an escape."""
    return OBEYED.sub(lambda m: m[0].encode("unicode_escape").decode(), text)


def inline(text: object) -> str:
    """The same, on one line."""
    return safe(str(text)).replace("\n", "\\n").replace("\t", " ")


def as_json(document: object) -> str:
    """A document as JSON that a terminal may be shown: letters as they are, invisible characters escaped."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return OBEYED.sub(lambda m: json.dumps(m[0])[1:-1], text)


def several(number: int, thing: str, plural: str = "") -> str:
    """`1 host`, `2 hosts`."""
    return f"{number} {thing if number == 1 else plural or thing + 's'}"


def municipalities(fleet: Fleet) -> dict[str, str]:
    """Tenants' names, with their Swedish letters, by slug."""
    return {t.slug: t.name for t in fleet.tenants}


# --- hosts and show ---------------------------------------------------------------------------------------------


def hosts(fleet: Fleet, chosen: Sequence[Host]) -> Iterator[RenderableType]:
    """The fleet, a table for each site and owner, in columns that stand under each other."""
    usual = _usual_roles(fleet)
    heads = ("Host", "Platform", "Address", "Device role", "Roles", "Tags")
    rows = {h.name: _host_row(h, usual) for h in chosen}
    widths = [max(map(len, column)) for column in zip(heads, *rows.values(), strict=True)]
    for (slug, tenant), group in groupby(sorted(chosen, key=_at), key=_at):
        site = fleet.site(slug)
        yield Text.assemble(
            (inline(fleet.tenant(tenant).name), "bold"), f" · {inline(site.name)}", (f"  AS {site.asn}", "dim")
        )
        table = _table()
        for head, width in zip(heads, widths, strict=True):
            table.add_column(head, min_width=None if head == "Tags" else width)
        for host in group:
            name, *rest = rows[host.name]
            table.add_row(Text(name, "bold"), *map(Text, rest), style="dim" if host.status != "active" else "")
        yield Padding(table, (0, 0, 1, 0), expand=False)
    with_roles = sum(bool(h.roles) for h in chosen)
    known = f"; not listed are the usual {', '.join(usual)}" if usual else ""
    sites = several(len({h.site for h in chosen}), "site")
    yield _indented(Text(f"{several(len(chosen), 'host')} at {sites}, {with_roles} with roles{known}."), 0)


def _at(host: Host) -> tuple[str, str]:
    return host.site, host.tenant


def _host_row(host: Host, usual: Sequence[str]) -> tuple[str, ...]:
    own = [r for r in host.roles if r not in usual]
    status = [] if host.status == "active" else [host.status]
    return (
        inline(host.name),
        inline(host.platform),
        str(host.primary_address or "–"),
        inline(host.role),
        inline(", ".join(own) or "–"),
        inline(", ".join([*status, *host.tags])),
    )


def _usual_roles(fleet: Fleet) -> tuple[str, ...]:
    """The roles that more than half of the hosts with roles have, the commonest first."""
    with_roles = [h.roles for h in fleet.hosts if h.roles]
    counts = Counter(role for roles in with_roles for role in roles)
    return tuple(role for role, n in counts.most_common() if n > len(with_roles) / 2)


def host(
    fleet: Fleet,
    shown: Host,
    *,
    settings: Mapping[str, Mapping[str, Any]],
    summaries: Mapping[str, str],
    files: Sequence[ManagedFile],
    configurations: Sequence[ManagedConfiguration],
    overlay: Sequence[tuple[str, Any, Any]],
    contents: bool,
) -> Iterator[RenderableType]:
    """One host: its data, roles, settings and files, or what a device's configuration is to be.

    Args:
        settings: role to its settings, as plain data.
        summaries: role to what it is, in a line, in the order in which roles are applied.
        overlay: what the lab changes: field, value in the fleet, value in the lab.
        contents: whether the files' contents and the configurations are shown too.
    """
    site, tenant = fleet.site(shown.site), fleet.tenant(shown.tenant)
    yield Text.assemble((inline(shown.name), "bold"), "  ", inline(f"{tenant.name} · {site.name}"))
    yield _indented(_facts(_host_facts(fleet, shown)))
    for role, summary in summaries.items():
        yield Padding(Text.assemble((role, "bold cyan"), f"  {inline(summary)}"), (1, 0, 0, 0), expand=False)
        yield _indented(_facts([(k, _brief(v)) for k, v in settings.get(role, {}).items()]))
        own = [f for f in files if f.role == role]
        if own:
            yield Text()
            yield _indented(_files(own))
        for file in own if contents else ():
            yield from _content(file.path, file.content)
        for configuration in (c for c in configurations if c.role == role):
            yield Text()
            yield _indented(_facts(_configuration_facts(shown, configuration)))
            if contents:
                yield from _content("intended configuration", configuration.content)
    if overlay:
        yield Text("\nThe lab differs from the fleet here in", "bold yellow")
        table = _table()
        for head in ("Field", "Fleet", "Lab"):
            table.add_column(head, overflow="fold")
        for field, before, after in overlay:
            table.add_row(
                Text(inline(field.removeprefix("context.samdrift."))),
                Text(safe(_brief(before))),
                Text(safe(_brief(after))),
            )
        yield _indented(table)


def _content(name: str, content: str) -> Iterator[RenderableType]:
    yield Text.assemble("\n  ", (inline(name), "bold"))
    yield Text("\n".join(f"  │ {line}" for line in safe(content).splitlines()), "dim")


def _configuration_facts(shown: Host, configuration: ManagedConfiguration) -> list[tuple[str, str]]:
    vendor = known_vendors()[configuration.platform]
    lines = several(len(configuration.content.splitlines()), "line")
    itself = f"the device itself, by {vendor.confirm.name}" if vendor.confirm else ""
    sections = (" / ".join(lineage) for lineage in configuration.managed)
    return [
        ("configuration", f"{lines} for {vendor.name}; as it is: samdrift show {shown.name} --configuration"),
        ("sections", "\n".join(s if len(s) <= LONG_WORD else f"{s[: LONG_WORD - 1]}…" for s in sections)),
        ("secrets", ", ".join(secret.name for secret in configuration.secrets) or "–"),
        ("undone by", itself or "nobody: apply asks for --no-rollback"),
    ]


def _host_facts(fleet: Fleet, shown: Host) -> list[tuple[str, str]]:
    platform = fleet.platform(shown.platform)
    interfaces = [
        f"{i.name} {', '.join(map(str, i.addresses)) or (f'in {i.lag}' if i.lag else '–')}"
        f"{f'  {i.description}' if i.description else ''}"
        for i in shown.interfaces
    ]
    facts = [
        ("description", shown.description),
        ("status", ", ".join([shown.status, *shown.tags])),
        ("platform", f"{platform.name} ({shown.kind}, {shown.role})"),
        ("address", str(shown.primary_address or "")),
        ("wave", str(shown.wave) if shown.roles else ""),
        ("serial", shown.serial),
        ("interfaces", "\n".join(interfaces)),
        ("host keys", "\n".join(map(_key_line, shown.host_keys))),
        ("WireGuard key", shown.wireguard_public_key),
    ]
    return [(k, v) for k, v in facts if v]


def _key_line(key: str) -> str:
    """A host key as ssh-keygen -l prints it, so that it can be compared with the console's."""
    kind, _, blob = key.partition(" ")
    try:
        raw = b64decode(blob.split()[0], validate=True)
    except (ValueError, IndexError):
        return f"{kind} (not a key)"
    return f"{kind} SHA256:{b64encode(sha256(raw).digest()).decode().rstrip('=')}"


def _files(files: Sequence[ManagedFile]) -> Table:
    table = _table()
    table.add_column("File", overflow="fold")
    table.add_column("Owner", no_wrap=True)
    table.add_column("Mode", no_wrap=True)
    table.add_column("Lines", justify="right", no_wrap=True)
    table.add_column("Judged by", no_wrap=True, style="dim")
    for file in files:
        owner = file.owner if file.owner == file.group else f"{file.owner}:{file.group}"
        judge = inline(file.validate_with or "–").replace(" {path}", "")
        short = judge if len(judge) <= 30 else f"{judge[:29]}…"
        table.add_row(*map(Text, (inline(file.path), owner, file.mode, str(file.content.count("\n")), short)))
    return table


def _brief(value: object, most: int = 4) -> str:
    """A setting in a few words: long lists and texts say how long they are (`--json` has all of it)."""
    if isinstance(value, Mapping):
        return _some([f"{k}: {_brief(v, 2)}" for k, v in value.items() if v not in (None, "", [], {})], most, ", ")
    if isinstance(value, list | tuple):
        nested = any(isinstance(v, Mapping) for v in value)
        return _some([_brief(v, 8) for v in value], most, "\n" if nested else ", ")
    if isinstance(value, bool):
        return "yes" if value else "no"
    first, *more = ("" if value is None else str(value)).splitlines() or ["–"]
    said = " ".join(word if len(word) <= LONG_WORD else f"{word[:8]}…{word[-12:]}" for word in first.split(" "))
    return f"{said} … {several(len(more) + 1, 'line')}" if more else said


def _some(items: Sequence[str], most: int, between: str) -> str:
    if len(items) <= most + 1:
        return between.join(items) or "–"
    return between.join([*items[:most], f"… {len(items) - most} more"])


# --- plan and apply ---------------------------------------------------------------------------------------------


def plan(
    made: Plan, names: Mapping[str, str], *, brief: bool = False, commands: bool = False
) -> Iterator[RenderableType]:
    """What would change, host by host: each step with its diff, or its commands where it has none.

    Brief is a line a step. The commands of a step with a diff (every file is put in place by the same few) are told
    only where `commands` asks for them.
    """
    wide = max((len(h.host) for h in made.hosts), default=0)
    wider = max((len(names.get(h.municipality, "")) for h in made.hosts), default=0)
    for host_plan in made.hosts:
        yield _host_line(host_plan, f"{names.get(host_plan.municipality, ''):{wider}}", wide)
        for step in host_plan.changes:
            yield from _step(step, brief=brief, commands=commands)
        for stranger in host_plan.unmanaged:
            place = "a directory" if stranger.path else "the configuration"
            line = f"  ? {inline(stranger.what)}  is in {place} of role {stranger.role}, which does not declare it"
            yield Text(line, "magenta")
        if (host_plan.changes or host_plan.unmanaged) and not brief:
            yield Text()
    yield Text(plan_summary(made), "bold")


def plan_summary(made: Plan) -> str:
    """The plan in a line: how much would change, and on how many hosts nothing or nobody knows."""
    changing = [h for h in made.hosts if h.changes]
    unknown = sum(bool(h.error) for h in made.hosts)
    if not changing:
        where = (
            "on every host" if not unknown else f"on {several(len(made.hosts) - unknown, 'host')}, {unknown} unknown"
        )
        return f"{several(len(made.hosts), 'host')}: 0 changes {where}."
    steps = several(sum(_count(h)[0] for h in made.hosts), "change")
    said = [f"{steps} on {several(len(changing), 'host')}", f"{len(made.hosts) - len(changing) - unknown} in sync"]
    if unknown:
        said.append(f"{unknown} unknown")
    return f"{several(len(made.hosts), 'host')}: {', '.join(said)}."


def _count(host_plan: HostPlan) -> tuple[int, int]:
    """How many steps would change something, and how many restarts and reloads they owe."""
    handlers = sum(s.handler for s in host_plan.changes)
    return len(host_plan.changes) - handlers, handlers


def _host_line(host_plan: HostPlan, municipality: str, wide: int) -> Text:
    line = Text.assemble((f"{inline(host_plan.host):{wide}}", "bold"), f"  {inline(municipality)}  ")
    if host_plan.error:
        return line.append(f"unknown: {inline(host_plan.error)}", "bold red")
    changes, handlers = _count(host_plan)
    looked = (
        f"  ({several(len(host_plan.steps), 'step')}, {several(host_plan.execs, 'exec')}, {host_plan.seconds:.1f} s)"
    )
    if not host_plan.changes:
        line.append("0 changes", "green")
    else:
        line.append(several(changes, "change") + (f", {several(handlers, 'restart')}" if handlers else ""), "yellow")
    return line.append(looked, "dim")


def _step(step: Step, *, brief: bool, commands: bool) -> Iterator[RenderableType]:
    sign, colour = ("↻", "blue") if step.handler else ("~", "yellow")
    yield Text.assemble((f"  {sign} ", colour), (inline(step.role), "cyan"), f"  {inline(step.name)}")
    if brief:
        return
    if step.guard:
        yield Text(f"      guarded: {inline(step.guard.words)}", "dim")
    if step.unguarded:
        yield Text(f"      not guarded: {inline(step.unguarded)}", "bold red")
    if step.change is not None:
        yield diff(step.change.diff, indent=6)
    for command in step.commands if commands or step.change is None else ():
        yield Text(
            "\n".join(f"      {'$' if n == 0 else ' '} {line}" for n, line in enumerate(_lines(str(command)))), "dim"
        )


def _lines(text: str) -> list[str]:
    return safe(text).split("\n")


def diff(text: str, indent: int = 0) -> Text:
    """A unified diff in its colours."""
    shown = Text()
    for line in _lines(text.rstrip("\n")):
        style = next((s for start, s in DIFF_COLOURS if line.startswith(start)), "")
        shown.append(f"{' ' * indent}{line}\n" if line else "\n", style)
    shown.rstrip()
    return shown


def results(done: Sequence[HostResult], names: Mapping[str, str]) -> Iterator[RenderableType]:
    """What an apply did, a line a host."""
    table = _table()
    for head, justify in (("Host", "left"), ("Municipality", "left"), ("Outcome", "left"), ("Steps", "right")):
        table.add_column(head, justify=justify)  # type: ignore[arg-type]  # rich's own literal type
    table.add_column("Detail", overflow="fold")
    for result in done:
        table.add_row(
            Text(inline(result.host), "bold"),
            Text(inline(names.get(result.municipality, ""))),
            Text(result.outcome, COLOURS.get(result.outcome, "")),
            Text(str(len(result.changed))),
            Text(safe(result.detail)),
        )
    yield table
    outcomes = Counter(r.outcome for r in done)
    said = ", ".join(f"{n} {outcome}" for outcome, n in outcomes.most_common())
    yield Text(f"{several(len(done), 'host')}: {said or 'nothing done'}.", "bold")


# --- verify, drift, check ---------------------------------------------------------------------------------------


def findings(found: Sequence[Finding], names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Findings in full, each with what to do about it."""
    for number, finding in enumerate(found, start=1):
        title = Text.assemble(f"{number}. ", (finding.kind.upper(), COLOURS.get(finding.kind, "bold")))
        municipality = inline(names.get(finding.municipality, finding.municipality))
        if finding.host:
            title.append(f"  {inline(finding.host)}", "bold").append(f" · {municipality}" if municipality else "")
        elif municipality:
            title.append(f"  {municipality}")
        if finding.role:
            title.append(f" · role {inline(finding.role)}", "cyan")
        if finding.first_seen:
            title.append(f"  since {inline(finding.first_seen)}", "dim")
        yield title
        if finding.role and finding.step not in finding.summary:
            yield Text(f"   {inline(finding.step)}")
        yield Text(f"   {inline(finding.summary)}")
        if finding.detail:
            yield diff(finding.detail, indent=6)
        if finding.remedy:
            yield Text.assemble(("   → ", "bold green"), safe(finding.remedy))
        yield Text()


def drift(seen: Record, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """What differs from what was last applied."""
    yield from findings(seen.findings, names)
    kinds = Counter(f.kind for f in seen.findings)
    said = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
    outcomes = Counter(r.outcome for r in seen.hosts)
    lost = f", {outcomes['unknown']} unknown" if outcomes["unknown"] else ""
    known = several(len(seen.hosts) - outcomes["unknown"], "host")
    summary = f"{known} looked at{lost}, {several(len(seen.checks), 'check')} run: {said or 'no drift'}."
    yield Text(summary, "bold yellow" if seen.findings else "bold green")


def verified(seen: Record, names: Mapping[str, str], width: int) -> Iterator[RenderableType]:
    """State checks: how many of each role on each host, the failed ones in full, why others were not applicable."""
    yield from _checks_table(seen.checks, width)
    yield from _failed(seen.checks, names)
    yield from _not_applicable(seen.checks)
    unknown = [r for r in seen.hosts if r.outcome == "unknown"]
    for result in unknown:
        yield Text.assemble(("UNKNOWN  ", "bold red"), (inline(result.host), "bold"), f"  {inline(result.detail)}")
    yield Text(_checks_summary(seen.checks, len(unknown)), "bold green" if seen.exit_code == 0 else "bold red")


def applied(seen: Record, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """What an apply did and proved."""
    yield from results(seen.hosts, names)
    yield Text()
    yield from findings(seen.findings, names)
    yield Text(_checks_summary(seen.checks), "bold green" if seen.exit_code == 0 else "bold red")


def _checks_summary(checks: Sequence[Check], unknown: int = 0) -> str:
    outcomes = Counter(c.outcome for c in checks)
    said = ", ".join(f"{outcomes[o]} {o}" for o in ("passed", "failed", "not applicable") if outcomes[o])
    lost = f"; {several(unknown, 'host')} unknown" if unknown else ""
    where = several(len({c.host for c in checks}), "host")
    return f"{several(len(checks), 'check')} on {where}: {said or 'none ran'}{lost}."


def _checks_table(checks: Sequence[Check], width: int) -> Iterator[RenderableType]:
    """Roles down, hosts across: as many tables as the hosts need columns."""
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for check in checks:
        counts[check.role, check.host][check.outcome] += 1
    roles, hosts_ = sorted({c.role for c in checks}), sorted({c.host for c in checks})
    column = max(map(len, hosts_), default=0) + 2
    at_once = max(1, (width - max(map(len, roles), default=0) - 2) // column)
    for start in range(0, len(hosts_), at_once):
        some = hosts_[start : start + at_once]
        table = _table()
        table.add_column("Role")
        for name in some:
            table.add_column(Text(inline(name)), justify="right")
        for role in roles:
            table.add_row(Text(inline(role), "cyan"), *(_cell(counts[role, name]) for name in some))
        yield table
        yield Text()


def _cell(outcomes: Counter[str]) -> Text:
    """`12`, `11 ✗1` (one failed), `10 –2` (two not applicable)."""
    passed, failed, not_applicable = (outcomes[o] for o in ("passed", "failed", "not applicable"))
    if not outcomes.total():
        return Text("")
    cell = Text(str(passed), "green")
    if failed:
        cell.append(f" ✗{failed}", "bold red")
    if not_applicable:
        cell.append(f" –{not_applicable}", "dim")
    return cell


def _failed(done: Sequence[Check], names: Mapping[str, str]) -> Iterator[RenderableType]:
    for check in (c for c in done if c.outcome == "failed"):
        municipality = inline(names.get(check.municipality, ""))
        yield Text.assemble(
            ("FAILED  ", "bold red"), (inline(check.host), "bold"), f" · {municipality} · ", (check.role, "cyan")
        ).append(f"  {inline(check.name)}")
        yield Text("\n".join(f"      {line}" for line in _lines(check.detail.strip())) + "\n")


def _not_applicable(done: Sequence[Check]) -> Iterator[RenderableType]:
    """Reasons, each once, with where it was given."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for check in (c for c in done if c.outcome == "not applicable"):
        reasons.setdefault((check.role, check.name, check.detail), []).append(check.host)
    if not reasons:
        return
    yield Text("Not applicable", "bold dim")
    table = _facts([])
    for (role, name, why), where in reasons.items():
        on = where[0] if len(where) == 1 else several(len(where), "host")
        table.add_row(Text(inline(role)), Text.assemble(f"{inline(name)} (", inline(on), "): ", inline(why)))
    yield _indented(table)
    yield Text()


def offline(done: Offline, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """What the offline check looked at, what nobody could judge here, and what is wrong."""
    table = _table()
    table.add_column("Role")
    heads: tuple[Verdict, ...] = ("accepted", "refused", "not applicable")
    for head in heads:
        table.add_column(head.capitalize(), justify="right")
    for role in sorted({j.role for j in done.judgements}):
        outcomes = Counter(j.outcome for j in done.judgements if j.role == role)
        cells = (Text(str(outcomes[h] or "·"), COLOURS.get(h, "") if outcomes[h] else "dim") for h in heads)
        table.add_row(Text(inline(role), "cyan"), *cells)
    if done.judgements:
        yield table
        yield Text()
    reasons: defaultdict[str, set[str]] = defaultdict(set)
    for judgement in (j for j in done.judgements if j.outcome == "not applicable"):
        reasons[judgement.detail].add(judgement.path)
    if reasons:
        yield Text("Not applicable", "bold dim")
        yield _indented(_facts([(why, ", ".join(sorted(paths))) for why, paths in reasons.items()]))
        yield Text()
    yield from findings(done.findings, names)
    outcomes = Counter(j.outcome for j in done.judgements)
    judged = ", ".join(f"{outcomes[h]} {h}" for h in heads if outcomes[h])
    summary = (
        f"{several(done.hosts, 'host')}, {done.settings} roles' settings, {several(done.files, 'file')}. "
        f"Of {len(done.judgements)} different files that have a judge: {judged or 'none judged'}. "
        f"{several(len(done.findings), 'problem')}."
    )
    yield _indented(Text(summary, "bold red" if done.findings else "bold green"), 0)


# --- secrets ----------------------------------------------------------------------------------------------------


def secrets_written(done: Written, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Which secrets of a municipality are new, changed or gone, and who can open them."""
    name = inline(names.get(done.municipality, done.municipality))
    parts = (("new", done.added), ("changed", done.changed), ("removed", done.removed))
    said = "; ".join(f"{what}: {', '.join(secrets)}" for what, secrets in parts if secrets)
    yield Text(f"{name}: {said or 'no value changed'}.", "bold green")
    yield Text(f"Encrypted to {', '.join(map(inline, done.recipients))}, in {inline(done.file)}")
    if done.added or done.changed:
        yield Text("The hosts get it with the next apply.")


def secrets_checked(files: int, found: Sequence[Finding], names: Mapping[str, str]) -> Iterator[RenderableType]:
    """What is wrong with the files of secrets, and how many were looked at."""
    yield from findings(found, names)
    summary = f"{several(files, 'file')} of secrets looked at, {several(len(found), 'problem')}."
    yield Text(summary, "bold red" if found else "bold green")


# --- NetBox and snapshot ----------------------------------------------------------------------------------------

SIGNS: Mapping[str, tuple[str, str]] = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
    "reordered": ("↕", "blue"),
}


def differences(found: Sequence[ObjectDifference], before: str, after: str, fleet: Fleet) -> Iterator[RenderableType]:
    """What two fleets say differently, object by object.

    Args:
        before: what the first fleet is called; `-` is what only it has.
        after: what the second is called; `+` is what only it has.
        fleet: the second.
    """
    own, shared = _shared_contexts(found)
    for one in own:
        sign, colour = SIGNS[one.kind]
        only = "" if one.kind == "changed" else f"  only in {before if one.kind == 'removed' else after}"
        yield Text.assemble((f"{sign} ", colour), (inline(one.title), "bold"), (only, "dim"))
        if one.kind != "removed":
            yield _indented(_field_differences(one.fields))
    for fields, names in shared:
        on = f"{several(len(names), 'host')}: {', '.join(map(inline, names))}"
        yield _indented(Text.assemble(("~ ", "yellow"), ("merged config context", "bold"), f" of {on}"), 0)
        yield _indented(_field_differences(fields))
    if not found:
        hosts = several(len(fleet.hosts), "host")
        yield Text(f"{after} says what {before} says: {hosts}, {fleet.digest[:12]}.", "bold green")
        return
    kinds = Counter[str](d.kind for d in found)
    said = [
        f"{kinds[kind]} {words}"
        for kind, words in (("added", f"only in {after}"), ("removed", f"only in {before}"), ("changed", "changed"))
        if kinds[kind]
    ]
    yield Text(
        f"{several(len(found), 'object')} differ{'s' if len(found) == 1 else ''}: {', '.join(said)}.", "bold yellow"
    )


SHARED_FROM = 3
"""From so many hosts on, a difference in their merged contexts is told once."""


def _shared_contexts(
    found: Sequence[ObjectDifference],
) -> tuple[list[ObjectDifference], list[tuple[tuple[FieldDifference, ...], list[str]]]]:
    """The differences without those that several hosts' merged contexts have alike; and those, with the hosts."""
    alike: defaultdict[str, list[ObjectDifference]] = defaultdict(list)
    for one in found:
        if one.section == "hosts" and one.kind == "changed":
            alike[_as_key(_of_context(one))].append(one)
    shared = {k: ones for k, ones in alike.items() if len(ones) >= SHARED_FROM and _of_context(ones[0])}
    in_common = {id(one) for ones in shared.values() for one in ones}
    own = []
    for one in found:
        rest = tuple(f for f in one.fields if id(one) not in in_common or f.path[0] != "context")
        if rest:
            own.append(one.model_copy(update={"fields": rest}))
    return own, [(_of_context(ones[0]), [one.name for one in ones]) for ones in shared.values()]


def _of_context(one: ObjectDifference) -> tuple[FieldDifference, ...]:
    return tuple(f for f in one.fields if f.path[0] == "context")


def _as_key(fields: Sequence[FieldDifference]) -> str:
    return json.dumps([f.model_dump(mode="json") for f in fields], sort_keys=True)


def _field_differences(fields: Sequence[FieldDifference]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(style="dim", overflow="fold", max_width=44)
    table.add_column(overflow="fold")
    for one in fields:
        sign, colour = SIGNS[one.kind]
        table.add_row(Text(sign, colour), Text(inline(" › ".join(one.path))), _told_difference(one))
    return table


def _told_difference(one: FieldDifference) -> Text:
    before, after = (safe(_brief(v)) for v in (one.before, one.after))
    match one.kind:
        case "added":
            return Text("" if one.after == one.path[-1] else after)
        case "removed":
            return Text("" if one.before == one.path[-1] else before)
        case _:
            return Text.assemble((before, "red"), " → ", (after, "green"))


def seeding(plan: Writes, where: str, *, objects: bool) -> Iterator[RenderableType]:
    """What would be written to NetBox: how much of each kind, and, if `objects`, every object and field."""
    if objects:
        for write in (w.plain() for w in plan.writes):
            sign, colour = SIGNS["added" if write["action"] == "create" else "changed"]
            yield Text.assemble((f"{sign} ", colour), (inline(write["object"]), "bold"))
            fields = [
                field
                for name, value in write["fields"].items()
                if name in write["before"] or value not in (None, "", [], {})
                for field in _written(name, write["before"], value)
            ]
            yield _indented(_field_differences(fields))
    counts = Counter((w.kind.name, w.creates) for w in plan.writes)
    table = _table()
    table.add_column("Kind")
    for head in ("New", "Changed"):
        table.add_column(head, justify="right")
    for kind in dict.fromkeys(w.kind.name for w in plan.writes):
        new, changed = counts[kind, True], counts[kind, False]
        table.add_row(
            kind,
            Text(str(new or "·"), "green" if new else "dim"),
            Text(str(changed or "·"), "yellow" if changed else "dim"),
        )
    if plan.writes:
        yield table
        yield Text()
    if plan.left_alone:
        kept = ", ".join(f"{n} × {kind}" for kind, n in plan.left_alone.items())
        yield _indented(Text(f"Left alone, since the snapshot does not have them: {kept}."), 0)
    new = sum(w.creates for w in plan.writes)
    said = (
        f"{new} to make, {len(plan.writes) - new} to change, {plan.unchanged} as they should be"
        if plan.writes
        else f"nothing to write, {plan.unchanged} objects are as they should be"
    )
    yield Text(f"{inline(where)}: {said}.", "bold" if plan.writes else "bold green")


def _written(name: str, before: Mapping[str, Any], value: Any) -> list[FieldDifference]:
    if name in before:
        return between((name,), before[name], value)
    return [FieldDifference(path=(name,), kind="added", after=value)]


# --- history ----------------------------------------------------------------------------------------------------


def history(records: Sequence[Record]) -> Iterator[RenderableType]:
    """Who ran what, when, and how it ended; the newest last, where the prompt is."""
    table = _table()
    table.add_column("Record", no_wrap=True)
    for head in ("Who", "Limit"):
        table.add_column(head, overflow="fold")
    for head in ("Hosts", "Changed", "Findings"):
        table.add_column(head, justify="right")
    table.add_column("Ended", no_wrap=True)
    for record in records:
        changed = sum(r.outcome == "changed" for r in record.hosts)
        table.add_row(
            Text(inline(record.id), "bold"),
            Text(inline(record.who)),
            Text(inline(record.limit) or "–"),
            str(len(record.hosts)),
            str(changed or "–"),
            str(len(record.findings) or "–"),
            Text(_ended(record.exit_code), "green" if record.exit_code == 0 else "yellow"),
        )
    yield table
    yield Text(f"{several(len(records), 'run')}. One in full: samdrift history RECORD")


def _ended(code: int) -> str:
    return f"{code} {MEANINGS.get(code, '')}".rstrip()


def pulled(fleet: Fleet, changed: Sequence[ObjectDifference], directory: str) -> Iterator[RenderableType]:
    """What a pull changed in a snapshot: a line an object, up to so many."""
    for change in changed[:MOST_CHANGES]:
        yield Text.assemble((f"{change.kind:8}", CHANGE_STYLES[change.kind]), " ", inline(change.title))
    if len(changed) > MOST_CHANGES:
        yield Text(f"and {several(len(changed) - MOST_CHANGES, 'other object')}")
    whole = f"{several(len(fleet.hosts), 'host')}, digest {fleet.digest[:12]}"
    if changed:
        yield Text(f"{several(len(changed), 'object')} changed in {inline(directory)}: {whole}", "bold")
    else:
        yield Text(f"Nothing changed: {inline(directory)} says what NetBox says ({whole}).", "bold green")


MOST_CHANGES = 20
CHANGE_STYLES = {"added": "green", "removed": "red", "changed": "yellow"}


def record(shown: Record, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """One run in full."""
    yield Text.assemble((inline(shown.id), "bold"), "  ", (inline(shown.command), "cyan"))
    facts = [
        ("who", shown.who),
        ("started", shown.started),
        ("finished", shown.finished),
        ("command", "samdrift " + " ".join(shown.argv)),
        ("limit", shown.limit),
        ("inventory", f"{shown.fleet_source}  {shown.fleet_digest[:12]}  {shown.fleet_time}".rstrip()),
        ("code", shown.code_digest[:12]),
        ("plan", shown.plan_digest[:12]),
        ("ended", _ended(shown.exit_code)),
    ]
    yield _indented(_facts([(k, v) for k, v in facts if v]))
    yield Text()
    if shown.hosts:
        yield from results(shown.hosts, names)
        yield Text()
    if shown.checks:
        yield Text(_checks_summary(shown.checks))
        yield Text()
    yield from findings(shown.findings, names)


# --- the lab ----------------------------------------------------------------------------------------------------


def lab(status: LabStatus) -> Iterator[RenderableType]:
    """Which hosts of the lab run, and what a crash left behind."""
    table = _table()
    for head in ("Host", "Address", "State"):
        table.add_column(head)
    table.add_column("Up", justify="right")
    for host_ in status.hosts:
        state, colour = ("cut off", "yellow") if host_.cut_off else ("running", "green")
        shown = Text(state, colour) if host_.running else Text("stopped", "dim")
        up = f"{host_.seconds / 60:.0f} min" if host_.running else ""
        table.add_row(Text(inline(host_.name), "bold"), str(host_.address), shown, up)
    if status.hosts:
        yield table
    for left in status.leftovers:
        yield Text(f"left over: {inline(left)}", "yellow")
    running = sum(h.running for h in status.hosts)
    clean = "; samdrift lab down cleans up" if status.leftovers else ""
    yield Text(f"{several(running, 'lab host')} running, in {inline(status.directory)}{clean}.", "bold")


# --- the parts that tables are made of --------------------------------------------------------------------------


def _table() -> Table:
    return Table(box=LINE, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold dim")


def _facts(rows: Sequence[tuple[str, str]]) -> Table:
    """Names and values, in two columns without heads."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(inline(name)), Text(safe(value)))
    return table


def _indented(what: RenderableType, by: int = 2) -> RenderableType:
    return Padding(what, (0, 0, 0, by), expand=False)
