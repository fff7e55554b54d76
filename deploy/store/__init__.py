"""What runs leave behind for later ones: history, what was applied, known findings, the journal, locks."""
