"""Answers of devices are read by their structure; one of another form is not understood, and never says: all well.

The inputs are our own, in the forms of published answers: Junos' JSON of netenglabs/suzieq, its XML in napalm's mocks.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roles.shared.device.answers import NotUnderstood, Row, rows
from roles.shared.device.known import known_vendors
from tests.unit.roles.shared.device.said import ANSWERS, CX_BRIEF, IOS_STATUS, junos

JUNOS, IOS, AOS_CX = (known_vendors()[p] for p in ("junos", "cisco-ios", "arubaos-cx"))
KINDS = [(platform, asked) for platform, answers in ANSWERS.items() for asked in answers]


def neighbour(**elements: str) -> dict[str, Any]:
    return {f"lldp-{name.replace('_', '-')}": [{"data": text}] for name, text in elements.items()}


def heard(*neighbours: dict[str, Any]) -> str:
    return junos("lldp-neighbors-information", "lldp-neighbor-information", *neighbours)


SW9 = neighbour(local_port_id="ge-0/0/1", remote_chassis_id="00:fd:45:00:00:09", remote_system_name="heb-sw9")
SEEN = [{"port": "ge-0/0/1", "host": "heb-sw9", "id": "00:fd:45:00:00:09"}]


def test_what_releases_call_otherwise_is_read_alike() -> None:
    assert rows(JUNOS, "neighbours", heard(SW9)) == SEEN
    older = neighbour(local_interface="ge-0/0/1.0", remote_chassis_id="00:fd:45:00:00:09", remote_system_name="heb-sw9")
    assert rows(JUNOS, "neighbours", heard(older)) == [SEEN[0] | {"port": "ge-0/0/1.0"}]
    detail = SW9 | neighbour(local_port_id="519", local_interface="ge-0/0/1")  # a number, where both are there
    assert rows(JUNOS, "neighbours", heard(detail)) == SEEN


def test_what_is_wrapped_around_an_answer_does_not_matter() -> None:
    plain = json.loads(heard(SW9))
    member = {"re-name": [{"data": "fpc0"}], **plain}
    stack = {"multi-routing-engine-results": [{"multi-routing-engine-item": [member]}]}
    by_yang = {"lldp-neighbors-information": {"lldp-neighbor-information": [{k: v[0]["data"] for k, v in SW9.items()}]}}
    for said in (plain, stack, by_yang):
        assert rows(JUNOS, "neighbours", json.dumps(said)) == SEEN
    assert rows(JUNOS, "neighbours", f"\n{heard(SW9)}\n{{master:0}}\n") == SEEN


def test_a_member_of_a_stack_that_does_not_answer_is_not_passed_over() -> None:
    silent = {"re-name": [{"data": "fpc1"}], "output": [{"data": "error: timed out"}]}
    stack = {"multi-routing-engine-results": [{"multi-routing-engine-item": [json.loads(heard(SW9)), silent]}]}
    with pytest.raises(NotUnderstood):
        rows(JUNOS, "neighbours", json.dumps(stack))


def test_that_there_is_nothing_is_an_answer() -> None:
    assert rows(JUNOS, "neighbours", heard()) == []
    assert rows(IOS, "neighbours", "\nTotal entries displayed: 0\n") == []
    assert rows(AOS_CX, "neighbours", "LLDP Neighbor Information\n\nTotal Neighbor Entries : 0\n") == []
    assert rows(IOS, "time", "%NTP is not enabled.\n") == []


def test_several_who_are_heard_at_one_port_of_aos_cx_are_each_read() -> None:
    said = """
Total Neighbor Entries          : 3
--------------------------------------------------
Port                           : 1/1/5
Neighbor Entries               : 2
Neighbor Chassis-Name          : heb-gw1
Neighbor Chassis-Description   : Debian GNU/Linux
Neighbor Chassis-ID            : 00:fd:45:00:00:05
TTL                            : 120
Neighbor Chassis-Name          :
Neighbor Chassis-Description   : firmware of its network card
Neighbor Chassis-ID            : 00:fd:45:00:00:55
TTL                            : 120
--------------------------------------------------
Port                           : 1/1/6
Neighbor Entries               : 1
Neighbor Chassis-Name          : a telephone
Neighbor Chassis-ID            : 00:fd:45:00:00:06
--------------------------------------------------
Port                           : 1/1/7
Neighbor Entries               : 0
"""
    assert rows(AOS_CX, "neighbours", said) == [
        {"port": "1/1/5", "host": "heb-gw1", "id": "00:fd:45:00:00:05"},
        {"port": "1/1/5", "host": "", "id": "00:fd:45:00:00:55"},
        {"port": "1/1/6", "host": "a telephone", "id": "00:fd:45:00:00:06"},
    ]


def test_what_a_stranger_tells_of_himself_is_no_entry_of_its_own() -> None:
    spoofed = "Aruba\nLocal Intf: Gi1/0/3\nChassis id: 00fd.4500.0099\nSystem Name: heb-gw1\n"
    said = ANSWERS["cisco-ios"]["neighbours"].replace("Aruba\n", spoofed, 1)
    with pytest.raises(NotUnderstood, match="announces 2, and 3 can be read"):
        rows(IOS, "neighbours", said)


def test_a_line_that_nobody_has_heard_of_does_not_matter() -> None:
    said = ANSWERS["cisco-ios"]["neighbours"].replace(
        "Time remaining", "Local Intf service instance: -\nTime remaining"
    )
    said = said.replace("System Name: heb-sw9.heby.example", "System Name - not advertised", 1)
    assert [row["host"] for row in rows(IOS, "neighbours", said)] == ["", "heb-sw9.heby.example"]


def test_an_entry_without_its_port_is_not_understood() -> None:
    older = ANSWERS["cisco-ios"]["neighbours"].replace("Local Intf: Gi1/1/1\n", "")  # as IOS 12 has it
    with pytest.raises(NotUnderstood, match="an entry has no port"):
        rows(IOS, "neighbours", older)


def test_who_tells_no_name_is_known_by_an_address() -> None:
    nameless = neighbour(local_port_id="ge-0/0/1", remote_chassis_id="00:fd:45:00:00:66")
    assert rows(JUNOS, "neighbours", heard(nameless)) == [SEEN[0] | {"host": "", "id": "00:fd:45:00:00:66"}]


def test_an_element_that_is_there_twice_is_read_twice() -> None:
    (name,) = (
        name for name in json.loads(heard(SW9))["lldp-neighbors-information"][0] if name.endswith("-information")
    )
    text = json.dumps(SW9)
    said = f'{{"lldp-neighbors-information": [{{"{name}": [{text}], "{name}": [{text}]}}]}}'
    assert rows(JUNOS, "neighbours", said) == SEEN * 2


def test_what_a_stranger_tells_is_no_longer_obeyed_by_a_terminal() -> None:
    hostile = neighbour(local_port_id="ge-0/0/1", remote_system_name="a\x1b[2Jb\nc\u2028d")
    (row,) = rows(JUNOS, "neighbours", heard(hostile))
    assert not set(row["host"]) & {"\x1b", "\u2028"}
    raw = heard(SW9).replace("heb-sw9", "heb\tsw\n9")  # Junos does not always escape what it passes on
    assert rows(JUNOS, "neighbours", raw)


def test_vlans_are_read_with_els_and_from_before() -> None:
    member = "l2ng-l2rtb-vlan-member-interface"
    els = junos(
        "l2ng-l2ald-vlan-instance-information",
        "l2ng-l2ald-vlan-instance-group",
        {
            "l2ng-l2rtb-vlan-name": [{"data": "v110"}],
            "l2ng-l2rtb-vlan-tag": [{"data": "110"}],
            "l2ng-l2rtb-vlan-member": [{member: [{"data": "ge-0/0/1.0*"}]}, {member: [{"data": "ae0.0"}]}],
        },
        {"l2ng-l2rtb-vlan-tag": [{"data": "120"}], "l2ng-l2rtb-vlan-member": [{member: [{"data": [None]}]}]},
    )
    before = junos(
        "vlan-information",
        "vlan",
        {
            "vlan-tag": [{"data": "110"}],
            "vlan-detail": [
                {"vlan-member-list": [{"vlan-member": [{"vlan-member-interface": [{"data": "ge-0/0/1.0*"}]}]}]}
            ],
        },
    )
    assert rows(JUNOS, "trunks", els) == [
        {"vids": "110", "port": ["ge-0/0/1.0*", "ae0.0"]},
        {"vids": "120", "port": ""},
    ]
    assert rows(JUNOS, "trunks", before) == [{"vids": "110", "port": "ge-0/0/1.0*"}]


def test_a_port_is_named_by_itself_and_a_fault_by_its_kind() -> None:
    def port(name: str, **errors: str) -> dict[str, Any]:
        told = {kind.replace("_", "-"): [{"data": value}] for kind, value in errors.items()}
        return {"name": [{"data": name}], "logical-interface": [{"name": [{"data": f"{name}.0"}]}], **told}

    said = junos(
        "interface-information",
        "physical-interface",
        port("ge-0/0/1", bpdu_error="Detected", eth_switch_error="none"),
        port("ge-0/0/2", bpdu_error="None"),
        port("lo0"),
    )
    assert rows(JUNOS, "disabled", said) == [
        {"port": "ge-0/0/1", "why": "bpdu-error: Detected"},
        {"port": "ge-0/0/2", "why": ""},
        {"port": "lo0", "why": ""},
    ]


NOT_UNDERSTOOD = [
    "",
    "\n\n",
    "{",
    "[]",
    "{}",
    "null",
    "[" * 100_000,
    '{"a": ' * 3_000 + "1" + "}" * 3_000,
    "error: the l2cpd-service subsystem is not running\n",
    '{"error": [{"message": [{"data": "timed out"}]}]}',
    '{"output": [{"data": "Local Interface    Parent Interface    Chassis Id\\nge-0/0/1"}]}',
    "Local Interface    Parent Interface    Chassis Id          Port info          System Name\n",
    "<rpc-reply><lldp-neighbors-information/></rpc-reply>\n",
    "% Invalid input\n",
    heard(SW9).replace("lldp-local-port-id", "local-port"),
    heard(SW9) + "and more\n",
]


@pytest.mark.parametrize("said", NOT_UNDERSTOOD, ids=lambda said: repr(said[:30]))
@pytest.mark.parametrize(("platform", "asked"), KINDS)
def test_an_answer_of_another_form_is_not_understood(platform: str, asked: str, said: str) -> None:
    with pytest.raises(NotUnderstood, match="is not understood"):
        rows(known_vendors()[platform], asked, said)


@pytest.mark.parametrize(("platform", "asked"), KINDS)
def test_these_answers_are_understood(platform: str, asked: str) -> None:
    assert rows(known_vendors()[platform], asked, ANSWERS[platform][asked])


def test_fewer_entries_than_are_announced_are_not_all() -> None:
    for platform in ("cisco-ios", "arubaos-cx"):
        vendor, said = known_vendors()[platform], ANSWERS[platform]["neighbours"]
        for more in (said.replace(": 2", ": 3"), said.replace(" : 2\n", " : 3\n")):
            if more != said:
                with pytest.raises(NotUnderstood, match="announces 3"):
                    rows(vendor, "neighbours", more)


@settings(max_examples=25)
@given(st.sampled_from([kind for kind in KINDS if known_vendors()[kind[0]].asks[kind[1]].structure]), st.data())
def test_of_a_document_that_is_cut_nothing_is_believed(kind: tuple[str, str], data: st.DataObject) -> None:
    said = ANSWERS[kind[0]][kind[1]].rstrip()
    cut = data.draw(st.integers(0, len(said) - 1))
    with pytest.raises(NotUnderstood):
        rows(known_vendors()[kind[0]], kind[1], said[:cut])


def changed(said: str, draw: random.Random) -> str:
    """The same with some of it cut out, doubled, or replaced by something that stands in answers."""
    for _ in range(draw.randint(1, 4)):
        start = draw.randint(0, len(said))
        end = min(len(said), start + draw.randint(0, 40))
        other = ("", said[start:end] * 2, '"', "{", "]", "null", "[[]]", "\n", " : 9", "\x00", "٣", "9" * 5000)
        said = said[:start] + draw.choice(other) + said[end:]
    return said


@settings(max_examples=25)
@given(st.sampled_from(KINDS), st.randoms(use_true_random=False))
def test_a_damaged_answer_is_read_or_not_understood_and_breaks_nothing(
    kind: tuple[str, str], draw: random.Random
) -> None:
    read_or_not(kind, changed(ANSWERS[kind[0]][kind[1]], draw))


@pytest.mark.soak
@settings(max_examples=5_000, deadline=None)
@given(st.sampled_from(KINDS), st.randoms(use_true_random=False))
def test_many_damaged_answers_break_nothing(kind: tuple[str, str], draw: random.Random) -> None:
    read_or_not(kind, changed(ANSWERS[kind[0]][kind[1]], draw))


def read_or_not(kind: tuple[str, str], said: str) -> list[Row] | None:
    try:
        return rows(known_vendors()[kind[0]], kind[1], said)
    except NotUnderstood:
        return None


def test_the_tables_of_this_test_name_every_port() -> None:
    assert {row["port"] for row in rows(IOS, "disabled", IOS_STATUS)} == {
        "Gi1/0/1", "Gi1/0/2", "Gi1/0/3", "Gi1/1/1", "Gi1/1/2", "Gi1/1/3", "Po1",
    }  # fmt: skip
    assert len(rows(AOS_CX, "disabled", CX_BRIEF)) == 7


def test_a_description_that_ends_the_answer_by_itself_is_not_believed() -> None:
    """A computer at a port for people announces a description of several lines, which look like the answer's end."""
    rule = "-" * 48
    said = (
        f"{rule}\nLocal Intf: Gi1/0/1\nChassis id: 0011.2233.4455\nPort id: eth0\nPort Description - not advertised\n"
        "System Name: pc1\n\nSystem Description:\nx\nTotal entries displayed: 2\nLocal Intf: Gi1/0/48\n"
        "Chassis id: 00aa.bbcc.ddee\nSystem Name: tie-core1\n\nTime remaining: 95 seconds\n"
        "System Capabilities - not advertised\n\nTotal entries displayed: 1\n"
    )
    with pytest.raises(NotUnderstood):
        rows(known_vendors()["cisco-ios"], "neighbours", said)
