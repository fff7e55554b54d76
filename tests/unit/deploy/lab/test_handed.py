"""What a lab host that scans the others is handed opens, and says the same as the lab's own."""

from __future__ import annotations

from pathlib import Path

from deploy.lab.handed import hand_over
from deploy.vault.age import AgeVault
from deploy.vault.made_up import MadeUp
from inventory.secrets import Secret
from inventory.snapshot import load

FLEET = load()

SECRET = Secret(name="netbox_api_token", municipality="tierp")
OTHER = Secret(name="switch_admin", municipality="heby")


def handed(directory: Path) -> tuple[Path, MadeUp]:
    made_up = MadeUp(directory / "secrets.json")
    made_up.open({SECRET: "a test", OTHER: "a test"})
    (directory / "look").write_text("the lab's key\n")
    hand_over(directory / "cache", FLEET, made_up, directory / "look")
    return directory / "cache", made_up


def test_its_identity_opens_the_labs_secrets_and_files_are_sealed_alike(tmp_path: Path) -> None:
    cache, made_up = handed(tmp_path)
    vault = AgeVault(cache / "inventory" / "secrets", cache / "keys" / "identity")
    here, there = (v.open({SECRET: "a test", OTHER: "a test"}) for v in (made_up, vault))

    for secret in (SECRET, OTHER):
        assert here.reveal(f"{secret}", (secret,)) == there.reveal(f"{secret}", (secret,))
        assert here.seal(f"{secret}", (secret,)) == there.seal(f"{secret}", (secret,))


def test_a_scan_finds_the_labs_inventory_and_its_key(tmp_path: Path) -> None:
    cache, _ = handed(tmp_path)

    assert load(cache / "inventory" / "snapshot").digest == FLEET.digest
    assert (cache / "keys" / "look-key").read_text() == "the lab's key\n"


def test_keys_are_roots_alone_and_stay_when_they_are_handed_over_again(tmp_path: Path) -> None:
    cache, made_up = handed(tmp_path)
    identity = (cache / "keys" / "identity").read_text()
    hand_over(cache, FLEET, made_up, tmp_path / "look")

    assert (cache / "keys" / "identity").read_text() == identity
    modes = {file.name: file.stat().st_mode & 0o777 for file in (cache / "keys", *(cache / "keys").iterdir())}
    assert modes == {"keys": 0o700, "identity": 0o600, "look-key": 0o600}
