"""Switches and firewalls to test with, over real SSH on loopback: each keeps a configuration, and can be told to fail.

`grammar` is what a line does to a configuration, `dialects` how each vendor's command line speaks, `state` what it says
of ports and clocks, `device` one device with its configurations and its timer, and `server` puts devices on the
network. Written from the vendors' documents and not from `roles.shared.device.vendors`, so that a mistake there is
found here.
"""
