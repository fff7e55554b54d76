"""Read what ssh-audit says of an SSH server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

KINDS = ("kex", "key", "enc", "mac")


def failures(address: str, port: int = 22) -> list[str]:
    """Return every algorithm that ssh-audit calls a failure, with its reason; an error if it could not look."""
    program = str(Path(sys.executable).with_name("ssh-audit"))
    command = [program, "--json", "--skip-rate-test", "--port", str(port), address]
    audit = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(audit.stdout)
    assert all(found[kind] for kind in KINDS), "ssh-audit saw no algorithms"
    return [
        f"{kind} {offered['algorithm']}: {', '.join(offered['notes']['fail'])}"
        for kind in KINDS
        for offered in found[kind]
        if offered["notes"].get("fail")
    ]
