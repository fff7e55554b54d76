"""Secrets: where their values are kept, encrypted for each municipality, and how people edit them."""
