"""What a lock of Python packages names, and what a directory of packages has, in the same words. Pure."""

from __future__ import annotations

import re

INSTALLED = (
    r"ls | sed -n 's/-\([^-]*\)\.dist-info$/ \1/p' | "
    r"""awk '{ n = tolower($1); gsub(/[-_.]+/, "-", n); if (n != "pip") print n "==" $2 }' | LC_ALL=C sort"""
)
"""Tells every package in a directory of packages, without starting Python; pip itself comes with Debian's."""


def normal(name: str) -> str:
    """Return the normal form of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> list[str]:
    """Return every package of a lock as `INSTALLED` tells it."""
    return sorted(re.findall(r"^[a-z0-9-]+==[^\s]+", lock, re.MULTILINE))
