"""A device's facts are answers to the questions of a look; whatever needs a shell is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pyinfra.api import Config, FactBase, Inventory, State

from deploy.engine.connector import LookFailed
from deploy.engine.device_connector import SHELL_ONLY, DeviceConnector
from deploy.transport.rounds import Rounds
from deploy.transport.ssh import Answer
from inventory.secrets import MARK


class Version(FactBase[str]):
    def command(self) -> str:
        return "show version"

    def process(self, output: list[str]) -> str:
        return output[0]


@pytest.fixture
def connector() -> DeviceConnector:
    state = State(Inventory((["sw1"], {})), Config())
    target = state.inventory.get_host("sw1")
    target.connector = DeviceConnector(state, target)
    target.connected = True
    return target.connector


def looked(connector: DeviceConnector, answer: Answer, job: Any) -> Any:
    """What a job gets in a look at a device that answers everything with this."""
    asked: list[list[str]] = []
    connector.rounds = Rounds(lambda commands: asked.append(list(commands)) or [answer] * len(commands))  # type: ignore[func-returns-value]
    (result,) = connector.rounds.run([job])
    return result, asked


def test_a_fact_is_the_answer_to_what_it_asks(connector: DeviceConnector) -> None:
    answer = Answer(rc=0, stdout="IOS 17.9\nmore\n", stderr="")
    got, asked = looked(connector, answer, lambda: connector.host.get_fact(Version))
    assert got == "IOS 17.9"
    assert asked == [["show version"]]


def test_a_question_that_is_refused_leaves_the_device_unknown(connector: DeviceConnector) -> None:
    with pytest.raises(LookFailed, match="a question was refused: show version: % Invalid input"):
        looked(
            connector,
            Answer(rc=1, stdout="", stderr="% Invalid input"),
            lambda: connector.run_shell_command("show version"),
        )


@pytest.mark.parametrize("argument", SHELL_ONLY)
def test_what_needs_a_shell_is_refused(connector: DeviceConnector, argument: str) -> None:
    with pytest.raises(LookFailed, match=f"host sw1: {argument} cannot be used on a device"):
        connector.run_shell_command("show version", **{argument: "x"})  # type: ignore[arg-type]


def test_nothing_is_typed_outside_of_a_look(connector: DeviceConnector) -> None:
    with pytest.raises(LookFailed, match="a shell command cannot be run on a device: reload"):
        connector.run_shell_command("reload")
    with pytest.raises(LookFailed, match="no files"):
        connector.put_file("x", "y")
    with pytest.raises(LookFailed, match="not downloaded"):
        connector.get_file("x", "y")


def test_a_secret_stands_in_no_question(connector: DeviceConnector) -> None:
    with pytest.raises(LookFailed, match="a secret cannot stand in a question"):
        looked(connector, Answer(rc=0, stdout="", stderr=""), lambda: connector.run_shell_command(f"show {MARK}"))
