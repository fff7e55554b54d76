"""The lock of NetBox's own virtual environment (`templates/netbox/requirements.txt`): `make lock-netbox` makes it.

What NetBox's package asks for is resolved for the Python of its hosts, and then one wheel of each package is chosen
as pip there would choose it: nothing is compiled on a host, so psycopg comes as its binary wheel. Not here: the
version, which is the role's (`roles/netbox.py`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from inventory.paths import TEMPLATES
from roles.netbox import LOCK, PYTHON, VERSION
from roles.shared.parts.python_lock import normal

GLIBC = 41
"""The C library of Debian 13 is 2.41; wheels for older ones fit as well."""

HEAD = """\
# Managed by samdrift, role netbox; local changes are lost. Computed by `make lock-netbox`.
"""


def main() -> None:
    """Write the lock."""
    with tempfile.TemporaryDirectory(prefix="samdrift-lock-") as name:
        pinned = resolve(Path(name))
        chosen = wheels(pinned, Path(name))
    (TEMPLATES / LOCK).write_text(HEAD + lock(chosen), encoding="utf-8")


def resolve(scratch: Path) -> Path:
    """Return every package with its version and all its hashes, as uv resolves them for the hosts' Python."""
    (scratch / "wanted").write_text(f"netbox=={VERSION}\n", encoding="utf-8")
    (scratch / "instead").write_text("psycopg[binary,pool]\n", encoding="utf-8")
    pinned = scratch / "pinned"
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--no-config", "--generate-hashes"]
    target = ["--python-version", PYTHON, "--python-platform", "x86_64-manylinux_2_40", "--only-binary", ":all:"]
    subprocess.run([*uv, *target, "--override", scratch / "instead", "-o", pinned, scratch / "wanted"], check=True)
    return pinned


def wheels(pinned: Path, scratch: Path) -> list[dict[str, Any]]:
    """Return what pip would install on a host: for each package the report of the one wheel that it chose."""
    report = scratch / "report.json"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--dry-run", "--no-deps"]
    platforms = ["--platform", "manylinux2014_x86_64", *_each("--platform", "manylinux_2_{}_x86_64", range(17, GLIBC))]
    pip += ["--target", scratch / "nowhere", "--python-version", PYTHON, *platforms, "--only-binary", ":all:"]
    subprocess.run([*pip, "--require-hashes", "--report", report, "-r", pinned], check=True)
    installed: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
    return installed


def lock(chosen: list[dict[str, Any]]) -> str:
    """Return the lines of the lock, sorted."""
    lines = (
        f"{normal(one['metadata']['name'])}=={one['metadata']['version']} "
        f"--hash=sha256:{one['download_info']['archive_info']['hashes']['sha256']}\n"
        for one in chosen
    )
    return "".join(sorted(lines))


def _each(option: str, form: str, numbers: range) -> list[str]:
    return [word for number in numbers for word in (option, form.format(number))]


if __name__ == "__main__":
    main()
