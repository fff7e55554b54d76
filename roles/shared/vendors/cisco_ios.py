"""Cisco IOS and IOS XE."""

from __future__ import annotations

from roles.shared.vendor import CommitConfirm, Vendor

VENDOR = Vendor(
    platform="cisco-ios",
    name="Cisco IOS XE",
    netmiko="cisco_xe",
    hier_config="CISCO_IOS",
    show="show running-config",
    comment=r"^\s*!",
    volatile=(r"^Building configuration", r"^Current configuration :", r"^ntp clock-period ", r"^end$"),
    secrets=(
        r"^(\s*.*\b(?:secret|password|key-string|key) \d+) \S+",
        r"^(snmp-server user \S+ \S+ v3 auth \S+) \S+",
    ),
    errors=(r"^% ?(?:Invalid|Incomplete|Ambiguous|Bad|Unknown|Error)", r"^%Error", r"^Command rejected"),
    enter=("configure terminal",),
    leave=("end",),
    save=("write memory",),
    confirm=CommitConfirm(
        name="configure revert timer",
        enter=("configure terminal revert timer {minutes}",),
        leave=("end",),
        confirm=("configure confirm",),
        revert=("configure revert now",),
        pending="show archive config rollback timer",
        pending_pattern=r"(?i)time configured\s*\(in minutes\):\s*[1-9]|rollback .* in \d+",
        minutes=(1, 120),
        source="Cisco IOS Configuration Fundamentals, Configuration Rollback Confirmed Change",
    ),
)
