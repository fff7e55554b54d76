"""Where a host speaks LLDP, who should be there, and that no description becomes a command."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from inventory.fleet import Fleet
from roles.lldp import Port, settings
from roles.shared.parts.templates import render
from roles.shared.settings import Options, SettingsError
from tests.unit.roles.gateways import with_gateway


def test_it_speaks_at_ports_that_are_in_use_and_not_virtual(small_fleet: Fleet) -> None:
    fleet = with_gateway(small_fleet)
    found = settings(fleet.host("alv-gw1"), fleet, Options())
    assert found.ports == (Port(name="eth0", far_host=""), Port(name="lan0", far_host="alv-sw1"))


def test_a_cable_leads_to_the_other_end_from_either(small_fleet: Fleet) -> None:
    fleet = with_gateway(small_fleet)
    assert settings(fleet.host("alv-sw1"), fleet, Options()).ports == (Port(name="eth0", far_host="alv-gw1"),)


def test_who_has_no_port_cannot_speak(small_fleet: Fleet) -> None:
    virtual = small_fleet.host("tie-dns1").interfaces[0].model_copy(update={"type": "virtual"})
    host = small_fleet.host("tie-dns1").model_copy(update={"interfaces": (virtual,)})
    with pytest.raises(SettingsError, match="no port"):
        settings(host, small_fleet, Options())


@given(st.text(max_size=300))
@hypothesis_settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_description_says_stays_between_its_quotes(small_fleet: Fleet, text: str) -> None:
    fleet = with_gateway(small_fleet)
    host = fleet.host("alv-gw1").model_copy(update={"description": text})
    lines = render("lldp/lldpd.conf.j2", settings=settings(host, fleet, Options())).splitlines()
    assert len(lines) == 6
    assert all(line.startswith("configure ") for line in lines[1:])
    assert re.fullmatch(r'configure system description "[^"\'\\]+"', lines[2])
