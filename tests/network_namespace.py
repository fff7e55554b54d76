"""A network namespace of a test's own, in which nft loads rulesets and packets are sent: with root, or a user's own.

Not here: what is sent (`tests/integration/packets.py`, `judged_by_nft.py`, `chain_of_hosts.py`, each run in one).
"""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

ALONE = ("unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--net")
"""Runs a program in one."""

_LINK = "ip link add left0 type veth peer name right0"

NEEDS_NFT = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin") is None
    or subprocess.run([*ALONE, "sh", "-c", _LINK], check=False, capture_output=True).returncode != 0,
    reason="nft is not installed here, or nobody may make network namespaces with links between them",
)
