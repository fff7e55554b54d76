"""Whether the person who asks may have samdrift do this with these hosts, as `inventory/people.yaml` grants it.

On a management station an account of its own holds the key that samdrift logs in to hosts with (role
`management_station`), and people run samdrift as it, by sudo. There it is asked. Who has a key of his own needs no
leave of samdrift's to use it, and is none of its business: in the lab, in CI, root.

Not here: what people may do on hosts themselves (`roles.shared.people`), and who approves a plan.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.runs.caller import PROC, login_in, name_of
from inventory.errors import SamdriftError
from inventory.fleet import Host
from inventory.frozen import Frozen
from inventory.organisation import People, RunVerb
from roles.shared.people import RUNS_AS

CHANGING = frozenset({"apply", "restore", "guard-restore", "guard-clear"})
"""The commands that need leave to apply; the others, to plan."""


class Asking(Frozen):
    """Who asks, as the kernel says: the account of this process, and the person whose login it came of, if any."""

    account: str
    person: str | None


def asking(environment: Mapping[str, str] = os.environ, loginuid: Path = PROC / "self" / "loginuid") -> Asking:
    """Return who asks.

    A login's number (loginuid) is inherited, and nobody but root can change it. Where the kernel has none, sudo says
    who called it: as the account that people run samdrift as, nothing but sudo starts a process.
    """
    login = login_in(loginuid)
    if login is None and (called_by := environment.get("SUDO_UID", "")).isdecimal():
        login = int(called_by)
    return Asking(account=name_of(os.getuid()), person=None if login is None else name_of(login))


def require_leave(people: People, asking: Asking, command: str, hosts: Iterable[Host]) -> None:
    """Refuse a command that whoever asks may not have samdrift do with all of these hosts.

    Raises:
        SamdriftError: with the municipalities that it may not be done for.
    """
    verb: RunVerb = "apply" if command in CHANGING else "plan"
    if asking.account != RUNS_AS or (asking.person is None and verb == "plan"):
        return
    if asking.person is None:
        fix = "plan, drift and verify may be scheduled; whoever applies logs in"
        raise SamdriftError("a scheduled job changes nothing", where=command, fix=fix)
    person = people.person(asking.person)
    if person is None:
        fix = "somebody who may merge adds the person to inventory/people.yaml"
        raise SamdriftError(f"{asking.person} is nobody whom the organisation knows", where=command, fix=fix)
    about = sorted({host.tenant for host in hosts})
    if refused := [slug for slug in about if not person.may(verb, slug)]:
        mine = [slug for slug in about if slug not in refused]
        fix = f"--limit '{' or '.join(mine)}'" if mine else f"ask somebody who may {verb} there: docs/people.md"
        raise SamdriftError(f"{person.name} may not {verb} for {', '.join(refused)}", where=command, fix=fix)
