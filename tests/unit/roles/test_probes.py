"""What is tried follows from the fleet and its roles, and from nothing else; the exporter accepts how."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

import pytest
import yaml

from inventory.fleet import Fleet
from inventory.snapshot import load
from roles import dns_resolver, local_dns, netbox
from roles.probes import CONFIG, Module, Settings
from roles.shared.catalogue import catalogue
from roles.shared.intent import Intent
from roles.shared.parts.templates import render
from tests.unit.roles.judging import judged, needs

FLEET = load()
JUDGE = "prometheus-blackbox-exporter --config.check --config.file={path}"


def of(fleet: Fleet = FLEET) -> Settings:
    found = Intent(fleet).of(fleet.host("tie-mon1"), "probes")
    assert isinstance(found, Settings), found
    return found


def without(role: str, fleet: Fleet = FLEET) -> Fleet:
    """The same fleet, in which no host has this role."""

    def taken(context: dict[str, Any]) -> dict[str, Any]:
        samdrift = context["samdrift"]
        return {**context, "samdrift": {**samdrift, "roles": {**samdrift["roles"], role: False}}}

    hosts = (h.model_copy(update={"context": taken(h.context)}) if role in h.roles else h for h in fleet.hosts)
    return fleet.model_copy(update={"hosts": tuple(hosts)})


def tried(kind: str, fleet: Fleet = FLEET) -> set[tuple[str, str]]:
    return {(t.name, t.target) for tries in of(fleet).tries if tries.kind == kind for t in tries.targets}


def test_every_gateway_is_pinged_where_its_measurements_are_asked_for() -> None:
    assert tried("ping") == {
        ("alv-gw1", "10.61.1.1"),
        ("heb-gw1", "10.63.1.1"),
        ("kni-gw1", "10.64.1.1"),
        ("ost-gw1", "10.62.1.1"),
        ("tie-gw1", "10.60.10.5"),
        ("tie-gw2", "10.60.10.6"),
    }


def test_the_fleets_resolvers_are_asked_and_those_of_sites_that_refuse_this_host_are_not() -> None:
    assert tried("dns") == {("tie-dns1", "10.60.10.11:53"), ("tie-dns2", "10.60.10.12:53")}
    assert [h.name for h in FLEET.with_role("local_dns")]


def test_a_service_over_tls_is_tried_where_it_lets_monitoring_in() -> None:
    assert tried("tls") == {("tie-netbox1", "10.60.10.16:443")}
    listens = netbox.listens(Intent(FLEET).required(FLEET.host("tie-netbox1"), "netbox"))  # type: ignore[arg-type]
    assert [str(n) for x in listens if "monitoring" in x.why for n in x.sources] == ["10.60.10.14/32"]


@pytest.mark.parametrize(("role", "kind"), [("dns_resolver", "dns"), ("netbox", "tls"), ("edge_gateway", "ping")])
def test_what_no_host_serves_is_not_tried(role: str, kind: str) -> None:
    fleet = without(role)
    if role == "dns_resolver":
        fleet = without("local_dns", fleet)
    assert tried(kind, fleet) == set()


def test_only_these_roles_say_that_they_may_be_tried() -> None:
    """A role whose settings build on others' ports would go round in a circle with Prometheus' own."""
    assert {name for name, role in catalogue().items() if role.probed} == {"dns_resolver", "log_server", "netbox"}
    assert not hasattr(local_dns, "probed")


def test_the_name_that_is_asked_for_has_one_address() -> None:
    found = Intent(FLEET).required(FLEET.host("tie-dns1"), "dns_resolver")
    assert isinstance(found, dns_resolver.Settings)
    (probed,) = dns_resolver.probed(found)
    assert [n.address for n in found.names if n.name == probed.name] == [probed.answer]
    none = found.model_copy(update={"names": (found.names[0], found.names[0])})
    assert dns_resolver.probed(none) == ()


def test_a_log_server_with_a_certificate_is_tried() -> None:
    found = Intent(FLEET).required(FLEET.host("tie-log1"), "log_server")
    role = catalogue()["log_server"]
    assert role.probed is not None
    assert role.probed(found) == ()
    (probed,) = role.probed(found.model_copy(update={"tls_certificate": "x"}))
    assert (probed.how, probed.port) == ("tls", 2515)
    assert any(ip_address("10.60.10.14") in n for n in probed.sources)


@pytest.mark.parametrize(
    ("address", "said", "right"),
    [
        ("10.61.1.4", "a.x.\t3600\tIN\tA\t10.61.1.4", True),
        ("10.61.1.4", "a.x.\t3600\tIN\tA\t10.61.1.44", False),
        ("10.61.1.4", "a.x.\t3600\tIN\tA\t10.6171.4", False),
        ("2001:db8::4", "a.x.\t3600\tIN\tAAAA\t2001:db8::4", True),
        ("2001:db8::4", "a.x.\t3600\tIN\tAAAA\t2001:db8::5", False),
    ],
)
def test_an_answer_is_right_or_it_is_not(address: str, said: str, right: bool) -> None:
    record = "A" if "." in address else "AAAA"
    module = Module(name="dns", kind="dns", transport="udp", asks="a.x", record=record, answer=address)
    pattern = yaml.safe_load(module.right)
    assert bool(re.search(pattern, said)) == right


@needs("prometheus-blackbox-exporter")
def test_the_exporter_accepts_it_and_refuses_what_it_does_not_know() -> None:
    text = render("probes/blackbox.yml.j2", settings=of())
    answer = judged(JUDGE, CONFIG, text)
    assert answer.code == 0, answer.output
    assert judged(JUDGE, CONFIG, text.replace("query_type: A", "query_type: B")).code != 0
    assert judged(JUDGE, CONFIG, text.replace("timeout:", "timout:")).code != 0


NAMES = ("a.b", 'a"b', "a: b", "{{ x }}", "# no", "å.se", "a\\b")


@needs("prometheus-blackbox-exporter")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_one_text(name: str) -> None:
    module = Module(name=f"dns udp {name} A", kind="dns", transport="udp", asks=name, record="A", answer="10.0.0.1")
    wanted = of().model_copy(update={"modules": (module,)})
    text = render("probes/blackbox.yml.j2", settings=wanted)
    (found,) = yaml.safe_load(text)["modules"].values()
    assert found["dns"]["query_name"] == name
    assert judged(JUDGE, CONFIG, text).code == 0


def test_it_is_asked_by_prometheus_password_where_there_is_one() -> None:
    assert "--web.config.file" not in render("probes/default.j2", settings=of())
    asked = of().model_copy(update={"by_name": True})
    assert "--web.config.file=/etc/prometheus/web/web.yml" in render("probes/default.j2", settings=asked)
