"""Running configurations that others published, where the folder of them is beside the project: `../shared`."""

from __future__ import annotations

from pathlib import Path

import pytest

_FOLDER = next((f for p in Path(__file__).parents if (f := p / "shared" / "device-texts").is_dir()), None)
_PLATFORMS = {"aoscx": "arubaos-cx", "fortigate": "fortios", "ios": "cisco-ios", "junos": "junos"}

NAMES = tuple(sorted(p.name for p in _FOLDER.glob("*.txt"))) if _FOLDER else ("",)
"""The texts, for `parametrize`; one without a name where there is no such folder, which `device_text` skips."""


def device_text(name: str) -> tuple[str, str]:
    """Return the platform and the text of one."""
    if _FOLDER is None:
        pytest.skip("there is no ../shared/device-texts here")
    return _PLATFORMS[name.partition("_")[0]], (_FOLDER / name).read_text(encoding="utf-8", errors="replace")
