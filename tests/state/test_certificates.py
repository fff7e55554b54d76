"""Role certificates, as the services show it: each shows a certificate that its host trusts, and that is good for long.

Asked of the services themselves, by TLS, as any client on the host would: a new certificate on the disk counts only
when what serves with it has read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from roles.shared.catalogue import catalogue

if TYPE_CHECKING:
    from deploy.verify.plugin import Target
    from roles.shared.certificates import Issued

SHOWN = (
    "timeout 20 openssl s_client -connect {address}:{port} -servername {name} -verify_hostname {name} "
    "-verify_return_error -purpose sslserver < /dev/null 2>&1"
)
READ = "openssl x509 -outform DER | sha256sum"
GIVEN = "openssl x509 -outform DER -in %s | sha256sum"
A_QUARTER = (
    "openssl x509 -noout -dates | cut -d= -f2 | "
    '{ read -r begins; read -r ends; e=$(date -d "$ends" +%s) b=$(date -d "$begins" +%s); '
    "[ $(( (e - $(date +%s)) * 4 )) -gt $(( e - b )) ] && echo long enough; }"
)


def issued(target: Target) -> tuple[Issued, ...]:
    """Every certificate of the host's that the authority signs, by what its roles say."""
    found = tuple(one for role, settings in target.settings.items() for one in catalogue()[role].issued(settings))
    if not found:
        pytest.skip("not applicable: no role of the host shows a certificate")
    return found


def shown(one: Issued) -> str:
    """The command that asks a service for its certificate."""
    return SHOWN.format(address=one.address, port=one.port, name=one.name)


@pytest.mark.usefixtures("more_than_a_look")
def test_every_service_shows_a_certificate_that_the_host_trusts_for_its_name(host: Any, target: Target) -> None:
    said = {one: host.run(shown(one)).stdout for one in issued(target)}
    assert [one.name for one, answer in said.items() if "Verify return code: 0 (ok)" not in answer] == []


@pytest.mark.usefixtures("more_than_a_look")
def test_every_service_shows_the_certificate_that_it_was_given(host: Any, target: Target) -> None:
    """And not an earlier one, which it read before there was another."""
    live = {one.name: host.run(f"{shown(one)} | {READ}").stdout for one in issued(target)}
    given = {one.name: host.run(GIVEN, one.certificate).stdout for one in issued(target)}
    assert live == given
    assert "" not in given.values()


@pytest.mark.usefixtures("more_than_a_look")
def test_every_certificate_that_is_shown_has_a_quarter_of_its_time_left(host: Any, target: Target) -> None:
    said = {one.name: host.run(f"{shown(one)} | {A_QUARTER}").stdout for one in issued(target)}
    assert said == dict.fromkeys(said, "long enough\n")


PROVES = {
    "cryptography": (
        "every service shows a certificate that the host trusts for its name",
        "every service shows the certificate that it was given",
        "every certificate that is shown has a quarter of its time left",
    ),
}
SWEDISH = {
    "every service shows a certificate that the host trusts for its name": (
        "varje tjänst visar ett certifikat för sitt namn som värden litar på"
    ),
    "every service shows the certificate that it was given": "varje tjänst visar det certifikat som den har fått",
    "every certificate that is shown has a quarter of its time left": (
        "varje certifikat som visas har en fjärdedel av sin tid kvar"
    ),
}
