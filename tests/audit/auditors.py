"""Unpack the auditors' programs from Debian's packages, for the lab's own release. Not here: how they are run."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from deploy.lab.image import Machine
from deploy.lab.machine import run
from deploy.lab.mirror import RELEASE
from tests.audit.results import CONTENT, Versions

PROGRAMS = ("iproute2", "lynis", "nmap", "openscap-scanner", "sslscan")
"""What is taken from the release that the hosts have."""
CONTENT_RELEASE = "forky"
"""Debian 13's own package of the content has no rules for Debian 13; the next release's has, and it is data alone."""

PREFERENCES = (
    f"Package: *\nPin: release n={CONTENT_RELEASE}\nPin-Priority: -1\n\n"
    f"Package: {CONTENT} ssg-base\nPin: release n={CONTENT_RELEASE}\nPin-Priority: 990\n"
)
NOT_NEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/lib/apt", "var/cache")
OTHER_CONTENT = "usr/share/xml/scap/ssg/content/ssg-*"
VERSIONS = "packages"
"""Lists the files of the packages that were unpacked."""
DATA_STREAM = "usr/share/xml/scap/ssg/content/ssg-debian13-ds.xml"


class Auditors:
    """The auditors' programs in a directory of their own, with every library that they need."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def versions(self) -> Versions:
        """Return which version of each package this is."""
        files = (self.root / VERSIONS).read_text(encoding="utf-8").split()
        packages = dict(file.removesuffix(".deb").split("_")[:2] for file in files)
        return {package: packages[package] for package in (*PROGRAMS, CONTENT)}


def auditors(kept_in: Path, machine: Machine) -> Auditors:
    """Return the programs; download and unpack them if they are not there. No maintainer script is run."""
    arguments = list(recipe(machine))
    root = kept_in / hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:16]
    if not root.is_dir():
        half = kept_in / f".{root.name}.half"
        kept_in.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(half, ignore_errors=True)
        target = arguments.index(RELEASE) + 1
        run("mmdebstrap", *arguments[:target], half, *arguments[target:], timeout=900)
        for needless in (*(half / n for n in NOT_NEEDED), *half.glob(OTHER_CONTENT)):
            if needless != half / DATA_STREAM:
                shutil.rmtree(needless) if needless.is_dir() else needless.unlink(missing_ok=True)
        half.rename(root)
    return Auditors(root)


def recipe(machine: Machine) -> Iterator[str]:
    """Yield the arguments of mmdebstrap, but for the target: packages are unpacked, and none is configured."""
    yield from ("--quiet", "--mode=root", "--variant=extract", f"--include={','.join((*PROGRAMS, CONTENT))}")
    yield f'--extract-hook=cd "$1/var/cache/apt/archives" && ls *.deb > "$1/{VERSIONS}"'
    yield '--extract-hook=cd "$1" && ln -s usr/lib usr/lib64 usr/bin .'
    # what its maintainer script would do by update-alternatives
    yield '--extract-hook=cd "$1"/usr/lib/*-linux-gnu && ln -s blas/libblas.so.3 .'
    yield f'--setup-hook=printf %s "{PREFERENCES}" > "$1/etc/apt/preferences.d/audit"'
    yield RELEASE
    sources = machine.mirror.sources()
    yield from (f"deb {uri} {suite} main" for uri, suite in sources)
    # a mirror may be some days behind, and what comes from there is signed all the same
    yield f"deb [check-valid-until=no] {sources[0][0]} {CONTENT_RELEASE} main"
