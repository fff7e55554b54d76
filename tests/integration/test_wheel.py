"""A wheel built from the checkout holds all that samdrift needs: it runs where there is no checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from deploy.model.code import code_digest
from deploy.store.opening import open_stores
from deploy.verify.names import checks_of
from inventory.paths import CHECKS, CODE, TEMPLATES
from inventory.snapshot import load
from roles.shared.catalogue import catalogue
from tests.unit.deploy.store.conformance import records_of

PARTS = {
    "deploy": CODE / "deploy",
    "inventory": CODE / "inventory",
    "roles": CODE / "roles",
    "roles/_templates": TEMPLATES,
    "deploy/verify/_checks": CHECKS,
}
NO_FILES = shutil.ignore_patterns("__pycache__")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built offline, from a copy: a build leaves files beside what it builds from."""
    copy = tmp_path_factory.mktemp("checkout")
    for part in (*(CODE / name for name in ("deploy", "inventory", "roles")), TEMPLATES, CHECKS):
        shutil.copytree(part, copy / part.relative_to(CODE), ignore=NO_FILES)
    for file in ("pyproject.toml", "setup.py"):
        shutil.copy(CODE / file, copy)
    pip("wheel", "--no-build-isolation", f"--wheel-dir={copy}/out", copy)
    (built,) = (copy / "out").iterdir()
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own with the wheel, and with what samdrift depends on, but without the checkout."""
    environment = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip())
    # As a path and not as a site directory: the .pth file by which this environment finds the checkout is not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    pip("install", wheel, python=python)
    return python


def pip(command: str, *arguments: str | Path, python: Path | str = sys.executable) -> None:
    """Run pip without the network, for this environment or another."""
    offline = ("--disable-pip-version-check", "--no-index", "--no-deps", "-qq")
    pip = (sys.executable, "-m", "pip", "--python", python, command)
    subprocess.run([*pip, *offline, *arguments], check=True)


def run(program: Path, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SAMDRIFT_", "PYTHON"))}
    return subprocess.run(
        [program, *arguments], cwd=cwd, env=clean, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_wheel_holds_every_file_of_the_checkout_that_runs_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}

    there = {
        f"{name}/{file.relative_to(directory).as_posix()}"
        for name, directory in PARTS.items()
        for file in directory.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert held == there


def test_what_is_installed_has_the_code_digest_of_the_checkout(python: Path, tmp_path: Path) -> None:
    code = "import deploy.model.code as m; print(m.CODE, m.code_digest())"
    where, digest = run(python, "-c", code, cwd=tmp_path).stdout.split()

    assert Path(where).is_relative_to(python.parents[1])
    assert digest == code_digest()


@pytest.mark.long
def test_what_is_installed_lists_checks_plans_and_reports_a_directory(python: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(CODE / "inventory" / "snapshot", tmp_path / "fleet"))
    fleet, state, host = load(source), tmp_path / "state", "tie-dns1"
    samdrift = python.with_name("samdrift")
    options = ("--source", source, "--state", state, "--json")

    hosts = run(samdrift, "hosts", *options, cwd=tmp_path)
    checked = run(samdrift, "check", "--limit", host, *options, cwd=tmp_path)
    planned = run(samdrift, "plan", "--limit", host, *options, cwd=tmp_path)

    assert hosts.returncode == 0, hosts.stderr
    assert {h["name"] for h in json.loads(hosts.stdout)["hosts"]} == {h.name for h in fleet.hosts}
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert planned.returncode == 3, planned.stderr
    (unknown,) = json.loads(planned.stdout)["findings"]
    assert unknown["host"] == host
    for record in records_of(open_stores(state).history):  # the files of state checks were found
        assert record.manifest is not None
        assert {role.name: role.checks for role in record.manifest.roles} == {r: checks_of(r) for r in catalogue()}

    report = run(samdrift, "report", "--out", tmp_path / "page", *options, cwd=tmp_path)
    assert report.returncode == 0, report.stderr
    assert any((tmp_path / "page").rglob("*.html"))
