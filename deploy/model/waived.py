"""What a plan, a check and a finding say of the waiver that is about them. A value only.

Not here: which waiver that is (`model.waivers`).
"""

from __future__ import annotations

from typing import Literal

from inventory.frozen import Frozen


class Waived(Frozen):
    """The waiver about a difference.

    `standing` says whether the difference is *accepted*; or *moved*: another one was accepted at this place, and this
    one is left as it is and told; or its acceptance has *expired*.
    """

    name: str
    owner: str
    reason: str
    until: str
    standing: Literal["accepted", "moved", "expired"]

    @property
    def accepted(self) -> bool:
        """Tell whether just this difference is accepted today."""
        return self.standing == "accepted"

    @property
    def holds(self) -> bool:
        """Tell whether what is there is left as it is: nothing is overwritten under a waiver that has not expired."""
        return self.standing != "expired"
