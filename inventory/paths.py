"""Where the files are that come with samdrift: snapshot, templates, state checks; in a checkout, or installed.

The only module that computes a place from its own. Not here: where a run's files go (`deploy.store.place`).
"""

from __future__ import annotations

from pathlib import Path

CODE = Path(__file__).resolve().parents[1]
"""The directory of the packages `inventory`, `roles` and `deploy`."""

_PACKED = CODE / "roles" / "_templates"
"""Only a wheel has it (setup.py). What lies beside the packages says nothing: in site-packages, it is of others."""

PROJECT: Path | None = None if _PACKED.is_dir() else CODE
"""The checkout that samdrift runs from; None where a wheel was installed."""

SNAPSHOT = CODE / "inventory" / "snapshot"

RULES = CODE / "inventory" / "rules.yaml"
"""The organisation's house rules, whatever the source of the fleet."""

POLICIES = CODE / "inventory" / "policies.yaml"
"""The organisation's policies, which reviews ask; not there where there are none."""

PEOPLE = CODE / "inventory" / "people.yaml"
"""The organisation's people and what they may do; not there where config contexts alone say who administers."""

RECIPIENTS = CODE / "inventory" / "recipients.yaml"
"""Who hears of what the watch finds; not there where nobody does."""

SCOPE = CODE / "inventory" / "scope.yaml"
"""Which part of NetBox is the organisation's; not there where all of it is."""

TEMPLATES = CODE / "templates" if PROJECT else _PACKED

CHECKS = CODE / "tests" / "state" if PROJECT else CODE / "deploy" / "verify" / "_checks"
"""One pytest file a role: what `samdrift verify` runs."""
