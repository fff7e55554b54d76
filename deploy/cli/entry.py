"""The program's entry point: make blocking calls cooperative, then run the command line.

pyinfra runs every host in a greenlet of its own. gevent's patches must come before anything imports `ssl`, `threading`
or paramiko, so they come before the commands are imported, and stand here alone.
"""

from __future__ import annotations

from typing import NoReturn

from gevent import events, monkey


def main() -> NoReturn:
    """Run the command line; exit with what it means."""
    events.notify_and_call_entry_points = events.notify  # nobody's plugins; to look for them takes longer than to patch
    monkey.patch_all()
    from deploy.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
