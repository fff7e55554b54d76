"""Offline judging of inventory, settings, files and devices' configurations, by what will read them."""
