"""Role dhcp_server: Kea runs, accepts what is written, and runs with it: asked over its own control socket."""

from __future__ import annotations

import json
import shlex
from typing import Any

from roles.dhcp_server import ASK, PATH, SANDBOX, UNIT, Settings


def running(host: Any, settings: Settings) -> dict[str, Any]:
    """The configuration that Kea runs with."""
    said = host.run(f"timeout 8 python3 -c {shlex.quote(ASK)} {shlex.quote(settings.socket)}")
    assert said.rc == 0, said.stderr
    found: dict[str, Any] = json.loads(said.stdout)["arguments"]["Dhcp4"]
    return found


def test_kea_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_kea_accepts_its_file_with_the_interfaces_of_this_host(host: Any) -> None:
    judged = host.run("KEA_LOCKFILE_DIR=none kea-dhcp4 -t %s", PATH)
    assert judged.rc == 0, judged.stderr[-500:]


def test_it_lends_from_exactly_the_pools_of_netbox(host: Any, settings: Settings) -> None:
    lent = {s["subnet"]: [p["pool"] for p in s["pools"]] for s in running(host, settings)["subnet4"]}
    assert lent == {str(s.prefix): [f"{p.start}-{p.end}" for p in s.pools] for s in settings.subnets}


def test_clients_are_told_their_gateway_and_whom_to_ask_for_names(host: Any, settings: Settings) -> None:
    told = {s["subnet"]: {o["name"]: o["data"] for o in s["option-data"]} for s in running(host, settings)["subnet4"]}
    assert told == {
        str(s.prefix): {"routers": str(s.gateway), "domain-name-servers": ", ".join(map(str, s.resolvers))}
        for s in settings.subnets
    }


def test_it_hears_clients_in_exactly_the_prefixes_that_it_serves(host: Any, settings: Settings) -> None:
    bound = [line.split()[3] for line in host.check_output("ss -Hlnu sport = :67").splitlines()]
    assert sorted(bound) == sorted(f"{s.address}:67" for s in settings.subnets)


def test_what_it_lent_is_kept_on_this_host(host: Any, settings: Settings) -> None:
    kept = running(host, settings)["lease-database"]
    assert (kept["type"], kept["persist"]) == ("memfile", True)
    assert host.file(kept["name"]).is_file


PROVES = {
    "configuration": ("kea accepts its file with the interfaces of this host",),
    "hardening": ("its service may do what it needs and nothing else",),
    "network services": (
        "kea runs and is enabled",
        "clients are told their gateway and whom to ask for names",
        "what it lent is kept on this host",
    ),
    "segregation": (
        "it lends from exactly the pools of netbox",
        "it hears clients in exactly the prefixes that it serves",
    ),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "kea runs and is enabled": "kea är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "kea accepts its file with the interfaces of this host": "kea godtar sin fil med värdens gränssnitt",
    "it lends from exactly the pools of netbox": "den lånar ut ur precis de intervall som står i NetBox",
    "clients are told their gateway and whom to ask for names": (
        "klienter får veta sin gateway och vem de frågar om namn"
    ),
    "it hears clients in exactly the prefixes that it serves": "den hör klienter i precis de nät som den betjänar",
    "what it lent is kept on this host": "det som lånats ut sparas på värden",
}
"""What its checks are called in a Swedish report."""
