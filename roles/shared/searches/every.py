"""The searches that every server is looked at with: role `base` answers for what they find."""

from __future__ import annotations

from roles.shared.searches.generated import GENERATED
from roles.shared.searches.homes import KEYS, STARTED_FILES
from roles.shared.searches.kernel import MODULES
from roles.shared.searches.package_files import PACKAGE_FILES
from roles.shared.searches.packages import FOREIGN, PACKAGES
from roles.shared.searches.people import LOGINS, MEMBERS, PASSWORDS, SHARED_NUMBERS
from roles.shared.searches.privileges import CAPABILITIES, SETUID
from roles.shared.searches.search import Search
from roles.shared.searches.sockets import PORTS
from roles.shared.searches.stray_files import STRAY_FILES
from roles.shared.searches.sudo_rules import SUDO_RULES
from roles.shared.searches.units import LINKED_UNITS, TRANSIENT, UNITS

OF_PEOPLE = (LOGINS, PASSWORDS, SHARED_NUMBERS, MEMBERS, SUDO_RULES, KEYS, STARTED_FILES)
OF_FILES = (STRAY_FILES, PACKAGE_FILES, GENERATED, SETUID, CAPABILITIES, LINKED_UNITS)
OF_WHAT_RUNS = (PACKAGES, FOREIGN, UNITS, TRANSIENT, PORTS, MODULES)

OF_EVERY_SERVER: tuple[Search, ...] = (*OF_WHAT_RUNS, *OF_PEOPLE, *OF_FILES)
