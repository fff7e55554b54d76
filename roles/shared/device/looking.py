"""What a vendor's device shows otherwise to an account that may only look, as data. Values only.

Not here: how what such an account is not shown is compared (`concealed`), and which rights it is given (the role's
templates).
"""

from __future__ import annotations

from pydantic import Field

from inventory.frozen import Frozen
from roles.shared.lineage import Section


class Looking(Frozen):
    """What an account that may only look is shown otherwise than the one that changes a device."""

    show: str = Field(
        default="", description="prints the whole running configuration for it; empty: what does so for everybody"
    )
    mask: str = Field(default="(?!)", description="what stands in a line in the place of a value that it may not see")
    left_out: tuple[Section, ...] = Field(
        default=(),
        description="sections that it is not shown: each down to one line right below it, which they have in common",
    )
    needs_password: bool = Field(
        default=True, description="whether the account needs a password, though nobody logs in by it"
    )

    asked_for: str = Field(
        default="",
        description="why a device is given the account only where its own role names the keys; empty: it always is",
    )

    @property
    def hides(self) -> bool:
        """Tell whether the account may be shown less than everything."""
        return bool(self.left_out) or self.mask != "(?!)"
