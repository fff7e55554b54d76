"""Authorities and hosts of tests, made by the real openssl: as an organisation makes them, and as others might."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.lab.keys import MAKES_AUTHORITY
from inventory.secrets import Secret
from roles.shared.certificates import Issuer, Order, key_digest, ordered
from roles.shared.parts.issued import request

NAMES, ADDRESSES = ("tie-web1", "web.example.net"), ("10.60.10.16", "fd00::16")
KEY = Secret(name="authority_key", municipality="authority", stays=True)


def openssl(*arguments: str | Path, said: str = "", fails: bool = False) -> str:
    """What openssl answers; its complaint if it must fail. Skips the test where there is none."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed here")
    done = subprocess.run(["openssl", *map(str, arguments)], input=said, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == fails, done.stderr
    return done.stderr if fails else done.stdout


@dataclass(frozen=True)
class Authority:
    """An authority: its key and its certificate, as texts and as files."""

    directory: Path
    name: str = "ours"
    subject: str = "/O=Norra/CN=Servers"

    @classmethod
    def made(cls, directory: Path, *more: str, name: str = "ours", subject: str = "/O=Norra/CN=Servers") -> Authority:
        """Make one as docs/certificates.md says; what comes later on openssl's command line counts."""
        new = cls(directory, name, subject)
        openssl(*MAKES_AUTHORITY, "-subj", subject, "-keyout", new.key_file, "-out", new.file, *more)
        return new

    @property
    def file(self) -> Path:
        return self.directory / f"{self.name}.crt"

    @property
    def key_file(self) -> Path:
        return self.directory / f"{self.name}.key"

    @property
    def pem(self) -> str:
        return self.file.read_text(encoding="ascii")

    @property
    def key(self) -> str:
        return self.key_file.read_text(encoding="ascii")

    def orders(self, *, days: int = 90, names: tuple[str, ...] = NAMES, keeper: Secret | None = KEY) -> Order:
        """An order of this authority's."""
        return ordered(Issuer(authority=self.pem, key=keeper, days=days), names, ADDRESSES)


@dataclass(frozen=True)
class Machine:
    """A host's key in a directory, and what the host asks for."""

    directory: Path

    @classmethod
    def made(cls, directory: Path, *, kind: tuple[str, ...] = ("EC", "ec_paramgen_curve:P-256")) -> Machine:
        new = cls(directory)
        openssl(
            "genpkey", "-quiet", "-algorithm", kind[0], *(a for o in kind[1:] for a in ("-pkeyopt", o)), "-out", new.key
        )
        return new

    @property
    def key(self) -> Path:
        return self.directory / "host.key"

    @property
    def public(self) -> str:
        """Its public key, as orders tell it."""
        return key_digest(openssl("pkey", "-pubout", "-in", self.key))

    def asks(self, order: Order) -> str:
        """Its request, by the command of the plan."""
        command = request(str(self.key), order)
        return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout

    def asks_for(self, *more: str, subject: str = "/") -> str:
        """A request of whoever took the host over."""
        return openssl("req", "-new", "-key", self.key, "-subj", subject, *more)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The organisation's authority."""
    return Authority.made(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A host that asks for a certificate."""
    return Machine.made(tmp_path_factory.mktemp("machine"))
