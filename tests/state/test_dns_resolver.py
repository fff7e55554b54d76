"""Does the resolver run, know the fleet both ways, refuse strangers, and validate? Asked over DNS itself."""

from __future__ import annotations

from typing import Any

import pytest

from roles.dns_resolver import DRILL, SANDBOX, UNIT, Name, Settings

LOOPBACK = "127.0.0.1"


def ask(host: Any, question: str, *, at: str = LOOPBACK, flags: str = "") -> str:
    """What the resolver at this address answers, as drill prints it."""
    return str(host.run(DRILL.format(flags=flags, at=at, question=question)).stdout)


def ends(settings: Settings) -> tuple[Name, ...]:
    """The first and the last name that lead to an address of each family."""
    each = ([n for n in settings.names if n.record == record] for record in ("A", "AAAA"))
    return tuple(name for names in each if names for name in (names[0], names[-1]))


def test_unbound_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_every_address_of_its_own_answers(host: Any, settings: Settings) -> None:
    for address in settings.addresses:
        assert "rcode: NOERROR" in ask(host, f"{settings.domain} SOA", at=str(address)), address


def test_answers_over_tcp(host: Any, settings: Settings) -> None:
    assert "rcode: NOERROR" in ask(host, f"{settings.domain} SOA", flags="-t")


def test_knows_the_first_and_the_last_host_of_the_fleet(host: Any, settings: Settings) -> None:
    for name in ends(settings):
        assert f"\t{name.address}\n" in ask(host, f"{name.name} {name.record}"), name


def test_knows_the_name_of_an_address(host: Any, settings: Settings) -> None:
    name = next(n for n in settings.names if n.reverse)
    assert f"\t{name.name}.\n" in ask(host, f"-x {name.address}")


def test_a_name_that_no_host_has_does_not_exist(host: Any, settings: Settings) -> None:
    assert "rcode: NXDOMAIN" in ask(host, f"no-such-host.{settings.domain} A")


def test_a_source_outside_the_fleet_is_refused(host: Any, settings: Settings) -> None:
    assert "rcode: REFUSED" in ask(host, f"{settings.domain} SOA", flags="-I 127.0.0.2")


def test_the_validator_is_at_work(host: Any) -> None:
    assert host.check_output("unbound-control get_option module-config") == "validator iterator"


def test_answers_from_outside_are_validated(host: Any, settings: Settings) -> None:
    if not settings.validates:
        pytest.skip("not applicable: what this resolver asks strips DNSSEC (option insecure_zones has '.')")
    flags = next(line for line in ask(host, ". SOA", flags="-D").splitlines() if line.startswith(";; flags:"))
    assert " ad " in flags


PROVES = {
    "cryptography": (
        "the validator is at work",
        "answers from outside are validated",
    ),
    "dns": (
        "unbound runs and is enabled",
        "every address of its own answers",
        "answers over tcp",
        "knows the first and the last host of the fleet",
        "knows the name of an address",
        "a name that no host has does not exist",
        "a source outside the fleet is refused",
        "the validator is at work",
        "answers from outside are validated",
    ),
    "hardening": ("its service may do what it needs and nothing else",),
    "segregation": ("a source outside the fleet is refused",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "unbound runs and is enabled": "unbound är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "every address of its own answers": "varje egen adress svarar",
    "answers over tcp": "svarar över TCP",
    "knows the first and the last host of the fleet": "känner den första och den sista värden i beståndet",
    "knows the name of an address": "vet vilket namn en adress har",
    "a name that no host has does not exist": "ett namn som ingen värd har finns inte",
    "a source outside the fleet is refused": "en avsändare utanför beståndet nekas",
    "the validator is at work": "DNSSEC-kontrollen är igång",
    "answers from outside are validated": "svar utifrån kontrolleras",
}
"""What its checks are called in a Swedish report."""
