"""`make demo`: the main job told as a story, on real hosts, each step printing the command it runs.

A step that ends in another way than the story says ends the demo with an error: it is a rehearsal, not a film.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

from deploy.lab.place import STATE, lab_directory
from deploy.model.findings import Exit, Kind
from deploy.store.opening import open_stores
from deploy.tools.parent import end_with_parent
from roles.shared.look_program import NOT_LET
from roles.shared.people import LOOKS_AS

SAMDRIFT = str(Path(sys.executable).with_name("samdrift"))
EDGE, RESOLVER, LOST, STATION = "heb-gw1", "tie-dns2", "ost-gw1", "tie-adm1"
OTHERS = "alvkarleby or knivsta or tie-mon1"
"""Hosts that the story tells nothing of. They are booted, and changed by nobody."""

BY_HAND = (
    ("a line in a config file", "echo 'PermitTunnel yes' >> /etc/ssh/sshd_config"),
    ("a stopped service", "systemctl stop chrony.service"),
    ("an extra firewall rule", "nft add rule inet samdrift input tcp dport 8080 accept"),
)
"""What somebody does on EDGE."""


ELAPSES = """\
timer=samdrift-watch@{municipality}.timer service=samdrift-watch@{municipality}.service
before=$(systemctl show -P InvocationID $service)
printf "[Timer]\\nOnActiveSec=1\\n" | systemctl edit --quiet --runtime --stdin --drop-in=now $timer
systemctl restart $timer
until [ "$(systemctl show -P InvocationID $service)" != "$before" ]; do sleep 1; done
while systemctl show -P ActiveState $service | grep -q activating; do sleep 1; done
systemctl revert $timer; systemctl restart $timer
journalctl --quiet --no-pager -o cat _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID $service)
exit $(systemctl show -P ExecMainStatus $service)
"""
"""Has a timer of the station elapse now and not at its hour; tells what its service said, and ends as that did."""


class Unexpected(Exception):
    """A step did not end as the story says."""


def main() -> int:
    """Tell the whole story; 0 if every step ended as it should."""
    started = time.monotonic()
    try:
        tell()
    except Unexpected as e:
        print(f"\nThe demo stopped: {e}", file=sys.stderr)
        return 1
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    print(f"\nThe whole story took {minutes} min {seconds} s. The report: report/report.html")
    return 0


def tell() -> None:
    """The story, in the order of the issue that asked for it."""
    chapter("Five municipalities, one inventory")
    samdrift("hosts")
    samdrift("show", "tie-dns1")
    samdrift("check")

    chapter("Real hosts to rehearse on: twelve of them, Debian 13 with systemd, sshd and nftables")
    samdrift("lab", "up")

    chapter("What would change?")
    samdrift("--lab", "--limit", "tie-dns1", "plan", "--brief")
    samdrift("--lab", "--limit", f"{EDGE} and role=edge_gateway", "plan")

    chapter("Change it, in waves, and prove it")
    samdrift("--lab", "--limit", f"not ({OTHERS})", "apply", "--yes", "--brief")

    chapter("Nothing is left to change: looks come by an account of their own now, whose key changes nothing")
    samdrift("--lab", "--limit", "heby", "plan", "--detailed-exitcode")
    samdrift("--lab", "--limit", RESOLVER, "verify")
    print("\n  (whoever steals that key)")
    key = lab_directory() / "keys" / LOOKS_AS
    as_thief = ("-F", str(lab_directory() / "ssh_config"), "-i", str(key), "-l", LOOKS_AS)
    run("ssh", *as_thief, RESOLVER, "sudo rm -r /etc", expect=NOT_LET)

    chapter("Somebody changes three things by hand, without samdrift")
    for what, command in BY_HAND:
        print(f"\n  ({what})")
        by_hand(EDGE, command)

    chapter("Nobody asks, and it is found: the management station's own timer has Heby's hosts scanned")
    by_hand(STATION, ELAPSES.format(municipality="heby"), expect=Exit.DIFFERENCES)
    found = must_find([(EDGE, Kind.DRIFT)] * len(BY_HAND), by=f"samdrift-watch@{STATION}")
    samdrift("--lab", "history", found)
    samdrift("--lab", "--limit", EDGE, "apply", "--yes", "--brief")
    samdrift("--lab", "--limit", EDGE, "drift")
    must_find([])

    chapter("One host is cut off")
    samdrift("lab", "cut", LOST)
    samdrift("--lab", "--limit", LOST, "drift", expect=Exit.INCOMPLETE)
    must_find([(LOST, Kind.UNKNOWN)])

    chapter("What auditors read")
    samdrift("--lab", "report", "--out", "report")
    samdrift("lab", "mend", LOST)


def chapter(title: str) -> None:
    """A heading of the story."""
    print(f"\n{'━' * 100}\n  {title}\n{'━' * 100}", flush=True)


def samdrift(*arguments: str, expect: Exit = Exit.OK) -> None:
    """Run samdrift as a user would, and hold it to its exit code."""
    run(SAMDRIFT, *arguments, expect=expect)


def by_hand(host: str, command: str, expect: int = 0) -> None:
    """Run a command on a host as root, as somebody without samdrift would."""
    run("ssh", "-F", str(lab_directory() / "ssh_config"), host, f"sudo sh -c {shlex.quote(command)}", expect=expect)


def run(*command: str, expect: int = 0) -> None:
    """Print a command, run it, and hold it to its exit code."""
    shown = shlex.join([Path(command[0]).name, *command[1:]])
    print(f"\n$ {shown}", flush=True)
    started = time.monotonic()
    done = subprocess.run(command, check=False, preexec_fn=end_with_parent)
    print(f"  ({time.monotonic() - started:.1f} s, exit {done.returncode})", flush=True)
    if done.returncode != expect:
        raise Unexpected(f"{shown} ended with {done.returncode}, not {int(expect)}")


def must_find(wanted: list[tuple[str, Kind]], by: str = "") -> str:
    """The last drift found exactly these, on these hosts, and nothing else; the id of its record.

    Args:
        by: who must have run it; anybody, if nobody is named.
    """
    record = open_stores(lab_directory() / STATE).history.latest("drift")
    found = sorted((f.host, f.kind) for f in record.findings) if record else []
    if record is None or found != sorted(wanted):
        raise Unexpected(f"drift was to find exactly {sorted(wanted)}, and found {found}")
    if by and record.who != by:
        raise Unexpected(f"the last drift was to be run by {by}, and not by {record.who}")
    print(f"  exactly {len(found)} findings, as it should be" if found else "  no finding, as it should be")
    return record.id


if __name__ == "__main__":
    sys.exit(main())
