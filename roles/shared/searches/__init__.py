"""Searches: what a look asks a server for, and which things in the answers nobody declares. Pure."""
