"""docs/add-a-role.md does what it says: a role is three files, and the rest of the house asks it for what it must know.

The page's role goes into a copy of the checkout with everything that a role may say of itself, and nothing else there
changes but what NetBox would say: who has the role. The copy is asked in a process of its own (`ask_about_iperf.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from inventory import snapshot
from inventory.fleet import Fleet
from inventory.merging import merged_context
from inventory.order import in_order
from inventory.organisation import ConfigContext, Named
from inventory.paths import CODE
from roles.shared import catalogue
from tests.unit.roles.judging import needs

HOST = "heb-gw1"
COPIED = ("inventory", "roles", "deploy", "templates", "tests/state")
PAGE = (CODE / "docs/add-a-role.md").read_text(encoding="utf-8")
CHECKS_PAGE = (CODE / "docs/add-a-check.md").read_text(encoding="utf-8")
SAID = dict(re.findall(r"^\| `(\w+)` \| .* \| `(.+)` \|$", PAGE, flags=re.MULTILINE))
"""What a role may say of itself, by name, with the page's example."""


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    return [code for of, code in found if of == language]


def the_three_files() -> dict[str, str]:
    role, types, on_intent = blocks(PAGE, "python")
    return {
        "roles/iperf.py": "\n\n".join([role, types, *SAID.values(), on_intent]),
        "templates/iperf/service.conf.j2": blocks(PAGE, "")[0],
        "tests/state/test_iperf.py": blocks(CHECKS_PAGE, "python")[0],
    }


def with_the_role(fleet: Fleet) -> Fleet:
    """The fleet in which the page's config context gives one host the role, by its tag, as NetBox would merge it."""
    (context,) = (ConfigContext.model_validate(c) for block in blocks(PAGE, "yaml") for c in yaml.safe_load(block))
    contexts = (*fleet.config_contexts, context)
    host = fleet.host(HOST)
    tagged = host.model_copy(update={"tags": (*host.tags, *context.tags)})
    given = tagged.model_copy(
        update={"context": merged_context(tagged, fleet.model_copy(update={"config_contexts": contexts}))}
    )
    hosts = tuple(given if h.name == HOST else h for h in fleet.hosts)
    tags = (*fleet.tags, *(Named(slug=slug, name=slug) for slug in context.tags))
    return in_order(fleet.model_copy(update={"config_contexts": contexts, "hosts": hosts, "tags": tags}))


def digests(directory: Path) -> dict[str, str]:
    files = (f for place in COPIED for f in (directory / place).rglob("*") if f.is_file())
    return {
        str(f.relative_to(directory)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in files
        if "__pycache__" not in f.parts
    }


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout with three files more, and one host that has the role."""
    directory = tmp_path_factory.mktemp("house") / "copy"
    for place in COPIED:
        shutil.copytree(CODE / place, directory / place, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CODE / "pyproject.toml", directory)
    snapshot.dump(with_the_role(snapshot.load()), directory / "inventory/snapshot")
    for path, content in the_three_files().items():
        (directory / path).parent.mkdir(exist_ok=True)
        (directory / path).write_text(content, encoding="utf-8")
    return directory


def ask(copy: Path, *arguments: str) -> Any:
    """What a process of the copy's own says, as JSON."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("SAMDRIFT_", "COV_"))},
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SAMDRIFT_LAB_DIR": str(copy.parent / "lab"),
        "SAMDRIFT_NAMESERVER": "198.51.100.53",
    }
    done = subprocess.run(
        [sys.executable, "-P", *arguments], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


def samdrift(copy: Path, *arguments: str) -> Any:
    return ask(copy, "-m", "deploy.cli", "--state", str(copy.parent / "state"), "--json", *arguments)


@pytest.fixture(scope="module")
def answers(copy: Path) -> dict[str, dict[str, Any]]:
    return ask(copy, str(Path(__file__).with_name("ask_about_iperf.py")))  # type: ignore[no-any-return]


def test_the_page_names_everything_that_the_catalogue_asks() -> None:
    source = Path(catalogue.__file__).read_text(encoding="utf-8")
    asked = set(re.findall(r'getattr\(module, "(\w+)"', source))

    assert asked - {"Options", "settings", "listens"} == SAID.keys()
    assert all(f"**{name}**" in PAGE or f"**`{name}`" in PAGE for name in ("Options", "settings", "listens"))
    assert all(name in (catalogue.__doc__ or "") for name in asked)


@pytest.mark.long
def test_three_files_are_the_whole_role(copy: Path, answers: dict[str, dict[str, Any]]) -> None:
    before, after = digests(CODE), digests(copy)

    assert after.keys() - before.keys() == the_three_files().keys()
    changed = {path for path in before if after.get(path) != before[path]}
    assert {path for path in changed if not path.startswith("inventory/snapshot/")} == set()
    assert changed == {
        f"inventory/snapshot/{file}" for file in ("contexts.yaml", "organisation.yaml", "hosts/heby.yaml")
    }


KEY = {"etc/iperf/private.key": "made by the lab\n"}
FILES = {"etc/iperf/site": "lab\n"}
CAPACITY = {"swedish": "Kapacitetshantering", "english": "Capacity management"}
MEASURED = {"swedish": "Uppmätt kapacitet", "english": "Measured capacity"}
CHECKED = ["iperf runs and comes back at boot", "it answers on its own address"]


@pytest.mark.parametrize(
    ("name", "said", "unsaid"),
    [
        ("PLATFORMS", ["role iperf does not fit platform debian-12"], []),
        ("AFTER", True, False),
        ("OWNS", ["/etc/systemd/system/iperf3.service.d/by-hand.conf"], []),
        ("PROTECTS", "high", "medium"),
        ("FORWARDED", False, True),
        ("ways_out", True, False),
        ("asks", True, False),
        ("probed", ["10.63.1.1:5202"], []),
        ("issued", ["/etc/iperf/tls/iperf.crt at 10.63.1.1:5202"], []),
        ("filters", ["measured by anybody"], []),
        ("routes", ["mgt0"], []),
        ("left", ["port 80 is others' business"], []),
        ("unserved", ["it answers over IPv4 alone"], []),
        ("DUTIES", ["maja ALL=(root) NOPASSWD: NOEXEC: /usr/bin/systemctl ^restart iperf3[.]service$"], []),
        ("MAKES", {"stray": ["/etc/iperf/key"]}, {}),
        ("expects", {"module": ["tcp_bbr"]}, {}),
        ("SEARCHES", ["test nightly"], []),
        ("SWEDISH", "iperf3: mäter vägen mellan platserna", ""),
        ("BACKS_UP", {"iperf": "cat /etc/iperf/site"}, {}),
        ("in_lab", {"port": 5203}, {"port": 5202}),
        ("LAB_FILES", {**KEY, **FILES}, KEY),
        ("TUNNEL_KEY", {**KEY, **FILES}, FILES),
        ("LAB_PACKAGES", True, False),
        ("adopts", {"port": 5299}, {}),
        ("loses", ["5299/tcp (iperf3) is no longer measured"], []),
        ("shared_addresses", ["10.63.1.101"], ["10.63.10.1: no host has it"]),
    ],
)
def test_what_a_role_says_of_itself_takes_effect(
    answers: dict[str, dict[str, Any]], name: str, said: object, unsaid: object
) -> None:
    assert answers[name] == {"said": said, "unsaid": unsaid}


def test_directories_of_the_lab_outlive_a_disk(answers: dict[str, dict[str, Any]]) -> None:
    assert set(answers["LAB_CACHES"]["said"]) - set(answers["LAB_CACHES"]["unsaid"]) == {"/var/cache/iperf"}


def test_settings_are_options_and_what_other_roles_settings_say(answers: dict[str, dict[str, Any]]) -> None:
    settings = answers["settings"]["said"]

    assert settings["port"] == 5202  # the config context's
    assert settings["address"] == "10.63.1.1"  # inside, where measurements are asked for, and not the primary one


def test_the_host_s_firewall_opens_the_port_to_the_fleet(answers: dict[str, dict[str, Any]]) -> None:
    (rule,) = answers["listens"]["said"]

    assert re.fullmatch(
        r'ip saddr \{ 10\.59\..* \} tcp dport 5202 accept comment "iperf: measuring the way between sites"', rule
    )


def test_the_host_s_firewall_lets_pass_what_the_role_forwards(answers: dict[str, dict[str, Any]]) -> None:
    (rule,) = answers["forwards"]["said"]

    assert re.fullmatch(r'ip saddr \{.*\} ip daddr \{.*\} tcp dport 5202 accept comment "iperf: measured .*"', rule)
    assert answers["forwards"]["unsaid"] == []


def test_the_host_s_firewall_does_not_filter_by_reverse_path_where_the_role_exempts_it(
    answers: dict[str, dict[str, Any]],
) -> None:
    assert answers["exemptions"] == {
        "said": ['iifname "mgt0" accept comment "iperf: a cable of our own"'],
        "unsaid": [],
    }


def test_the_lab_gives_shared_addresses_to_the_first_host_until_the_program_is_there(
    answers: dict[str, dict[str, Any]],
) -> None:
    unit = answers["SHARING_PROGRAM"]["said"]

    assert "ExecStart=/usr/sbin/ip address replace 10.63.1.101/32 dev mgt0" in unit
    assert "ConditionPathExists=!/usr/bin/iperf3\n" in unit
    assert "iperf3" not in answers["SHARING_PROGRAM"]["unsaid"]


def test_record_and_report_name_the_role_s_controls_in_both_languages(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["CONTROLS"]["said"] == {
        "manifest": {"ISO 27002:2022 8.6": CAPACITY, "Avtal 7.2": MEASURED},
        "page": {"ISO 27002:2022 8.6": True, "Avtal 7.2": True},
        "checks": CHECKED,
    }
    assert answers["CONTROLS"]["unsaid"] == {"manifest": {}, "page": {}, "checks": CHECKED}


def test_a_control_without_a_title_is_an_error_that_says_where_to_write_it(answers: dict[str, dict[str, Any]]) -> None:
    error = answers["CONTROL_TITLES"]["unsaid"]["error"]

    assert error.startswith("roles/iperf.py, CONTROLS: control Avtal 7.2 has no title")
    assert "CONTROL_TITLES" in error


@pytest.mark.long
def test_check_accepts_the_role(copy: Path) -> None:
    done = samdrift(copy, "check", "--limit", "role=iperf")

    assert done["hosts"] == 1
    assert done["findings"] == []


@pytest.mark.long
@needs("ssh-keygen")  # the lab makes its keys with it
def test_show_lists_what_differs_in_the_lab(copy: Path) -> None:
    shown = samdrift(copy, "--lab", "show", HOST)

    assert shown["settings"]["iperf"]["port"] == 5203
    assert {"field": "context.samdrift.iperf.port", "fleet": 5202, "lab": 5203} in shown["lab"]
    assert "--port 5203" in next(f["content"] for f in shown["files"] if f["role"] == "iperf")


def test_verify_runs_the_role_s_checks_and_no_others(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["checks"]["said"] == CHECKED
