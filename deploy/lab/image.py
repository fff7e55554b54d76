"""The disk image that every lab host boots from: Debian as an organisation's installer would leave it.

Built once by mmdebstrap and kept, under the digest of its recipe. Not here: what makes one host differ from
another (`lab.host`).
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from contextlib import suppress
from pathlib import Path

from pydantic import Field

from deploy.lab.cgroups import end, work
from deploy.lab.machine import LabError, delete
from deploy.lab.mirror import RELEASE, Mirror, machine_mirror
from deploy.lab.mounts import unmount
from inventory.frozen import Frozen
from roles.shared.catalogue import catalogue

USER = "samdrift"
TO_BE_REACHED = ("dbus", "openssh-server", "sudo", "systemd", "systemd-sysv")
"""Packages without which nobody could log in to a host."""

NO_HARDWARE = ("debug", "gpt-auto", "hibernate-resume", "rc-local", "run", "ssh", "system-update", "tpm2")
"""Generators of systemd that look for what a machine of hardware may have. A container has none of it, and each of the
many reloads while packages are installed runs them all: with them, that takes a quarter of its time.
"""
NO_TRANSLATIONS = 'Acquire::Languages "none";'
TARGET = "{target}"
BUILD = "image_build"  # no host can have this name: an underscore is in none


class Machine(Frozen):
    """The parts of the machine that an image depends on: its Debian archive, and whom it trusts beyond Debian's list.

    `authorities` are certificates (PEM), by file name; `index` is where its pip fetches from, if not from where all do.
    """

    mirror: Mirror
    authorities: Mapping[str, str] = Field(default_factory=dict)
    index: str = ""

    @staticmethod
    def here(option: str | None) -> Machine:
        """Return this machine, with the mirror of the option."""
        return Machine(mirror=machine_mirror(option), authorities=machine_authorities(), index=machine_index())

    def hooks(self) -> Iterator[str]:
        """Yield the shell commands by which an image comes to trust and ask the same."""
        for name, pem in sorted(self.authorities.items()):
            place = '"$1"/usr/local/share/ca-certificates/lab'
            yield f"mkdir -p {place} && printf %s {shlex.quote(pem)} > {place}/{shlex.quote(name)}"
        if self.authorities:
            yield 'chroot "$1" update-ca-certificates > /dev/null'
        if self.index:
            yield f'printf "[global]\nindex-url = %s\n" {shlex.quote(self.index)} > "$1/etc/pip.conf"'


def machine_authorities(directory: Path = Path("/usr/local/share/ca-certificates")) -> dict[str, str]:
    """Return the certificates that this machine trusts beyond Debian's list."""
    return {file.name: file.read_text(encoding="ascii") for file in sorted(directory.glob("*.crt"))}


def machine_index(environment: Mapping[str, str] = os.environ, file: Path = Path("/etc/pip.conf")) -> str:
    """Return the package index of this machine's pip, if one is set that lab hosts can reach too; else empty."""
    config = ConfigParser(interpolation=None)
    with suppress(ConfigParserError):
        config.read(file, encoding="utf-8")
    index = environment.get("PIP_INDEX_URL") or str(config.get("global", "index-url", fallback=""))
    return index if re.fullmatch(r"https?://\S+", index) else ""


def packages() -> tuple[str, ...]:
    """Return the packages that the installer puts on every host: those that a login needs, and those that roles say."""
    return tuple(sorted({*TO_BE_REACHED, *(name for role in catalogue().values() for name in role.lab_packages)}))


def recipe(machine: Machine) -> list[str]:
    """Return the arguments of mmdebstrap, but for the target: everything that decides what is in the image."""
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
        f"--include={','.join(packages())}",
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
    """Return the digest of a recipe."""
    return hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:16]


def build(lab: str, images: Path, machine: Machine, wait: float = 1200) -> Path:
    """Return the image of this machine's recipe; build it if it does not exist. Half an image is never there."""
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
