"""`managed_file` refuses a text that would write no value, or one that everybody could read."""

from __future__ import annotations

import pytest
from pyinfra.api import Config, Inventory, State
from pyinfra.context import ctx_config, ctx_host, ctx_state

from inventory.errors import SamdriftError
from inventory.secrets import Secret
from roles.shared.parts.files import managed_file
from roles.shared.parts.registration import ManagedFile, registering

TOKEN = Secret(name="token", municipality="heby")


def declared(text: str, *secrets: Secret, mode: str = "640") -> ManagedFile:
    state = State(Inventory((["h"], {})), Config(), check_for_changes=False)
    ctx_state.set(state)
    with (
        ctx_config.use(state.config.copy()),
        ctx_host.use(state.inventory.get_host("h")),
        registering("test", secrets) as registration,
    ):
        managed_file("/etc/a", content=text, mode=mode)
    return registration.files[0]


def test_a_file_knows_which_secrets_it_holds() -> None:
    other = Secret(name="other", municipality="heby")
    assert declared(f"a {TOKEN}\n", TOKEN, other).secrets == (TOKEN,)
    assert declared("a\n", TOKEN, mode="644").secrets == ()


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ("‹secret:else›", "600", "settings have not: else"),
        ("‹", "600", "settings have not: ‹"),
        ("‹secret:TOKEN›", "600", "settings have not"),
        ('"\\u2039secret:token\\u203a"', "600", "placeholder of secret token changed by a filter"),
        ("‹secret:token›", "644", r"secret token, and everybody on the host may read it \(mode 644\)"),
    ],
)
def test_a_text_that_would_not_become_right_is_refused(text: str, mode: str, why: str) -> None:
    with pytest.raises(SamdriftError, match=f"^roles/test.py: /etc/a .*{why}"):
        declared(text, TOKEN, mode=mode)


def test_two_secrets_of_one_name_are_refused() -> None:
    with pytest.raises(SamdriftError, match="two secrets are called token, of heby and tierp"):
        declared("", TOKEN, Secret(name="token", municipality="tierp"))
