"""The searches that every server is looked at with: role `base` answers for what they find."""

from __future__ import annotations

from roles.shared.searches.generated import GENERATED
from roles.shared.searches.homes import KEYS, STARTED_FILES
from roles.shared.searches.packages import PACKAGES
from roles.shared.searches.people import LOGINS, MEMBERS, PASSWORDS, SHARED_NUMBERS
from roles.shared.searches.privileges import CAPABILITIES, SETUID
from roles.shared.searches.search import Search
from roles.shared.searches.stray_files import STRAY_FILES
from roles.shared.searches.sudo_rules import SUDO_RULES

OF_PEOPLE = (LOGINS, PASSWORDS, SHARED_NUMBERS, MEMBERS, SUDO_RULES, KEYS, STARTED_FILES)
OF_FILES = (STRAY_FILES, GENERATED, SETUID, CAPABILITIES)

OF_EVERY_SERVER: tuple[Search, ...] = (PACKAGES, *OF_PEOPLE, *OF_FILES)
