"""Files of packages that are not as the package brought them. Pure.

What `dpkg --verify` finds by reading every file takes seconds. Here, those are read whose inode changed after their
package was unpacked (its time is the kernel's, and no `touch` sets it), and every configuration file. Who can set the
clock back before he changes a file gets past this; so does who changes dpkg's own sums. Not here: files that packages
brought and that are gone, modes and owners, and files of no package.
"""

from __future__ import annotations

from collections.abc import Iterator

from roles.shared.searches.search import Declarations, Found, Search
from roles.shared.searches.standing import DETAIL, standing

NOISE = "^usr/share/(doc|man|locale|info|help|icons|fonts|zoneinfo)/"
"""Of packages, what no program runs or obeys, and installers leave out."""
CHANGED = r"""
FILENAME == "-" && $1 == "unpacked" { sub(/\.list$/, "", $3); when[$3] = $2; next }
FILENAME == "-" {
    path = substr($0, index($0, "/"))
    if (path in sum && $1 > when[of[path]] + 1) print sum[path] "  " path
    next
}
FNR == 1 { package = FILENAME; sub(/.*\//, "", package); sub(/\.md5sums$/, "", package) }
$2 !~ NOISE {
    path = "/" substr($0, 35)
    sub(/^\/(bin|sbin|lib|lib64)\//, "/usr&", path)
    sum[path] = $1
    of[path] = package
}
""".strip()
PROGRAMS = "find awk dpkg-query md5sum sed xargs sha256sum"
QUESTION = (
    f"command -v {PROGRAMS} > /dev/null && {{ "
    r"{ find /var/lib/dpkg/info -name '*.list' -printf 'unpacked %C@ %f\n'; "
    r"find /usr /etc /opt -xdev -path /usr/share/doc -prune -o -path /usr/share/man -prune -o "
    r"-path /usr/share/locale -prune -o -type f -printf '%C@ %p\n'; } "
    f"| awk -v NOISE='{NOISE}' '{CHANGED}' /var/lib/dpkg/info/*.md5sums -; "
    r"dpkg-query -W -f '${Conffiles}\n' | sed -nE 's#^ (/.*) ([0-9a-f]{32})$#\2  \1#p'; } "
    r"| md5sum -c - | sed -n 's/: FAILED$//p' | tr '\n' '\0' | " + DETAIL
)


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the files of packages that were changed, and that no role declares."""
    for file in standing(answer):
        if file.path not in declared.files:
            yield Found(name=file.path, state=file.state)


PACKAGE_FILES = Search(kind="package-file", question=QUESTION, undeclared=undeclared)
