"""Scheduled runs on a management station: whether a municipality's scan is due, and one `samdrift` process for each."""
