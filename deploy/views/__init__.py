"""What a terminal shows: values in, text out. Nothing is computed, asked or written here."""
