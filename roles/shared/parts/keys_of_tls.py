"""A key that is made on its host and never leaves it, and a certificate that somebody signed for it. Shell, and pure.

Not here: who signs it, and what serves with it (the roles).
"""

from __future__ import annotations

PEM = r"^(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n)+$"
"""A certificate, with those that lead to its authority."""


def made_key(path: str) -> str:
    """Return the command that makes the key, unless it is there, and makes it root's alone."""
    return (
        f"{{ [ -s {path} ] || (umask 077 && openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 "
        f"-out {path}.new && mv {path}.new {path}); }} && chown root:root {path} && chmod 600 {path}"
    )


def fits_the_key(key: str) -> str:
    """Return the command that judges a certificate (`{path}` of a managed file): it is of the key, if that is there."""
    own, its = f"openssl pkey -pubout -in {key}", "openssl x509 -noout -pubkey -in {path}"
    return f'openssl x509 -noout -in {{path}} && {{ [ ! -e {key} ] || [ "$({its})" = "$({own})" ]; }}'
