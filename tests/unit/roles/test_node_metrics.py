"""The exporter tells the monitoring hosts, on one address, what the options name, and nobody anything else."""

from __future__ import annotations

import shlex
import subprocess
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from inventory.fleet import Fleet
from inventory.snapshot import load
from roles.node_metrics import COLLECTORS, Options, Settings, listens, settings
from roles.shared.intent import Intent
from roles.shared.parts.templates import render


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return load()


def of(fleet: Fleet, name: str, options: Options | None = None) -> Settings:
    return settings(fleet.host(name), fleet, options or Options())


def arguments(text: str, directory: Path) -> list[str]:
    """What a shell makes of the file, as systemd does."""
    file = directory / "default"
    file.write_text(text)
    said = subprocess.run(["sh", "-c", f'. {file}; echo "$ARGS"'], capture_output=True, text=True, check=True)
    return shlex.split(said.stdout)


def test_only_the_monitoring_hosts_may_ask(fleet: Fleet) -> None:
    (listen,) = listens(of(fleet, "tie-dns1"))
    assert (listen.protocol, listen.port) == ("tcp", 9100)
    assert listen.sources == (IPv4Network("10.60.10.14/32"),)


def test_without_a_monitoring_host_nobody_may(fleet: Fleet) -> None:
    alone = fleet.model_copy(update={"hosts": (fleet.host("tie-dns1"),)})
    assert listens(of(alone, "tie-dns1"))[0].sources == ()


def test_a_gateway_answers_at_an_inner_address_about_the_chosen_collectors_only(fleet: Fleet, tmp_path: Path) -> None:
    options = Options(collectors=("uname", "cpu", "uname"))
    text = render("node_metrics/default.j2", settings=of(fleet, "heb-gw1", options))
    assert arguments(text, tmp_path) == [
        "--web.listen-address=10.63.1.1:9100",
        "--collector.disable-defaults",
        "--collector.cpu",
        "--collector.uname",
        "--collector.textfile.directory=/var/lib/prometheus/node-exporter",
    ]


def test_a_host_says_by_default_how_its_disks_clock_and_units_are(fleet: Fleet) -> None:
    chosen = of(fleet, "heb-gw1")
    assert {"filesystem", "timex", "systemd", "netstat"} <= set(chosen.collectors) == set(COLLECTORS)


def test_a_hub_answers_in_the_monitoring_hosts_own_network_and_a_server_at_its_primary_address(fleet: Fleet) -> None:
    assert of(fleet, "tie-gw2").addresses == (IPv4Address("10.60.10.6"),)
    assert of(fleet, "tie-dns1").addresses == (fleet.host("tie-dns1").address,)


@pytest.mark.parametrize("wrong", ["cpu --web.config.file=/etc/shadow", "CPU", "", "cpu\n"])
def test_what_is_no_collectors_name_is_refused_with_its_place(fleet: Fleet, wrong: str) -> None:
    host = fleet.host("tie-dns1")
    context = {"samdrift": {**host.samdrift, "node_metrics": {"collectors": [wrong]}}}
    problems = Intent(fleet).of(host.model_copy(update={"context": context}), "node_metrics")
    assert isinstance(problems, tuple)
    assert ["samdrift.node_metrics.collectors.0" in p.where for p in problems] == [True], problems
