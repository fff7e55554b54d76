"""What the program that will read a file says of it: a role's own `validate_with`, run as `samdrift check` runs it.

That needs no root, but a machine that makes namespaces, and the program.
"""

from __future__ import annotations

import shutil
from pathlib import PurePosixPath

import pytest

from deploy.check.namespace import PROGRAMS, NoNamespace, ProgramResult, answers
from roles.shared.parts.registration import ManagedFile


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skips a test where one of these programs is not installed, and says which."""
    missing = [program for program in programs if shutil.which(program, path=PROGRAMS) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed here")


def judged(validate_with: str, path: str, text: str, *around: tuple[str, str], mode: str = "640") -> ProgramResult:
    """How the judge of a file ends once the text is written there; 0 is accepted.

    Args:
        path: on the host; the candidate is beside it.
        around: path and text of the files that are there already.
    """
    files = {p: _file(p, t, "644") for p, t in around}
    candidate = str(PurePosixPath(path).with_suffix(".samdrift"))
    command = validate_with.replace("{path}", candidate)
    return in_namespace(command, files | {candidate: _file(candidate, text, mode)})


def in_namespace(command: str, files: dict[str, ManagedFile] | None = None) -> ProgramResult:
    """How a shell command ends in the namespace that `samdrift check` judges in."""
    try:
        (answer,) = answers(files or {}, [command])
    except NoNamespace as e:
        pytest.skip(f"this machine makes no namespace: {e}")
    return answer


def _file(path: str, text: str, mode: str) -> ManagedFile:
    return ManagedFile(
        role="test", path=path, content=text, owner="root", group="root", mode=mode, validate_with=None, then=()
    )
