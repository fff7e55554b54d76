"""`samdrift probe`: which device is asked, and where the transcript goes.

Not here: what is asked, judged and replaced (`runs.probe`).
"""

from __future__ import annotations

from pathlib import Path

import click

from deploy.cli.command import FILE, Common, answer, command
from deploy.cli.running import running
from deploy.model.kinds import Exit
from inventory.errors import SamdriftError, UsageError
from inventory.fleet import Fleet, Host


@command("probe")
@click.argument("name", metavar="HOST")
@click.option("--out", metavar="FILE", type=FILE, help="Where the transcript goes. [probe-HOST.yaml]")
def probe(common: Common, name: str, out: Path | None) -> int:
    """Ask a device what is relied on; write an anonymous transcript.

    Ends with 1 if something is not as believed, or was refused. Read the transcript before you send it to anybody.
    """
    from deploy.runs import probe as runs
    from deploy.views import probe as view
    from deploy.views.parts import put
    from roles.shared.device.transcript import as_yaml

    with running(common, "probe", adopting=lambda fleet: _host(fleet, name)) as (run, observer):
        probed = runs.probe(run, run.hosts[0])
        observer.rest()
    file = out or Path(f"probe-{name}.yaml")
    if not common.json:
        put(common.people, view.judgements(probed.judgements))
    put(common.aside, view.file_of(file))
    _write(file, as_yaml(probed.transcript))
    document = {"judgements": [j.model_dump(mode="json") for j in probed.judgements], "out": str(file)}
    answer(common, document, ())
    return Exit.OK if probed.is_as_believed else Exit.ERROR


def _host(fleet: Fleet, name: str) -> Host:
    host = next((h for h in fleet.hosts if h.name == name), None)
    if host is None:
        fix = "see: samdrift hosts; a new one: samdrift adopt HOST --out DIR, then --source DIR"
        raise UsageError("the inventory does not have it", where=f"host {name}", fix=fix)
    return host


def _write(file: Path, text: str) -> None:
    """Write a transcript for its owner alone."""
    try:
        file.touch(mode=0o600)
        file.chmod(0o600)
        file.write_text(text, encoding="utf-8")
    except OSError as e:
        raise SamdriftError(f"cannot write it: {e.strerror}", where=str(file), fix="choose another --out") from e
