"""Secrets of a device that its lines hold are in no plan: a mark stands there, and moves when they do."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.secrets import Secret
from roles.shared.device.masking import masked
from roles.shared.device.withheld import MARKED, Withheld, revealed
from roles.shared.parts.veil import Veil

OURS = Secret(name="admin", municipality="heby")
VEIL = Veil({OURS: "long enough a secret"}, {"heby": b"key"})
LINE = "no snmp-server host 10.0.0.1 hush-hush-hush"


def withheld() -> Withheld:
    return Withheld(partial(VEIL.seal, secrets=[OURS]))


def test_the_rest_of_a_line_that_may_be_a_secret_is_a_mark_that_is_the_same_for_whoever_looks_next() -> None:
    (shown,) = withheld().entries([LINE])
    assert MARKED.search(shown)
    assert shown.startswith("no snmp-server host 10.0.0.1 ‹withheld:")
    later = withheld()
    assert later.entries([LINE]) == (shown,)
    assert revealed(shown, later.values) == LINE


def test_another_secret_has_another_mark_so_that_the_plan_is_stale() -> None:
    one, other = (withheld().entries([LINE.replace("hush", word)]) for word in ("hush", "hash"))
    assert one != other


def test_without_a_key_a_mark_is_known_to_whoever_has_the_process_s() -> None:
    assert Withheld(key=b"k").entries([LINE]) == Withheld(key=b"k").entries([LINE])
    one, other = Withheld(), Withheld()
    assert one.entries([LINE]) == one.entries([LINE]) != other.entries([LINE])
    assert not revealed(one.entries([LINE])[0], other.values).endswith("hush")


def test_what_a_role_declares_is_left_as_it_is() -> None:
    key = "user samdrift authorized-key ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAFmFAQGx"
    assert masked(key) != key
    assert withheld().entries([f"  {key}"], {key}) == (f"  {key}",)


@given(
    st.lists(st.sampled_from([LINE, "vlan 5", "no user bo", "  key 7 0822455D0A16", 'set x "a\nb"', ""]), max_size=6)
)
def test_whoever_has_the_values_gets_the_entries_as_they_were(entries: list[str]) -> None:
    ours = withheld()
    shown = ours.entries(entries)
    assert [revealed(entry, ours.values) for entry in shown] == entries
    assert "hush" not in str(shown)
    assert "0822455D0A16" not in str(shown)


@pytest.mark.parametrize("text", ["‹withheld:0123456789ab›", "plain"])
def test_a_mark_that_stands_for_nothing_known_stays(text: str) -> None:
    assert revealed(text, {}) == text


@pytest.mark.parametrize(
    "line",
    [
        "path ftp://backup:hemligt@10.0.0.9/configs",
        "copy running-config scp://b:s3kret@10.0.0.1/d",
        'set system archival configuration archive-sites "scp://b:s3kret@10.0.0.1/d"',
    ],
)
def test_a_url_with_a_login_in_it_comes_back_letter_for_letter(line: str) -> None:
    kept = withheld()
    (shown,) = kept.entries([line])
    assert "s3kret" not in shown
    assert "hemligt" not in shown
    assert revealed(shown, kept.values) == line
