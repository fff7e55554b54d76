"""Signatures by SSH keys: sign a statement, find out whose signature it is. OpenSSH's ssh-keygen does both.

Not here: what a statement says and what it counts for (`model.approval`).
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from deploy.model.approval import Approval, Subject, key_of
from inventory.errors import SamdriftError
from inventory.organisation import Person

Purpose = Subject | Literal["report"]

NAMESPACES: dict[Purpose, str] = {"plan": "samdrift-plan", "record": "samdrift-record", "report": "samdrift-report"}
"""What a signature is for: one of a plan is none of a record, and one of a file or of git is neither."""

ARMOUR = re.compile(r"-----BEGIN SSH SIGNATURE-----\n(.*)\n-----END SSH SIGNATURE-----", re.DOTALL)

SECONDS = 120
"""Somebody may have to type a passphrase, or to touch a security key."""

OWN = ("id_ed25519", "id_ed25519_sk")
"""Keys that ssh itself looks for, of the types that people log in with."""


class SigningError(SamdriftError):
    """A statement cannot be signed, or a signature is not what it should be."""


def keys_at_hand() -> Iterator[tuple[str, Path | None]]:
    """Yield the public keys (`type base64`) of this person: the agent's, then those in files, each with its file."""
    try:
        asked = _run("ssh-add", "-L")
    except SigningError:  # no agent
        asked = b""
    for line in asked.decode(errors="replace").splitlines():
        if len(line.split()) > 1:
            yield key_of(line), None
    for private in (Path.home() / ".ssh" / name for name in OWN):
        if private.is_file():
            try:
                yield public_key(private), private
            except SigningError:
                continue


def public_key(file: Path) -> str:
    """Return the public key (`type base64`) of a file that holds one, or a private key.

    Raises:
        SigningError: it holds neither.
    """
    beside = file.with_name(f"{file.name}.pub")
    for candidate in (file, beside):
        try:
            words = candidate.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError):
            continue
        if len(words) > 1 and words[0].startswith(("ssh-", "sk-", "ecdsa-")):
            return f"{words[0]} {words[1]}"
    return key_of(_run("ssh-keygen", "-y", "-f", str(file)).decode(errors="replace"))


def sign(statement: str, purpose: Purpose, key: str, file: Path | None) -> str:
    """Sign a statement with a key that is in a file, or in the agent.

    Args:
        key: the public key, `type base64`.
        file: where the private key is, or the public one beside it; None: the agent has it.

    Raises:
        SigningError: ssh-keygen says why.
    """
    private = file.with_suffix("") if file is not None and file.suffix == ".pub" else file
    asked = ("-q", "-Y", "sign", "-n", NAMESPACES[purpose])
    if private is not None and private.is_file():
        return _run("ssh-keygen", *asked, "-f", str(private), given=statement).decode()
    with _beside(key) as public:
        try:  # -U: else it takes the public key for a private one that is damaged, where the agent does not have it
            return _run("ssh-keygen", *asked, "-U", "-f", str(public), given=statement).decode()
        except SigningError as e:
            raise SigningError(f"the agent does not sign with {key}: {e.what}", fix="ssh-add its private key") from e


def verify(approval: Approval, person: Person) -> str:
    """Return the key (`type base64`) of this person by which an approval is signed.

    Raises:
        SigningError: it is no key of this person, or the signature is of another statement.
    """
    return verify_statement(approval.statement, approval.signature, approval.subject, person)


def verify_statement(statement: str, signature: str, purpose: Purpose, person: Person) -> str:
    """Return the key (`type base64`) of this person by which a statement is signed.

    Raises:
        SigningError: it is no key of this person, or the signature is of another statement.
    """
    key = signed_by(signature)
    if key not in map(key_of, person.keys):
        raise SigningError("it is signed by a key that is not this person's (any more)")
    namespace = NAMESPACES[purpose]
    allowed_signers = f'{person.name} namespaces="{namespace}" {key}'
    with _beside(allowed_signers) as allowed, _beside(signature) as beside:
        asked = ("-n", namespace, "-f", str(allowed), "-I", person.name, "-s", str(beside))
        try:
            _run("ssh-keygen", "-Y", "verify", *asked, given=statement)
        except SigningError:
            raise SigningError("its signature is of something else, or was changed") from None
    return key


def signed_by(signature: str) -> str:
    """Return the public key (`type base64`) that a signature names as its own (PROTOCOL.sshsig).

    Raises:
        SigningError: it is no signature.
    """
    armoured = re.fullmatch(
        r"-----BEGIN SSH SIGNATURE-----\n(.*)\n-----END SSH SIGNATURE-----", signature.strip(), re.DOTALL
    )
    try:
        blob = base64.b64decode("".join(armoured[1].split()) if armoured else "", validate=True)
        key = blob[14 : 14 + int.from_bytes(blob[10:14])]
        kind = key[4 : 4 + int.from_bytes(key[:4])].decode("ascii")
    except ValueError:
        blob, key, kind = b"", b"", ""
    if not blob.startswith(b"SSHSIG") or not kind:
        raise SigningError("it has no signature")
    return f"{kind} {base64.b64encode(key).decode()}"


@contextmanager
def _beside(text: str) -> Iterator[Path]:
    """Write a text to a file of one's own, for as long as the context is open."""
    with tempfile.TemporaryDirectory(prefix="samdrift-") as directory:
        path = Path(directory) / "given"
        path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        path.chmod(0o600)
        yield path


def _run(*command: str, given: str = "") -> bytes:
    """Run a program of OpenSSH's; what it asks, it asks on the terminal.

    Raises:
        SigningError: in its own words.
    """
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, input=given.encode(), capture_output=True, env=environment, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        why = "nobody answered" if isinstance(e, subprocess.TimeoutExpired) else str(e)
        raise SigningError(f"{command[0]}: {why}", fix="install openssh-client") from e
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or [f"ended with {done.returncode}"]
        raise SigningError(f"{command[0]}: {words[-1]}")
    return done.stdout
