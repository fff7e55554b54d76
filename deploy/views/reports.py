"""What `report verify` shows: each thing that was asked of a report, and whether it holds.

Not here: what is asked (`report.bundle`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from deploy.model.text import inline
from deploy.report.bundle import Claim

MARKS = {True: ("holds", "green"), False: ("DOES NOT HOLD", "bold red"), None: ("not known", "yellow")}


def claims_of_report(claims: Sequence[Claim]) -> Iterator[Text]:
    """Yield a line for each claim, and what follows from them all."""
    for claim in claims:
        mark, colour = MARKS[claim.holds]
        yield Text(f"{mark}: {inline(claim.words)}", colour)
    failed, unknown = (sum(c.holds is answer for c in claims) for answer in (False, None))
    if failed:
        yield Text(f"{failed} of {len(claims)} do not hold: this is not the report as it was made and signed.", "bold")
    else:
        but = f"; {unknown} of {len(claims)} nobody can tell here" if unknown else ""
        yield Text(f"This report is as it was made and signed{but}.", "bold")
