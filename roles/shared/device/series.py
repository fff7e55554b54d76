"""Series of a vendor's models: which device types of NetBox are of one, and what is otherwise on its devices. A value.

Which series a device is of, its device type in NetBox says. What a device prints of itself is held against that, and
never believed instead. Not here: what is so on all of a vendor's devices (`vendor`).
"""

from __future__ import annotations

import re

from pydantic import Field

from inventory.frozen import Frozen
from inventory.organisation import DeviceType


class Mode(Frozen):
    """A way of working of a device in which it must not be planned or changed, or of which people must know.

    Attributes:
        command: asked as one connects; where it is the vendor's `show`, the running configuration tells it, and where
            it is empty, what stands before the prompt.
        pattern: found in the answer if, and only if, the device works that way, `^` and `$` at each line.
        why: what that means, and what to do instead; it follows what the device said.
    """

    command: str
    pattern: str
    why: str
    source: str


class Series(Frozen):
    """Models of a vendor that behave alike, and in something otherwise than its others."""

    name: str
    types: str = Field(
        description="a regular expression, found in the model, the part number or the slug of a device type"
    )
    printed: str = Field(
        default="(?!)", description="found in what `show` prints, at the beginning of a line, on no other series"
    )
    source: str
    unmanaged: str = Field(default="", description="why no role can configure its devices; empty: one can")
    defaults: tuple[str, ...] = Field(default=(), description="further `Vendor.defaults`")
    ignored: tuple[str, ...] = Field(default=(), description="further `Vendor.ignored`")
    out_of_band: str | None = Field(default=None, description="instead of `Vendor.out_of_band`")
    management_vrf: str | None = Field(default=None, description="instead of `Vendor.management_vrf`")
    ports: str | None = Field(default=None, description="instead of `Vendor.ports`")
    most_trees: int | None = Field(default=None, description="instead of `Vendor.most_trees`")
    ipv6_guard: bool = Field(default=True, description="see `Vendor.ipv6_guard`")
    trunk_lines: tuple[str, ...] = Field(default=(), description="further `Vendor.trunk_lines`")

    def has(self, device_type: DeviceType) -> bool:
        """Tell whether a device type is of this series."""
        return any(re.search(self.types, name, re.IGNORECASE) for name in device_type.names)

    def is_printed(self, running: str) -> bool:
        """Tell whether a device that prints this says that it is of this series."""
        return re.search(self.printed, running, re.MULTILINE) is not None
