"""For pyinfra itself: `pyinfra inventory/hosts.py --limit municipality_heby exec -- uptime`.

pyinfra executes this file and takes its lists as groups; how they are made is in `groups`. The environment says more:
SAMDRIFT_SOURCE a directory with another snapshot, SAMDRIFT_USER and SAMDRIFT_KEY how to log in.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from pathlib import Path

from inventory import groups, snapshot
from inventory.errors import UsageError

_source = os.environ.get("SAMDRIFT_SOURCE") or "snapshot"
if _source == "netbox":
    raise UsageError("pyinfra is given a snapshot", where="SAMDRIFT_SOURCE", fix="samdrift inventory pull --out DIR")
_parts = snapshot.parts_of(snapshot.DEFAULT if _source == "snapshot" else Path(_source))
_unsound = {problem.host for problem in _parts.problems}
_fleet = _parts.fleet.model_copy(update={"hosts": tuple(h for h in _parts.fleet.hosts if h.name not in _unsound)})

# The keys must be in a file for pyinfra; it is this process' own, and gone with it.
_directory = tempfile.TemporaryDirectory(prefix="samdrift-pyinfra-")
atexit.register(_directory.cleanup)
_known = Path(_directory.name) / "known_hosts"
_known.write_text(groups.known_hosts(_fleet.hosts), encoding="utf-8")

_data: dict[str, object] = {"ssh_user": os.environ.get("SAMDRIFT_USER") or "samdrift", **groups.strict(_known)}
if _key := os.environ.get("SAMDRIFT_KEY"):
    _data["ssh_key"] = _key

globals().update(groups.groups(_fleet, _data))
