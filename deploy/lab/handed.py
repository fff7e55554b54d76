"""What the lab hands to hosts of its own that scan the others by themselves, in the cache that they all have.

    inventory/snapshot     the lab's inventory, as it was last applied
    inventory/secrets      the values that were made up for the lab, in age files
    keys/look-key          the key by which lab hosts are looked at
    keys/identity          the age identity that opens those files

A real station gets these from NetBox, from the people who have them, and from itself. Not here: samdrift itself, which
such a host installs from the lab's own repository (`lab.repository`).
"""

from __future__ import annotations

from pathlib import Path

import pyrage
import yaml

from deploy.lab.machine import write
from deploy.vault.age import RECIPIENTS, AgeVault
from deploy.vault.made_up import MadeUp
from inventory.fleet import Fleet
from inventory.snapshot import dump

CACHE = Path("cache") / "samdrift"
"""Where it is in the lab's directory."""


def hand_over(cache: Path, fleet: Fleet, made_up: MadeUp, look_key: Path) -> None:
    """Write all of it, each file whole."""
    keys, secrets = cache / "keys", cache / "inventory" / "secrets"
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    secrets.mkdir(parents=True, exist_ok=True)
    write(keys / "look-key", look_key.read_text(encoding="ascii"), 0o600)
    identity = keys / "identity"
    if not identity.exists():
        write(identity, f"{pyrage.x25519.Identity.generate()}\n", 0o600)
    recipient = str(pyrage.x25519.Identity.from_str(identity.read_text(encoding="ascii").strip()).to_public())
    contents = made_up.contents()
    write(secrets / RECIPIENTS, yaml.safe_dump({of.municipality: {"lab": recipient} for of in contents}))
    vault = AgeVault(secrets, identity)
    for of in contents:
        vault.write(of)
    dump(fleet, cache / "inventory" / "snapshot")
