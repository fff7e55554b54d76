"""What `review` shows: the impact first, then each difference once with its hosts.

Everything in it is a merge request's, and so untrusted: it only ever becomes `Text`, made safe first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from deploy.model.alike import Alike
from deploy.model.difference import Difference
from deploy.model.review import Review, ReviewedHost, breaches_in_lines, hosts_in_short
from deploy.model.text import inline, several
from deploy.views.parts import diff, indented

LINES = 40
"""Lines of one difference that a terminal shows; the files that the options name have all."""
LONGEST_NAME = 80
SHOWN = 40
"""Things of one kind that are named one by one."""
COLOURS = {
    "new": "green",
    "gone": "bold red",
    "changed": "bold yellow",
    "done otherwise": "cyan",
    "unknown": "bold red",
}


def page(review: Review) -> Iterator[RenderableType]:
    """Show a review."""
    yield from _headline(review)
    if review.hosts or review.nowhere:
        yield from _impact(review)
    yield from _policies(review)
    yield from _differences(review)


def _headline(review: Review) -> Iterator[RenderableType]:
    hosts, steps = review.compared
    between = f"{inline(review.against)} → {inline(review.of)}"
    if not review.hosts and not review.nowhere:
        counted = f"({several(hosts, 'host')}, {several(steps, 'step')} compared, {between})"
        yield Text.assemble(("No host changes. " if hosts else "No host was compared. ", "bold green"), counted)
    else:
        parts = (several(len(review.changed("changed")), "host") + " would change",)
        more = [
            f"{several(len(of), 'host')} {what}"
            for how, what in (("new", "new"), ("gone", "managed no more"), ("unknown", "unknown"))
            if (of := review.changed(how))  # type: ignore[arg-type]
        ]
        yield Text.assemble((", ".join((*parts, *more)), "bold"), f" of {hosts} ({between})")
    if review.looks:
        yield indented(Text(inline(review.looks_in_short), "dim"), 0)
    if review.code_moved:
        names = hosts_in_short([name.removeprefix("roles.shared.") for name in review.code_moved], 4)
        why = "what it does on a host that is neither empty nor as it should be, only a plan tells"
        yield indented(Text(inline(f"Code of operations moved, with the same result: {names}; {why}."), "dim"), 0)
    yield Text()


def _impact(review: Review) -> Iterator[RenderableType]:
    for slug, hosts in review.by_municipality.items():
        yield indented(Text.assemble((inline(review.name_of(slug)), "bold"), "  ", *_by_how(hosts)), 0)
    yield Text()
    yield from _reach(review)
    yield from _listed("Guarded steps", review.guarded)
    yield from _listed("Could cut a host off, and is not guarded", review.unguarded, "bold red")
    yield from _listed("Restarts", review.restarts)
    yield from _listed("Secrets that stand in what differs", review.secrets)
    yield from _listed("Controls", review.controls)
    settings = [
        f"{s.role}.{s.field}: {_cut(s.before)} → {_cut(s.after)}  ({hosts_in_short(s.hosts, 3)})"
        for s in review.settings
    ]
    yield from _lines("Settings", settings)
    unknown = [f"{host.host}: {why}" for host in review.changed("unknown") for why in host.why]
    unknown += [f"{host.host}: {why}" for host in review.changed("changed") for why in host.why]
    yield from _lines("Not sound, so nobody knows what they should be", [*unknown, *review.nowhere], "bold red")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"


def _by_how(hosts: Sequence[ReviewedHost]) -> Iterator[tuple[str, str]]:
    for how in ("changed", "new", "gone", "unknown"):
        of = [host.host for host in hosts if host.how == how]
        if of:
            word = {"gone": "managed no more", "changed": "would change"}.get(how, how)
            yield (f"{word}: {inline(hosts_in_short(of))}  ", COLOURS[how])


def _reach(review: Review) -> Iterator[RenderableType]:
    lines = []
    for reached in review.reached:
        short = reached.opening.model_copy(update={"hosts": (hosts_in_short(reached.opening.hosts, 4),)})
        ends = f"  [{reached.answer}: {reached.decided_by}]" if reached.answer else ""
        lines.append(short.in_words + ends)
    yield from _lines("Who may reach what", lines, "bold magenta")


def _listed(title: str, found: Mapping[str, Sequence[str]], style: str = "bold") -> Iterator[RenderableType]:
    yield from _lines(title, [f"{what}  ({hosts_in_short(hosts, 3)})" for what, hosts in found.items()], style)


def _lines(title: str, lines: Sequence[str], style: str = "bold") -> Iterator[RenderableType]:
    if not lines:
        return
    yield Text(title, style)
    yield from _plain(lines)
    yield Text()


def _policies(review: Review) -> Iterator[RenderableType]:
    for policy in review.policies:
        if policy.fault:
            yield Text(inline(f"Policy {policy.id} cannot be asked: {policy.fault}"), "bold red")
        for title, breaches, style in (
            ("newly broken", policy.new, "bold red"),
            ("holds again", policy.mended, "green"),
        ):
            if breaches:
                yield Text.assemble((inline(f"Policy {policy.id}: {title}"), style), f"  {inline(policy.reason)}")
                yield from _plain(breaches_in_lines(breaches))
        if policy.before:
            hosts = hosts_in_short(tuple(dict.fromkeys(b.host for b in policy.before if b.host)), 3)
            times = several(len(policy.before), "time")
            yield Text(inline(f"Policy {policy.id} was broken before, too: {times} ({hosts or 'in all'})"), "yellow")
    if any(p.new or p.before or p.mended or p.fault for p in review.policies):
        yield Text()


def _plain(lines: Sequence[str]) -> Iterator[RenderableType]:
    for line in lines[:SHOWN]:
        yield Padding(Text(inline(line)), (0, 0, 0, 2), expand=False)
    if len(lines) > SHOWN:
        yield Padding(Text(f"… and {len(lines) - SHOWN} more", "dim"), (0, 0, 0, 2), expand=False)


def _differences(review: Review) -> Iterator[RenderableType]:
    shown: dict[str, str] = {}
    for found in review.alike:
        yield _title(found)
        text = found.shown("diff")
        lines = text.rstrip("\n").split("\n") if text else []
        changed = "\n".join(line.strip("+- ") for line in lines if line.startswith(("+", "-")))
        if changed and changed in shown:
            yield indented(Text(inline(f"the same lines as in {shown[changed]}"), "dim"))
        elif lines:
            shown[changed] = found.shown("name")
            yield diff("\n".join(lines[:LINES]), 2)
            if len(lines) > LINES:
                yield indented(Text(f"… {len(lines) - LINES} more lines", "dim"))
        yield from _values(found)
        yield Text()


def _title(found: Alike[Difference]) -> RenderableType:
    first = found.first
    name = found.shown("name")
    name = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    how = "declared no more: what is there stays" if first.how == "gone" else first.how
    title = Text.assemble(
        (inline(f"{first.role}: {name}" if first.role else name), "bold"),
        "  ",
        (how, COLOURS[first.how]),
        (f"  {inline(hosts_in_short(found.hosts))}", "dim"),
    )
    return indented(title, 0)


def _values(found: Alike[Difference]) -> Iterator[RenderableType]:
    """Show by name what has another value on each host, of the first few hosts."""
    for name, values in list(found.own_values.items())[:4]:
        pairs = [f"{host} {value}" for host, value in zip(found.hosts, values, strict=True)]
        yield indented(Text(inline(f"«{name}»: {hosts_in_short(pairs, 4)}"), "dim"))


def document(review: Review) -> dict[str, object]:
    """Return a review as data: the impact, and each difference once with its hosts and their own values."""
    hosts, steps = review.compared
    return {
        "against": review.against,
        "of": review.of,
        "compared": {"hosts": hosts, "steps": steps},
        "hosts": [{"host": h.host, "municipality": h.municipality, "how": h.how, "why": h.why} for h in review.hosts],
        "guarded": review.guarded,
        "unguarded": review.unguarded,
        "restarts": review.restarts,
        "secrets": review.secrets,
        "controls": review.controls,
        "reach": [
            {**r.opening.model_dump(mode="json"), "answer": r.answer, "decided_by": r.decided_by}
            for r in review.reached
        ],
        "settings": [asdict(setting) for setting in review.settings],
        "policies": [asdict(policy) for policy in review.policies],
        "looks": [{"host": h.host, "role": d.role, "diff": d.diff} for h in review.looks for d in h.differences],
        "code_moved": review.code_moved,
        "not_sound": review.nowhere,
        "differences": [
            {
                "role": found.first.role,
                "name": found.shown("name"),
                "kind": found.first.kind,
                "how": found.first.how,
                "diff": found.shown("diff"),
                "hosts": found.hosts,
                "values": found.values,
            }
            for found in review.alike
        ],
        "exit_code": int(review.exit_code),
    }
