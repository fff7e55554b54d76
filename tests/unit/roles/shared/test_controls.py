"""Every control that a role says it answers has its title in both languages; what has none is no role."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deploy.verify.names import checks_of, proves_of, swedish_of
from inventory.errors import SamdriftError
from roles.shared.catalogue import catalogue
from roles.shared.controls import STANDARDS, TITLES, TOPICS

ANSWERED = sorted({(name, control) for name, role in catalogue().items() for control in role.controls})


@pytest.mark.parametrize(("name", "control"), ANSWERED)
def test_every_control_that_a_role_names_has_its_title_in_both_languages(name: str, control: str) -> None:
    swedish, english = catalogue()[name].control_titles[control]

    assert swedish.strip() == swedish != ""
    assert english.strip() == english != ""
    assert swedish != english


def test_titles_are_kept_of_controls_that_some_role_or_topic_answers() -> None:
    by_topics = {control for controls in TOPICS.values() for control in controls}
    assert TITLES.keys() == {control for _, control in ANSWERED if control in TITLES} | by_topics


def test_every_control_of_a_topic_has_its_title_and_its_standard() -> None:
    for topic, controls in TOPICS.items():
        assert controls, topic
        for control in controls:
            assert control in TITLES
            assert any(control.startswith(f"{standard} ") for standard in STANDARDS)


def test_what_is_law_to_a_municipality_and_what_is_guidance_is_called_so() -> None:
    assert {name for name, one in STANDARDS.items() if one.binds == "law"} == {"NIS2 21.2"}


@pytest.mark.parametrize("role", sorted(catalogue()))
def test_every_state_check_says_what_it_proves_and_nothing_else_does(role: str) -> None:
    proves = proves_of(role)
    assert {*proves} == {*checks_of(role)}, f"tests/state/test_{role}.py, PROVES: docs/add-a-check.md"
    assert {topic for topics in proves.values() for topic in topics} <= TOPICS.keys()


@pytest.mark.parametrize("role", sorted(catalogue()))
def test_every_role_and_every_state_check_has_its_name_in_swedish(role: str) -> None:
    assert catalogue()[role].swedish, f"roles/{role}.py, SWEDISH: docs/add-a-role.md"
    assert [*swedish_of(role)] == [*checks_of(role)], f"tests/state/test_{role}.py, SWEDISH: docs/add-a-check.md"
    assert all(swedish_of(role).values())


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
