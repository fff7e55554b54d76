"""Where the files are that come with samdrift: snapshot, templates, state checks; in a checkout, or installed.

The only module that computes a place from its own. Not here: where a run's files go (`deploy.store.place`).
"""

from __future__ import annotations

from pathlib import Path

_CODE = Path(__file__).resolve().parents[1]

PROJECT: Path | None = _CODE if (_CODE / "pyproject.toml").is_file() else None
"""The checkout that samdrift runs from; None where a wheel was installed."""

CODE = _CODE
"""The directory of the packages `inventory`, `roles` and `deploy`."""

SNAPSHOT = CODE / "inventory" / "snapshot"

TEMPLATES = CODE / "templates" if PROJECT else CODE / "roles" / "_templates"

CHECKS = CODE / "tests" / "state" if PROJECT else CODE / "deploy" / "verify" / "_checks"
"""One pytest file a role: what `samdrift verify` runs."""
