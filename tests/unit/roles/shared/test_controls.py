"""Every control that a role says it answers has its title in both languages; what has none is no role."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inventory.errors import SamdriftError
from roles.shared.catalogue import catalogue
from roles.shared.controls import STANDARD

ANSWERED = sorted({(name, control) for name, role in catalogue().items() for control in role.controls})


@pytest.mark.parametrize(("name", "control"), ANSWERED)
def test_every_control_that_a_role_names_has_its_title_in_both_languages(name: str, control: str) -> None:
    swedish, english = catalogue()[name].control_titles[control]

    assert swedish.strip() == swedish != ""
    assert english.strip() == english != ""
    assert swedish != english


def test_titles_are_kept_of_controls_that_some_role_names() -> None:
    assert STANDARD.keys() == {control for _, control in ANSWERED if control in STANDARD}


def test_a_role_with_a_control_without_a_title_is_refused_when_it_is_loaded(
    make_role: Callable[[str, str], None],
) -> None:
    make_role("audited", '"""New."""\nCONTROLS = ("Avtal 7.2",)\ndef deploy(settings): ...\n')

    with pytest.raises(SamdriftError, match=r"roles/audited.py, CONTROLS: control Avtal 7.2 has no title.*TITLES"):
        catalogue()


def test_a_role_may_bring_a_title_of_its_own(make_role: Callable[[str, str], None]) -> None:
    titles = 'CONTROL_TITLES = {"Avtal 7.2": ("Uppmätt", "Measured")}'
    make_role("audited", f'"""New."""\nCONTROLS = ("Avtal 7.2",)\n{titles}\ndef deploy(settings): ...\n')

    assert catalogue()["audited"].control_titles == {"Avtal 7.2": ("Uppmätt", "Measured")}
