"""Read which packets nft has seen: from its sets of source, destination and, but for a ping, protocol and port.

Not here: the rules that fill them (`judged_by_nft.py`, `chain_of_hosts.py`).
"""

from __future__ import annotations

import json


def packets_in(listed: str) -> list[list[object]]:
    """Return source, destination, protocol and port of each, from a table as `nft -j` lists it."""
    found: list[list[object]] = []
    for element in (x["set"] for x in json.loads(listed)["nftables"] if "set" in x):
        for value in element.get("elem", ()):
            parts = (value["elem"]["val"] if "elem" in value else value)["concat"]
            protocol, port = ("icmp", None) if len(parts) == 2 else (parts[2], parts[3])
            found.append([parts[0], parts[1], protocol, port])
    return found
