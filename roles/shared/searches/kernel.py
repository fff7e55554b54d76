"""What the kernel runs that nobody declares: tables of rules for packets, and modules of no package. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from roles.shared.searches.search import Declarations, Found, Search

TABLES_LISTED = (
    "if command -v nft > /dev/null; then nft list tables && for f in ip ip6 arp; do "
    '[ ! -s /proc/net/${f}_tables_names ] || sed "s/^/legacy $f /" /proc/net/${f}_tables_names; done; fi'
)
"""The second half is of rules that `iptables-legacy` made, which nft does not show."""

PACKAGED = "grep -hE '^/(usr/)?lib/modules/.*[.]ko' /var/lib/dpkg/info/*.list"
MODULES_LISTED = (
    "if [ ! -e /run/systemd/container ] && [ -e /proc/modules ]; then "
    f"{PACKAGED} | sed -E 's#.*/##; s/[.]ko.*//; s/-/_/g' | "
    "{ sed 's/ .*//' /proc/modules | grep -vxFf /dev/fd/3 | sed 's/^/loaded\\t/'; } 3<&0; "
    f"{PACKAGED} | sed 's#^/lib/#/usr/lib/#' | "
    "{ find /usr/lib/modules -name '*.ko*' -printf '%p\\n' <&- | grep -vxFf /dev/fd/3 | sed 's/^/file\\t/'; } 3<&0; "
    "for f in $(grep -hE '^/usr/src/[^/]+/dkms.conf$' /var/lib/dpkg/info/*.list); do "
    "sed -nE 's/^(BUILT_MODULE_NAME|PACKAGE_NAME).*=\"?([A-Za-z0-9_-]+)\"?.*/dkms\\t\\2/p' $f; done; fi"
)
"""What a container lists is the machine's outside."""


def tables(answer: str, declared: Declarations) -> Iterator[Found]:  # noqa: ARG001  a search's signature
    """Yield the tables, but for what roles expect."""
    for line in filter(None, answer.splitlines()):
        yield Found(name=line.removeprefix("table "))


def modules(answer: str, declared: Declarations) -> Iterator[Found]:  # noqa: ARG001  a search's signature
    """Yield the modules that are loaded or installed, and that no package brought or built."""
    rows = [line.split("\t") for line in answer.splitlines() if "\t" in line]
    built = {_underscored(row[1]) for row in rows if row[0] == "dkms"}
    for what, name in rows:
        if what == "loaded" and name not in built:
            yield Found(name=name, state="loaded")
        if what == "file" and not ("/updates/dkms/" in name and _underscored(_basename(name)) in built):
            yield Found(name=name)


def _basename(path: str) -> str:
    return path.rpartition("/")[2].partition(".ko")[0]


def _underscored(name: str) -> str:
    return name.replace("-", "_")


TABLES = Search(
    kind="table", question=TABLES_LISTED, undeclared=tables, as_root=True, remove=("nft", "delete", "table", "{name}")
)
MODULES = Search(kind="module", question=MODULES_LISTED, undeclared=modules)
