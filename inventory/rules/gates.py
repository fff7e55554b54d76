"""Gates: how far a change goes before it is proved, as an organisation's file says (`inventory/rules.yaml`, `gates`).

Parameters alone. In which batches hosts are changed by them is `deploy.model.waves`'s.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from inventory.frozen import Frozen


class Gates(Frozen):
    """What must hold before an apply goes on.

    Attributes:
        canaries: of each role, one host of a wave is changed and proved before the others of the wave.
        soak: seconds that a canary must go on to hold; then it is checked again.
        at_once: how many hosts are changed together, at most; 0: as many as there are.
        max_failures: how many hosts may end badly before the rest is left alone.
        behind: before a gateway is confirmed, the hosts behind it that answered before must answer again.
        in_the_lab: whether canaries go first in the lab, too, though nobody is served by its hosts.
    """

    canaries: bool = True
    soak: Annotated[float, Field(ge=0, le=86400)] = 0
    at_once: Annotated[int, Field(ge=0)] = 0
    max_failures: Annotated[int, Field(ge=0)] = 0
    behind: bool = True
    in_the_lab: bool = False

    def without_canaries(self) -> Gates:
        """Return these gates where no host goes first."""
        return self.model_copy(update={"canaries": False, "soak": 0})
