"""Find where Debian comes from: the archive that the machine's own apt uses, or the option.

Not here: what is installed from it (`lab.image`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from deploy.lab.machine import LabError
from inventory.frozen import Frozen

RELEASE, RELEASE_PLATFORM = "trixie", "debian-13"
SUITES = frozenset({"oldoldstable", "oldstable", "stable", "bullseye", "bookworm", "trixie"})


class Mirror(Frozen):
    """A Debian archive and, if the machine has one, its security archive."""

    archive: str
    security: str | None = None

    @property
    def archives(self) -> tuple[str, ...]:
        """Return the URI of each archive, once."""
        return tuple(dict.fromkeys(uri for uri, _ in self.sources()))

    def sources(self) -> list[tuple[str, str]]:
        """Return (URI, suite) of everything that a lab host installs from."""
        sources = [(self.archive, RELEASE)]
        if self.security:
            sources += [(self.archive, f"{RELEASE}-updates"), (self.security, f"{RELEASE}-security")]
        return sources


class Source(Frozen):
    """One apt source of the machine, whichever way it is written."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""

    @property
    def is_debian(self) -> bool:
        """Tell whether this is Debian's own archive, and not a third party that builds for Debian.

        Third parties bring their own key; Debian's is in its keyring package, or needs no mention at all.
        """
        own_key = not self.signed_by or "debian-archive" in self.signed_by
        return own_key and "main" in self.components and any(s.split("-")[0] in SUITES for s in self.suites)


def one_line_sources(text: str) -> Iterator[Source]:
    """Yield the sources of a `sources.list`."""
    for line in text.splitlines():
        found = re.match(
            r"\s*deb\s+(?:\[(?P<options>[^]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<rest>[^#]*)", line
        )
        if found:
            signed = re.search(r"signed-by=(\S+)", found["options"] or "")
            yield Source(
                uris=(found["uri"],),
                suites=(found["suite"],),
                components=tuple(found["rest"].split()),
                signed_by=signed[1] if signed else "",
            )


def deb822_sources(text: str) -> Iterator[Source]:
    """Yield the sources of a `*.sources` file."""
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in {" ", "\t"}:
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() not in {"no", "false"}:
            yield Source(
                uris=tuple(fields.get("uris", "").split()),
                suites=tuple(fields.get("suites", "").split()),
                components=tuple(fields.get("components", "").split()),
                signed_by=fields.get("signed-by", ""),
            )


def mirror_of(sources: Iterable[Source]) -> Mirror | None:
    """Return Debian's archive as the machine itself uses it: the first URI of each kind; None if it has none."""
    archive = security = None
    for source in sources:
        if source.is_debian and source.uris:
            if any(s.endswith(("-security", "/updates")) for s in source.suites):
                security = security or source.uris[0]
            else:
                archive = archive or source.uris[0]
    return Mirror(archive=archive, security=security) if archive else None


def machine_mirror(option: str | None, apt: Path = Path("/etc/apt")) -> Mirror:
    """Return the mirror of the option, or else of the machine's own apt configuration."""
    if option:
        return Mirror(archive=option)
    sources: list[Source] = []
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for file in files:
        read = {".list": one_line_sources, ".sources": deb822_sources}.get(file.suffix)
        if read and file.is_file():
            sources += read(file.read_text(encoding="utf-8", errors="replace"))
    mirror = mirror_of(sources)
    if mirror is None:
        raise LabError(
            "the machine's apt configuration names no Debian archive",
            where=str(apt),
            fix="name one: SAMDRIFT_MIRROR=URI",
        )
    security = _first_of_list(mirror.security) if mirror.security else None
    return Mirror(archive=_first_of_list(mirror.archive), security=security)


def _first_of_list(uri: str) -> str:
    """Return a URI; of a `mirror+file:` (a local list of mirrors), the first URI on the list."""
    if not uri.startswith("mirror+file:"):
        return uri
    listed = Path("/" + uri.removeprefix("mirror+file:").lstrip("/"))
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            return line.split()[0]
    raise LabError("the list of mirrors is empty or missing", where=str(listed), fix="name one: SAMDRIFT_MIRROR=URI")
