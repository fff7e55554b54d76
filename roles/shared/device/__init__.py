"""Devices with a vendor's command line: vendors as data, differences of configurations, what switches are told."""
