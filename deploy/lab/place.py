"""Say in which directory the lab lives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from deploy.lab.machine import environment_option
from inventory.paths import PROJECT

STATE = "state"
"""Where in it the lab keeps the store of its runs."""


def lab_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the lab's directory: SAMDRIFT_LAB_DIR, or `.lab` in the checkout."""
    return Path(environment_option("SAMDRIFT_LAB_DIR", environment) or (PROJECT or Path()) / ".lab")
