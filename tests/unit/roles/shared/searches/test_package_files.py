"""Changed files of packages: asked of a small dpkg database and files of its own, as a shell answers on any host."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from roles.shared.searches.package_files import PACKAGE_FILES, QUESTION
from roles.shared.searches.packages import ORIGINS
from roles.shared.searches.search import Declarations

pytestmark = pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="not applicable: no dpkg here")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A place with a package `p` that brought two programs, and a configuration file."""
    for name, text in {"usr/bin/a": "a", "usr/bin/b c": "b", "etc/p.conf": "p", "usr/share/doc/p/README": "r"}.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    info = tmp_path / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    md5 = {name: hashlib.md5((tmp_path / name).read_bytes(), usedforsecurity=False).hexdigest() for name in FILES}
    (info / "p:amd64.md5sums").write_text("".join(f"{md5[name]}  {name}\n" for name in FILES if name != "etc/p.conf"))

    (info / "p:amd64.list").write_text("".join(f"/{name}\n" for name in FILES))
    (tmp_path / "bin").mkdir()
    query = tmp_path / "bin/dpkg-query"
    query.write_text(
        f"#!/bin/sh\nprintf ' {tmp_path}/etc/p.conf {md5['etc/p.conf']}\\n /etc/gone.conf {'0' * 32} obsolete\\n'\n"
    )
    query.chmod(0o755)
    return tmp_path


FILES = ("usr/bin/a", "usr/bin/b c", "etc/p.conf", "usr/share/doc/p/README")


def changed(host: Path, question: str = QUESTION) -> list[str]:
    """Ask what is changed below the host's directory, whose clock went on an hour since the package came."""
    here = question.replace("/usr /etc /opt", f"{host}/usr {host}/etc").replace("/var/lib/dpkg", f"{host}/var/lib/dpkg")
    here = here.replace('path = substr($0, index($0, "/"))', f'path = substr($0, index($0, "/") + {len(str(host))})')
    here = here.replace('print sum[path] "  " path', f'print sum[path] "  {host}" path')
    asked = f"{{ {here}\nprintf '\\nended %s\\n' $?; }} 2>/dev/null"
    path = {"PATH": f"{host}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    said = subprocess.run(["sh", "-c", asked], capture_output=True, text=True, check=True, env=path).stdout
    return [f.name.removeprefix(f"{host}/") for f in PACKAGE_FILES.unexpected(said, Declarations())]


AN_HOUR_AGO = QUESTION.replace("when[$3] = $2", "when[$3] = $2 - 3600")


def test_files_as_they_were_brought_are_not_told(host: Path) -> None:
    assert changed(host) == []
    assert changed(host, AN_HOUR_AGO) == []


def test_a_program_and_a_configuration_that_were_changed_are_told_and_a_document_is_not(host: Path) -> None:
    for name in FILES:
        (host / name).write_text("changed")
    assert changed(host, AN_HOUR_AGO) == ["etc/p.conf", "usr/bin/a", "usr/bin/b c"]


def test_who_sets_the_time_of_a_file_back_hides_nothing(host: Path) -> None:
    (host / "usr/bin/a").write_text("changed")
    subprocess.run(["touch", "-d", "2001-01-01", str(host / "usr/bin/a")], check=True)
    assert changed(host, AN_HOUR_AGO) == ["usr/bin/a"]


def test_what_comes_from_no_archive_is_told_and_what_waits_for_an_update_is_not(tmp_path: Path) -> None:
    said = """bash:
  Installed: 5.2
  Candidate: 5.2
  Version table:
 *** 5.2 500
        500 http://archive.example trixie/main amd64 Packages
        100 /var/lib/dpkg/status
nc:
  Installed: 1.0
  Candidate: 1.0
  Version table:
 *** 1.0 100
        100 /var/lib/dpkg/status
     0.9 500
        500 http://archive.example trixie/main amd64 Packages
curl:
  Installed: 8.1
  Candidate: 8.2
  Version table:
     8.2 500
        500 http://archive.example trixie/main amd64 Packages
 *** 8.1 100
        100 /var/lib/dpkg/status
"""
    program = ORIGINS.partition("awk '")[2].rpartition("'")[0]
    told = subprocess.run(["awk", program], input=said, capture_output=True, text=True, check=True)
    assert told.stdout == "nc:\t1.0\n"
