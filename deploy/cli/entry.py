"""The program's entry point: make blocking calls cooperative, then run the command line.

pyinfra runs every host in a greenlet of its own. gevent's patches must come before anything imports `ssl`, `threading`
or paramiko, so they come before the commands are imported, and stand here alone.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
from collections.abc import Sequence
from typing import NoReturn

ALONE: tuple[list[str], ...] = ([], ["-h"], ["--help"], ["hosts"])
"""How command lines begin that have nothing to wait for at once: help, and the list of hosts."""


COLLECTED_AFTER = (100_000, 20, 20)
"""How many new objects the collector waits for (`gc.set_threshold`). A start makes some two hundred thousand, and
nearly all stay: at Python's own 700, going through them again and again is a tenth of the time of `samdrift hosts`."""


def main() -> NoReturn:
    """Run the command line; exit with what it means.

    At its end nothing is collected any more (`gc.freeze`): Python would go through all that is left twice, which is a
    tenth of the time of `samdrift hosts`, and the process gives it back anyway.
    """
    gc.set_threshold(*COLLECTED_AFTER)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # nobody's code by the way, and no search for it
    if sys.argv[1:2] not in ALONE:
        raise_limits()
        make_cooperative(sys.argv[1:])
    from deploy.cli.main import main as run

    try:
        run()
    finally:
        gc.freeze()


def raise_limits() -> None:
    """Allow as many open files as the machine does: each connection is one, and a fleet may have a thousand hosts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def make_cooperative(arguments: Sequence[str]) -> None:
    """Patch what blocks, and keep quiet about greenlets that fail: that is raised where they are waited for, too."""
    import gevent
    from gevent import events, monkey

    events.notify_and_call_entry_points = events.notify  # nobody's plugins; to look for them takes longer than to patch
    monkey.patch_all()
    if "--debug" not in arguments:
        gevent.get_hub().exception_stream = None


if __name__ == "__main__":
    main()
