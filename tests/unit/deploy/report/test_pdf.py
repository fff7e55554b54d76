"""A report's PDF is tagged: with title and language, headings in order, a text for pictures, and headings for cells."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from deploy.report.pdf import pdf_of
from deploy.report.reader_pages import reader_html
from inventory.errors import SamdriftError
from tests.unit.deploy.report.test_accessible import situation
from tests.unit.deploy.report.test_readers import NOVEMBER, OCTOBER, bought, of_board
from tests.unit.deploy.report.test_report import HOSTILE


@pytest.fixture(scope="module")
def made() -> bytes:
    """The PDF of a situation report with everything in it."""
    try:
        return pdf_of(situation("sv"))
    except SamdriftError as e:
        pytest.skip(str(e))


def tags(node: Any, above: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield each tag with its element, and the tag that it stands below."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        for one in node:
            yield from tags(one, above)
    elif isinstance(node, dict):
        tag = str(node.get("/S", ""))
        if tag:
            yield tag, node, above
        if "/K" in node:
            yield from tags(node["/K"], tag or above)


def root(data: bytes) -> Any:
    return PdfReader(io.BytesIO(data)).trailer["/Root"]


def test_it_says_what_it_is_in_which_language_and_that_it_is_tagged(made: bytes) -> None:
    catalogue = root(made)
    assert catalogue["/Lang"] == "sv"
    assert catalogue["/MarkInfo"]["/Marked"].value
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"].value
    assert b"pdfuaid:part" in catalogue["/Metadata"].get_object().get_data()
    about = PdfReader(io.BytesIO(made)).metadata
    assert about is not None
    assert str(about.title).startswith("Lägesrapport 2026-12-01")


def test_headings_skip_no_level_and_every_picture_has_a_text(made: bytes) -> None:
    found = list(tags(root(made)["/StructTreeRoot"]))
    levels = [int(tag[2:]) for tag, _, _ in found if tag[:2] == "/H" and tag[2:].isdecimal()]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    pictures = [element for tag, element, _ in found if tag == "/Figure"]
    assert pictures
    assert all(str(p.get("/Alt", "")) for p in pictures)


def test_every_cell_of_a_table_names_its_headings_and_lists_are_lists(made: bytes) -> None:
    found = list(tags(root(made)["/StructTreeRoot"]))
    cells = [element for tag, element, _ in found if tag == "/TD"]
    assert len(cells) > 20
    known = {str(element["/ID"]) for tag, element, _ in found if tag == "/TH" and "/ID" in element}
    named = [[str(h) for h in c["/A"]["/Headers"]] for c in cells if "/Headers" in c.get("/A", {})]
    assert len(named) >= len(cells) - 5, "the corner of a table has no heading"
    assert {h for some in named for h in some} <= known
    assert {above for tag, _, above in found if tag == "/LI"} == {"/L"}
    assert {above for tag, _, above in found if tag == "/TR"} <= {"/THead", "/TBody", "/TFoot", "/Table"}


def test_every_page_is_read_in_the_order_of_its_tags_with_fonts_of_its_own(made: bytes) -> None:
    page: Any
    for page in PdfReader(io.BytesIO(made)).pages:
        assert page["/Tabs"] == "/S"
        assert "/StructParents" in page
        for font in page["/Resources"]["/Font"].values():
            (descendant,) = font.get_object()["/DescendantFonts"]
            descriptor = descendant.get_object()["/FontDescriptor"]
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)


def test_the_same_page_gives_the_same_bytes_in_its_language(made: bytes) -> None:
    page = reader_html(of_board(OCTOBER, NOVEMBER), "en")
    once = pdf_of(page)
    assert once == pdf_of(page)
    assert root(once)["/Lang"] == "en"


def test_nothing_that_anybody_wrote_is_fetched_or_obeyed(made: bytes) -> None:
    bought_by = bought().devices[0].model_copy(update={"serial": f"{HOSTILE}<img src=file:///etc/passwd>"})
    page = reader_html(bought().model_copy(update={"devices": (bought_by,), "models": (), "platforms": ()}))
    data = pdf_of(page)
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    assert "<script>" in text
    assert not {"/OpenAction", "/AA"} & set(root(data))
    assert b"/JavaScript" not in data


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_what_a_page_asks_for_is_not_fetched(made: bytes, tmp_path: Path) -> None:
    """No page of ours asks for anything; one that did would get nothing."""
    from weasyprint import HTML  # noqa: PLC0415  an extra

    file = tmp_path / "one.png"
    file.write_bytes(base64.b64decode(PNG))
    page = f'<html lang="sv"><title>x</title><p>y<img alt="z" src="{file.as_uri()}">'
    assert b"/Image" in HTML(string=page).write_pdf()
    assert b"/Image" not in pdf_of(page)
