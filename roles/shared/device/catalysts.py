"""Series of Cisco's Catalysts, as data: what is otherwise on each of them than on all devices with IOS.

What stacks, and a Catalyst 9000 without one, says its model in its configuration (`switch 1 provision c9200l-24p-4g`,
`license udi pid …`): a published C9200L; a 2960X as several people publish it (`ws-c2960x-48ts-l`). That prints
`FastEthernet0` for its port for management, which is in no VRF. A port of a 3560, 3750 or 4500 can be a trunk of ISL,
too, and refuses to be one before it is told which: "An interface whose trunk encapsulation is "Auto" can not be
configured to "trunk" mode" (people's questions; Catalyst 3750-X and 3560-X Guide, OL-21521, "Encapsulation Types"). On
a 6500 it is a routed port until it is told `switchport`.

Sources of the series: netbox-community/devicetype-library, Cisco (models, part numbers, names of ports); Catalyst
3750-X and 3560-X Guide, "Supported Spanning-Tree Instances" (128).
"""

from __future__ import annotations

from roles.shared.device.series import Series

STACKABLE = r"[A-Za-z]+\d+/\d+/\d+"
"""Names of ports of what can be stacked: member, module, port."""

CATALYSTS = (
    Series(
        name="Catalyst 9200",
        types=r"(?<![A-Z\d])(?:C|Catalyst[ -])?9200(?:L|CX|-|\b)",
        printed=r"^(?:switch \d+ provision c9200|license udi pid C9200)",
        source="published C9200L (17.09.04a); devicetype-library, C9200 and C9200L",
        ports=STACKABLE,
    ),
    Series(
        name="Catalyst 9300 to 9600",
        types=r"(?<!K-)(?<!Nexus[ -])(?<![A-Z\d])(?:C|Catalyst[ -])?9[3-6]\d\d(?:[LRX]|-|\b)",
        printed=r"^(?:switch \d+ provision c9[3-6]|license udi pid C9[3-6]\d\d)",
        source="devicetype-library, C9300 to C9606R",
        ports=STACKABLE,
    ),
    Series(
        name="Catalyst 3650, 3850",
        types=r"(?:C|Catalyst[ -])?3[68]50(?!\d)",
        printed=r"^switch \d+ provision ws-c3[68]50",
        source="devicetype-library, WS-C3650 and WS-C3850",
        ports=STACKABLE,
    ),
    Series(
        name="Catalyst 2960, 3560CX, 1000",
        types=r"(?:C|Catalyst[ -])?2960|3560-?CX|(?<![A-Z\d])C1000(?!V)",
        printed=r"^switch \d+ provision ws-c2960",
        source="published 2960X (15.2) of four people; devicetype-library, WS-C2960X, WS-C3560CX, C1000",
        ignored=(r"^interface FastEthernet0$",),
        out_of_band="FastEthernet0",
        management_vrf="",
        most_trees=128,
    ),
    Series(
        name="Catalyst 3560, 3750, 4500",
        types=r"(?:C|Catalyst[ -])?(?:3[57]60|3750|45\d\d|49(?:00|48))(?:(?!CX)\D|$)",
        printed=r"^switch \d+ provision ws-c3750",
        source="Catalyst 3750-X and 3560-X Guide, Encapsulation Types; devicetype-library, WS-C3750X, WS-C4500X",
        ignored=(r"^interface FastEthernet[01]$",),
        out_of_band="FastEthernet[01]",
        management_vrf="",
        most_trees=128,
        trunk_lines=("switchport trunk encapsulation dot1q",),
    ),
    Series(
        name="Catalyst 6500, 6800",
        types=r"(?:C|Catalyst[ -])?(?:65(?:0[369]|13)|68(?:\d\d))(?:\D|$)",
        source="a published 6500 (`switchport` on each port that switches); devicetype-library, WS-C6509-E",
        unmanaged="its ports route until they are told to switch, which no role types",
    ),
)
"""All that are known; the first that fits counts."""
