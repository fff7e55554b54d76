"""What a plan holds is what is carried out: nothing is split, joined or evaluated on the way."""

from __future__ import annotations

from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from pyinfra.api.command import FileUploadCommand, PyinfraCommand, StringCommand
from pyinfra.api.state import StateOperationHostData

from deploy.engine.declare import Registered
from deploy.engine.planned import _read_command, frozen
from deploy.model.plan import Configure, HostCommand, Run, Sign, Step, Upload
from inventory.secrets import Secret
from roles.shared.certificates import Order
from roles.shared.device.configure import ConfigurationSession
from roles.shared.parts.issued import SignCommand
from roles.shared.parts.registration import ManagedFile
from roles.shared.parts.veil import Veil
from tests.unit.deploy.model.test_plan import COMMANDS

SECRET = Secret(name="certificate", municipality="heby")
VALUE = "-----BEGIN\nabc\n-----END"
KNOWN = Veil({SECRET: VALUE}, {"heby": b"k"})


def signed_for(sign: Sign) -> str:
    return f"signed for {sign.order.for_whom}"


def sent(*commands: HostCommand) -> list[PyinfraCommand]:
    """What is carried out of a step with these commands, which declares a file that holds the secret."""
    declares = ManagedFile(
        role="r",
        path="/f",
        content="",
        owner="root",
        group="root",
        mode="600",
        validate_with=None,
        then=(),
        secrets=(SECRET,),
    )
    data = cast("StateOperationHostData", None)
    operation = Registered("r", "hash", data, declares, expected=(None,) * len(commands))
    return list(
        frozen(
            Step(role="r", name="s", intent="i", commands=commands),
            operation,
            KNOWN,
            lambda sign: f"signed for {sign.order.for_whom}",
        )()
    )


@given(st.lists(COMMANDS.filter(lambda command: not isinstance(command, Sign))))
def test_the_commands_of_a_plan_become_pyinfra_s_and_those_the_same_plan(planned: list[HostCommand]) -> None:
    assert [_read_command(command) for command in sent(*planned)] == planned


def test_what_is_to_be_signed_is_uploaded_as_it_was_signed_and_stands_in_no_plan() -> None:
    order = Order(names=("web",), authority="an authority", days=90)
    sign = Sign(path="/f", request="openssl req", order=order)
    (upload,) = sent(sign)
    assert _read_command(upload) == Upload(path="/f", content="signed for web")
    command = SignCommand(order, "openssl req", "/f")
    assert _read_command(command) == sign
    assert str(command) == str(sign)  # or a review would say another thing each time


@given(st.lists(st.text(max_size=9), max_size=4))
def test_a_device_is_given_each_entry_as_it_was_planned_with_its_secrets_in_it(texts: list[str]) -> None:
    entries = (*texts, f'set ca "{SECRET}"', "banner motd ^C\n a\n^C")
    (session,) = sent(Configure(platform="fortios", entries=entries, rollback=(f"x {SECRET}",)))
    assert isinstance(session, ConfigurationSession)
    assert session.platform == "fortios"
    assert session.entries == (*texts, f'set ca "{VALUE}"', "banner motd ^C\n a\n^C")
    assert VALUE not in str(session.rollback)


def test_a_file_is_given_its_secrets_and_a_shell_command_none() -> None:
    upload, run = sent(Upload(path="/f", content=f"key {SECRET}"), Run(text=f"echo {SECRET}"))
    assert isinstance(upload, FileUploadCommand)
    assert not isinstance(upload.src, str)
    assert upload.src.read() == f"key {VALUE}".encode()
    assert isinstance(run, StringCommand)
    assert run.get_raw_value() == f"echo {SECRET}"


def test_what_would_lead_back_is_read_in_a_plan_without_the_secrets_of_the_device() -> None:
    session = ConfigurationSession("cisco-ios", ("no description",), ("description Wifi, password hunter22",))
    assert _read_command(session) == Configure(
        platform="cisco-ios", entries=("no description",), rollback=("description Wifi, password ‹withheld›",)
    )
