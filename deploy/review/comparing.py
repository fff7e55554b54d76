"""Compare two states: what differs of which host, what opens, which settings say why. Pure but for reading the states.

Equal hosts have equal lines, and are passed over. Equal pairs of texts are compared once, however many hosts have them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from deploy.model.difference import Difference, How
from deploy.model.openings import Opening, compared
from deploy.model.review import Reached, Review, ReviewedHost, SettingChange
from deploy.model.text import in_brief
from deploy.review import texts
from deploy.review.state import HostState, State, Step
from roles.shared.device.vendor import WITHHELD
from roles.shared.filtering import Rule

SEARCH = "search"
"""The kind of what a look searches for, which changes nothing on a host."""
StepKey = tuple[str, str]
CALLED_BY_WHAT_THEY_WANT = frozenset({"package", "account"})
NO_FILTER = "none of its roles says what it lets in"


@dataclass
class _Rules:
    """What a host lets in and through, as `openings.compared` asks for it."""

    lets_in: tuple[Rule, ...] = ()
    lets_through: tuple[Rule, ...] = ()


@dataclass
class _Found:
    hosts: list[ReviewedHost] = field(default_factory=list)
    openings: dict[Opening, list[str]] = field(default_factory=dict)
    settings: dict[tuple[str, str, str, str], list[str]] = field(default_factory=dict)
    looks: list[ReviewedHost] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    steps: int = 0


def review(before: State, after: State, against: str, of: str) -> Review:
    """Return what lies between two states.

    Args:
        against: what the state before is called.
        of: what the state after is called.
    """
    found = _Found()
    comparing = _Comparing(before, after, found)
    names = sorted({*before.hosts, *after.hosts})
    for name in names:
        comparing.host(name)
    order = {"opens": 0, "closes": 1, "not known": 2}
    openings = [o.model_copy(update={"hosts": tuple(hosts)}) for o, hosts in found.openings.items()]
    settings = [SettingChange(*what, hosts=tuple(hosts)) for what, hosts in found.settings.items()]
    return Review(
        against=against,
        of=of,
        compared=(len(names), found.steps),
        hosts=tuple(found.hosts),
        reached=tuple(Reached(o) for o in sorted(openings, key=lambda o: (order[o.kind], o.service, o.hosts))),
        settings=tuple(settings),
        looks=tuple(found.looks),
        code_moved=tuple(sorted(found.moved)),
        nowhere=tuple(texts.masked(p) for p in after.nowhere if p not in before.nowhere),
        names=before.names | after.names,
        municipalities={**before.municipalities, **after.municipalities},
    )


class _Comparing:
    """Two states, and what was found of them so far."""

    def __init__(self, before: State, after: State, found: _Found) -> None:
        self.before, self.after, self.found = before, after, found
        self._diff = cache(self._diff_of)

    def host(self, name: str) -> None:
        """Compare a host, if both have it."""
        if name not in self.before.hosts_set:
            self._new(self.after.host(name))
        elif name not in self.after.hosts_set:
            self._gone(self.before.host(name))
        elif (line := self.after.line_of(name)) == self.before.line_of(name):
            self._equal(line)
        else:
            self._both(self.before.host(name), self.after.host(name))

    def _equal(self, line: bytes) -> None:
        host = json.loads(line)
        self.found.steps += len(host["steps"])
        for by in {step.get("by", "") for step in host["steps"]}:
            self._code_of(by)

    def _code_of(self, by: str) -> None:
        module = by.rpartition(".")[0]
        if self.before.operations.get(module) != self.after.operations.get(module):
            self.found.moved.add(by)

    def _new(self, host: HostState) -> None:
        if host.problems:
            self._unknown(host)
            return
        self.found.steps += len(host.steps)
        steps = tuple(self._one(step, "new", host) for step in host.steps if step.kind not in {"restart", "search"})
        self.found.hosts.append(ReviewedHost(host.host, host.municipality, "new", steps, self._controls(steps)))
        self._opened(host.host, _Rules(), self._rules(self.after, host.filter) or _Rules())

    def _gone(self, host: HostState) -> None:
        self.found.hosts.append(ReviewedHost(host.host, host.municipality, "gone"))

    def _both(self, before: HostState, after: HostState) -> None:
        if after.problems:
            self._unknown(after)
            return
        if before.problems:  # what it was is not known: all of it may be new
            why = tuple(f"before: {texts.masked(problem)}" for problem in before.problems)
            steps = tuple(self._one(step, "new", after) for step in after.steps if step.kind != "restart")
            of = (after.host, after.municipality)
            self.found.hosts.append(ReviewedHost(*of, "changed", steps, self._controls(steps), why))
            return
        self.found.steps += len(after.steps)
        found = tuple(self._differences(before, after))
        differences = tuple(d for d in found if d.kind != SEARCH)
        if searches := tuple(d for d in found if d.kind == SEARCH):
            self.found.looks.append(ReviewedHost(after.host, after.municipality, "changed", searches))
        if differences:
            controls = self._controls(differences)
            self.found.hosts.append(ReviewedHost(after.host, after.municipality, "changed", differences, controls))
            self._settings(before, after, {d.role for d in differences})
        if before.filter != after.filter:
            self._filters(before, after)

    def _unknown(self, host: HostState) -> None:
        why = tuple(map(texts.masked, host.problems))
        self.found.hosts.append(ReviewedHost(host.host, host.municipality, "unknown", why=why))

    def _differences(self, before: HostState, after: HostState) -> Iterator[Difference]:
        old = {(s.role, s.name): s for s in before.steps}
        new = {(s.role, s.name): s for s in after.steps}
        old = _renamed(old, new)
        for key, step in new.items():
            if key not in old:
                yield self._one(step, "new", after)
            elif (difference := self._changed(old[key], step)) is not None:
                yield difference
            else:
                self._code_of(step.by)
        for key, step in old.items():
            if key not in new:
                yield self._one(step, "gone", before)
        both = [key for key in new if key in old]
        if both != [key for key in old if key in new]:
            listed = ["".join(f"{role}: {name}\n" for role, name in of if (role, name) in both) for of in (old, new)]
            diff = texts.diff(listed[0], listed[1])
            yield Difference("", "order of the steps", "order", "done otherwise", diff)

    def _changed(self, old: Step, new: Step) -> Difference | None:
        """Return how a step differs; None if it does not. What runs it, and what it searches, is no difference."""
        if (old.text, old.meta) != (new.text, new.meta):
            diff = self._diff(old.text, new.text, new.kind == "configuration") if old.text != new.text else ""
            meta = f"owner, mode: {old.meta} -> {new.meta}\n" if old.meta != new.meta else ""
            return self._made(new, "changed", meta + diff)
        if (old.done, old.then, old.unguarded) != (new.done, new.then, new.unguarded):
            diff = self._diff(old.done, new.done, new.kind == "configuration") if old.done != new.done else ""
            then = texts.diff("".join(f"{t}\n" for t in old.then), "".join(f"{t}\n" for t in new.then))
            return self._made(new, "done otherwise", diff + (then if old.then != new.then else ""))
        return None

    def _made(self, step: Step, how: How, diff: str) -> Difference:
        restarts = step.then if how in {"new", "changed"} else ()
        own = (step.name,) if step.kind == "restart" and how == "changed" else ()
        of = (step.role, texts.masked(step.name), step.kind, how, diff)
        return Difference(*of, step.guard, step.unguarded, restarts or own, step.secrets)

    def _one(self, step: Step, how: How, host: HostState) -> Difference:
        """Return a step that is there on one side alone. Of a host that is new, nobody reads its texts here."""
        whole = how == "new" and host.host in self.before.hosts_set
        diff = self._diff("", step.text, step.kind == "configuration") if whole else ""
        return self._made(step, how, diff)

    def _diff_of(self, old: str, new: str, of_device: bool) -> str:
        """Compare two texts; one that is not there is looked for in both states, which have the same of it."""
        side = self.before if self.before.has(old) else self.after
        return texts.diff(side.text(old), self.after.text(new), of_device=of_device)

    def _controls(self, differences: tuple[Difference, ...]) -> tuple[str, ...]:
        roles = {d.role for d in differences}
        return tuple(sorted({c for role in roles for c in self.after.controls.get(role, ())}))

    def _settings(self, before: HostState, after: HostState, roles: set[str]) -> None:
        """Note which settings of the roles that differ do, in a few words: they say why."""
        for role in sorted(roles & before.settings.keys() & after.settings.keys()):
            if before.settings[role] == after.settings[role]:
                continue
            old, new = (
                json.loads(self.before.text(before.settings[role])),
                json.loads(self.after.text(after.settings[role])),
            )
            for name in sorted({*old, *new}):
                if old.get(name) != new.get(name):
                    what = (role, name, *_in_brief(name, old.get(name), new.get(name)))
                    self.found.settings.setdefault(what, []).append(after.host)

    def _rules(self, state: State, digest: str) -> _Rules | None:
        document = json.loads(state.text(digest)) if digest else None
        if document is None:
            return None
        return _Rules(tuple(map(_rule, document["in"])), tuple(map(_rule, document["through"])))

    def _filters(self, before: HostState, after: HostState) -> None:
        old, new = self._rules(self.before, before.filter), self._rules(self.after, after.filter)
        if old is None and new is None:
            return
        if old is None or new is None:
            when = "before" if old is None else "now"
            unknown = Opening(kind="not known", hosts=(), why=f"{when}, {NO_FILTER}")
            self.found.openings.setdefault(unknown, []).append(after.host)
            return
        self._opened(after.host, old, new)

    def _opened(self, host: str, old: _Rules, new: _Rules) -> None:
        for opening in compared(old, new):
            self.found.openings.setdefault(opening, []).append(host)


def _renamed(old: Mapping[StepKey, Step], new: Mapping[StepKey, Step]) -> dict[StepKey, Step]:
    """Return the steps before, by the names that they have now.

    A step may be called by what it wants (`packages a, b`): where one of a role's operation goes and one comes, it is
    one that changes.
    """

    def alone(of: Mapping[StepKey, Step], other: Mapping[StepKey, Step]) -> dict[tuple[str, str], StepKey]:
        found: dict[tuple[str, str], list[StepKey]] = {}
        for key, step in of.items():
            if key not in other and step.kind != "restart":
                found.setdefault((step.role, step.by), []).append(key)
        return {what: keys[0] for what, keys in found.items() if len(keys) == 1}

    comes = alone(new, old)
    called = {gone: comes[what] for what, gone in alone(old, new).items() if what in comes}
    called = {gone: now for gone, now in called.items() if old[gone].kind in CALLED_BY_WHAT_THEY_WANT}
    return {called.get(key, key): step for key, step in old.items()}


def _rule(document: Mapping[str, Any]) -> Rule:
    return Rule.model_validate({**document, "why": texts.masked(str(document["why"])), "text": ""})


def _in_brief(name: str, old: object, new: object) -> tuple[str, str]:
    """Say two values of a setting in a few words: of lists, what comes and what goes."""
    if isinstance(old, list) and isinstance(new, list):
        gone, comes = [v for v in old if v not in new], [v for v in new if v not in old]
        old, new = (gone, comes) if gone or comes else ("in another order", "")
    pair = [texts.shown(f"{name}: {in_brief(value)}", of_device=False)[0] for value in (old, new)]
    before, after = (text.removeprefix(f"{name}: ") if text else WITHHELD for text in pair)
    return before, after
