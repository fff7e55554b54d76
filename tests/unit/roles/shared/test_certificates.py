"""What is signed, what is refused, and when it is renewed; openssl itself says whether what was signed is good."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from roles.shared.certificates import (
    faults,
    faults_of_authority,
    in_words,
    is_due,
    key_digest,
    order_in_words,
    refusals,
    signed,
)
from tests.unit.roles.shared.certificates import ADDRESSES, NAMES, Authority, Machine, openssl

NOW = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=30)  # when the authorities here are there
TODAY = NOW.date()


@pytest.fixture(scope="module")
def chain(ours: Authority, machine: Machine) -> str:
    return signed(machine.asks(ours.orders()), ours.orders(), ours.key, NOW)


def of_time(begins: datetime, lasts: timedelta) -> str:
    """A certificate of whomever, good for this time."""
    key = ec.generate_private_key(ec.SECP256R1())
    unsigned = x509.CertificateBuilder(x509.Name([]), x509.Name([]), key.public_key(), 1, begins, begins + lasts)
    return unsigned.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def verified(chain: str, ours: Authority, directory: Path, *more: str, fails: bool = False) -> str:
    """What openssl says of a certificate that a server shows, and of every name and address that it is for."""
    (directory / "chain.pem").write_text(chain, encoding="ascii")
    strict = ("-x509_strict", "-purpose", "sslserver", "-CAfile", str(ours.file))
    return openssl("verify", *strict, *more, directory / "chain.pem", fails=fails)


def test_openssl_believes_what_was_signed_for_each_name_and_address(
    chain: str, ours: Authority, tmp_path: Path
) -> None:
    for name in NAMES:
        assert verified(chain, ours, tmp_path, "-verify_hostname", name).endswith(": OK\n")
    for address in ADDRESSES:
        assert verified(chain, ours, tmp_path, "-verify_ip", address).endswith(": OK\n")
    assert "hostname mismatch" in verified(chain, ours, tmp_path, "-verify_hostname", "other.example.net", fails=True)


def test_openssl_believes_it_from_an_hour_before_it_was_signed_until_its_last_day(
    ours: Authority, machine: Machine, tmp_path: Path
) -> None:
    then = NOW + timedelta(days=1)  # the authority itself is of now
    chain = signed(machine.asks(ours.orders()), ours.orders(), ours.key, then)

    def at(when: datetime, *, fails: bool = False) -> str:
        return verified(chain, ours, tmp_path, "-attime", str(int(when.timestamp())), fails=fails)

    assert at(then - timedelta(minutes=59)).endswith(": OK\n")
    assert at(then + timedelta(days=89)).endswith(": OK\n")
    assert "not yet valid" in at(then - timedelta(minutes=61), fails=True)
    assert "expired" in at(then + timedelta(days=91), fails=True)


def test_what_was_signed_is_as_was_ordered_and_not_due(chain: str, ours: Authority, machine: Machine) -> None:
    order = ours.orders().model_copy(update={"key": machine.public})
    assert faults(chain, order, TODAY) == ()
    assert not is_due(chain, TODAY)


def test_a_certificate_signs_nothing_and_is_for_servers_alone(chain: str) -> None:
    text = openssl("x509", "-noout", "-purpose", said=chain)
    assert "SSL server : Yes" in text
    assert "SSL client : No" in text
    assert "SSL server CA : No" in text
    assert openssl("x509", "-noout", "-ext", "basicConstraints", said=chain).split()[-1] == "CA:FALSE"
    assert openssl("x509", "-noout", "-ext", "keyUsage", said=chain).splitlines()[1].strip() == "Digital Signature"


def test_two_of_the_same_order_differ_in_what_no_plan_says(ours: Authority, machine: Machine, chain: str) -> None:
    again = signed(machine.asks(ours.orders()), ours.orders(), ours.key, NOW)
    assert again != chain
    assert in_words(again) == in_words(chain)
    assert "that the host makes" in order_in_words(ours.orders())


def test_a_name_longer_than_a_subject_takes_is_believed_all_the_same(
    ours: Authority, machine: Machine, tmp_path: Path
) -> None:
    name = f"{'a' * 60}.{'b' * 60}.example.net"
    order = ours.orders(names=(name,))
    chain = signed(machine.asks(order), order, ours.key, NOW)
    assert verified(chain, ours, tmp_path, "-verify_hostname", name).endswith(": OK\n")
    assert faults(chain, order, TODAY) == ()


@pytest.mark.parametrize(
    "kind", [("RSA", "rsa_keygen_bits:2048"), ("EC", "ec_paramgen_curve:P-384"), ("ED25519",)], ids=lambda k: k[0]
)
def test_keys_of_other_good_kinds_are_signed_too(ours: Authority, kind: tuple[str, ...], tmp_path: Path) -> None:
    machine = Machine.made(tmp_path, kind=kind)
    assert refusals(machine.asks(ours.orders()), ours.orders()) == ()
    assert verified(signed(machine.asks(ours.orders()), ours.orders(), ours.key, NOW), ours, tmp_path)


@pytest.mark.parametrize("new", ["rsa:3072", "ed25519", "ec"])
def test_an_authority_of_any_good_kind_signs(machine: Machine, new: str, tmp_path: Path) -> None:
    curve = ("-newkey", new, "-pkeyopt", "ec_paramgen_curve:P-256") if new == "ec" else ("-newkey", new)
    subject, where = ("-subj", "/CN=x"), ("-keyout", tmp_path / "ours.key", "-out", tmp_path / "ours.crt")
    extensions = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-x509", *curve, "-nodes", "-days", "999", *subject, *extensions, *where)
    ours = Authority(tmp_path)
    assert faults_of_authority(ours.pem) == ()
    assert verified(signed(machine.asks(ours.orders()), ours.orders(), ours.key, NOW), ours, tmp_path)


# What a host asks for is not trusted


@pytest.mark.parametrize(
    ("held", "strange"),
    [
        ("DNS:tie-dc1", "tie-dc1"),
        ("DNS:tie-web1,DNS:*.example.net", "*.example.net"),
        ("DNS:tie-web1,IP:10.60.10.1", "10.60.10.1"),
        ("DNS:tie-web1,email:ca@example.net", "RFC822Name ca@example.net"),
        ("DNS:tie-web1,URI:spiffe://example.net/ca", "UniformResourceIdentifier spiffe://example.net/ca"),
        ("DNS:tie-web1,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:admin", "OtherName"),
        ("DNS:TIE-WEB1.evil.example", "TIE-WEB1.evil.example"),
    ],
)
def test_a_request_for_what_the_inventory_does_not_give_is_refused(
    ours: Authority, machine: Machine, held: str, strange: str
) -> None:
    asked = machine.asks_for("-addext", f"subjectAltName={held}")
    assert any("which the inventory does not give" in why and strange in why for why in refusals(asked, ours.orders()))


@pytest.mark.parametrize(
    "more",
    [
        ("-addext", "basicConstraints=critical,CA:TRUE"),
        ("-addext", "keyUsage=keyCertSign"),
        ("-addext", "extendedKeyUsage=clientAuth,codeSigning"),
        ("-addext", "1.3.6.1.4.1.34380.1.3.39=ASN1:UTF8String:true"),
    ],
)
def test_a_request_for_more_than_names_is_refused(ours: Authority, machine: Machine, more: tuple[str, ...]) -> None:
    assert any("more than names" in why for why in refusals(machine.asks_for(*more), ours.orders()))


@pytest.mark.parametrize("subject", ["/CN=tie-dc1", "/O=Norra/CN=tie-web1", "/CN=tie-web1/CN=tie-dc1"])
def test_a_request_by_another_name_is_refused(ours: Authority, machine: Machine, subject: str) -> None:
    assert any("calls itself" in why for why in refusals(machine.asks_for(subject=subject), ours.orders()))


@pytest.mark.parametrize("kind", [("RSA", "rsa_keygen_bits:1024"), ("EC", "ec_paramgen_curve:P-224"), ("ED448",)])
def test_a_request_of_a_weak_key_is_refused(ours: Authority, kind: tuple[str, ...], tmp_path: Path) -> None:
    assert any("key" in why for why in refusals(Machine.made(tmp_path, kind=kind).asks_for(), ours.orders()))


def test_a_request_of_another_key_than_was_planned_is_refused(
    ours: Authority, machine: Machine, tmp_path: Path
) -> None:
    order = ours.orders().model_copy(update={"key": Machine.made(tmp_path).public})
    assert any("another key than the plan says" in why for why in refusals(machine.asks(order), order))


def test_a_request_that_somebody_changed_on_its_way_is_refused(ours: Authority, machine: Machine) -> None:
    der = bytearray(x509.load_pem_x509_csr(machine.asks(ours.orders()).encode()).public_bytes(Encoding.DER))
    at = der.index(b"tie-web1")
    der[at : at + 8] = b"web.exam"  # a name that is ordered, so that nothing but the signature is wrong
    changed = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()
    assert any("does not have its key" in why for why in refusals(changed, ours.orders()))


@given(st.text(max_size=200))
def test_whatever_else_a_host_says_is_refused_and_raises_nothing(ours: Authority, text: str) -> None:
    order = ours.orders()
    between = f"-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n"
    assert refusals(text, order)
    assert refusals(between, order)
    assert faults(text, order, TODAY)
    assert faults_of_authority(text)
    assert in_words(text)
    assert key_digest(text) == ""


def test_only_what_was_ordered_is_signed_even_where_less_is_asked_for(ours: Authority, machine: Machine) -> None:
    asked = machine.asks_for("-addext", "subjectAltName=DNS:tie-web1")
    assert refusals(asked, ours.orders()) == ()
    assert faults(signed(asked, ours.orders(), ours.key, NOW), ours.orders(), TODAY) == ()


# What is there, and is not as it was ordered


def test_another_authoritys_certificate_is_told_though_its_name_is_ours(
    ours: Authority, machine: Machine, tmp_path: Path
) -> None:
    theirs = Authority.made(tmp_path)
    chain = signed(machine.asks(ours.orders()), theirs.orders(), theirs.key, NOW)
    assert any("not by the key of" in why for why in faults(chain, ours.orders(), TODAY))


def test_a_certificate_that_the_key_itself_signed_is_told(ours: Authority, machine: Machine) -> None:
    own = openssl("req", "-x509", "-key", machine.key, "-days", "3650", "-subj", "/CN=tie-web1")
    found = faults(own, ours.orders(), TODAY)
    assert any("signed by CN=tie-web1" in why for why in found)
    assert any("good for 3650 days" in why for why in found)


def test_other_names_another_key_a_longer_time_and_a_lone_certificate_are_told(
    ours: Authority, machine: Machine, chain: str, tmp_path: Path
) -> None:
    other = ours.orders(names=("tie-web1", "new.example.net"))
    assert any(why.startswith("it is for ") for why in faults(chain, other, TODAY))
    keyed = ours.orders().model_copy(update={"key": Machine.made(tmp_path).public})
    assert faults(chain, keyed, TODAY) == ("it is of another key than the host's",)
    assert faults(chain, ours.orders(days=60), TODAY) == ("it is good for 90 days, which is more than 60",)
    assert faults(chain, ours.orders(days=200), TODAY) == ()  # longer from the next time on
    alone = chain[: chain.index("-----BEGIN", 1)]
    assert faults(alone, ours.orders(), TODAY) == ("it does not come with its authority's certificate",)
    assert faults(chain, ours.orders(), TODAY - timedelta(days=2))  # of a time to come: some clock is wrong


# When it is renewed


@given(st.integers(min_value=3, max_value=400), st.integers(min_value=0, max_value=86399))
def test_a_certificate_is_not_due_when_it_is_new_and_is_from_the_day_on_when_a_third_is_left(
    days: int, second: int
) -> None:
    chain = of_time(datetime(2030, 3, 1, tzinfo=UTC) + timedelta(seconds=second), timedelta(days=days))
    begins = date(2030, 3, 1)
    due = [n for n in range(days + 2) if is_due(chain, begins + timedelta(days=n))]
    assert due[0] > 0
    assert due == [*range(due[0], days + 2)]
    assert abs(due[0] - days * 2 / 3) <= 1


def test_a_certificate_with_an_hour_left_is_due() -> None:
    assert is_due(of_time(NOW - timedelta(days=90) + timedelta(hours=1), timedelta(days=90)), TODAY)


def test_what_is_due_in_the_evening_was_due_in_the_morning() -> None:
    """Or a plan of the morning would be stale in the afternoon."""
    begins = datetime(2030, 1, 1, 18, tzinfo=UTC)
    assert not is_due(of_time(begins, timedelta(days=90)), date(2030, 3, 1))
    assert is_due(of_time(begins, timedelta(days=90)), date(2030, 3, 2))


# Authorities


def test_a_certificate_ends_with_its_authority_at_the_latest(machine: Machine, tmp_path: Path) -> None:
    ours = Authority.made(tmp_path, "-days", "30")
    chain = signed(machine.asks(ours.orders()), ours.orders(), ours.key, NOW)
    both = x509.load_pem_x509_certificates(chain.encode())
    assert both[0].not_valid_after_utc == both[1].not_valid_after_utc
    assert not is_due(chain, TODAY)


def test_an_authority_signs_neither_before_its_time_nor_after_it(ours: Authority, machine: Machine) -> None:
    for when in (NOW - timedelta(days=1), NOW + timedelta(days=3651)):
        with pytest.raises(ValueError, match="is good from"):
            signed(machine.asks(ours.orders()), ours.orders(), ours.key, when)


def test_another_key_or_none_signs_nothing_and_is_not_quoted(ours: Authority, machine: Machine, tmp_path: Path) -> None:
    for key in (Authority.made(tmp_path).key, "hunter2hunter2", ""):
        with pytest.raises(ValueError) as refused:  # noqa: PT011  whatever it says
            signed(machine.asks(ours.orders()), ours.orders(), key, NOW)
        assert not key or key not in str(refused.value)


def test_a_key_with_a_passphrase_signs_nothing(ours: Authority, machine: Machine) -> None:
    locked = openssl("pkey", "-aes256", "-passout", "pass:hunter2", "-in", ours.key_file)
    with pytest.raises(ValueError, match="without a passphrase"):
        signed(machine.asks(ours.orders()), ours.orders(), locked, NOW)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("-addext", "basicConstraints=critical,CA:FALSE"), "it is no authority's"),
        (("-addext", "keyUsage=critical,digitalSignature"), "may not sign"),
        (("-addext", "subjectKeyIdentifier=none"), "lacks a subjectKeyIdentifier"),
        (("-newkey", "rsa:1024"), "RSA of 1024 bits"),
    ],
)
def test_what_is_no_good_authority_is_told(more: tuple[str, ...], why: str, tmp_path: Path) -> None:
    made = {"basicConstraints": "critical,CA:TRUE", "keyUsage": "critical,keyCertSign"}
    made |= dict([more[1].split("=", 1)]) if more[0] == "-addext" else {}
    extensions = [a for name, value in made.items() for a in ("-addext", f"{name}={value}")]
    key = more if more[0] == "-newkey" else ("-newkey", "ed25519")
    openssl(
        "req", "-x509", *key, "-nodes", "-subj", "/CN=x", *extensions, "-keyout", "/dev/null", "-out", tmp_path / "x"
    )
    assert any(why in fault for fault in faults_of_authority((tmp_path / "x").read_text(encoding="ascii")))


def test_while_one_authority_follows_another_of_its_name_openssl_believes_both(
    ours: Authority, machine: Machine, tmp_path: Path
) -> None:
    """It tries no second authority of a name, unless a key identifier tells them apart."""
    new = Authority.made(tmp_path, name="new")
    for both in (ours.pem + new.pem, new.pem + ours.pem):
        (tmp_path / "ours.crt").write_text(both, encoding="ascii")
        for one in (ours, new):
            chain = signed(machine.asks(one.orders()), one.orders(), one.key, datetime.now(UTC))
            assert verified(chain, Authority(tmp_path), tmp_path)
