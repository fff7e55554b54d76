"""Write a plan as one page, for whoever reads it before it is carried out: each change once, with its hosts.

The page is a single file that needs nothing else, as the report's (`report.page`). Not here: which changes are alike
(`model.alike`), and the same as Markdown (`report.plan_markdown`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from markupsafe import Markup, escape

from deploy.model.alike import Alike, alike, changes_of
from deploy.model.findings import Finding
from deploy.model.openings import openings
from deploy.model.plan import Plan, Step
from deploy.model.plan_in_short import counted, plan_summary
from deploy.model.text import safe
from deploy.report.page import environment


def html(plan: Plan, names: Mapping[str, str], called: Collection[str], notices: Sequence[Finding] = ()) -> str:
    """Return the page.

    Args:
        names: municipalities' names by slug.
        called: what the inventory calls hosts, sites and municipalities (`model.alike.names_of`).
        notices: what else to know of hosts before they are changed.
    """
    words = {*called, *names, *names.values()}
    changes = changes_of(plan, words)
    return (
        environment()
        .get_template("plan.html")
        .render(
            plan=plan,
            summary=plan_summary(plan),
            counted={host.host: counted(host) for host in plan.hosts},
            municipality=names,
            to_know=[
                *((h.host, line) for h in plan.hosts for line in h.caveats),
                *((n.host, n.summary) for n in notices),
            ],
            roles=[(role, list(some)) for role, some in groupby(changes, key=_role)],
            in_marks=_in_marks,
            marks=any(change.values for change in changes),
            openings=openings(plan),
            held=alike(plan.hosts, lambda host: host.held, words),
            unmanaged=alike(plan.hosts, lambda host: host.unmanaged, words),
        )
    )


def _in_marks(line: str) -> Markup:
    """Return a line in which the values of each host are marked; the rest of it is escaped."""
    escaped = str(escape(safe(line)))
    return Markup(re.sub(r"«(host|\d+)»", r"<mark>\1</mark>", escaped))  # noqa: S704  escaped just before


def _role(change: Alike[Step]) -> str:
    return change.first.role
