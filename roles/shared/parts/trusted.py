"""The organisation's own certificate authorities that programs on a host trust.

Beside Debian's and what people put there, which stay. Not here: what they sign (`parts.issued`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from roles.shared.parts.ensured import ensured
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler

PLACE = "/usr/local/share/ca-certificates"
COLLECT = Handler(
    name="collect trusted authorities",
    command="update-ca-certificates > /dev/null && openssl rehash /etc/ssl/certs > /dev/null",
)
"""`update-ca-certificates` sees that a file is new, and of one that has another content only that it is there."""
ANEW = Handler(name="collect trusted authorities anew", command="update-ca-certificates --fresh > /dev/null")
"""Removes the links to an authority that is gone, too."""


OURS = f"ls -d {PLACE}/samdrift-*.crt"
BELIEVE = (
    "openssl verify -no-CAfile -CApath /etc/ssl/certs",
    "openssl verify -no-CApath -CAfile /etc/ssl/certs/ca-certificates.crt",
)
"""Ask whether an authority is believed, as programs do that look for it by its name, and that read all as one file."""


class TrustedFile(NamedTuple):
    """An authority's certificate, and the file in which a host has it."""

    file: str
    pem: str


def trusted_files(authorities: Iterable[str]) -> tuple[TrustedFile, ...]:
    """Return where each authority is: by its number, so that a twin in the lab, which trusts another, has the same."""
    return tuple(TrustedFile(f"{PLACE}/samdrift-{n}.crt", pem) for n, pem in enumerate(authorities, start=1))


def trusted(authorities: Collection[str]) -> None:
    """Declare that these authorities (PEM) are trusted, and no other that samdrift once brought."""
    files = trusted_files(authorities)
    for file, pem in files:
        managed_file(file, content=pem, validate_with="openssl x509 -noout -in {path}", then=(COLLECT,))
    kept = "".join(f" | grep -vxF {file}" for file, _ in files)
    others = f"{OURS} 2> /dev/null | grep -xE '{PLACE}/samdrift-[1-9][.]crt'{kept}"
    ensured(
        "no other authority of samdrift's is trusted",
        question=others,
        answer="",
        command=f"{others} | xargs -r rm -f",
        then=(ANEW,),
    )
