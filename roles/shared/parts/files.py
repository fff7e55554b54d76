"""`managed_file`: the one way a role declares a file.

A candidate is uploaded beside its target, given its owner and mode, judged on the host by the program that
will read it, and only then renamed into place, so that a file its program refuses never goes live; and only if what is
there is still what the look saw.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Generator
from io import BytesIO
from pathlib import PurePosixPath

from pydantic import BaseModel
from pyinfra import host
from pyinfra.api import FactBase, FileUploadCommand, StringCommand, operation
from pyinfra.api.command import PyinfraCommand
from pyinfra.api.operation import OperationMeta

from inventory.errors import SamdriftError
from inventory.frozen import Frozen
from inventory.secrets import Secret
from roles.shared.change import Change, readable_by_all
from roles.shared.guard import Guard, kept_file
from roles.shared.parts.expected import Expected, answer_digest, expecting
from roles.shared.parts.explain import explain
from roles.shared.parts.handlers import Handler
from roles.shared.parts.registration import ManagedFile, Registration, current
from roles.shared.parts.templates import render
from roles.shared.parts.veil import UNVEILED, Veil

LARGEST = 4 * 1024 * 1024
"""A managed file is read back up to this many bytes, and of a larger one nothing: configuration is far smaller."""


class FileOnHost(Frozen):
    """A path as it stands on a host. `content` is None where it is no regular file; `answer` is the digest of what the
    host said.
    """

    kind: str
    answer: str = ""
    owner: str = ""
    group: str = ""
    mode: str = ""
    content: str | None = None

    @property
    def meta(self) -> str:
        """Return owner, group and mode, or what else the path is."""
        return f"{self.owner}:{self.group} {self.mode}" if self.kind == "file" else self.kind

    @property
    def for_all(self) -> bool:
        """Tell whether everybody on the host may read it."""
        return self.kind == "file" and readable_by_all(self.mode)


class FileState(FactBase[FileOnHost]):
    """Owner, group, mode and whole content of one path, in one command."""

    @staticmethod
    def default() -> FileOnHost:
        return FileOnHost(kind="absent")

    def command(self, path: str) -> str:
        p = shlex.quote(path)
        return (
            f"if [ -L {p} ]; then echo link; "
            f"elif [ -f {p} ]; then is=$(stat -c 'file %U %G %a %s' {p}); echo \"${{is% *}}\"; "
            f'[ "${{is##* }}" -gt {LARGEST} ] || base64 -w0 {p}; echo; '
            f"elif [ -e {p} ]; then echo other; else echo absent; fi"
        )

    def process(self, output: list[str]) -> FileOnHost:
        kind, *meta = output[0].split()
        answer = answer_digest(output)
        if kind != "file":
            return FileOnHost(kind=kind, answer=answer)
        owner, group, mode = meta
        raw = base64.b64decode(output[1]) if len(output) > 1 else b""
        content = raw.decode("utf-8", "backslashreplace")
        return FileOnHost(kind=kind, answer=answer, owner=owner, group=group, mode=mode, content=content)


def managed_file(
    path: str,
    *,
    template: str | None = None,
    content: str | None = None,
    settings: BaseModel | None = None,
    owner: str = "root",
    group: str = "root",
    mode: str = "644",
    validate_with: str | None = None,
    then: tuple[Handler, ...] = (),
    guarded: bool = False,
) -> OperationMeta:
    """Declare that `path` holds exactly this text: `template` rendered with `settings`, or `content`.

    A placeholder of a secret in it, which is how a `Secret` of the role's settings prints, is its value on the host.

    Args:
        validate_with: a shell command in which `{path}` is the candidate; anything but exit 0 refuses it.
        then: the handlers owed when the file changes.
        guarded: the file can cut the way to the host, which puts it back by itself unless it is told that all is well.
    """
    if (template is None) == (content is None):
        raise TypeError(f"managed_file {path}: give a template or a content, one of the two")
    text = content if content is not None else render(str(template), settings=settings)
    registration = current()
    file = ManagedFile(
        role=registration.role,
        path=path,
        content=text,
        owner=owner,
        group=group,
        mode=mode,
        validate_with=validate_with,
        then=then,
        secrets=_secrets_in(text, path, mode, registration),
    )
    registration.files.append(file)
    if guarded:
        registration.guards[f"file {path}"] = _kept(path, then, validate_with)
    meta = write(name=f"file {path}", file=file)
    registration.owe(then, meta)
    return meta


def _secrets_in(text: str, path: str, mode: str, registration: Registration) -> tuple[Secret, ...]:
    """Return the secrets whose placeholders stand in a text; refuse a file that would show one to everybody."""
    secrets = registration.secrets_in(text, path)
    if secrets and readable_by_all(mode):
        why = f"holds secret {secrets[0].name}, and everybody on the host may read it (mode {mode})"
        raise SamdriftError(f"{path} {why}", where=f"roles/{registration.role}.py")
    return secrets


def _kept(path: str, then: tuple[Handler, ...], validate_with: str | None = None) -> Guard:
    """Guard a file; one that programs will read again must be one that they take."""
    return kept_file(path, tuple(h.again for h in then), accepts=(validate_with or "") if then else "")


def absent_file(path: str, *, then: tuple[Handler, ...] = (), guarded: bool = False) -> OperationMeta:
    """Declare that there is nothing at `path`.

    Args:
        then: the handlers owed when the file goes.
        guarded: that can cut the way to the host, which puts the file back by itself unless told that all is well.
    """
    if guarded:
        current().guards[f"no file {path}"] = _kept(path, then)
    meta = remove(name=f"no file {path}", path=path, debts=tuple(h.debt for h in then))
    current().owe(then, meta)
    return meta


@operation()
def write(file: ManagedFile) -> Generator[PyinfraCommand]:
    """Put a managed file in place if the host's differs in content, owner, group or mode."""
    live, veil = host.get_fact(FileState, path=file.path), _veil()
    content = veil.reveal(file.content, file.secrets)
    wanted = live.model_copy(
        update={"kind": "file", "owner": file.owner, "group": file.group, "mode": file.mode, "content": content}
    )
    if live == wanted:
        host.noop(f"{file.path} is as wanted")
        return
    change = Change(
        what=file.path,
        before=_shown(live, file.content, file.secrets, for_all=wanted.for_all),
        after=file.content,
        meta_before=live.meta,
        meta_after=wanted.meta,
        live_seal=veil.seal(live.content, file.secrets) if live.content is not None else "",
    )
    yield explain(FileUploadCommand(BytesIO(file.content.encode()), candidate_of(file.path)), change)
    yield from into_place(file.path, live, wanted.meta, file.validate_with, file.then)


def candidate_of(path: str) -> str:
    """Return where what is to stand at a path is uploaded to: beside it."""
    target = PurePosixPath(path)
    return str(target.with_name(f".{target.name}.samdrift"))


def into_place(
    path: str, live: FileOnHost, meta: str, validate_with: str | None, then: tuple[Handler, ...]
) -> Generator[PyinfraCommand]:
    """Have an uploaded candidate judged, and put it in place if what is there is what was seen.

    Args:
        live: what was seen there.
        meta: owner, group and mode that the file shall have.
    """
    ownership, _, mode = meta.rpartition(" ")
    c, p = shlex.quote(candidate_of(path)), shlex.quote(path)
    clean_up = f"rm -f {c}"
    judged = [f"chown {shlex.quote(ownership)} {c}", f"chmod {mode} {c}"]
    if validate_with:
        judged.append(f"( {validate_with.replace('{path}', c)} )")
    going_live = [*(h.debt for h in then), f"mv -fT {c} {p}"]
    judge, go_live = (
        StringCommand(f"{{ {' && '.join(steps)}; }} || {{ {clean_up}; exit 1; }}") for steps in (judged, going_live)
    )
    yield judge
    yield expecting(go_live, _expected(path, live, clean_up))


@operation()
def remove(path: str, debts: tuple[str, ...]) -> Generator[PyinfraCommand]:
    """Remove a file if it is there."""
    live = host.get_fact(FileState, path=path)
    if live.kind == "absent":
        host.noop(f"{path} is absent")
        return
    command = StringCommand(" && ".join([*debts, f"rm -f {shlex.quote(path)}"]))
    before = _shown(live, "", (), for_all=True)
    change = Change(what=path, before=before, after=None, meta_before=live.meta)
    yield expecting(explain(command, change), _expected(path, live))


def _expected(path: str, live: FileOnHost, otherwise: str = "") -> Expected:
    """Return that a path must be as it was seen."""
    p = shlex.quote(path)
    return Expected(
        what=path,
        question=FileState().command(path),
        answers=(live.answer,),
        absent=f"[ ! -e {p} ] && [ ! -L {p} ]" if live.kind == "absent" else "",
        otherwise=otherwise,
    )


def _veil() -> Veil:
    """Return the veil over this host, which the planner gives it as pyinfra's host data."""
    veil = host.data.get("veil", UNVEILED)
    return veil if isinstance(veil, Veil) else UNVEILED


def _shown(live: FileOnHost, wanted: str, secrets: tuple[Secret, ...], *, for_all: bool) -> str | None:
    """Return what a plan shows of a file's content on the host.

    A secret may also be in one that a role made private and now opens, or drops.

    Args:
        for_all: whether everybody may read what the role wants there (or nothing is).
    """
    if live.content is None or not (secrets or (for_all and not live.for_all)):
        return live.content
    return _veil().shown(live.content, wanted, secrets)
