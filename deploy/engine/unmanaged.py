"""What there is on a host and none of its roles declares: searches asked, and lines of a device's configuration. Thin.

Not here: what is searched for and what counts as declared (`roles.shared.searches`), and what is said of it
(`deploy.model.unmanaged`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial

from deploy.engine.connector import LookFailed
from deploy.engine.declare import Declared
from deploy.engine.device_connector import DeviceConnector
from deploy.model.plan import Unmanaged
from deploy.transport.rounds import Rounds
from deploy.transport.ssh import Answer
from roles.shared.catalogue import catalogue
from roles.shared.device.configure import RunningConfiguration, compared, ours_on, require_shown
from roles.shared.device.difference import Difference
from roles.shared.device.letting_in import CameIn
from roles.shared.searches.search import FILE, STRAY, Declarations, Search, Unread, matches
from roles.shared.searches.together import apart, together
from roles.shared.settings import Settings


def differences(declared: Declared, running: str) -> list[tuple[str, Difference]]:
    """Return what tells a device's running configuration from what each of its roles declares, by role."""
    looks = _came_in(declared).looks
    return [
        (of.role, compared(running, of, ours_on(declared.target, of.role), looks=looks))
        for of in declared.configurations
    ]


def running_configuration(declared: Declared, platform: str) -> str:
    """Return all that a device's configuration says; asked twice in a round, it is asked once."""
    looks = _came_in(declared).looks
    with declared.context():
        running: str = declared.target.get_fact(RunningConfiguration, platform=platform, looks=looks)
    return require_shown(platform, running)


def _came_in(declared: Declared) -> CameIn:
    if not isinstance(declared.connector, DeviceConnector):
        raise LookFailed("it is no device", where=f"host {declared.target.name}")
    return declared.connector.came_in


def searching(
    declared: Declared, settings: Mapping[str, Settings], rounds: Rounds, found: list[Unmanaged], *, all_roles: bool
) -> list[Callable[[], None]]:
    """Return the jobs of a look that search a server, one for each search; all are asked in one round.

    Those that need not be asked as root by themselves are one question of that round: to begin processes is most of
    what they cost a host.

    Args:
        settings: of the roles that the look is about.
        found: gets what stands there and nobody declares.
        all_roles: they are all that the host has, so that what they do not declare is declared by none.
    """
    expected = declarations_of(declared, settings)
    asked = [(r, s) for r in settings for s in catalogue()[r].searches if all_roles or not s.needs_all]
    of_all = sorted((search for _, search in asked if not search.as_root), key=lambda search: search.is_slow)
    questions = list(dict.fromkeys(search.asked for search in of_all))
    parts = lru_cache(maxsize=1)(apart)

    def answer(search: Search) -> Answer:
        if search.as_root:
            return rounds.ask(search.asked_alone)
        whole = rounds.ask(together(questions))
        place, given = questions.index(search.asked), parts(whole.stdout)
        if place < len(given):
            return Answer(rc=0, stdout=given[place], stderr="")
        return whole.model_copy(update={"stdout": ""})  # there was no time for it

    def job(role: str, search: Search) -> None:
        found.extend(_found(role, search, answer(search), expected))

    return [partial(job, role, search) for role, search in asked]


GUARDS_OWN = ("/etc/systemd/system/samdrift-guard.*", "*/.*.samdrift-kept~")
"""What a host has while it is about to undo a change, which is told by itself."""


def but_for_guards(found: Iterable[Unmanaged], armed: str) -> list[Unmanaged]:
    """Return what was found, of an armed host without what its unconfirmed change keeps there."""
    return [
        thing for thing in found if not armed or not any(matches(own, thing.path or thing.name) for own in GUARDS_OWN)
    ]


def declarations_of(declared: Declared, settings: Mapping[str, Settings]) -> Declarations:
    """Return what a host's roles declare, as searches compare with it."""
    expects: dict[str, tuple[str, ...]] = {STRAY: tuple(path for role in settings for path in catalogue()[role].makes)}
    for role, of in settings.items():
        for kind, patterns in catalogue()[role].expects(of).items():
            expects[kind] = (*expects.get(kind, ()), *patterns)
    return Declarations(
        packages=frozenset(declared.packages),
        units=frozenset(declared.units),
        files=frozenset(f.path for f in declared.files),
        owned=frozenset(directory for role in settings for directory in catalogue()[role].owns),
        accounts=declared.accounts,
        listens=tuple(listen for role, of in settings.items() for listen in catalogue()[role].listens(of)),
        expects=expects,
    )


def _found(role: str, search: Search, answer: Answer, expected: Declarations) -> Iterator[Unmanaged]:
    try:
        found = search.unexpected(answer.stdout, expected, rc=answer.rc)
    except Unread as why:  # nothing found would say that there is nothing
        yield Unmanaged(role=role, kind=search.kind, state=str(why))
        return
    for thing in found:
        if search.kind == FILE:
            yield Unmanaged(role=role, path=thing.name, state=thing.state)
        else:
            remove = tuple(word.replace("{name}", thing.name) for word in search.remove)
            yield Unmanaged(role=role, kind=search.kind, name=thing.name, state=thing.state, remove=remove)
