"""Vendors of CLI devices, as data: how each one's command line is talked to, believed, and made to restore itself.

What differs between vendors is a `Vendor`, a value, one in each module of `roles.shared.vendors`; code that talks to
devices never asks which vendor it is. Not here: a session with a device (`deploy.device`), the comparing of
configurations (`roles.shared.configuration`), and what a device's configuration should be (its role's template).
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pydantic import Field

from inventory.fleet import Frozen
from roles.shared import vendors


class CommitConfirm(Frozen):
    """A vendor's own means by which a device restores itself unless it is told in time that the change is good.

    Commands are typed as they stand, with `{minutes}` filled in. `source` is where they are documented.
    """

    name: str = Field(description="as people know it, for plans: `checkpoint auto`")
    arm: tuple[str, ...] = Field(default=(), description="before the configuration mode is entered")
    enter: tuple[str, ...] = Field(description="enters the configuration mode of a change that is to be confirmed")
    leave: tuple[str, ...] = Field(description="ends the change: from now on the device counts")
    confirm: tuple[str, ...] = Field(description="keeps the change; typed in another session than the change was")
    revert: tuple[str, ...] = Field(description="restores what was before, at once; empty: only waiting does")
    pending: str = Field(description="asks the device whether it is counting")
    pending_pattern: str = Field(description="a regular expression that is found in the answer if, and only if, it is")
    minutes: tuple[int, int] = Field(description="the shortest and the longest time that the device takes")
    source: str


class Vendor(Frozen):
    """One vendor's command line. Regular expressions are searched for in one line at a time."""

    platform: str = Field(description="slug of the NetBox platform")
    name: str
    netmiko: str = Field(description="netmiko's device_type")
    hier_config: str = Field(description="name in hier_config's Platform")
    show: str = Field(description="prints the whole running configuration, in the form that templates are written in")
    comment: str = Field(description="a regular expression for lines of it that say nothing")
    volatile: tuple[str, ...] = Field(
        default=(), description="lines that differ every time (dates, counters): left out where it is compared"
    )
    secrets: tuple[str, ...] = Field(
        default=(), description="lines with a secret; group 1 is what is shown, the rest is it, in whatever encoding"
    )
    errors: tuple[str, ...] = Field(description="a line of output by which the device refuses what was typed")
    enter: tuple[str, ...] = Field(description="enters the configuration mode of a change that is not to be confirmed")
    leave: tuple[str, ...] = Field(description="ends that change, which is in force then")
    abort: tuple[str, ...] = Field(
        default=(), description="gives up a change that is not in force yet; empty where every line is, as it is typed"
    )
    save: tuple[str, ...] = Field(default=(), description="makes what is in force outlive a restart; empty: it does")
    confirm: CommitConfirm | None = None

    def refused(self, output: str) -> str:
        """The first line by which the device refused; empty if it did not."""
        lines = (line.strip() for line in output.splitlines())
        return next((line for line in lines if any(re.search(e, line) for e in self.errors)), "")


@cache
def known_vendors() -> Mapping[str, Vendor]:
    """Every vendor, by the slug of its platform."""
    modules = (importlib.import_module(f"{vendors.__name__}.{m.name}") for m in pkgutil.iter_modules(vendors.__path__))
    found = sorted((m.VENDOR for m in modules), key=lambda vendor: vendor.platform)
    return MappingProxyType({vendor.platform: vendor for vendor in found})
