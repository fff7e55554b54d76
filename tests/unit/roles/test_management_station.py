"""People come to the account that holds the key by one program, which lets through what is about hosts."""

from __future__ import annotations

import importlib
import shlex
from typing import Any

import click
import pytest

from deploy.cli.main import COMMANDS
from deploy.engine.declare import declarations
from inventory import snapshot
from roles.management_station import RUN, Options, Settings, settings
from roles.shared.intent import Intent
from roles.shared.parts.templates import render
from tests.unit.roles.judging import judged, needs


def program(netbox_url: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"__name__": "run"}
    said = Settings(program="/opt/samdrift/bin/samdrift", netbox_url=netbox_url)
    exec(render("management_station/run.py.j2", settings=said), found)  # noqa: S102  our own template
    return found


@pytest.mark.parametrize(
    "line",
    [
        "plan",
        "plan --limit 'heby and not role=time' --out maja-holm.heby.json --html maja-holm.heby.html",
        "plan --limit=heby --out=maja-holm.heby.json --json",
        "apply anna-lindqvist.heby.json --digest 0123 --reason 'ny skrivare'",
        "apply --yes --role time --remove heb-sw1 'username old' --guard 60",
        "show heb-gw1",
        "drift --json",
    ],
)
def test_commands_about_hosts_are_let_through(line: str) -> None:
    assert program()["refusal"](shlex.split(line), "maja-holm") is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "secrets edit",
        "history prune",
        "inventory pull --out x",
        "lab up",
        "--source /tmp/x plan",
        "plan --source /tmp/x",
        "plan --source=/tmp/x",
        "plan --limit --source",
        "plan --key /home/maja/key",
        "plan --user maja",
        "plan --state /tmp/x",
        "plan --identity /tmp/x",
        "plan --netbox-url https://evil.example",
        "plan --out ../key",
        "plan --out anna-lindqvist.tierp.json",
        "plan --html maja-holm",
        "plan --markdown maja-holm./../key",
        "drift --junit /tmp/x.xml",
        "drift --sarif anna-lindqvist.x.sarif",
        "drift --prometheus maja-holm.prom",
        "apply x.json --rehearse",
        "plan --out /etc/cron.d/x",
        "plan --out=.bashrc",
        "apply /tmp/x.json",
        "apply ../key",
        "apply -",
        "plan --lab",
        "plan --debug",
        "show heb-gw1 -x",
        "plan -- --source /tmp/x",
    ],
)
def test_nothing_is_that_leads_elsewhere(line: str) -> None:
    assert program()["refusal"](shlex.split(line), "maja-holm")


def test_nothing_of_the_callers_environment_is_believed_but_who_called() -> None:
    theirs = {
        "SAMDRIFT_SOURCE": "/tmp/x",
        "SAMDRIFT_KEY": "/tmp/k",
        "PYTHONPATH": "/tmp",
        "SUDO_UID": "1001",
        "TERM": "xterm",
    }
    found = program()["environment"](theirs)

    assert "PYTHONPATH" not in found
    assert "SAMDRIFT_SOURCE" not in found
    assert (found["SUDO_UID"], found["SAMDRIFT_KEY"]) == ("1001", "/var/lib/samdrift-runs/key")
    assert found["SAMDRIFT_LOOK_KEY"] == "/var/lib/samdrift-runs/look-key", "or looks would come by the other"
    assert program("https://netbox.example")["environment"](theirs)["SAMDRIFT_SOURCE"] == "netbox"


@needs("visudo")
def test_sudo_takes_the_rule() -> None:
    fleet = snapshot.load()
    (rule,) = (
        f for f in declarations(fleet.host("tie-adm1"), Intent(fleet))[0] if f.path == "/etc/sudoers.d/samdrift-runs"
    )

    assert f"NOPASSWD: {RUN}" in rule.content
    assert judged("visudo -c -q -f {path}", rule.path, rule.content, mode="440").code == 0


def test_options_become_settings() -> None:
    fleet = snapshot.load()
    found = settings(fleet.host("tie-adm1"), fleet, Options(program="/srv/samdrift"))

    assert (found.program, found.account) == ("/srv/samdrift", "samdrift-runs")
    for program in ("samdrift", "/opt/../x y", '/opt/"'):
        with pytest.raises(ValueError, match="program"):
            Options(program=program)


def test_no_option_of_a_command_that_names_a_file_or_a_place_is_let_through_unawares() -> None:
    found = program()
    for name in sorted(found["COMMANDS"]):
        module = importlib.import_module(f"deploy.cli.{COMMANDS[name][0]}")
        options = [p for p in getattr(module, name).params if isinstance(p, click.Option)]
        files = {o for p in options if isinstance(p.type, click.Path) for o in p.opts}
        assert not files & ({*found["FLAGS"]} | found["WITH_WORDS"].keys()), name
        assert (
            not {"--source", "--state", "--user", "--look-user", "--netbox-url", "--lab"} & found["WITH_WORDS"].keys()
        )


def test_what_is_let_through_is_an_option_of_some_command() -> None:
    found = program()
    known = {
        option
        for name in found["COMMANDS"]
        for parameter in getattr(importlib.import_module(f"deploy.cli.{COMMANDS[name][0]}"), name).params
        for option in parameter.opts
    }
    assert ({*found["FLAGS"], *found["WRITES"]} | found["WITH_WORDS"].keys()) - {"--help"} <= known
