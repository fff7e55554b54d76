"""The pages of the board, of purchasers and of those who bring systems together.

Not here: what they say (`report.board`, `report.procurement`, `report.consolidation`), and the situation report's page
(`report.page`).
"""

from __future__ import annotations

from deploy.model.words import Language
from deploy.report.board import Board, Decision
from deploy.report.consolidation import Consolidation
from deploy.report.page import environment
from deploy.report.procurement import Procurement, Standing
from deploy.report.words import Words

WORDS: Words = {
    Standing.ENDED: ("stödet har upphört", "support has ended"),
    Standing.SOON: ("stödet upphör inom två år", "support ends within two years"),
    Standing.OLD: ("äldre än sju år", "older than seven years"),
    Standing.UNKNOWN: ("okänt", "not known"),
    Standing.SUPPORTED: ("har stöd", "supported"),
    Decision.EMERGENCY: ("Nödändring att kvittera", "An emergency to sign off"),
    Decision.WAIVER: ("Godtagen avvikelse som upphör", "An accepted difference that ends"),
    Decision.OLD_FINDING: ("Allvarliga fynd som är äldre än 30 dygn", "Serious findings older than 30 days"),
    Decision.UNSEEN: ("Värdar som aldrig har granskats", "Hosts that were never looked at"),
    Decision.UNSUPPORTED: ("Tillverkarens stöd upphör", "The maker's support ends"),
    Decision.INVENTORY: ("Fel i inventariet", "Problems in the inventory"),
}
"""What stands and what is to be decided, in both languages."""

TEMPLATES = {Board: "board.html", Procurement: "procurement.html", Consolidation: "consolidation.html"}


def reader_html(document: Board | Procurement | Consolidation, language: Language = "sv") -> str:
    """Return the page of a document."""
    template = environment().get_template(TEMPLATES[type(document)])
    return template.render(lang=language, document=document, words=WORDS)
