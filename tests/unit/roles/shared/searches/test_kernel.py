"""Tables and modules: what the kernel runs, and neither a role nor a package brought."""

from __future__ import annotations

from roles.shared.searches.kernel import MODULES, TABLES
from roles.shared.searches.search import Declarations, Search


def told(search: Search, *lines: str, expects: tuple[str, ...] = ()) -> list[str]:
    declared = Declarations(expects={search.kind: expects})
    return [f.name for f in search.unexpected("\n".join([*lines, "", "ended 0", ""]), declared)]


def test_a_table_that_no_role_makes_is_told() -> None:
    lines = ("table inet samdrift", "table ip nat", "legacy ip filter")
    assert told(TABLES, *lines, expects=("inet samdrift",)) == ["ip nat", "legacy ip filter"]


def test_a_module_of_no_package_is_told_loaded_or_not() -> None:
    assert told(MODULES, "loaded\tdiamorphine", "file\t/usr/lib/modules/6.12/extra/x.ko.xz") == [
        "/usr/lib/modules/6.12/extra/x.ko.xz",
        "diamorphine",
    ]


def test_what_dkms_built_of_a_package_is_expected_where_dkms_puts_it() -> None:
    path = "/usr/lib/modules/6.12/updates/dkms/{}.ko.xz"
    built = ("dkms\tv4l2loopback", "loaded\tv4l2loopback", f"file\t{path.format('v4l2loopback')}")
    assert told(MODULES, *built, "file\t/usr/lib/modules/6.12/extra/v4l2loopback.ko") == [
        "/usr/lib/modules/6.12/extra/v4l2loopback.ko"
    ]
    assert told(MODULES, "dkms\tvmw-vmci", "loaded\tvmw_vmci") == []
