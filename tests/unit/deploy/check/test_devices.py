"""What a vendor's command line would refuse is found before anybody connects to the device."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from deploy.check.devices import judge_configurations, refusals
from deploy.check.offline import check_offline
from deploy.engine.declare import declarations
from deploy.model.findings import Exit, Kind, exit_code
from inventory import snapshot
from inventory.fleet import Fleet, Interface
from roles.shared.device.known import known_vendors
from roles.shared.intent import Intent
from roles.shared.parts.registration import ManagedConfiguration
from tests.unit.hostile import FRAGMENTS
from tests.unit.roles.shared.device.switch_fleet import DEVICES, fleet

EVERYTHING = {"indented": ((r"[\s\S]*",),), "blocks": (("config .*",),), "set": ((".*",),)}
NAMES = [name for of in DEVICES.values() for name in of]


def refused(platform: str, text: str) -> list[str]:
    managed = EVERYTHING[known_vendors()[platform].syntax]
    return list(refusals(ManagedConfiguration(role="r", platform=platform, content=text, managed=managed)))


def with_description(name: str, text: str) -> Fleet:
    """The fleet in which every port of a device is described so, and leads to nothing that would describe it."""

    def described(port: Interface) -> Interface:
        return port.model_copy(update={"description": text})

    of = fleet()
    hosts = tuple(
        h.model_copy(update={"interfaces": tuple(map(described, h.interfaces))}) if h.name == name else h
        for h in of.hosts
    )
    return of.model_copy(update={"hosts": hosts, "cables": ()})


def test_every_device_of_the_shipped_snapshot_is_accepted() -> None:
    shipped = snapshot.load()
    devices = [h for h in shipped.hosts if h.roles and h.platform in known_vendors()]

    done = check_offline(Intent(shipped), devices)

    assert done.findings == ()
    assert done.configurations == len(devices) > 0
    assert {(j.kind, j.outcome, j.path) for j in done.judgements} == {
        ("configuration", "accepted", "running configuration")
    }
    assert sorted(j.hosts[0] for j in done.judgements) == sorted(h.name for h in devices)


@pytest.mark.parametrize(
    ("platform", "text", "why"),
    [
        (
            "cisco-ios",
            "interface Vlan2\n description Öst\n",
            "line 2, 'description Öst': Cisco IOS XE takes ASCII",
        ),
        ("cisco-ios", "hostname a?\n", "line 1, 'hostname a?': it has a question mark in it"),
        ("cisco-ios", "hostname a\tb\n", "it has a control character in it"),
        ("cisco-ios", f"interface Vlan2\n description {'x' * 201}\n", "a description of 201 characters, and Cisco IOS"),
        (
            "cisco-ios",
            f"hostname {'x' * 246}\n",
            "it has 255 characters, and Cisco IOS XE takes 254",
        ),
        ("cisco-ios", "hostname a\nend now\nwrite memory\n", "line 3, 'write memory': it belongs to the session"),
        ("arubaos-cx", f"interface 1/1/1\n    description {'x' * 65}\n", "a description of 65 characters, and Aruba"),
        ("fortios", 'config system global\n set hostname "a\nend\n', "breaks off in the text that begins with"),
        ("fortios", 'config system global\n set hostname "a"b"\nend\n', "breaks off in the text that begins with"),
        ("fortios", "config system global\n set hostname a(b\nend\n", "outside of quotation marks '(' is no letter"),
        (
            "fortios",
            "config system global\n",
            "line 1 of the template's text, 'config system global': this",
        ),
        (
            "fortios",
            "config system ntp\n edit 1\n end\n",
            "line 3 of the template's text, 'end': no config is open",
        ),
        ("fortios", "config system ntp\nend\nnext\n", "line 3 of the template's text, 'next': no edit is open there"),
        ("junos", 'set interfaces ge-0/0/1 description "a b\n', "its quotation mark is never closed"),
        ("junos", "set system host-name a;b\n", "outside of quotation marks ';' is no letter for Juniper Junos"),
        ("junos", f'set interfaces ge-0/0/1 description "{"x" * 81}"\n', "a description of 81 characters, and Juniper"),
    ],
)
def test_a_line_that_the_vendor_refuses_is_told_with_its_place_and_why(platform: str, text: str, why: str) -> None:
    assert any(why in told for told in refused(platform, text)), refused(platform, text)


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        ("cisco-ios", f"interface Vlan2\n description {'x' * 200}\n"),
        ("cisco-ios", 'interface Vlan2\n description 6" ; a | b\n'),
        ("cisco-ios", "banner motd ^C\nVälkommen!\n^C\n"),
        ("fortios", 'config system interface\n edit "wan1"\n  set description "Öst (plan 2)"\n next\nend\n'),
        ("junos", 'set interfaces ge-0/0/1 description "a | b; {c}"\n'),
    ],
)
def test_what_a_vendor_takes_is_not_refused(platform: str, text: str) -> None:
    assert refused(platform, text) == []


def test_what_a_plan_would_find_first_is_found_here() -> None:
    unmanaged = ManagedConfiguration(role="r", platform="cisco-ios", content="hostname a\nlldp run\n", managed=())

    assert "it has what its role does not manage: 'hostname a'" in next(refusals(unmanaged))


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_description_is_a_finding_of_its_host_with_role_and_line(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roles.shared.device.ports.one_line", lambda text, _: text)  # as if it let all through
    of = with_description(name, "Which plan?")
    host = of.host(name)

    done = check_offline(Intent(of), [host])

    (finding,) = (f for f in done.findings if f.kind is not Kind.NOTICE)  # nothing is known of its model
    assert (finding.host, finding.municipality, finding.role) == (name, "heby", host.roles[0])
    assert re.match(r"the device would refuse what is typed: line \d+, '.*description .?Which plan\?", finding.summary)
    assert finding.remedy.endswith(f"read it: samdrift show {name} --configuration")
    assert [j.outcome for j in done.judgements] == ["refused"]
    assert exit_code(done.findings) is Exit.ERROR


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
@given(text=st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=90), max_size=4).map("".join))
@effort(max_examples=6)
def test_whatever_netbox_says_of_a_port_the_vendor_takes_it(name: str, text: str) -> None:
    of = with_description(name, text)

    (judgement,) = judge_configurations({name: declarations(of.host(name), Intent(of))[1]})

    assert (judgement.outcome, judgement.detail) == ("accepted", "")


def test_a_secret_is_told_by_its_name_and_not_measured() -> None:
    of = fleet()
    (configuration,) = declarations(of.host("heb-fw1"), Intent(of))[1]
    broken = configuration.model_copy(update={"content": configuration.content.replace("‹", "?‹")})

    told = list(refusals(broken))

    assert told
    assert all("question mark" in line for line in told)


def test_a_list_that_is_too_long_for_a_line_is_typed_in_several() -> None:
    vids = ",".join(str(vid) for vid in range(1001, 1161, 2))
    assert refused("cisco-ios", f"interface TenGigabitEthernet1/1/1\n switchport trunk allowed vlan {vids}\n") == []
