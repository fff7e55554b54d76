"""A real PostgreSQL of a test's own: in a directory that goes with it, on a socket that only it knows.

Debian's package (setup.sh) gives the programs; its service is not used.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

SETTINGS = """
listen_addresses = ''
fsync = off
full_page_writes = off
synchronous_commit = off
shared_buffers = 16MB
max_connections = 50
"""


def programs() -> Path | None:
    """Return where PostgreSQL's own programs are; None if they are not on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


class Server:
    """A server that can be stopped, and started again."""

    def __init__(self, directory: Path, bin_: Path, user: str | None) -> None:
        self.directory, self._bin, self._user = directory, bin_, user

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run one of its programs, as who it is: never root."""
        command = [self._bin / program, *arguments]
        subprocess.run(command, user=self._user, check=True, capture_output=True, cwd="/", timeout=60)

    def start(self) -> None:
        log = self.directory / "log"
        self.run("pg_ctl", "-D", self.directory / "data", "-l", log, "-w", "-o", f"-k {self.directory}", "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", self.directory / "data", "-w", "-m", "immediate", "stop")

    def create(self, database: str) -> str:
        """Make an empty database. Returns its URL."""
        self.run("createdb", "-h", self.directory, "-U", "samdrift", database)
        return f"postgresql://samdrift@/{database}?host={quote(str(self.directory))}"


@contextmanager
def serving() -> Iterator[Server]:
    """Start a server; stop it, and remove all that it had."""
    found = programs()
    if found is None:
        pytest.skip("there is no PostgreSQL on this machine: make setup as root installs it")
    user = "nobody" if os.geteuid() == 0 else None
    directory = Path(tempfile.mkdtemp(prefix="samdrift-pg-", dir="/tmp"))  # a socket's path must be short
    if user:
        os.chown(directory, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    server = Server(directory, found, user)
    try:
        server.run("initdb", "-D", directory / "data", "-U", "samdrift", "-A", "trust", "-E", "UTF8", "--no-sync")
        with (directory / "data" / "postgresql.conf").open("a") as conf:
            conf.write(SETTINGS)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory)
