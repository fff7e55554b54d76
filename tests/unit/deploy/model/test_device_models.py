"""Devices of models that nothing is known of in particular are told, one finding each, with what to do."""

from __future__ import annotations

from deploy.model.device_models import model_notices, unknown_models
from deploy.model.findings import Exit, Kind, exit_code
from deploy.model.words import in_words
from inventory.snapshot import load
from tests.unit.roles.shared.device.switch_fleet import fleet
from tests.unit.roles.shared.device.test_series import of_type


def test_every_device_of_the_shipped_fleet_is_of_a_known_series() -> None:
    shipped = load()
    assert list(unknown_models(shipped, shipped.hosts)) == []


def test_a_device_of_an_unknown_model_is_told_with_its_model_and_what_to_do() -> None:
    of = of_type(fleet(), "heb-sw2", "Aruba 4100i 12G")
    (finding,) = model_notices(of, [of.host("heb-sw2"), of.host("heb-gw1"), of.host("tie-dns1")])
    assert (finding.kind, finding.host, finding.municipality) == (Kind.NOTICE, "heb-sw2", "heby")
    assert "hpe Aruba 4100i 12G" in finding.summary
    assert "samdrift probe heb-sw2" in finding.remedy
    assert "samdrift apply --limit heb-sw2" in finding.remedy
    assert finding.advice is not None
    assert "docs/add-a-vendor.md" in in_words(finding.advice, "sv")
    assert exit_code([finding]) is Exit.OK

    (without,) = model_notices(fleet(), [fleet().host("heb-sw3")])
    assert "no device type" in without.summary
