"""Write a review as one page: the whole of it, for whoever wants more than a comment holds. One file, no script."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from deploy.model.review import Review, hosts_in_short
from deploy.model.text import safe
from deploy.report.page import environment


def html(review: Review) -> str:
    """Return the page."""
    return (
        environment()
        .get_template("review.html")
        .render(review=review, in_short=hosts_in_short, in_marks=_in_marks, lists=_lists(review))
    )


def _lists(review: Review) -> dict[str, dict[str, tuple[str, ...]]]:
    return {
        "Could cut a host off, and is not guarded": review.unguarded,
        "Guarded steps": review.guarded,
        "Restarts": review.restarts,
        "Secrets that stand in what differs": review.secrets,
        "Controls": review.controls,
    }


def _in_marks(line: str) -> Markup:
    """Return a line in which the values of each host are marked; the rest of it is escaped."""
    escaped = str(escape(safe(line)))
    return Markup(re.sub(r"«(host|\d+)»", r"<mark>\1</mark>", escaped))  # noqa: S704  escaped just before
