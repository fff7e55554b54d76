"""What auditors read: one page and one JSON document, from the fleet and the store."""
