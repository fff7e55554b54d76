"""Write a report's page as PDF/UA: tagged, with its title and language, for archives and for whoever hears it read.

WeasyPrint makes it of the page; it fetches nothing, as the page asks for nothing. The same page gives the same bytes.
It is an extra (`samdrift[pdf]`), and needs Pango of the system. Not here: the page (`report.page`).
"""

from __future__ import annotations

import logging

from inventory.errors import SamdriftError

FIX = "install samdrift[pdf], and Debian's libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0"


def pdf_of(page: str) -> bytes:
    """Return a page as PDF/UA-1.

    Raises:
        SamdriftError: WeasyPrint, or what it needs of the system, is not here.
    """
    try:
        from weasyprint import HTML, URLFetcher  # noqa: PLC0415  an extra, and a second to load
    except (ImportError, OSError) as e:
        raise SamdriftError(f"no PDF can be made here: {e}".splitlines()[0], where="--pdf", fix=FIX) from e
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # of styles that are for screens alone
    nothing = URLFetcher(allowed_protocols=())
    made: bytes = HTML(string=page, url_fetcher=nothing).write_pdf(pdf_variant="pdf/ua-1", pdf_tags=True)
    return made
