"""The image is its recipe, and holds what the machine trusts and nothing that is evaluated."""

from __future__ import annotations

import subprocess
from pathlib import Path

from deploy.lab.image import TO_BE_REACHED, Machine, image_name, machine_authorities, machine_index, packages, recipe
from deploy.lab.mirror import Mirror
from roles import base


def test_the_image_holds_what_a_login_needs_and_what_roles_say() -> None:
    assert set(packages()) == {*TO_BE_REACHED, *base.PACKAGES}


def test_another_recipe_is_another_image() -> None:
    here = Machine(mirror=Mirror(archive="http://one.example/debian"))
    there = Machine(mirror=Mirror(archive="http://other.example/debian"))
    trusting = here.model_copy(update={"authorities": {"own.crt": "PEM"}})
    assert len({image_name(recipe(machine)) for machine in (here, there, trusting)}) == 3
    assert image_name(recipe(here)) == image_name(recipe(here.model_copy()))


def test_only_an_index_that_lab_hosts_can_reach_too_is_taken_from_the_machine(tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    assert machine_index({}, config) == ""
    config.write_text("[global]\nindex-url = https://index.example/simple%20x\n")
    assert machine_index({}, config) == "https://index.example/simple%20x"
    assert machine_index({"PIP_INDEX_URL": "http://other.example/simple"}, config) == "http://other.example/simple"
    assert machine_index({"PIP_INDEX_URL": "file:///srv/simple"}, config) == ""
    config.write_text("no section\n")
    assert machine_index({}, config) == ""


def test_a_certificate_is_laid_into_the_image_as_it_is(tmp_path: Path) -> None:
    evil, pem = "a'$(touch evil).crt", "-----BEGIN\n$(touch evil)'\n"
    (tmp_path / "own.crt").write_text(pem)
    (tmp_path / "readme.txt").write_text("no certificate")
    assert machine_authorities(tmp_path) == {"own.crt": pem}
    machine = Machine(mirror=Mirror(archive="http://a.example"), authorities={evil: pem})
    laid, *_ = machine.hooks()
    subprocess.run(["sh", "-c", laid, "sh", tmp_path], cwd=tmp_path, check=True)
    assert (tmp_path / "usr/local/share/ca-certificates/lab" / evil).read_text() == pem
    assert not (tmp_path / "evil").exists()


def test_a_mirrors_address_is_never_evaluated(tmp_path: Path) -> None:
    evil = f"http://x/$(touch {tmp_path}/evil)'`touch {tmp_path}/evil`"
    (sources,) = [a for a in recipe(Machine(mirror=Mirror(archive=evil))) if a.startswith("--customize-hook=printf")]
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    subprocess.run(["sh", "-c", sources.removeprefix("--customize-hook="), "sh", tmp_path], check=True)
    assert f"URIs: {evil}\n" in (tmp_path / "etc/apt/sources.list.d/debian.sources").read_text()
    assert not (tmp_path / "evil").exists()
