"""Who signs: the vault's key or a program of the station's, and neither what was not ordered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.vault.authority import NotSigned, Signer
from deploy.vault.interface import NO_VAULT, SecretsError
from deploy.vault.made_up import MadeUp
from inventory.secrets import Secret
from roles.shared.certificates import faults, in_words
from roles.shared.parts.veil import Veil
from tests.unit.roles.shared.certificates import Authority, Machine

HOST = "host tie-web1"


class OneKey:
    """A vault that holds the authority's key, and counts how often it is opened."""

    def __init__(self, key: str) -> None:
        self.key, self.opened = key, 0

    def open(self, needed: Mapping[Secret, str]) -> Veil:
        self.opened += 1
        (secret,) = needed
        if (secret.name, secret.municipality) != ("authority_key", "authority"):
            raise SecretsError("no such secret", where=secret.municipality)
        return Veil({secret: self.key}, {})

    def encrypt(self, municipality: str, text: str) -> str:
        return NO_VAULT.encrypt(municipality, text)

    def decrypt(self, municipality: str, sealed: str, where: str) -> str:
        return NO_VAULT.decrypt(municipality, sealed, where)


def program(directory: Path, text: str) -> str:
    """A program that signs, or does not."""
    file = directory / "sign"
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)
    return str(file)


def by_openssl(ours: Authority, *more: str, days: int = 90) -> str:
    """An organisation's own command: openssl signs what the request asks for."""
    sign = f"openssl x509 -req -days {days} -CA {ours.file} -CAkey {ours.key_file} -copy_extensions copy"
    return f"{sign} -extfile {ours.directory}/own {' '.join(more)} 2> /dev/null && cat {ours.file}"


@pytest.fixture
def extended(ours: Authority) -> Authority:
    text = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
    (ours.directory / "own").write_text(text, encoding="ascii")
    return ours


def test_the_vaults_key_signs_what_was_ordered_and_is_opened_for_that_alone(ours: Authority, machine: Machine) -> None:
    vault, order = OneKey(ours.key), ours.orders()
    signer = Signer(vault, "")
    assert vault.opened == 0
    chain = signer.sign(order, machine.asks(order), HOST)
    assert (vault.opened, "PRIVATE" in chain) == (1, False)
    assert "for 10.60.10.16" in in_words(chain)


def test_a_request_that_asks_for_more_opens_no_vault_and_runs_no_program(
    ours: Authority, machine: Machine, tmp_path: Path
) -> None:
    vault, asked = OneKey(ours.key), machine.asks_for("-addext", "subjectAltName=DNS:tie-dc1")
    for order in (ours.orders(), ours.orders(keeper=None)):
        with pytest.raises(NotSigned, match="tie-dc1") as refused:
            Signer(vault, program(tmp_path, f"touch {tmp_path}/ran")).sign(order, asked, HOST)
        assert refused.value.where == HOST
    assert vault.opened == 0
    assert not (tmp_path / "ran").exists()


def test_whoever_lacks_the_key_is_told_which_secret_it_is(ours: Authority, machine: Machine) -> None:
    with pytest.raises(NotSigned, match="authority_key"):
        Signer(NO_VAULT, "").sign(ours.orders(), machine.asks(ours.orders()), HOST)


def test_another_key_in_the_vault_signs_nothing_and_is_not_shown(
    ours: Authority, machine: Machine, tmp_path: Path
) -> None:
    other = Authority.made(tmp_path).key
    with pytest.raises(NotSigned, match="the key is not that of CN=Servers,O=Norra") as refused:
        Signer(OneKey(other), "").sign(ours.orders(), machine.asks(ours.orders()), HOST)
    assert refused.value.where == "secret authority_key of authority"


def test_a_program_is_given_the_request_and_what_it_signed_is_taken_as_it_is(
    extended: Authority, machine: Machine, tmp_path: Path
) -> None:
    order = extended.orders(keeper=None)
    chain = Signer(NO_VAULT, program(tmp_path, by_openssl(extended))).sign(order, machine.asks(order), HOST)
    assert faults(chain, order, datetime.now(UTC).date()) == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo the token is not plugged in >&2; exit 3", r"refused \(exit 3\): the token is not plugged in"),
        ("exit 1", "it said nothing"),
        ("echo hello", "no certificate that can be read"),
        ("cat", "no certificate that can be read"),
    ],
)
def test_a_program_that_does_not_sign_is_told_with_what_it_said(
    ours: Authority, machine: Machine, text: str, why: str, tmp_path: Path
) -> None:
    order = ours.orders(keeper=None)
    with pytest.raises(NotSigned, match=why):
        Signer(NO_VAULT, program(tmp_path, text)).sign(order, machine.asks(order), HOST)


def test_a_program_that_signs_for_longer_or_as_another_or_something_else_is_not_believed(
    extended: Authority, machine: Machine, tmp_path: Path
) -> None:
    order = extended.orders(keeper=None)
    other = Authority.made(tmp_path, name="other", subject="/CN=Other")
    (tmp_path / "own").write_text("extendedKeyUsage=serverAuth\n", encoding="ascii")
    for text, why in (
        (by_openssl(extended, days=400), "good for 400 days, which is more than 90"),
        (by_openssl(extended, "-days 0"), "to be renewed at once"),
        (by_openssl(other), "signed by CN=Other"),
        (by_openssl(extended).replace("-copy_extensions copy", ""), "it is for nobody"),
        (by_openssl(extended).partition("&&")[0], "does not come with its authority"),
    ):
        with pytest.raises(NotSigned, match=why):
            Signer(NO_VAULT, program(tmp_path, text)).sign(order, machine.asks(order), HOST)


@pytest.mark.parametrize("named", ["", "sign", "./sign"])
def test_a_program_is_named_by_its_whole_path(ours: Authority, machine: Machine, named: str) -> None:
    order = ours.orders(keeper=None)
    with pytest.raises(NotSigned, match="no program was named"):
        Signer(NO_VAULT, named).sign(order, machine.asks(order), HOST)


def test_a_program_that_is_not_there_is_told(ours: Authority, machine: Machine) -> None:
    order = ours.orders(keeper=None)
    with pytest.raises(NotSigned, match="cannot be used"):
        Signer(NO_VAULT, "/nowhere/sign").sign(order, machine.asks(order), HOST)


def test_the_labs_vault_has_the_key_that_its_authority_was_made_with(
    ours: Authority, machine: Machine, tmp_path: Path
) -> None:
    vault = MadeUp(tmp_path / "secrets.json", {"authority_key": ours.key_file})
    assert Signer(vault, "").sign(ours.orders(), machine.asks(ours.orders()), HOST)
