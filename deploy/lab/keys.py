"""Make and read the keys of a lab: for changing its hosts and for looking at them, for the hosts and their tunnels.

Not here: the values of secrets (`vault.made_up`).
"""

from __future__ import annotations

import base64
import fcntl
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from deploy.lab.image import USER
from deploy.lab.machine import LabError, run, write
from inventory.fleet import Host
from roles.shared.catalogue import known_roles
from roles.shared.certificates import AUTHORITY_KEY
from roles.shared.people import LOOKS_AS

MAKES_AUTHORITY = (
    *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-days", "3650"),
    *("-addext", "basicConstraints=critical,CA:TRUE,pathlen:0", "-addext", "keyUsage=critical,keyCertSign"),
)
TUNNELS = "tunnels"
"""Where the lab keeps the keys of hosts with tunnels."""


class Keys:
    """The keys of one lab, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def make(self, hosts: Sequence[Host]) -> None:
        """Make the keys that are missing: the lab's own two, each host's, and that of its tunnels if any.

        They are kept between runs.
        """
        own = dict.fromkeys((self.to_change, self.to_look), _make_key)
        own[self.authority_key] = _make_authority
        wanted = {**own, **{self.directory / "hosts" / h.name: _make_key for h in hosts}}
        wanted |= {self.directory / TUNNELS / h.name: _make_tunnel_key for h in hosts if has_tunnels(h)}
        if all(key.exists() for key in wanted):
            return
        try:
            for kind in ("hosts", TUNNELS):
                (self.directory / kind).mkdir(parents=True, exist_ok=True)
            with (self.directory / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                for key, make in wanted.items():
                    if not key.exists():
                        make(key)
        except PermissionError as e:
            raise LabError("the lab has no keys yet", where=str(self.directory), fix="as root: samdrift lab up") from e

    @property
    def to_change(self) -> Path:
        """Return the file of the private key that hosts are changed by."""
        return self.directory / USER

    @property
    def to_look(self) -> Path:
        """Return the file of the private key that hosts are looked at by, and nothing else."""
        return self.directory / LOOKS_AS

    @property
    def user_key(self) -> str:
        """Return the public key that hosts are changed by."""
        return _public(self.to_change)

    @property
    def look_key(self) -> str:
        """Return the public key that hosts are looked at by."""
        return _public(self.to_look)

    @property
    def authority_key(self) -> Path:
        """Return the file of the private key that certificates are signed by."""
        return self.directory / "authority"

    @property
    def secrets(self) -> dict[str, Path]:
        """Return by name the files of the secrets that are keys."""
        return {AUTHORITY_KEY: self.authority_key}

    @property
    def authority(self) -> str:
        """Return the authority's certificate (PEM)."""
        return _certificate_beside(self.authority_key).read_text(encoding="ascii")

    def host_key(self, host: str) -> tuple[str, str]:
        """Return the private and the public key of a host."""
        key = self.directory / "hosts" / host
        return key.read_text(encoding="ascii"), self.public_host_key(host)

    def public_host_key(self, host: str) -> str:
        """Return the public key of a host."""
        return (self.directory / "hosts" / f"{host}.pub").read_text(encoding="ascii")

    def tunnel_key(self, host: str) -> str:
        """Return the private key of a host's tunnels."""
        return (self.directory / TUNNELS / host).read_text(encoding="ascii").strip()


def _public(private: Path) -> str:
    return private.with_name(f"{private.name}.pub").read_text(encoding="ascii")


def has_tunnels(host: Host) -> bool:
    """Tell whether a role of the host has a private key for tunnels there."""
    return any(role.tunnel_key for role in known_roles(host))


def _make_key(path: Path) -> None:
    """Make an ed25519 key pair; both files appear at once, or the private one last."""
    new = path.with_name(f".{path.name}.new")
    for half in (new, Path(f"{new}.pub")):
        half.unlink(missing_ok=True)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "samdrift-lab", "-f", new)
    Path(f"{new}.pub").rename(f"{path}.pub")
    new.rename(path)


def _make_authority(path: Path) -> None:
    """Make a certificate authority, as docs/certificates.md does; the key appears last."""
    new = path.with_name(f".{path.name}.new")
    run("openssl", *MAKES_AUTHORITY, "-subj", "/CN=samdrift lab", "-keyout", new, "-out", _certificate_beside(path))
    new.rename(path)


def _certificate_beside(key: Path) -> Path:
    return key.with_name(f"{key.name}.crt")


def _make_tunnel_key(path: Path) -> None:
    """Make a private key as `wg genkey` does; the file appears whole or not at all."""
    write(path, f"{base64.b64encode(X25519PrivateKey.generate().private_bytes_raw()).decode()}\n", 0o600)


def public_half(private_key: str) -> str:
    """Return the public key of a private one, as `wg pubkey` makes it."""
    private = X25519PrivateKey.from_private_bytes(base64.b64decode(private_key))
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


def without_comment(public_key: str) -> str:
    """Return a public key as its type and itself."""
    return " ".join(public_key.split()[:2])
