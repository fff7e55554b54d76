"""The disk image that every lab host boots from: Debian as an organisation's installer would leave it.

Built once by mmdebstrap and kept, under the digest of its recipe. Not here: what makes one host differ from
another (`lab.host`).
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from contextlib import suppress
from pathlib import Path

from pydantic import Field

from deploy.lab.machine import LabError, delete, end, unmount, work
from inventory.fleet import Frozen
from roles import base

RELEASE, RELEASE_PLATFORM = "trixie", "debian-13"
USER = "samdrift"
TO_BE_REACHED = ("dbus", "openssh-server", "sudo", "systemd", "systemd-sysv")
PACKAGES = tuple(sorted({*TO_BE_REACHED, *base.PACKAGES}))
"""What the installer puts on every host: what a host needs to be reached at all, and the packages of role `base`."""

NO_HARDWARE = ("debug", "gpt-auto", "hibernate-resume", "rc-local", "run", "ssh", "system-update", "tpm2")
"""Generators of systemd that look for what a machine of hardware may have. A container has none of it, and each of the
many reloads while packages are installed runs them all: with them, that takes a quarter of its time.
"""
NO_TRANSLATIONS = 'Acquire::Languages "none";'
SUITES = frozenset({"oldoldstable", "oldstable", "stable", "bullseye", "bookworm", "trixie"})
TARGET = "{target}"
BUILD = "image_build"  # no host can have this name: an underscore is in none


class Mirror(Frozen):
    """Where Debian comes from: its archive and, where the machine has one, its security archive."""

    archive: str
    security: str | None = None

    def sources(self) -> list[tuple[str, str]]:
        """(URI, suite) of everything that a lab host installs from."""
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
        """Whether this is Debian's own archive, and not a third party that builds for Debian.

        Third parties bring their own key; Debian's is in its keyring package, or needs no mention at all.
        """
        own_key = not self.signed_by or "debian-archive" in self.signed_by
        return own_key and "main" in self.components and any(s.split("-")[0] in SUITES for s in self.suites)


def one_line_sources(text: str) -> Iterator[Source]:
    """The sources of a `sources.list`."""
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
    """The sources of a `*.sources` file."""
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
    """Debian's archive as the machine itself uses it: the first URI of each kind; None if it has none."""
    archive = security = None
    for source in sources:
        if source.is_debian and source.uris:
            if any(s.endswith(("-security", "/updates")) for s in source.suites):
                security = security or source.uris[0]
            else:
                archive = archive or source.uris[0]
    return Mirror(archive=archive, security=security) if archive else None


def machine_mirror(option: str | None, apt: Path = Path("/etc/apt")) -> Mirror:
    """The mirror of the option, or else of the machine's own apt configuration."""
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
    """The URI; of a `mirror+file:` (a local list of mirrors), the first URI on the list."""
    if not uri.startswith("mirror+file:"):
        return uri
    listed = Path("/" + uri.removeprefix("mirror+file:").lstrip("/"))
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            return line.split()[0]
    raise LabError("the list of mirrors is empty or missing", where=str(listed), fix="name one: SAMDRIFT_MIRROR=URI")


class Machine(Frozen):
    """What an image takes from the machine: where Debian comes from, and whom the machine trusts beyond Debian's list.

    `authorities` are certificates (PEM), by file name; `index` is where its pip fetches from, if not from where all do.
    """

    mirror: Mirror
    authorities: Mapping[str, str] = Field(default_factory=dict)
    index: str = ""

    @staticmethod
    def here(option: str | None) -> Machine:
        """This machine, with the mirror of the option."""
        return Machine(mirror=machine_mirror(option), authorities=machine_authorities(), index=machine_index())

    def hooks(self) -> Iterator[str]:
        """The shell commands by which an image comes to trust and ask the same."""
        for name, pem in sorted(self.authorities.items()):
            yield f'printf %s {shlex.quote(pem)} > "$1"/usr/local/share/ca-certificates/{shlex.quote(name)}'
        if self.authorities:
            yield 'chroot "$1" update-ca-certificates > /dev/null'
        if self.index:
            yield f'printf "[global]\nindex-url = %s\n" {shlex.quote(self.index)} > "$1/etc/pip.conf"'


def machine_authorities(directory: Path = Path("/usr/local/share/ca-certificates")) -> dict[str, str]:
    """The certificates that somebody told this machine to trust, as Debian has them told."""
    return {file.name: file.read_text(encoding="ascii") for file in sorted(directory.glob("*.crt"))}


def machine_index(environment: Mapping[str, str] = os.environ, file: Path = Path("/etc/pip.conf")) -> str:
    """The package index of this machine's pip, where one is set that lab hosts can reach too; else empty."""
    config = ConfigParser(interpolation=None)
    with suppress(ConfigParserError):
        config.read(file, encoding="utf-8")
    said = environment.get("PIP_INDEX_URL") or str(config.get("global", "index-url", fallback=""))
    return said if re.fullmatch(r"https?://\S+", said) else ""


def recipe(machine: Machine) -> list[str]:
    """The arguments of mmdebstrap, but for the target: everything that decides what is in the image."""
    mirror = machine.mirror
    stanzas = "\n".join(
        f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        for uri, suite in mirror.sources()
    )
    hooks = (
        # the way in, as the organisation's installer leaves it; each host gets its authorized key when it is made
        f'chroot "$1" useradd --create-home --shell /bin/bash {USER}',
        f'echo "{USER} ALL=(ALL:ALL) NOPASSWD: ALL" > "$1/etc/sudoers.d/{USER}" && chmod 440 "$1/etc/sudoers.d/{USER}"',
        'chroot "$1" systemctl enable systemd-networkd.service',
        'mkdir -p "$1/etc/systemd/system-generators"',
        *(f'ln -s /dev/null "$1/etc/systemd/system-generators/systemd-{name}-generator"' for name in NO_HARDWARE),
        # what must not be the same on two hosts
        'rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/hostname" "$1/etc/resolv.conf"',
        'rm -f "$1/etc/apt/sources.list"',
        f'printf %s {shlex.quote(stanzas)} > "$1/etc/apt/sources.list.d/debian.sources"',
        # descriptions of packages in English are a quarter of the lists, and nobody reads them here
        f'echo {shlex.quote(NO_TRANSLATIONS)} > "$1/etc/apt/apt.conf.d/10lab"',
        *machine.hooks(),
        # roles ask how old the package lists are; apt dates them by the mirror, and not by when they were read
        'touch "$1"/var/lib/apt/lists/*_Packages',
        'rm "$1/etc/apt/apt.conf.d/99mmdebstrap"',
    )
    options = [
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        # a lab host's disk is thrown away, so it need not be safe against power cuts, and nobody reads manuals on it
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/info/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        # a mirror that does not answer is told within a minute; only while the image is built, see the last hook
        '--aptopt=Acquire::http::Timeout "15"',
        '--aptopt=Acquire::https::Timeout "15"',
        '--aptopt=Acquire::Retries "1"',
        "--skip=cleanup/apt/lists",
        *(f"--customize-hook={hook}" for hook in hooks),
    ]
    lines = [f"deb {uri} {suite} main" for uri, suite in mirror.sources()]
    return [*options, RELEASE, TARGET, *lines]


def image_name(arguments: list[str]) -> str:
    """The digest of a recipe."""
    return hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:16]


def build(lab: str, images: Path, machine: Machine, wait: float = 1200) -> Path:
    """The image of this machine's recipe, built if it is not there. Half an image is never there."""
    arguments = recipe(machine)
    image = images / image_name(arguments)
    if image.is_dir():
        return image
    images.mkdir(parents=True, exist_ok=True)
    half, log = images / f".{image.name}.half", images / "build.log"
    discard_half(lab, images)
    log.unlink(missing_ok=True)
    try:
        work(lab, BUILD, ["mmdebstrap", *(str(half) if a == TARGET else a for a in arguments)], log, wait)
    except LabError as e:
        raise LabError(f"the image cannot be built: {e.what}", where=e.where, fix="is the mirror reachable?") from e
    half.rename(image)
    return image


def discard_half(lab: str, images: Path) -> None:
    """Remove what a crashed build left behind."""
    end(lab, [BUILD])
    for half in images.glob(".*.half"):
        unmount(half)
        delete(half)
