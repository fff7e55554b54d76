"""The searches that every server is looked at with: role `base` answers for what they find."""

from __future__ import annotations

from roles.shared.searches.packages import PACKAGES
from roles.shared.searches.search import Search

OF_EVERY_SERVER: tuple[Search, ...] = (PACKAGES,)
