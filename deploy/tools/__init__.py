"""For those who work on samdrift itself: the demo, and NetBox's lock file."""
