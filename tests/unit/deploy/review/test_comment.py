"""The bot comments once and updates its comment, on a real HTTP server that answers as the forges do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.report.markdown_parts import LARGEST
from deploy.review import comment
from deploy.review.comment import MARK, ForgeError, forge_of, put_comment
from inventory.errors import UsageError

TOKEN = "t0ken"  # noqa: S105  of a server of this test's own
KINDS = ("gitlab", "forgejo", "github")


class FakeForge:
    """The comments of one merge request, served as one of three forges serves them."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.comments: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.failing = 0
        self.me: str | None = "bot"
        self.address = ""

    def add(self, body: str, who: str) -> dict[str, Any]:
        of = "author" if self.kind == "gitlab" else "user"
        name = "username" if self.kind == "gitlab" else "login"
        made = {"id": len(self.comments) + 1, "body": body, of: {name: who}}
        self.comments.append(made)
        return made

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if path.endswith("/user"):
            return (403, {}) if self.me is None else (200, {"username": self.me, "login": self.me})
        if method == "GET":
            size = int(query.get("limit" if self.kind == "forgejo" else "per_page", ["30"])[0])
            page = int(query["page"][0])
            return 200, self.comments[(page - 1) * size : page * size]
        if method == "POST":
            if len(body["body"]) > 65536:
                return 422, {"message": "Body is too long"}
            return 201, self.add(body["body"], self.me or "github-actions[bot]")
        number = int(re.search(r"/(\d+)$", path)[1])  # type: ignore[index]
        one = next(c for c in self.comments if c["id"] == number)
        assert method == ("PUT" if self.kind == "gitlab" else "PATCH")
        one["body"] = body["body"]
        return 200, one

    def environment(self) -> dict[str, str]:
        if self.kind == "gitlab":
            return {
                "CI_API_V4_URL": f"{self.address}/api/v4",
                "CI_PROJECT_ID": "7",
                "CI_MERGE_REQUEST_IID": "12",
                "SAMDRIFT_COMMENT_TOKEN": TOKEN,
            }
        return {
            "GITHUB_API_URL": self.address + ("/api/v1" if self.kind == "forgejo" else ""),
            "GITHUB_REPOSITORY": "samdrift/infra",
            "GITHUB_REF": "refs/pull/12/merge" if self.kind == "github" else "refs/pull/12/head",
            "GITHUB_TOKEN": TOKEN,
        }


@contextmanager
def serving(forge: FakeForge) -> Iterator[FakeForge]:
    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            asked = urlsplit(self.path)
            forge.asked.append((self.command, asked.path))
            token = self.headers.get("PRIVATE-TOKEN") or self.headers.get("Authorization", "").removeprefix("token ")
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            answer: Any
            if forge.failing:
                forge.failing -= 1
                code, answer = 502, {}
            elif token != TOKEN:
                code, answer = 401, {}
            else:
                code, answer = forge.answer(self.command, asked.path, parse_qs(asked.query), body)
            data = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = handle_one  # noqa: N815  http.server's names

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forge.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(params=KINDS)
def forge(request: pytest.FixtureRequest) -> Iterator[FakeForge]:
    with serving(FakeForge(request.param)) as served:
        yield served


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comment.time, "sleep", lambda _seconds: None)


def test_it_comments_once_then_updates_and_leaves_alone_what_says_the_same(forge: FakeForge) -> None:
    there = forge_of(forge.environment())
    assert [put_comment(there, text) for text in ("one", "one", "two", "two")] == [
        "created",
        "unchanged",
        "updated",
        "unchanged",
    ]
    assert [c["body"] for c in forge.comments] == [f"{MARK}\ntwo"]


def test_its_comment_is_found_behind_many_pages_of_others(forge: FakeForge) -> None:
    for number in range(230):
        forge.add(f"chat {number}", "anna")
    there = forge_of(forge.environment())
    assert put_comment(there, "one") == "created"
    for number in range(230):
        forge.add(f"more {number}", "anna")
    assert put_comment(there, "two") == "updated"
    assert sum(c["body"].startswith(MARK) for c in forge.comments) == 1


def test_a_comment_of_somebody_else_with_the_mark_is_not_touched(forge: FakeForge) -> None:
    forge.add(f"{MARK}\nbuy here", "mallory")
    there = forge_of(forge.environment())
    assert put_comment(there, "one") == "created"
    assert put_comment(there, "two") == "updated"
    assert [c["body"] for c in forge.comments] == [f"{MARK}\nbuy here", f"{MARK}\ntwo"]


def test_a_token_that_may_not_ask_who_it_is_knows_its_own_by_the_workflow_s_name(forge: FakeForge) -> None:
    forge.me = None
    there = forge_of(forge.environment())
    assert [put_comment(there, text) for text in ("one", "two")] == ["created", "updated"]


def test_a_text_that_is_too_long_is_cut_and_not_refused(forge: FakeForge) -> None:
    put_comment(forge_of(forge.environment()), "line\n" * 50_000)
    assert len(forge.comments[0]["body"]) <= LARGEST
    assert "Cut here" in forge.comments[0]["body"]


def test_what_fails_by_accident_is_tried_again_and_what_is_refused_is_told(forge: FakeForge) -> None:
    forge.failing = 2
    assert put_comment(forge_of(forge.environment()), "one") == "created"
    wrong = {k: "wrong" if v == TOKEN else v for k, v in forge.environment().items()}
    with pytest.raises(ForgeError, match="401"):
        put_comment(forge_of(wrong), "one")


@pytest.mark.parametrize("kind", KINDS)
def test_a_variable_that_is_missing_is_named(kind: str) -> None:
    served = FakeForge(kind)
    served.address = "http://127.0.0.1:9"
    for name in served.environment():
        with pytest.raises(UsageError) as refused:
            forge_of({k: "" if k == name else v for k, v in served.environment().items()})
        assert name in str(refused.value)


def test_a_branch_is_no_pull_request() -> None:
    served = FakeForge("github")
    served.address = "http://127.0.0.1:9"
    with pytest.raises(UsageError, match="no pull request"):
        forge_of(served.environment() | {"GITHUB_REF": "refs/heads/main"})


def test_the_program_ends_with_0_and_never_prints_its_token(forge: FakeForge, tmp_path: Path) -> None:
    (tmp_path / "review.md").write_text("hello", encoding="utf-8")
    command = [sys.executable, "-m", "deploy.review.comment", str(tmp_path / "review.md")]
    environment = {**{k: v for k, v in os.environ.items() if not k.startswith(("CI", "GITHUB"))}, **forge.environment()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "comment created\n")
    environment["GITHUB_TOKEN"] = environment["SAMDRIFT_COMMENT_TOKEN"] = "wr0ng"  # noqa: S105
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert refused.returncode == 1
    assert "401" in refused.stderr
    assert "wr0ng" not in refused.stderr + refused.stdout
