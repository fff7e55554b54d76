"""The difference between a device's running configuration and the one that its role intends. Pure.

hier_config compares the two and says what leads from one to the other; what tells vendors apart is their `Vendor`.
hier_config's own rules of vendors are not used, as they are made for other templates than ours: they take a second
`logging` server of AOS-CX for a new value of the first, and number the entries of access lists anew. Nor is its reader,
which joins what stands apart in a text.

- Only managed sections are touched, and in them a line goes only if it is samdrift's (`ownership`). What else runs, and
  is no vendor's default, is *unmanaged*: it is told, and stays.
- Order means nothing, as devices print lines in an order of their own; where it matters, the lines are numbered, or
  the vendor says so (`ordered`).
- What leaves a LAG does so first, as what the LAG is told then is none of its business; and of a port that joins or
  leaves one, all that is intended is typed again.
- A new value replaces the old one, which is not taken away before. Whole sections, routes and entries of tables are
  taken away last, when nothing refers to them any more.
- A device shows a secret in a form of its own, which cannot be compared with the secret. So the line without it is
  compared. That a secret has a new value nobody can see here: whoever knows it names it in `renew`, and its lines are
  typed again.
- No secret that a device showed is in a Difference. A rollback that would need one says `‹withheld›` in its place: it
  can be read, and that line of it not be typed. Nor can a line be taken back that is known by its secret alone (an SNMP
  community): it counts as unmanaged.

Not here: a session with a device (`deploy.transport.device`), and what a configuration should be (its role's template).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from hier_config import HConfig, HConfigChild, Platform, get_hconfig_driver
from hier_config.platforms.driver_base import HConfigDriverBase, HConfigDriverRules

from inventory.errors import SamdriftError
from inventory.frozen import Frozen
from inventory.secrets import MARK, PLACEHOLDER
from roles.shared.change import Removal
from roles.shared.device.canonical import without_defaults
from roles.shared.device.concealed import take_as_declared, with_marks
from roles.shared.device.lines import Lines, Path, Slot, is_in, is_permanent, opposite, paths, slot_of
from roles.shared.device.managed import ManagedSections, managed_sections
from roles.shared.device.masking import masked, masked_beside
from roles.shared.device.ordered import ordering
from roles.shared.device.ownership import NOTHING, Ours, Owner, last_declared, sections_of
from roles.shared.device.reading import Configuration, joins_lag, marks_over, put, read_configuration, tame
from roles.shared.device.vendor import WITHHELD, Vendor, any_of
from roles.shared.device.writing import as_text, in_order_of, sections_apart, shown_lines, typed_entries, without_secret
from roles.shared.lineage import Section


class Difference(Frozen):
    """The lines to type in a device's configuration mode, and what they change.

    Attributes:
        entries: make the managed sections what is intended, none if they are so; a text of several lines is one.
        rollback: the entries that make them what they were, typed after `entries`.
        before: the managed sections that run, in one order and form with `after`.
        after: those that are intended, secrets by name.
        unmanaged: each section that runs and is nobody's, as the device would show it, masked.
        removals: the lines that `entries` take away, and put nothing in the place of.
        concealed: intended lines of which an account that may only look is not shown whether they are there.
    """

    entries: tuple[str, ...]
    rollback: tuple[str, ...]
    before: str
    after: str
    unmanaged: tuple[str, ...]
    removals: tuple[Removal, ...] = ()
    concealed: tuple[str, ...] = ()


def difference(
    vendor: Vendor,
    running: str,
    intended: str,
    managed: Collection[Section],
    renew: Collection[str] = (),
    *,
    ours: Ours = NOTHING,
    looks: bool = False,
) -> Difference:
    """Compare a running configuration with the intended one.

    Args:
        managed: the sections that are a role's, each with all that stands below it: regular expressions for whole
            lines (words, in the `set` syntax), from the outermost on.
        renew: names of secrets whose value is another than the device was last told.
        ours: what may be removed; anything else that is not intended stays.
        looks: whether the running configuration is as an account that may only look is shown it.

    Raises:
        SamdriftError: the running configuration cannot be read, or the intended one is not what its role manages.
    """
    declared = last_declared(vendor, ours)
    sections = managed_sections((*managed, *sections_of(vendor, declared, managed)))
    printed = with_marks(vendor, tame(running)) if looks else tame(running)
    has = read_configuration(vendor, printed, sections)
    wants = read_configuration(vendor, intended, sections)
    _require_managed(vendor, wants)
    _require_unmarked(vendor, has, sections)
    concealed = take_as_declared(vendor, has, wants, declared) if looks else ()
    wants.managed = _all_alike(vendor, has.managed, wants.managed)
    has.managed, wants.managed = without_defaults(vendor.on(running), has.managed, wants.managed)
    owner = Owner(vendor, sections, declared, ours.named)
    owner.leave_the_rest(has, wants)
    _leave_what_only_a_secret_names(vendor, has, wants)
    known = _without_renewed(has.managed, wants, renew)
    known = _without_taken_along(vendor, known, has, wants)

    def stays(path: Path) -> bool:
        return is_permanent(vendor, path) or not sections.hold(path) or is_in(path, has.other)

    forth = _delta(vendor, known, wants.managed, stays)
    back = _delta(vendor, _without_taken_along(vendor, wants.managed, wants, has), has.managed, stays)
    typed = tuple(typed_entries(vendor, has, wants, forth, says=wants.raw))
    renewed = (line for lines in wants.hidden.values() for line in lines if _is_renewed(line, renew))
    moved, moved_back = ordering(vendor, has, wants)
    before = in_order_of(vendor, has.managed, wants.managed, ())
    after = as_text(shown_lines(vendor, wants.managed, wants.raw))
    wanted = {*paths(wants.managed)}
    as_it_was = {path: raw for path, raw in has.raw.items() if WITHHELD not in path[-1]}
    return Difference(
        entries=(*typed, *(line for line in renewed if line not in typed), *moved),
        rollback=(*typed_entries(vendor, wants, has, back, says=as_it_was), *moved_back),
        before=masked_beside(
            as_text(
                shown_lines(vendor, before, {p: raw for p, raw in as_it_was.items() if p not in wanted} | wants.raw)
            ),
            after,
        ),
        after=after,
        unmanaged=tuple(
            masked(as_text(shown_lines(vendor, alone, as_it_was))) for alone in sections_apart(vendor, has.other)
        ),
        removals=owner.removals(has, wants),
        concealed=concealed,
    )


# What is not compared


def _require_managed(vendor: Vendor, wants: Configuration) -> None:
    """Refuse an intended configuration with lines that its role does not manage, or with a secret where none is known
    to be.
    """
    where = f"the intended configuration for {vendor.name}"
    for alone in sections_apart(vendor, wants.other):
        shown = as_text(shown_lines(vendor, alone, {})).strip()
        raise SamdriftError(f"it has what its role does not manage: {shown!r}", where=where, fix="name it in `managed`")
    for path in paths(wants.managed):
        if MARK in path[-1] and WITHHELD not in path[-1]:
            fix = "name such lines in the vendor's `secrets`"
            raise SamdriftError(f"no secret is known to be in {path[-1]!r}", where=where, fix=fix)
    _require_one_value(vendor, wants.managed, where)


def _require_one_value(vendor: Vendor, lines: Lines, where: str, above: Path = ()) -> None:
    """Refuse two intended lines of which a device has one: the later would take the place of the other at each plan."""
    seen: dict[Slot, str] = {}
    for text, below in lines.items():
        slot = slot_of(vendor, (*above, text))
        if slot is not None and (other := seen.setdefault(slot, text)) != text:
            place = " / ".join(above) or "its outermost level"
            what = f"it has two lines of which a device has one, {other!r} and {text!r}, at {place}"
            raise SamdriftError(what, where=where, fix="let the template write one")
        if below:
            _require_one_value(vendor, below, where, (*above, text))


def _require_unmarked(vendor: Vendor, has: Configuration, managed: ManagedSections) -> None:
    """Refuse a running configuration in which what a role declares counts for nothing, with what is not the role's."""
    for path in marks_over(has, managed):
        alone: Lines = {}
        put(vendor, alone, path)
        says = as_text(shown_lines(vendor, alone, {})).strip()
        raise SamdriftError(
            f"{says!r} is in the running configuration: what its role declares below it would not be in force or not "
            "be taken",
            where=f"the running configuration of {vendor.name}",
            fix="take the mark away on the device, or delete what is marked",
        )


def _all_alike(vendor: Vendor, has: Lines, wants: Lines) -> Lines:
    """Want of every section of a kind that a device has what is wanted of the first: no way in is forgotten."""
    if not vendor.alike:
        return wants
    kind = any_of(*vendor.alike)
    first = next((text for text in wants if kind.search(text)), None)
    return (
        wants
        if first is None
        else wants | {text: wants[first] for text in has if kind.search(text) and text not in wants}
    )


def _leave_what_only_a_secret_names(vendor: Vendor, has: Configuration, wants: Configuration) -> None:
    """Move lines that can only be removed by quoting a device's secret from the managed to the other ones."""
    wanted = set(paths(wants.managed))
    for path in [p for p in paths(has.managed) if WITHHELD in p[-1] and p not in wanted]:
        slot = slot_of(vendor, path)
        replaced = slot is not None and any(p[:-1] == path[:-1] and slot_of(vendor, p) == slot for p in wanted)
        goes_alone = len(path) == 1 or path[:-1] in wanted or is_permanent(vendor, path[:-1])
        named = without_secret(vendor, path, has)[-1] if vendor.syntax == "set" else _taken_back(vendor, path, "")
        if goes_alone and not replaced and WITHHELD in named:
            _remove(has.managed, path)
            put(vendor, has.other, path)


def _remove(lines: Lines, path: Path) -> None:
    """Remove a line, and what it leaves empty."""
    text, *rest = path
    if rest:
        _remove(lines[text], tuple(rest))
    if not lines[text]:
        del lines[text]


def _without_renewed(lines: Lines, wants: Configuration, renew: Collection[str], above: Path = ()) -> Lines:
    """Return what a device has, without the lines whose secret is renewed: so they are typed."""
    if not renew:
        return lines
    return {
        text: _without_renewed(below, wants, renew, (*above, text))
        for text, below in lines.items()
        if not _is_renewed(wants.raw.get((*above, text), ""), renew)
    }


def _without_taken_along(vendor: Vendor, lines: Lines, has: Configuration, wants: Configuration) -> Lines:
    """Return what a device has, without the lines that go with one of their like: so those that stay are typed again.

    So are those that are nobody's: they are made wanted.
    """
    like = any_of(*vendor.together)
    heads = {found[0] for text in lines if text not in wants.managed and (found := like.match(text))}

    def goes(text: str) -> bool:
        found = like.match(text)
        return found is not None and found[0] in heads

    for text in [t for t in has.other if goes(t)]:
        has.managed[text] = wants.managed[text] = has.other.pop(text)
    return {text: below for text, below in lines.items() if not (goes(text) and text in wants.managed)}


def _is_renewed(line: str, renew: Collection[str]) -> bool:
    return any(m[1] in renew for m in PLACEHOLDER.finditer(line))


# Comparing


class _Driver(HConfigDriverBase):
    """A vendor's rules in hier_config's form: which line replaces which, and how a line is taken back."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor, self._stock = vendor, get_hconfig_driver(Platform[vendor.hier_config])
        self._slots: dict[int, tuple[object, Mapping[Slot | None, HConfigChild]]] = {}
        super().__init__()

    @staticmethod
    def _instantiate_rules() -> HConfigDriverRules:
        return HConfigDriverRules()

    @property
    def negation_prefix(self) -> str:
        """Return the vendor's prefix of lines that remove something."""
        return self._stock.negation_prefix

    @property
    def declaration_prefix(self) -> str:
        """Return the vendor's prefix of lines that set something."""
        return self._stock.declaration_prefix

    def swap_negation(self, child: HConfigChild) -> HConfigChild:
        """Turn a line into the one that takes it back."""
        child.text = _taken_back(self._vendor, tuple(child.path()), self.negation_prefix)
        return child

    def idempotent_for(self, config: HConfigChild, other_children: Iterable[HConfigChild]) -> HConfigChild | None:
        """Return the line among others that takes this one's place. Each set of others is looked through once."""
        slot = slot_of(self._vendor, tuple(config.path()))
        if slot is None:
            return None
        if id(other_children) not in self._slots:
            slots = {slot_of(self._vendor, tuple(other.path())): other for other in other_children}
            self._slots[id(other_children)] = other_children, slots  # kept, so that the id stays its own
        return self._slots[id(other_children)][1].get(slot)


def _taken_back(vendor: Vendor, path: Path, negation: str) -> str:
    text = path[-1]
    if vendor.syntax == "set":
        return f"{negation}{text}"
    if vendor.syntax == "blocks":
        word, _, rest = text.partition(" ")
        return f"delete {rest}" if word == "edit" else f"{negation}{rest.split(' ', 1)[0]}"
    if text.startswith("no "):
        return text.removeprefix("no ")
    short = next((m[0] for p in vendor.shortened if (m := re.match(p, text))), text)
    return f"no {short}"


def _delta(vendor: Vendor, has: Lines, wants: Lines, stays: Callable[[Path], bool]) -> HConfig:
    """Return what leads from one configuration to the other.

    Args:
        stays: tells of a section whether it must stay, as it cannot be removed or others' lines may stand below it;
            such are wanted empty, so that they are emptied.
    """

    def with_staying(has: Lines, wants: Lines, above: Path) -> Lines:
        texts = list(wants)
        before = ""
        for text in has:
            if text not in wants and stays((*above, text)):
                texts.insert(
                    texts.index(before) + 1 if before else 0, text
                )  # where it stands, for the order of removals
            before = text if text in wants or stays((*above, text)) else before
        return {text: with_staying(has.get(text, {}), wants.get(text, {}), (*above, text)) for text in texts}

    if has == wants:
        has = wants = {}
    driver = _Driver(vendor)
    moved = _differing(_without_lost(vendor, has, wants), with_staying(has, _joined(vendor, wants), ()))
    return _tree(driver, moved[0]).config_to_get_to(_tree(driver, moved[1]))


def _without_lost(vendor: Vendor, has: Lines, wants: Lines) -> Lines:
    """Return what a device has, without what a port may lose as it joins or leaves a LAG: so it is typed again."""

    def lost(text: str, below: Lines) -> Lines:
        wanted = wants.get(text, {})
        joined, joins = ({line for line in of if joins_lag(vendor, line)} for of in (below, wanted))
        if joined == joins:
            return below
        return {line: b for line, b in below.items() if line not in wanted and opposite(line) not in wanted}

    return {text: lost(text, below) for text, below in has.items()} if vendor.joins else has


def _joined(vendor: Vendor, wants: Lines) -> Lines:
    """Return what is wanted, with the line by which a port joins a LAG first, if joining discards earlier lines."""
    if not vendor.joins_first:
        return wants
    return {
        text: dict(sorted(below.items(), key=lambda line: not joins_lag(vendor, line[0])))
        for text, below in wants.items()
    }


def _differing(a: Lines, b: Lines) -> tuple[Lines, Lines]:
    """Return both configurations without the sections that are equal, which would only cost time."""
    below = {text: _differing(a[text], b[text]) for text in a if text in b and a[text] != b[text]}
    kept_a = {text: below[text][0] if text in below else a[text] for text in a if text in below or text not in b}
    kept_b = {text: below[text][1] if text in below else b[text] for text in b if text in below or text not in a}
    return kept_a, kept_b


def _tree(driver: _Driver, lines: Lines) -> HConfig:
    def fill(node: HConfig | HConfigChild, lines: Lines) -> None:
        for text, below in lines.items():
            fill(node.add_child(text, check_if_present=False), below)

    tree = HConfig(driver)
    fill(tree, lines)
    return tree
