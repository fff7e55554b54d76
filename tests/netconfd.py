"""Debian's netconfd (yuma123) behind an sshd on loopback: a NETCONF server that nobody here wrote.

It has a candidate, validation and confirmed commits of both versions. Its configuration is one text, in a module of the
tests: so a vendor's lines can be loaded into it, and it refuses such as the module forbids. What it keeps is in the
test's directory; that it makes an empty `~/.yuma`, nothing turns off.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sshd import Sshd, running_sshd

NETCONFD = Path("/usr/sbin/netconfd")
MODULE = """\
module switch {
  namespace "urn:samdrift:switch";
  prefix sw;
  revision 2026-11-29;
  container switch {
    leaf text {
      type string { length "1..4000000"; pattern "[^%]*"; }
      must "not(contains(., 'impossible'))";
    }
  }
}
"""
"""What has a `%` in it is refused where it is loaded, and what is `impossible`, where all of it is judged."""


@contextmanager
def running_netconfd(directory: Path, *options: str) -> Iterator[Sshd]:
    """An sshd whose subsystem `netconf` is a netconfd of its own.

    Args:
        options: further ones of netconfd.
    """
    socket, subsystem = directory / "socket", directory / "subsystem"
    subsystem.write_text(
        f"#!/bin/sh\nexec {NETCONFD.with_name('netconf-subsystem')} "
        f'"--ncxserver-sockname=${{SSH_CONNECTION##* }}@{socket}"\n'
    )
    subsystem.chmod(0o755)
    (directory / "switch.yang").write_text(MODULE)
    (directory / "data").mkdir()
    with running_sshd(directory, f"ForceCommand none\nSubsystem netconf {subsystem}\n") as sshd:
        arguments = (
            "--no-startup",
            f"--yuma-home={directory}",  # in `data` of which it keeps what is committed
            "--module=switch",
            "--target=candidate",
            f"--modpath={directory}:/usr/share/yuma/modules",
            f"--superuser={sshd.access.user}",
            f"--ncxserver-sockname={socket}",
            f"--port={sshd.port}",
            *options,
        )
        with (directory / "netconfd.log").open("wb") as log:
            process = subprocess.Popen([NETCONFD, *arguments], cwd=directory, stdout=log, stderr=log)
            try:
                deadline = time.monotonic() + 10
                while not socket.exists():
                    assert time.monotonic() < deadline, (directory / "netconfd.log").read_text()
                    time.sleep(0.02)
                yield sshd
            finally:
                process.terminate()
                process.wait(timeout=10)
