"""The bot: put a review's Markdown into a merge request as one comment, and update that when the request changes.

    python -m deploy.review.comment review.md

It runs in a job of its own, by the code of the target branch, and is the only one that has a token: what a merge
request brings is text to it. Where it stands and what it may, the forge's own variables say (GitLab: `CI_…`, and
`SAMDRIFT_COMMENT_TOKEN`; Forgejo, Gitea and GitHub Actions: `GITHUB_…`). Its comment is its own one that begins with
`MARK`; nobody else's is touched, whatever it begins with. Not here: what the comment says (`report.review_markdown`).
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from deploy.model.text import inline
from deploy.report.markdown_parts import LARGEST, cut_at
from inventory.errors import SamdriftError, UsageError

MARK = "<!-- samdrift-review -->"
SECONDS = 20
TRIES = 3
PAGES = 100
"""Pages of comments that are looked through: GitLab lets a request have 5,000 comments."""
A_PAGE = 100
LARGEST_ANSWER = 32 * 1024**2
BOT = "github-actions[bot]"
"""Who comments with a workflow's own token, which may not ask who it is."""


class ForgeError(SamdriftError):
    """The forge did not take the comment."""


@dataclass(frozen=True)
class Forge:
    """Where a merge request's comments are, and how they are asked for.

    Attributes:
        comments: address of the list of comments; `one` of a comment by its id.
        update: the method that updates one.
        by: the field that says whose a comment is.
    """

    api: str
    header: tuple[str, str]
    comments: str
    one: str
    update: str
    by: str
    size: str


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Follow none: a token is for the forge alone."""


_open = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({})).open


def forge_of(environment: Mapping[str, str]) -> Forge:
    """Return the forge that a job runs on.

    Raises:
        UsageError: a variable is missing, or it is no merge request.
    """
    if "CI_API_V4_URL" in environment:
        return _gitlab(environment)
    if "GITHUB_API_URL" in environment:
        return _actions(environment)
    raise UsageError("this is no job of a merge request", fix="run it in GitLab CI, Forgejo or GitHub Actions")


def _gitlab(environment: Mapping[str, str]) -> Forge:
    api, project = _need(environment, "CI_API_V4_URL"), _need(environment, "CI_PROJECT_ID")
    request = _number(_need(environment, "CI_MERGE_REQUEST_IID"))
    notes = f"{api}/projects/{quote(project, safe='')}/merge_requests/{request}/notes"
    token = ("PRIVATE-TOKEN", _need(environment, "SAMDRIFT_COMMENT_TOKEN"))
    return Forge(api, token, notes, f"{notes}/{{id}}", "PUT", "author", "per_page")


def _actions(environment: Mapping[str, str]) -> Forge:
    api, repository = _need(environment, "GITHUB_API_URL"), _need(environment, "GITHUB_REPOSITORY")
    found = re.fullmatch(r"refs/pull/(\d+)/(?:merge|head)", _need(environment, "GITHUB_REF"))
    if found is None:
        raise UsageError("this is no pull request", where="GITHUB_REF", fix="run it on: pull_request")
    issues = f"{api}/repos/{quote(repository)}/issues"
    token = ("Authorization", f"token {_need(environment, 'GITHUB_TOKEN')}")
    size = "limit" if "/api/v1" in api else "per_page"  # Forgejo and Gitea; GitHub
    return Forge(api, token, f"{issues}/{found[1]}/comments", f"{issues}/comments/{{id}}", "PATCH", "user", size)


def _need(environment: Mapping[str, str], name: str) -> str:
    if not (value := environment.get(name, "").strip()):
        raise UsageError("it is not set", where=name, fix="see docs/review.md, Pipelines")
    return value.rstrip("/")


def _number(text: str) -> int:
    if not text.isdecimal():
        raise UsageError(f"{text!r} is no number", where="CI_MERGE_REQUEST_IID")
    return int(text)


def put_comment(forge: Forge, markdown: str) -> str:
    """Put a text into the one comment; return what became of it: created, updated or unchanged."""
    body = cut_at(f"{MARK}\n{markdown}", LARGEST, "Cut here: the whole is in the job's artefacts.")
    own = _own_comment(forge)
    if own is None:
        _ask(forge, "POST", forge.comments, {"body": body})
        return "created"
    if own["body"].replace("\r\n", "\n").rstrip() == body.rstrip():
        return "unchanged"
    _ask(forge, forge.update, forge.one.format(id=int(own["id"])), {"body": body})
    return "updated"


def _own_comment(forge: Forge) -> dict[str, Any] | None:
    """Return the first comment of the bot's own; every page is looked through, or there would soon be two."""
    me = _me(forge)
    return next((c for c in _comments(forge) if str(c.get("body", "")).startswith(MARK) and _is_by(c, forge, me)), None)


def _is_by(comment: Mapping[str, Any], forge: Forge, me: str) -> bool:
    author = comment.get(forge.by) or {}
    return me in {author.get("username"), author.get("login")}


def _me(forge: Forge) -> str:
    try:
        found = _ask(forge, "GET", f"{forge.api}/user")
    except ForgeError:
        return BOT
    return str(found.get("username") or found.get("login") or BOT)


def _comments(forge: Forge) -> Iterator[dict[str, Any]]:
    for page in range(1, PAGES + 1):
        found = _ask(forge, "GET", f"{forge.comments}?{urlencode({forge.size: A_PAGE, 'page': page})}")
        yield from found
        if not found:
            return


def _ask(forge: Forge, method: str, address: str, document: object = None) -> Any:
    """Ask the forge; what fails by accident is tried again, what is refused is not.

    Raises:
        ForgeError: it refused, or does not answer.
    """
    data = None if document is None else json.dumps(document).encode()
    headers = {"Accept": "application/json", "Content-Type": "application/json", forge.header[0]: forge.header[1]}
    if urlsplit(address).scheme not in {"http", "https"}:
        raise UsageError("it is no address of a forge", where=inline(address))
    why = ""
    for number in range(TRIES):
        request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310  as was asked above
        try:
            with _open(request, timeout=SECONDS) as answer:
                return json.loads(answer.read(LARGEST_ANSWER) or b"null")
        except urllib.error.HTTPError as e:
            why = f"{e.code} {inline(e.reason)}"
            if e.code < 500 and e.code != 429:
                break
        except (OSError, ValueError) as e:
            why = type(e).__name__ if isinstance(e, ValueError) else inline(getattr(e, "reason", e))
        if number + 1 < TRIES:
            time.sleep(2**number)
    fix = "may its token write comments there? a fork's may not: read the job's summary and artefacts"
    raise ForgeError(f"the forge answered {method} with: {why}", where=address.partition("?")[0], fix=fix)


def main(arguments: list[str]) -> int:
    """Run the bot; return its exit code."""
    try:
        if len(arguments) != 1:
            raise UsageError("name the review's Markdown", fix="python -m deploy.review.comment review.md")
        text = Path(arguments[0]).read_text(encoding="utf-8", errors="replace")
        sys.stderr.write(f"comment {put_comment(forge_of(os.environ), text)}\n")
    except SamdriftError as e:
        sys.stderr.write(f"error: {e}\n")
        return int(e.exit_code)
    except OSError as e:
        sys.stderr.write(f"error: {arguments[0]}: {e.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
