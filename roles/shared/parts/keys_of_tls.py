"""A key that is made on its host and never leaves it, and a certificate that somebody signed for it.

Not here: who signs it, and what serves with it (the roles).
"""

from __future__ import annotations

from roles.shared.parts.ensured import ensured
from roles.shared.parts.handlers import Handler

PEM = r"^(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n)+$"
"""A certificate, with those that lead to its authority."""


def own_key(path: str, then: Handler) -> None:
    """Declare a key that the host makes, unless it is there, and that is root's alone."""
    command = (
        f"{{ [ -s {path} ] || (umask 077 && openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 "
        f"-out {path}.new && mv {path}.new {path}); }} && chown root:root {path} && chmod 600 {path}"
    )
    question = f"stat -c '%U:%G %a' {path}"
    ensured(f"key {path}", question=question, answer="root:root 600\n", command=command, then=(then,))


def fits_the_key(key: str) -> str:
    """Return the command that judges a certificate (`{path}` of a managed file): it is of the key, if that is there."""
    own, its = f"openssl pkey -pubout -in {key}", "openssl x509 -noout -pubkey -in {path}"
    return f'openssl x509 -noout -in {{path}} && {{ [ ! -e {key} ] || [ "$({its})" = "$({own})" ]; }}'
