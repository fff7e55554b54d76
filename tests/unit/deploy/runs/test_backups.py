"""A look's configurations are backed up: encrypted for those who may read them, one version for each change."""

from __future__ import annotations

from pathlib import Path

import pyrage
import pytest

from deploy.model.backup import as_of, of_kind
from deploy.runs.backups import back_up
from deploy.store.opening import open_stores
from deploy.vault.age import RECIPIENTS, AgeVault, Contents
from deploy.vault.interface import SecretsError
from deploy.vault.made_up import MadeUp
from inventory.errors import UsageError
from inventory.fleet import Host
from inventory.secrets import Secret
from roles.shared.device.backup import significant
from roles.shared.device.known import known_vendors
from roles.shared.parts.veil import UNVEILED, Veil
from tests.unit.deploy.store.conformance import backup
from tests.unit.deploy.store.in_memory import MemoryBackups

RUNNING = "! Last configuration change at {time}\nversion 17.9\nhostname heb-sw1\nenable secret 9 $9$ca{secret}\n"
KEYED = Veil(keys={"heby": b"key"})


def device(platform: str = "cisco-ios") -> Host:
    return Host.model_validate(
        {"name": "heb-sw1", "kind": "device", "tenant": "heby", "site": "s", "role": "switch", "platform": platform}
    )


def vault_in(directory: Path, municipality: str = "heby") -> AgeVault:
    """A vault of one municipality, and an identity that opens it."""
    identity = pyrage.x25519.Identity.generate()
    directory.mkdir()
    (directory / "identity").write_text(f"{identity}\n")
    (directory / "identity").chmod(0o600)
    (directory / RECIPIENTS).write_text(f"{municipality}:\n  anna: {identity.to_public()}\n")
    return AgeVault(directory, directory / "identity")


def test_nothing_of_a_configuration_is_on_the_disk_and_who_has_the_key_reads_all_of_it(tmp_path: Path) -> None:
    vault, stores = vault_in(tmp_path / "secrets"), open_stores(tmp_path / "state")
    running = RUNNING.format(time="12:00", secret="Kan4rie")
    back_up(stores.backups, vault, KEYED, device(), what="running configuration", text=running)
    written = b"".join(p.read_bytes() for p in (tmp_path / "state").rglob("*") if p.is_file())
    assert b"Kan4rie" not in written
    assert b"hostname" not in written
    (kept,) = stores.backups.of("heb-sw1")
    assert vault.decrypt(kept.municipality, kept.sealed, "here") == running


def test_whoever_has_no_key_of_the_municipality_reads_nothing(tmp_path: Path) -> None:
    sealed = vault_in(tmp_path / "a").encrypt("heby", "hostname x")
    with pytest.raises(SecretsError, match="not encrypted to the key"):
        vault_in(tmp_path / "b").decrypt("heby", sealed, "backup of heb-sw1")
    with pytest.raises(SecretsError, match="no whole age file"):
        vault_in(tmp_path / "c").decrypt("heby", "something", "backup of heb-sw1")
    with pytest.raises(SecretsError, match="no recipients"):
        vault_in(tmp_path / "d", "tierp").encrypt("heby", "hostname x")


def test_the_lab_reads_its_own_backups_and_its_secrets_are_what_they_were(tmp_path: Path) -> None:
    lab, secret = MadeUp(tmp_path / "secrets.json"), Secret(name="token", municipality="heby")
    before = lab.open({secret: "x"}).reveal(secret.placeholder, [secret])
    assert lab.decrypt("heby", lab.encrypt("heby", "hostname x"), "here") == "hostname x"
    assert MadeUp(lab.path).open({secret: "x"}).reveal(secret.placeholder, [secret]) == before
    with pytest.raises(SecretsError, match="made up"):
        MadeUp(tmp_path / "another.json").decrypt("heby", lab.encrypt("heby", "x"), "here")


@pytest.mark.parametrize("veil", [KEYED, UNVEILED], ids=["key", "no key"])
def test_only_a_configuration_that_changed_is_a_version(tmp_path: Path, veil: Veil) -> None:
    vault, kept = vault_in(tmp_path / "secrets"), MemoryBackups()

    def versions(running: str) -> int:
        back_up(kept, vault, veil, device(), what="running configuration", text=running)
        return len(kept.of("heb-sw1"))

    assert versions(RUNNING.format(time="12:00", secret="a")) == 1
    assert versions(RUNNING.format(time="12:30", secret="a")) == 1
    changed = RUNNING.format(time="12:30", secret="a") + "ip http server\n"
    assert versions(changed) == 2
    another_secret = changed.replace("$9$caa", "$9$cab")
    assert versions(another_secret) == (3 if veil is KEYED else 2)
    assert versions(RUNNING.format(time="12:00", secret="a")) == (4 if veil is KEYED else 3)


def test_a_digest_tells_nobody_which_secret_is_in_it() -> None:
    a, b = (Veil(keys={"heby": key}).digest("enable secret x", "heby") for key in (b"one", b"two"))
    assert a != b
    assert UNVEILED.digest("enable secret x", "heby") == ""


def test_what_a_firewall_encrypts_anew_each_time_is_no_change() -> None:
    text = (
        'config vpn certificate local\n    edit "a"\n        set password ENC {0}\n'
        '        set private-key "-----BEGIN X-----\n{0}\n-----END X-----"\n        set range global\n    next\nend\n'
    )
    fortios = known_vendors()["fortios"]
    assert significant(fortios, text.format("abc")) == significant(fortios, text.format("def"))
    assert significant(fortios, text.format("abc")) != significant(fortios, text.replace("global", "vdom"))
    assert "set range global" in significant(fortios, text.format("abc"))


def test_a_vault_s_own_file_opens_as_before(tmp_path: Path) -> None:
    vault = vault_in(tmp_path / "secrets")
    vault.write(Contents("heby", {"token": "0123456789abcdef"}))
    assert vault.read("heby").values == {"token": "0123456789abcdef"}


VERSIONS = tuple(
    backup("a").model_copy(update={"taken": taken})
    for taken in ("2026-11-29T07:30:10.000Z", "2026-11-28T23:59:00.000Z", "2026-11-27T08:00:00.000Z")
)


@pytest.mark.parametrize(
    ("at", "taken"),
    [
        ("2026-11-29", 0),
        ("2026-11-29T07:30", 0),
        ("2026-11-29T07:29", 1),
        ("2026-11-28", 1),
        ("2026-11-27T08", 2),
        ("", 0),
    ],
)
def test_a_time_means_the_configuration_that_there_was_then(at: str, taken: int) -> None:
    assert as_of(VERSIONS, at, "heb-sw1") == VERSIONS[taken]


def test_a_time_before_the_oldest_and_a_host_without_any_are_told() -> None:
    with pytest.raises(UsageError, match="the oldest is of 2026-11-27"):
        as_of(VERSIONS, "2026-11-26", "heb-sw1")
    with pytest.raises(UsageError, match="a look makes one"):
        as_of((), "", "heb-sw1")


def test_of_several_kinds_a_device_s_is_meant_or_the_only_one() -> None:
    frr, nft = backup("a", what="FRR"), backup("a", what="nftables")
    assert of_kind([frr], "", "heb-gw1") == (frr,)
    assert of_kind([frr, nft], "nftables", "heb-gw1") == (nft,)
    with pytest.raises(UsageError, match="one of: FRR, nftables"):
        of_kind([frr, nft], "", "heb-gw1")
