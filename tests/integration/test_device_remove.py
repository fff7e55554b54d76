"""A line that a person wants removed goes as it stands on the device, and its secret is in no plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deploy.engine.apply import Apply
from deploy.engine.session import Session
from deploy.model.plan_file import plan_file, write_plan_file
from deploy.transport.ssh import Access
from inventory.fleet import Host
from inventory.organisation import Platform
from roles.shared.device.ownership import Ours
from roles.shared.intent import Intent
from tests.applying import nothing_to_check, plan_of
from tests.emulator.dialects import device
from tests.emulator.samples import SAMPLES
from tests.emulator.server import EmulatedDevices
from tests.integration.devices import DECLARES_TEXT
from tests.sshd import fleet_of, keygen
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryJournal

MakeRole = Callable[[str, str], None]

ROLE = f"""{DECLARES_TEXT}
MANAGED = dict.fromkeys(PLATFORMS, (("hostname .*",), ("snmp-server host .*",)))
"""
HUSH = "hush-hush-hush"
LINE = f"snmp-server host 10.60.10.14 {HUSH}"


def test_a_line_with_a_secret_that_no_rule_knows_is_removed_and_quoted_nowhere(
    tmp_path: Path, make_role: MakeRole
) -> None:
    make_role("removes", ROLE)
    key = keygen(tmp_path / "key")
    one = device("cisco-ios", "sw1", f"{SAMPLES['cisco-ios'].configuration}{LINE}\n")
    with EmulatedDevices([one], key) as running:
        data = {"name": "sw1", "kind": "device", "tenant": "tierp", "site": "tierp-datahall", "role": "access-switch"}
        text = next(line for line in one.configuration.splitlines() if line.startswith("hostname "))
        context = {"samdrift": {"roles": {"removes": True}, "removes": {"text": f"{text}\n"}}}
        reached = {"primary_address": "127.0.0.1", "host_keys": (running.host_key("sw1"),), "platform": "cisco-ios"}
        of = fleet_of(Host.model_validate({**data, **reached, "context": context}))
        cli = Platform(slug="cisco-ios", name="Cisco", family="cli")
        of = of.model_copy(update={"platforms": (*of.platforms, cli)})
        access = Access(key_file=tmp_path / "key", port=running.port("sw1"), connect_timeout=5)
        ours = {"removes": Ours(named=("snmp-server host 10.60.10.14 .*",))}
        assert LINE in one.configuration
        with Session(Intent(of), of.hosts, access, ours=lambda _: ours) as session:
            plan = plan_of(of, session.look())
            write_plan_file(plan_file(plan), tmp_path / "plan.json")
            done = Apply(session, plan, nothing_to_check, MemoryJournal(), MemoryApplied()).go()
        said = (tmp_path / "plan.json").read_text()
        assert "no snmp-server host 10.60.10.14 ‹withheld:" in said
        assert HUSH not in said
        assert [h.outcome for h in done.hosts] == ["changed"]
        assert LINE not in one.configuration
