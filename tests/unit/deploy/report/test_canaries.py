"""A secret of a device stands nowhere in what samdrift says of it: from the reading of its configuration to the page
that auditors read.

A canary is planted in a configuration behind each kind of word that names a secret; then all texts that a run makes
are searched for it. The configurations are short ones of our own, and those that `device-texts` has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from deploy.model.drift import classify, plan_findings
from deploy.model.messages import MessageId
from deploy.model.plan import HostPlan, Unmanaged
from deploy.model.record import HostResult
from deploy.report.page import html
from deploy.runs.manifest import manifest_now
from inventory.errors import SamdriftError
from roles.shared.device.difference import difference
from roles.shared.device.found import found
from roles.shared.device.known import known_vendors
from roles.shared.device.ownership import ANYTHING
from roles.shared.device.vendor import WITHHELD, Vendor
from roles.shared.lineage import Section
from tests.applying import plan_of
from tests.device_texts import NAMES, device_text
from tests.unit.deploy.report.reports import report_of
from tests.unit.deploy.report.test_report import FLEET
from tests.unit.deploy.store.conformance import record
from tests.unit.roles.shared.device.test_masking import CANARY, LINES, LOOKING

REPLACED = (
    "AAAAAAAAAABBBBBBBBBB",
    "trapcomm",
    "SECRET_",
    "SECR3T",
    "PASSW0RD",
    "PRIVATEKEYX",
    "HorseBattery",
    "FAKEHASH",
)
"""What stands in published texts in the place of a secret."""
MANAGED: dict[str, tuple[Section, ...]] = {
    "arubaos-cx": (("hostname .*",),),
    "cisco-ios": (("hostname .*",),),
    "fortios": (("config system global",),),
    "junos": (("system", "host-name"),),
}
WANTED = {
    "arubaos-cx": "hostname sw1\n",
    "cisco-ios": "hostname sw1\n",
    "fortios": 'config system global\n    set hostname "sw1"\nend\n',
    "junos": "set system host-name sw1\n",
}
FORTIOS = 'config system admin\n    edit "ana"\n{}\n    next\nend\n'


def everything_said(vendor: Vendor, running: str) -> Iterator[str]:
    """Every text that a plan, a drift, a report and an adoption make of this configuration."""
    change = difference(vendor, running, WANTED[vendor.platform], MANAGED[vendor.platform])
    yield "\n".join((*change.entries, *change.rollback, change.before, change.after, *change.unmanaged))
    lines = tuple(Unmanaged(role="access_switch", line=line) for line in change.unmanaged)
    plan = plan_of(FLEET, [HostPlan(host="tie-sw1", municipality="tierp", unmanaged=lines)])
    yield plan.model_dump_json()
    findings = classify(plan, (), {}, controls={})
    assert len(findings) >= len(change.unmanaged)
    result = HostResult(
        host="tie-sw1", municipality="tierp", outcome="differs", detail=", ".join(f.step for f in findings)
    )
    kept = record(hosts=(result,), findings=(*findings, *plan_findings(plan, controls={})))
    yield kept.model_dump_json()
    yield "\n".join(f"{f.summary} {f.detail} {f.remedy} {f.step}" for f in findings)
    made = report_of(FLEET, FLEET.hosts, (kept,), "2026-11-23T22:20:00.000Z", today=manifest_now())
    yield html(made)
    yield html(made, "en")
    yield json.dumps(made.model_dump(mode="json"), ensure_ascii=False)
    yield found(vendor, running).model_dump_json()


def planted(platform: str) -> str:
    """A configuration with a canary in each kind of line that has a secret."""
    lines = [line.replace("CANARY", CANARY) for line in LINES[platform]]
    if platform == "fortios":
        lines = [FORTIOS.format(line) for line in lines if not line.startswith("#")]
        lines.append(f'config system snmp community\n    edit 1\n        set name "{CANARY}"\n    next\nend')
    if platform == "junos":
        lines = [line.removesuffix("; ## SECRET-DATA") for line in lines if line.startswith("set ")]
    return "\n".join([*lines, ""])


@pytest.mark.parametrize("platform", sorted(LINES))
def test_no_canary_is_left_in_anything_that_a_run_says(platform: str) -> None:
    said = "\n".join(everything_said(known_vendors()[platform], planted(platform)))
    assert CANARY not in said
    assert WITHHELD in said


@pytest.mark.parametrize(
    ("platform", "has", "wants", "managed"),
    [
        ("cisco-ios", " description Wifi, password {}\n", " description Wifi\n", (("interface .*",),)),
        ("arubaos-cx", " description Wifi, password {}\n", " description Wifi\n", (("interface .*",),)),
        ("cisco-ios", " ip ospf authentication-key {}\n", "", (("interface .*",),)),
    ],
)
def test_neither_is_what_a_role_replaces_in_its_own_sections(
    platform: str, has: str, wants: str, managed: tuple[Section, ...]
) -> None:
    change = difference(
        known_vendors()[platform], f"interface 1/1/1\n{has.format(CANARY)}", f"interface 1/1/1\n{wants}", managed
    )
    assert CANARY not in repr(change.model_copy(update={"rollback": ()}))  # masked where a plan is made of it


def test_neither_is_what_stands_below_a_role_s_own_statements() -> None:
    change = difference(
        known_vendors()["junos"],
        f'set snmp v3 snmp-community index1 community-name "{CANARY}"\n',
        "set snmp location here\n",
        (("snmp",),),
        ours=ANYTHING,
    )
    assert change.entries
    assert CANARY not in repr(change.model_copy(update={"entries": (), "rollback": ()}))


@pytest.mark.parametrize("platform", ["arubaos-cx", "cisco-ios"])
def test_neither_is_what_looks_like_a_secret_below_a_port(platform: str) -> None:
    lines = "".join(f" description {line}\n" for line in LOOKING)
    said = "\n".join(everything_said(known_vendors()[platform], f"interface 1/1/1\n{lines} private-key {CANARY}\n"))
    assert not any(line.removeprefix("line with ") in said for line in LOOKING)
    assert CANARY not in said


@pytest.mark.parametrize("platform", ["fortios", "cisco-ios"])
def test_a_text_that_breaks_off_is_refused_without_a_secret(platform: str) -> None:
    running = f'config system admin\n    edit "ana"\n        set passwd "{CANARY}\n'
    if platform == "cisco-ios":
        running = f"banner login ^C password: {CANARY}\n"
    with pytest.raises(SamdriftError) as refused:
        list(everything_said(known_vendors()[platform], running))
    assert CANARY not in str(refused.value)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_of_what_published_configurations_hold_in_place_of_secrets(name: str) -> None:
    platform, text = device_text(name)
    said = "\n".join(everything_said(known_vendors()[platform], text))
    assert not [word for word in REPLACED if word in said]


def test_a_finding_about_a_masked_line_says_what_is_withheld() -> None:
    lines = (Unmanaged(role="access_switch", line=f"snmp-server community {WITHHELD}\n"),)
    plan = plan_of(FLEET, [HostPlan(host="tie-sw1", municipality="tierp", unmanaged=lines)])
    (finding,) = classify(plan, (), {}, controls={})
    assert finding.message.id is MessageId.LINE_UNDECLARED
    assert WITHHELD in finding.summary
