"""Stands for samdrift in tests of workers: it tells that it has begun, does as a test says, and records in the store.

`scanner.py PLACE drift --limit MUNICIPALITY …`. Where the place has a pipe for a municipality, it waits there.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(place: Path, arguments: list[str]) -> int:
    """Do as samdrift would, or as a test says."""
    if arguments[0] == "hosts":
        print(json.dumps({"hosts": []}))  # noqa: T201
        return 0
    municipality = arguments[arguments.index("--limit") + 1]
    with (place / "scans").open("a", encoding="utf-8") as scans:
        scans.write(f"{municipality} {os.getpid()}\n")
    begun = place / f"{municipality}.begun"
    how = "answer"
    if begun.exists():
        begun.write_text(f"{os.getppid()}\n", encoding="ascii")
        how = (place / f"{municipality}.go").read_text(encoding="ascii").strip()
    if how.isdigit():
        return int(how)
    record(municipality)
    if how == "record-and-stay":
        begun.write_text("recorded\n", encoding="ascii")
        (place / f"{municipality}.go").read_text(encoding="ascii")
    return 2


def record(municipality: str) -> None:
    """Record the scan in the store, and answer with the record."""
    from deploy.model import clock  # noqa: PLC0415  what is asked for hosts need not load all this
    from deploy.model.record import Record  # noqa: PLC0415
    from deploy.store.opening import open_stores  # noqa: PLC0415
    from deploy.store.place import place_of, record_id  # noqa: PLC0415

    started = clock.now()
    made = Record(
        id=record_id(started, "drift"),
        command="drift",
        who="samdrift-watch@worker",
        reason=os.environ["SAMDRIFT_REASON"],
        limit=municipality,
        started=started,
        finished=started,
        fleet_digest="f",
        fleet_source="snapshot",
        code_digest="c",
        exit_code=2,
    )
    stores = open_stores(place_of(os.environ["SAMDRIFT_STATE"]))
    stores.known.date((), at=started, looked_at=["heb-gw1"])
    stores.keep(made)
    sys.stdout.write(made.model_dump_json())
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
