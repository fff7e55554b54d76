"""Name lines of a device's configuration by regular expressions, for the line and for those that it stands below.

Written outermost first. Lines are as the vendor's syntax has them: in the `set` syntax, a word of a statement is one.
"""

from __future__ import annotations

Section = tuple[str, ...]
"""Each matches a whole line, from the outermost line on. It names that section, with all that stands below it."""

LinePattern = tuple[str, ...]
"""Each is searched for, the last in the line itself, the ones before it in the lines right above: those may stand below
others too.
"""
