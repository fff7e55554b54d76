"""Write a review as Markdown that fits a merge request's comment: the impact, then each difference folded.

GitHub takes 65,536 characters, GitLab about a million; a comment that is refused tells nobody anything. So whatever the
change is, the text is at most `markdown_parts.LARGEST`: diffs are left out, the longest first, lists end with how many
more there are, and the whole is an artefact (`--html`, `--out`). Everything in it is a merge request's, and escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from deploy.model.alike import Alike
from deploy.model.difference import Difference
from deploy.model.review import PolicyResult, Reached, Review, breaches_in_lines, hosts_in_short
from deploy.model.text import several
from deploy.report.markdown_parts import LARGEST, cut_at, fenced, plain, that_fit

TOO_LONG = "Cut here: this is too long for a comment. The whole is in the job's artefacts."
NOTE = 200
"""Characters that are kept free for saying that something was left out."""
FOLD = 120
"""Characters that folding a difference takes beside its title and content."""
LISTED = 25
"""Things of one kind that are listed."""
LONGEST = 300
"""Characters of one line."""


def markdown(review: Review, *, largest: int = LARGEST) -> str:
    """Return the text, of at most so many characters."""
    titles = [_title(found) for found in review.alike]
    contents = ["\n".join(_content(found)) for found in review.alike]
    head = [f"## samdrift review: {headline(review)}", "", *_impact(review)]
    room = largest - sum(len(line) + 1 for line in head) - sum(len(title) + FOLD for title in titles) - 400
    shown = that_fit(contents, room)
    if left_out := len(titles) - len(shown):
        note = (
            f"**{several(left_out, 'difference')} of {len(titles)} stand here by name alone**, as they would not fit."
        )
        head += [f"{note} The whole is in the job's artefacts.", ""]
    text = cut_at("\n".join(head), largest - NOTE, TOO_LONG) + "\n"
    for number, title in enumerate(titles):  # whole or not at all: what is open must be closed
        block = "\n".join(_folded(title, contents[number] if number in shown else "")) + "\n"
        if len(text) + len(block) > largest - NOTE:
            return f"{text}\n**{TOO_LONG}**\n"
        text += block
    return text


def headline(review: Review) -> str:
    """Say in a line what a change does; safe in Markdown."""
    hosts, steps = review.compared
    if broken := len(review.new_breaches):
        return f"{several(broken, 'policy', 'policies')} newly broken; {_hosts(review)}"
    if not review.hosts and not review.nowhere:
        counted = f"({several(hosts, 'host')} and {several(steps, 'step')} compared)"
        return f"no host changes {counted}" if hosts else "**no host was compared**"
    return _hosts(review)


def _hosts(review: Review) -> str:
    words = {"changed": "would change", "new": "new", "gone": "managed no more", "unknown": "unknown"}
    of = [(review.changed(how), word) for how, word in words.items()]  # type: ignore[arg-type]  # its own words
    parts = [f"{several(len(hosts), 'host')} {word}" for hosts, word in of if hosts]
    return f"{', '.join(parts) or 'no host changes'} (of {review.compared[0]})"


def _impact(review: Review) -> Iterator[str]:
    yield from (f"{plain(review.against)} → {plain(review.of)}", "")
    if review.hosts:
        yield from ("| Municipality | Would change | New | Managed no more | Unknown |", "|---|---|---|---|---|")
        for slug, hosts in review.by_municipality.items():
            cells = [[h.host for h in hosts if h.how == how] for how in ("changed", "new", "gone", "unknown")]
            shown = " | ".join(f"{len(cell)}: {plain(hosts_in_short(cell))}" if cell else "–" for cell in cells)
            yield f"| {plain(review.name_of(slug))} | {shown} |"
        yield ""
    for policy in review.policies:
        yield from _policy(policy)
    yield from _listed("Who may reach what", list(map(_reached, review.reached)))
    yield from _of_hosts("Could cut a host off, and is not guarded", review.unguarded)
    yield from _of_hosts("Guarded steps", review.guarded)
    yield from _of_hosts("Restarts", review.restarts)
    yield from _of_hosts("Secrets that stand in what differs", review.secrets)
    settings = [f"{s.role}.{s.field}: {s.before} → {s.after} ({hosts_in_short(s.hosts, 3)})" for s in review.settings]
    yield from _listed("Settings", settings)
    if review.controls:
        yield from (f"Controls of the roles: {plain(', '.join(review.controls))}", "")
    unsound = [f"{h.host}: {why}" for h in review.hosts for why in h.why] + list(review.nowhere)
    yield from _listed("Not sound: nobody knows what they should be", unsound)
    if review.looks:
        yield from (plain(review.looks_in_short), "")
    if review.code_moved:
        moved = hosts_in_short([name.removeprefix("roles.shared.") for name in review.code_moved])
        yield from (f"Code of operations moved, with the same result: {plain(moved)}.", "")


def _reached(reached: Reached) -> str:
    short = reached.opening.model_copy(update={"hosts": (hosts_in_short(reached.opening.hosts, 4),)})
    ends = f" [{reached.answer}: {reached.decided_by}]" if reached.answer else ""
    return f"{short.in_words}{ends}"


def _policy(policy: PolicyResult) -> Iterator[str]:
    kinds = (("newly broken", policy.new), ("broken before, too", policy.before), ("holds again", policy.mended))
    for title, breaches in kinds:
        if breaches:
            yield from _listed(f"Policy {policy.id}: {title}", [policy.reason, *breaches_in_lines(breaches)])
    if policy.fault:
        yield from _listed(f"Policy {policy.id} cannot be asked", [policy.fault])


def _of_hosts(title: str, found: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield from _listed(title, [f"{what} ({hosts_in_short(hosts, 3)})" for what, hosts in found.items()])


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    yield from (f"**{plain(title)}**", "")
    for line in lines[:LISTED]:
        yield f"- {plain(line if len(line) <= LONGEST else f'{line[:LONGEST]}…')}"
    if len(lines) > LISTED:
        yield f"- … and {len(lines) - LISTED} more"
    yield ""


def _title(found: Alike[Difference]) -> str:
    first, name = found.first, found.shown("name")
    name = name if len(name) <= 80 else f"{name[:80]}…"
    how = "declared no more: what is there stays" if first.how == "gone" else first.how
    hosts = f"{several(len(found.hosts), 'host')}: {hosts_in_short(found.hosts, 4)}"
    return f"<b>{plain(f'{first.role}: {name}' if first.role else name)}</b> {plain(how)}, {plain(hosts)}"


def _content(found: Alike[Difference]) -> Iterator[str]:
    yield from fenced("diff", found.shown("diff").rstrip("\n").splitlines())
    for name, values in found.own_values.items():
        pairs = [f"{host} {value}" for host, value in zip(found.hosts, values, strict=True)]
        yield f"- «{name}»: {plain(hosts_in_short(pairs, 10))}"
    yield ""


def _folded(title: str, content: str) -> list[str]:
    if not content.strip():
        return [f"- {title}", ""]
    return [f"<details><summary>{title}</summary>", "", content, "</details>", ""]
