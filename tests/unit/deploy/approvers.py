"""People who may approve, each with an SSH key: fixtures, for tests of several rooms."""

from __future__ import annotations

import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from inventory.organisation import Employment, Grant, People, Person

KEYS = ("anna", "bjorn", "elif", "gone")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A key for each, without a passphrase."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    place = tmp_path_factory.mktemp("keys")
    for name in KEYS:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(place / name)]
        subprocess.run(command, check=True)
    return {name: place / name for name in KEYS}


@pytest.fixture(scope="module")
def people(keys: dict[str, Path]) -> People:
    """Two of the joint unit, one of Heby, and one who has left."""
    since = date(2019, 1, 1)

    def person(name: str, *of: str, employment: Employment = "now") -> Person:
        grant = Grant(function="f", runs=("plan", "apply", "approve"), of=of, since=since, employment=employment)
        return Person(
            name=name,
            full_name=name.title(),
            home="joint",
            since=since,
            employment=employment,
            keys=((keys[name].with_suffix(".pub")).read_text().strip(),),
            grants=(grant,),
        )

    of = (person("anna", "all"), person("bjorn", "all"), person("elif", "heby"))
    return People(everybody=(*of, person("gone", "all", employment="ended")))
