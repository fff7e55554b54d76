"""Why a device is changed, in the field that some vendors have for it beside each commit. Pure."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 120


def remark(form: str, reason: str) -> str:
    """Fill a vendor's form with a reason; empty where the vendor has none, or nobody gave one.

    Letters lose their marks, and what a command line or XML would read as its own becomes a space.
    """
    letters = unicodedata.normalize("NFKD", reason).encode("ascii", "ignore").decode()
    text = " ".join(re.sub(r"[^A-Za-z0-9 .,:;/()+=@_-]", " ", letters).split())[:LONGEST].strip()
    return form.replace("{text}", text) if form and text else ""
