"""Text for people: true to the letter, and obeyed by no terminal."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from deploy.model.text import OBEYED, as_json, safe


@given(st.text())
def test_no_text_reaches_the_terminal_with_a_character_that_it_obeys(text: str) -> None:
    assert not OBEYED.search(safe(text))


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_ordinary_letters_are_shown_as_they_are(text: str) -> None:
    visible = OBEYED.sub("", text)

    assert safe(visible) == visible


@given(st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.text()))
def test_json_says_the_same_and_hides_nothing(document: object) -> None:
    text = as_json(document)

    assert json.loads(text) == document
    assert not OBEYED.search(text)
