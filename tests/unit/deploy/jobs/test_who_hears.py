"""A job tells a municipality's people what its scan found, once, also where it could not at first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from inventory.paths import CODE
from inventory.recipients import of_the_project
from tests.unit.deploy.notify.fleets import finding, host, record
from tests.unit.deploy.notify.test_sending import Servers, servers  # noqa: F401  a fixture

HEB, TIE = host("heb-gw1", "heby", "10.61.1.1/24"), host("tie-db1", "tierp", "10.60.10.35/24")
SAMDRIFT = """\
#!/bin/sh
case "$1" in
    hosts) [ -e {place}/listed ] || exit 1; cat {place}/hosts ;;
    drift) echo scan >> {place}/scans; cat {place}/record; exit 2 ;;
esac
"""


@pytest.mark.long
def test_what_a_scan_found_is_told_once_also_if_the_fleet_could_not_be_listed_at_first(
    servers: Servers,  # noqa: F811
    tmp_path: Path,
) -> None:
    place = tmp_path / "watch"
    place.mkdir()
    found = record(1, (finding(HEB, "ändrat; gäller tie-db1, 10.60.10.35"), finding(TIE, "theirs")), HEB)
    (place / "record").write_text(found.model_dump_json(), encoding="utf-8")
    hosts = [h.model_dump(mode="json") | {"roles": [], "wave": 1} for h in (HEB, TIE)]
    (place / "hosts").write_text(json.dumps({"hosts": hosts}), encoding="utf-8")
    program = place / "samdrift"
    program.write_text(SAMDRIFT.format(place=place), encoding="utf-8")
    program.chmod(0o755)
    watch = {
        "at": "00:00",
        "program": str(program),
        "environment": {"PATH": os.environ["PATH"]},
        "state": str(place),
        "metrics": str(place),
        "called": {"heby": "Heby"},
        "sender": {"smtp": servers.smtp.model_dump()},
    }
    (place / "watch.json").write_text(json.dumps(watch), encoding="utf-8")

    def job() -> tuple[int, str]:
        words = [sys.executable, "-m", "deploy.jobs.main", "heby", "--watch", str(place / "watch.json")]
        done = subprocess.run(words, cwd=CODE, capture_output=True, text=True, timeout=300, check=False)
        return done.returncode, done.stderr

    code, said = job()
    assert (code, servers.mails) == (1, [])
    assert "samdrift hosts ended with 1" in said
    (place / "listed").touch()
    assert [job()[0] for _ in range(2)] == [0, 0]

    assert (place / "scans").read_text(encoding="ascii") == "scan\n"
    (mail,) = (message_from_bytes(m, policy=default) for m in servers.mails)
    assert [mail["To"]] == [*of_the_project().of("heby").email]
    assert mail["Subject"] == "[samdrift] Heby: 1 nya"
    assert "heb-gw1, base: ändrat; gäller «…», «…»" in mail.get_content()
    assert "theirs" not in mail.get_content()
