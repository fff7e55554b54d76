"""What the program that will read a file says of it: a role's own `validate_with`, run on this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path


def judged(validate_with: str, file: Path, text: str) -> subprocess.CompletedProcess[str]:
    """How the judge ends once the text is written there; 0 is accepted."""
    file.write_text(text)
    command = validate_with.replace("{path}", str(file))
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
