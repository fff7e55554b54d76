"""Rehearse a plan: apply it to the twins of its hosts in the lab, prove it there, and compare.

The lab is another world with the same addresses, so it is worked on by a samdrift of its own, `samdrift --lab`. Not
here: the lab (`deploy.lab`), and what is asked of a person afterwards (`cli.runs`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deploy.model import clock
from deploy.model.plan import Plan
from deploy.model.plan_file import read_plan_file
from deploy.model.twins import Rehearsed, Twin, compared
from inventory.errors import SamdriftError, UsageError

SAMDRIFT = (sys.executable, "-m", "deploy.cli")

OF_REAL_HOSTS = frozenset(
    {
        f"SAMDRIFT_{option}"
        for option in ("IDENTITY", "KEY", "LIMIT", "LOOK_KEY", "LOOK_USER", "SOURCE", "STATE", "USER")
    }
)
"""Options from the environment that mean the real hosts, and nothing in the lab: it has keys and a store of its own."""


class RehearsalFailed(SamdriftError):
    """What was planned did not go well on the twins; no real host was changed.

    Attributes:
        rehearsed: on which twins, and what went wrong.
    """

    rehearsed = Rehearsed(twins=())

    def __init__(self, what: str, exit_code: int, fix: str) -> None:
        super().__init__(what, fix=fix)
        self.exit_code = exit_code


def rehearse(
    plan: Plan, twins: Collection[str], options: Sequence[str] = (), *, program: Sequence[str] = SAMDRIFT
) -> Rehearsed:
    """Apply to the twins what the plan is about.

    Args:
        twins: the hosts of the lab that run.
        options: the inventory of the plan, as options of a command.

    Raises:
        UsageError: no host that would be changed has a twin.
        RehearsalFailed: it did not go well there.
    """
    changing = [host.host for host in plan.hosts if host.changes]
    names = [name for name in changing if name in twins]
    if changing and not names:
        like = " or ".join(changing)
        raise UsageError(
            "no host of the plan has a twin", where="--rehearse", fix=f"samdrift lab up --apart --like '{like}'"
        )
    if not names:
        return Rehearsed(twins=(), at=clock.now())
    about = [*options, "--limit", " or ".join(names)]
    only = [word for role in plan.only_roles for word in ("--role", role)]
    with TemporaryDirectory(prefix="samdrift-rehearsal-") as directory:
        file = Path(directory, "plan.json")
        try:
            _samdrift(program, "plan", *about, *only, "--out", str(file))
            planned = read_plan_file(file).plan
            done = _samdrift(program, "apply", *about, str(file), "--yes", "--brief", "--reason", "rehearsal")
        except RehearsalFailed as e:
            e.rehearsed = Rehearsed(twins=tuple(Twin(host=name) for name in names), at=clock.now(), failed=e.what)
            raise
    record = str(done.get("id", "")) if isinstance(done, dict) else ""
    return compared(plan, planned).model_copy(update={"at": clock.now(), "record": record})


def _samdrift(program: Sequence[str], command: str, *arguments: str) -> Any:
    """Run samdrift on the lab; return its document. Its progress goes where ours does."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_REAL_HOSTS}
    argv = [*program, "--lab", "--json", command, *arguments]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False, env=environment)
    if done.returncode:
        fix = "see what went wrong there: samdrift --lab history --last 1; then mend it, and rehearse again"
        what = f"{command} on the twins ended with {done.returncode}: {_why(done.stdout)}; no real host was changed"
        raise RehearsalFailed(what, done.returncode, fix)
    return json.loads(done.stdout)


def _why(document: str) -> str:
    """Return in a line what a command says went wrong."""
    try:
        answer = json.loads(document)
    except ValueError:
        return "it said nothing that can be read"
    if isinstance(error := answer.get("error"), dict):
        return str(error.get("message"))
    findings = answer.get("findings") or [{}]
    return ": ".join(filter(None, (str(findings[0].get("host", "")), str(findings[0].get("summary", "")))))
