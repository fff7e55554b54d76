"""Certificates of the organisation's own authority: what is wanted, what is there, and when it is renewed. Pure.

What a host asks for is not trusted: of its request only the key is taken, and one that asks for anything else than the
inventory gives that host is refused. Not here: who holds the authority's key (`deploy.vault.authority`), and how a host
makes its own and is given the certificate (`parts.issued`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes, PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pydantic import AfterValidator, Field

from inventory.frozen import Frozen
from inventory.network import Address
from inventory.secrets import Secret
from roles.shared.families import in_url

BACKDATED = timedelta(hours=1)
"""A certificate is good from so long before it is signed: not every clock is right."""
RENEWED_WITH = 3
"""A certificate is renewed when this part of its time is left: a third."""
LONGEST_NAME = 64
"""Of a subject (X.520); a longer one is in the subject alternative names alone."""
SMALLEST_RSA = 2048
HTTPS = 443
MOST_AUTHORITIES = 4
AUTHORITY_KEY = "authority_key"
"""The secret by whose value certificates are signed."""
UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension)
"""What reading a certificate or a request raises that is none, or is broken."""


E = TypeVar("E", bound=x509.ExtensionType)


def _authorities(given: tuple[str, ...]) -> tuple[str, ...]:
    for number, pem in enumerate(given, start=1):
        if found := faults_of_authority(pem):
            raise ValueError(f"authority {number}: {found[0]}")
    return given


Authorities = Annotated[tuple[str, ...], Field(max_length=MOST_AUTHORITIES), AfterValidator(_authorities)]
"""What a config context says of whom hosts trust: certificates of authorities (PEM), the first of which signs."""


class Issuer(Frozen):
    """Who signs for a host's services: the authority's certificate, its key's name where the vault holds it, and for
    how many days.
    """

    authority: str
    key: Secret | None
    days: int


class Order(Frozen):
    """A certificate as it is ordered: for these names and addresses, signed by this authority, for so many days.

    `keeper` is whose secrets hold the authority's key; empty where a program of the station's signs. `key` is the
    SHA-256 (hex) of the public key that the host has; empty where it is about to make one.
    """

    names: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    authority: str
    keeper: str = ""
    days: int
    key: str = ""

    @property
    def for_whom(self) -> str:
        """Return the names and addresses, as people read them."""
        return ", ".join((*self.names, *self.addresses))

    def carried_out(self, request: str, path: str) -> str:
        """Return what is done by it, as people read it, of the command that prints the request."""
        return f"sign, by {self.by}, for {self.for_whom}, what `{request}` asks for, and upload it to {path}"

    @property
    def by(self) -> str:
        """Return the authority's name."""
        try:
            return x509.load_pem_x509_certificate(self.authority.encode()).subject.rfc4514_string()
        except UNREADABLE:
            return "an authority that cannot be read"


class Issued(Frozen):
    """A certificate of a role's that the organisation's authority signs: its file, and the port where it is shown."""

    certificate: str
    name: str
    address: str
    port: int


def of_issuer(
    issuer: Issuer | None, certificate: str, names: Sequence[str], addresses: Sequence[Address], port: int = HTTPS
) -> tuple[Issued, ...]:
    """Return the certificate that an issuer signs for what a host shows at its first name and address; none without."""
    shown = Issued(certificate=certificate, name=names[0], address=in_url(addresses[0]), port=port)
    return (shown,) if issuer else ()


def ordered(issuer: Issuer, names: Iterable[str], addresses: Iterable[object]) -> Order:
    """Return the order of a certificate for these names and addresses."""
    return Order(
        names=tuple(dict.fromkeys(names)),
        addresses=tuple(dict.fromkeys(map(str, addresses))),
        authority=issuer.authority,
        keeper=issuer.key.municipality if issuer.key else "",
        days=issuer.days,
    )


def key_digest(public_key: str) -> str:
    """Return the SHA-256 (hex) of a public key (PEM), by which it is told from others; empty if it is none."""
    try:
        return _digest(serialization.load_pem_public_key(public_key.encode()))
    except UNREADABLE:
        return ""


def faults_of_authority(pem: str) -> tuple[str, ...]:
    """Return why a certificate cannot be an authority that services trust, whatever the time."""
    try:
        certificate, *more = x509.load_pem_x509_certificates(pem.encode())
        extensions = certificate.extensions
    except UNREADABLE:
        return ("it is no certificate",)
    found = ["it is more than one certificate"] if more else []
    constraints, usage = _of(extensions, x509.BasicConstraints), _of(extensions, x509.KeyUsage)
    if constraints is None or not constraints.ca:
        found.append("it is no authority's: it lacks basicConstraints CA:TRUE")
    if usage is None or not usage.key_cert_sign:
        found.append("it may not sign certificates: it lacks keyUsage keyCertSign")
    if _of(extensions, x509.SubjectKeyIdentifier) is None:
        # OpenSSL tells two authorities of one name apart by it, as there are while one follows the other.
        found.append("it lacks a subjectKeyIdentifier")
    return (*found, *_weaknesses(certificate.public_key()))


def faults(chain: str, order: Order, today: date) -> tuple[str, ...]:
    """Return what is wrong with a certificate (and those after it in its file), beside that its time may be over."""
    try:
        certificate, *more = x509.load_pem_x509_certificates(chain.encode())
        authority = x509.load_pem_x509_certificate(order.authority.encode())
        return tuple(_faults(certificate, order, authority, more, today))
    except UNREADABLE:
        return ("it is no certificate that can be read",)


def _faults(
    certificate: x509.Certificate, order: Order, authority: x509.Certificate, more: list[x509.Certificate], today: date
) -> Iterator[str]:
    extensions = certificate.extensions
    if not _signed_by(certificate, authority):
        yield f"it is signed by {certificate.issuer.rfc4514_string()}, and not by the key of {order.by}"
    if more != [authority]:
        yield "it does not come with its authority's certificate"
    if order.key and _digest(certificate.public_key()) != order.key:
        yield "it is of another key than the host's"
    if _names(extensions) != _wanted(order):
        yield f"it is for {', '.join(sorted(_names(extensions))) or 'nobody'}"
    constraints, usages = _of(extensions, x509.BasicConstraints), _of(extensions, x509.ExtendedKeyUsage)
    if constraints is not None and constraints.ca:
        yield "it is an authority's"
    if usages is None or [*usages] != [ExtendedKeyUsageOID.SERVER_AUTH]:
        yield "it is not for servers alone"
    if certificate.not_valid_before_utc.date() > today:
        yield f"it is not good before {certificate.not_valid_before_utc:%Y-%m-%d}"
    if _lifetime(certificate) > timedelta(days=order.days + 1):
        yield f"it is good for {_lifetime(certificate).days} days, which is more than {order.days}"


def is_due(chain: str, today: date) -> bool:
    """Tell whether a certificate is to be renewed: a third of its time is left at the end of the day, or less.

    By the day (UTC), so that a plan of this morning is still good this afternoon.
    """
    return _renewed_on(x509.load_pem_x509_certificates(chain.encode())[0]) <= today


def in_words(chain: str) -> str:
    """Return what people are shown of a certificate, a line each."""
    try:
        certificate = x509.load_pem_x509_certificates(chain.encode())[0]
        names = ", ".join(sorted(_names(certificate.extensions)))
    except UNREADABLE:
        return "no certificate that can be read\n"
    return (
        f"for {names or 'nobody'}\nsigned by {certificate.issuer.rfc4514_string()}\n"
        f"key {_digest(certificate.public_key())}\ngood until {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC\n"
    )


def order_in_words(order: Order) -> str:
    """Return what people are shown of a certificate to come, as `in_words` does of one that is there."""
    key = order.key or "that the host makes"
    return f"for {', '.join(sorted(_wanted(order)))}\nsigned by {order.by}\nkey {key}\ngood for {order.days} days\n"


def refusals(request: str, order: Order) -> tuple[str, ...]:
    """Return why a host's request (PEM) is not signed: it is untrusted, and may ask for nothing that is not ordered."""
    try:
        asked = x509.load_pem_x509_csr(request.encode())
        extensions = asked.extensions
        proved, key = asked.is_signature_valid, asked.public_key()
        names, weak = _names(extensions), _weaknesses(key)
    except UNREADABLE:
        return ("it is no request that can be read",)
    found = [*weak] if proved else ["whoever made it does not have its key", *weak]
    if order.key and _digest(key) != order.key:
        found.append("it is of another key than the plan says: make a new plan")
    if strange := sorted(names - _wanted(order)):
        found.append(f"it asks for {', '.join(strange)}, which the inventory does not give this host")
    others = [e.oid.dotted_string for e in extensions if e.oid != x509.SubjectAlternativeName.oid]
    if others:
        found.append(f"it asks for more than names: extension {', '.join(sorted(others))}")
    called = {str(a.value) for a in asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
    if called - {*order.names} or len(asked.subject.rdns) > 1:
        found.append(f"it calls itself {asked.subject.rfc4514_string()}")
    return tuple(found)


def signed(request: str, order: Order, key: str, now: datetime) -> str:
    """Sign a request that `refusals` has nothing against; return the certificate, followed by the authority's.

    Args:
        key: the authority's (PEM).

    Raises:
        ValueError: it is no key, not the authority's, or the authority is not to be trusted at this time.
    """
    authority = x509.load_pem_x509_certificate(order.authority.encode())
    private = _private(key)
    if _digest(private.public_key()) != _digest(authority.public_key()):
        raise ValueError(f"the key is not that of {order.by}")
    starts = max(now - BACKDATED, authority.not_valid_before_utc)
    ends = min(starts + timedelta(days=order.days), authority.not_valid_after_utc)
    if not authority.not_valid_before_utc <= now < authority.not_valid_after_utc:
        when = f"{authority.not_valid_before_utc:%Y-%m-%d} to {authority.not_valid_after_utc:%Y-%m-%d}"
        raise ValueError(f"{order.by} is good from {when}")
    own = x509.load_pem_x509_csr(request.encode()).public_key()
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    called = [x509.NameAttribute(NameOID.COMMON_NAME, n) for n in order.names[:1] if len(n) <= LONGEST_NAME]
    names = [*map(x509.DNSName, order.names), *(x509.IPAddress(ip_address(a)) for a in order.addresses)]
    unsigned = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(called))
        .issuer_name(authority.subject)
        .public_key(own)
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_FOR_SIGNATURES, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=not called)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(identifier.digest, None, None), critical=False)
    )
    return _pem(unsigned.sign(private, _hash_for(private))) + _pem(authority)


_FOR_SIGNATURES = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _private(key: str) -> CertificateIssuerPrivateKeyTypes:
    try:
        private = serialization.load_pem_private_key(key.encode(), password=None)
    except (*UNREADABLE, TypeError):  # its message might quote the key
        raise ValueError("the secret is no private key, in PEM and without a passphrase") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise ValueError("the secret is a private key of another kind than EC, RSA or Ed25519")  # noqa: TRY004  a value
    return private


def _hash_for(private: CertificateIssuerPrivateKeyTypes) -> hashes.SHA256 | hashes.SHA384 | None:
    """Return the hash that fits a key; Ed25519 has its own."""
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return None
    large = isinstance(private, ec.EllipticCurvePrivateKey) and private.key_size > ec.SECP256R1().key_size
    return hashes.SHA384() if large else hashes.SHA256()


def _weaknesses(key: PublicKeyTypes) -> Iterator[str]:
    """Yield why a key must not be trusted with anything."""
    match key:
        case rsa.RSAPublicKey():
            if key.key_size < SMALLEST_RSA:
                yield f"its key is RSA of {key.key_size} bits, and {SMALLEST_RSA} are the least"
        case ec.EllipticCurvePublicKey():
            if not isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1):
                yield f"its key is of the curve {key.curve.name}, and of P-256, P-384 or P-521 it must be"
        case ed25519.Ed25519PublicKey():
            pass
        case _:
            yield "its key is of another kind than EC, RSA or Ed25519"


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, TypeError, *UNREADABLE):
        return False
    return True


def _lifetime(certificate: x509.Certificate) -> timedelta:
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc


def _renewed_on(certificate: x509.Certificate) -> date:
    """Return the day on which no more than a third of a certificate's own time is left, whoever decided how much."""
    return (certificate.not_valid_after_utc - _lifetime(certificate) / RENEWED_WITH).date()


def _wanted(order: Order) -> set[str]:
    return {*order.names, *order.addresses}


def _names(extensions: x509.Extensions) -> set[str]:
    """Return whom a certificate or a request is for: names, addresses, and anything else with its kind before it."""
    held = _of(extensions, x509.SubjectAlternativeName) or ()
    plain = (x509.DNSName, x509.IPAddress)
    return {str(name.value) if isinstance(name, plain) else f"{type(name).__name__} {name.value}" for name in held}


def _of(extensions: x509.Extensions, kind: type[E]) -> E | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _digest(key: PublicKeyTypes) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest()


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
