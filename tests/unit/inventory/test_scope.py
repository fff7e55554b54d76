"""A scope is read strictly: what it means to leave in, a typing error must not leave out."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory.errors import InventoryError
from inventory.scope import EVERYTHING, Scope, of_the_project, read
from tests.unit.inventory.fleets import fleet


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "scope.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "scope.yaml"


def test_without_a_file_everything_is_in_the_scope() -> None:
    assert of_the_project() is EVERYTHING
    assert EVERYTHING.holds({})


def test_a_scope_says_slugs_by_kind_and_what_is_not_meant(tmp_path: Path) -> None:
    found = read(written(tmp_path, "tenants: [heby, tierp]\nnot:\n  tags: [lab]\n"))

    assert (found.tenants, found.excluded.tags) == (("heby", "tierp"), ("lab",))
    found.require_known(fleet())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tenant: [heby]\n", "scope.yaml:1: unknown key 'tenant'"),
        ("tenants: heby\n", "scope.yaml:1: tenants: input should be a valid"),
        ("tenants: [heby]\nnot:\n  tag: [lab]\n", "scope.yaml:3: unknown key 'tag'"),
        ("not:\n  not: {}\n", "scope.yaml:2: unknown key 'not'"),
        ("tenants: [heby\n", "scope.yaml:1: not YAML"),
        ("- heby\n", "scope.yaml:1: this: input should be an object"),
        ("tenants: [1]\n", "scope.yaml:1: tenants.0: input should be a valid string"),
        ("", "scope.yaml:1: empty"),
    ],
)
def test_what_is_no_scope_is_an_error_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InventoryError) as caught:
        read(written(tmp_path, text))

    assert any(words in str(p) for p in caught.value.problems), caught.value


def test_a_file_that_cannot_be_read_is_no_scope_of_everything(tmp_path: Path) -> None:
    (tmp_path / "scope.yaml").mkdir()

    with pytest.raises(InventoryError, match="cannot be read"):
        read(tmp_path / "scope.yaml")


def test_a_slug_that_netbox_does_not_have_is_told_with_the_one_that_is_like_it() -> None:
    scope = Scope.model_validate({"tenants": ["hebby"], "not": {"tags": ["x"]}})

    with pytest.raises(InventoryError) as caught:
        scope.require_known(fleet())

    assert [p.what for p in caught.value.problems] == [
        "tenants: there is no 'hebby', but there is 'heby'",
        "tags: there is no 'x'",
    ]
