"""Does the site's resolver run, know the fleet by itself, ask the fleet's resolvers, and refuse strangers?"""

from __future__ import annotations

from typing import Any

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


def test_it_answers_at_its_addresses_in_the_site(host: Any, settings: Settings) -> None:
    for address in settings.addresses:
        assert "rcode: NOERROR" in ask(host, f"{settings.domain} SOA", at=str(address)), address


def test_it_answers_over_tcp(host: Any, settings: Settings) -> None:
    assert "rcode: NOERROR" in ask(host, f"{settings.domain} SOA", flags="-t")


def test_it_knows_the_first_and_the_last_host_of_the_fleet(host: Any, settings: Settings) -> None:
    for name in ends(settings):
        assert f"\t{name.address}\n" in ask(host, f"{name.name} {name.record}"), name


def test_it_knows_the_name_of_an_address(host: Any, settings: Settings) -> None:
    name = next(n for n in settings.names if n.reverse)
    assert f"\t{name.name}.\n" in ask(host, f"-x {name.address}")


def test_a_name_that_no_host_has_does_not_exist(host: Any, settings: Settings) -> None:
    assert "rcode: NXDOMAIN" in ask(host, f"no-such-host.{settings.domain} A")


def test_everything_else_is_asked_of_exactly_the_fleets_resolvers(host: Any, settings: Settings) -> None:
    lines = host.check_output("unbound-control list_forwards").splitlines()
    assert [line.split()[0] for line in lines] == ["."]
    asked = {word for word in lines[0].split()[3:] if not word.startswith("+")}  # which are flags
    assert asked == set(map(str, settings.forwarders))


def test_a_source_outside_the_site_is_refused(host: Any, settings: Settings) -> None:
    assert "rcode: REFUSED" in ask(host, f"{settings.domain} SOA", flags="-I 127.0.0.2")


def test_the_validator_is_at_work(host: Any) -> None:
    assert host.check_output("unbound-control get_option module-config") == "validator iterator"


def test_names_that_were_known_are_answered_while_the_fleets_resolvers_are_away(host: Any) -> None:
    assert host.check_output("unbound-control get_option serve-expired") == "yes"


PROVES = {
    "cryptography": ("the validator is at work",),
    "dns": (
        "unbound runs and is enabled",
        "it answers at its addresses in the site",
        "it answers over tcp",
        "it knows the first and the last host of the fleet",
        "it knows the name of an address",
        "a name that no host has does not exist",
        "everything else is asked of exactly the fleets resolvers",
        "a source outside the site is refused",
        "the validator is at work",
        "names that were known are answered while the fleets resolvers are away",
    ),
    "hardening": ("its service may do what it needs and nothing else",),
    "segregation": ("a source outside the site is refused",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "unbound runs and is enabled": "unbound är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "it answers at its addresses in the site": "den svarar på sina adresser på platsen",
    "it answers over tcp": "den svarar över TCP",
    "it knows the first and the last host of the fleet": "den känner den första och den sista värden i beståndet",
    "it knows the name of an address": "den vet vilket namn en adress har",
    "a name that no host has does not exist": "ett namn som ingen värd har finns inte",
    "everything else is asked of exactly the fleets resolvers": "allt annat frågas av precis beståndets namnservrar",
    "a source outside the site is refused": "en avsändare utanför platsen nekas",
    "the validator is at work": "DNSSEC-kontrollen är igång",
    "names that were known are answered while the fleets resolvers are away": (
        "kända namn besvaras medan beståndets namnservrar är borta"
    ),
}
"""What its checks are called in a Swedish report."""
