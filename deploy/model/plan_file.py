"""Plan files: a plan as it is reviewed, approved and applied, with its digest and its approvals; and their schema.

Not here: what a plan says (`plan`), and whether it may be applied (`runs.admission`).
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import Field, ValidationError

from deploy.model.approval import Approval
from deploy.model.plan import FORMAT, Plan
from inventory.errors import SamdriftError
from inventory.frozen import Frozen
from inventory.whole_file import is_stream


class PlanError(SamdriftError):
    """A plan file cannot be read, or is not what samdrift wrote."""


class PlanFile(Frozen):
    """A plan, and who approved it."""

    digest: str = Field(description="SHA-256 of the member `plan`: JSON with sorted keys and nothing between, in UTF-8")
    plan: Plan
    approvals: tuple[Approval, ...] = Field(default=(), description="what was signed of this digest")


def plan_file(plan: Plan, approvals: tuple[Approval, ...] = ()) -> PlanFile:
    """Make the file of a plan."""
    return PlanFile(digest=plan.digest, plan=plan, approvals=approvals)


def schema_text() -> str:
    """Return the JSON Schema of plan files, as it is published (docs/plan-file.schema.json)."""
    made = PlanFile.model_json_schema(mode="serialization")
    title = f"samdrift plan file, format {FORMAT}"
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": title}
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def write_plan_file(file: PlanFile, path: Path, *, readers: os.stat_result | None = None) -> None:
    """Write a plan file whole, or not at all; by its owner alone, for it quotes hosts' files.

    Args:
        readers: who may read and write it, as of an earlier file of this plan; without, as of one's own of that name.
    """
    text = json.dumps(file.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"
    try:
        if is_stream(path):
            path.write_text(text, encoding="utf-8")
            return
        with _in_its_place(path.absolute(), readers or _own(path)) as beside:
            beside.write_text(text, encoding="utf-8")
    except OSError as e:
        raise PlanError(f"cannot write the plan: {e.strerror}", where=str(path), fix="choose another --out") from e


def _own(path: Path) -> os.stat_result | None:
    """Return what is known of a file of one's own; a link is nobody's, and is replaced and not followed."""
    try:
        there = path.lstat()
    except FileNotFoundError:
        return None
    return there if stat.S_ISREG(there.st_mode) and there.st_uid == os.geteuid() else None


@contextmanager
def _in_its_place(path: Path, readers: os.stat_result | None) -> Iterator[Path]:
    """Give a file beside this one, which takes its place if nothing fails."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        if readers is not None:
            with suppress(PermissionError):  # of a group that one is not in, one cannot make it
                os.fchown(handle, -1, readers.st_gid)
                os.fchmod(handle, stat.S_IMODE(readers.st_mode))
        yield beside
        os.fsync(handle)
        beside.replace(path)
    finally:
        os.close(handle)
        beside.unlink(missing_ok=True)


def read_plan_file(path: Path) -> PlanFile:
    """Read a plan file; refuse one whose plan was edited since it was written. Who signed, is not asked here."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        _refuse_other_format(document["plan"].get("format"), path)
        file = PlanFile.model_validate(document)
    except OSError as e:
        raise PlanError(f"cannot read the plan: {e.strerror}", where=str(path)) from e
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ValidationError) as e:
        raise PlanError("this is not a plan file", where=str(path), fix="make one: samdrift plan --out FILE") from e
    if file.digest != file.plan.digest:
        raise PlanError("the plan was edited after it was made", where=str(path), fix="make a new one: samdrift plan")
    return file


def _refuse_other_format(found: object, path: Path) -> None:
    if isinstance(found, int) and found != FORMAT:
        raise PlanError(
            f"this plan file has format {found}, and this samdrift applies format {FORMAT}",
            where=str(path),
            fix="make a new one: samdrift plan --out FILE",
        )
