"""Packages that nobody asked for: a walk along what packages need, whatever apt's marks say."""

from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from roles.shared.searches.packages import ORIGINS, PACKAGES, needed, read
from roles.shared.searches.search import Declarations

DEBIAN = "libc6\t2.41-12\tii \toptional\tno\t\t, libgcc-s1, \nbash\t5.2\tii \trequired\tyes\t\tlibc6 (>= 2.38), , "


def line(name: str, needs: str = "", *, priority: str = "optional", provides: str = "", status: str = "ii ") -> str:
    return f"{name}\t1.0\t{status}\t{priority}\tno\t{provides}\t, {needs}, "


def told(*lines: str, auto: tuple[str, ...] = (), declared: tuple[str, ...] = (), **more: tuple[str, ...]) -> list[str]:
    answer = "\n".join([DEBIAN, *lines, *(f"auto\t{name}" for name in auto), "", "ended 0", ""])
    expects = {"package": more.get("expects", ())}
    return [f.name for f in PACKAGES.unexpected(answer, Declarations(packages=frozenset(declared), expects=expects))]


def test_what_debian_has_and_what_it_needs_is_asked_for() -> None:
    assert told(line("libgcc-s1"), line("cron", priority="important")) == []


def test_a_package_that_no_role_declares_is_told_once_and_not_with_what_came_along() -> None:
    assert told(
        line("nmap", "nmap-common, liblua"), line("nmap-common"), line("liblua"), auto=("nmap-common", "liblua")
    ) == ["nmap"]


def test_what_a_role_declares_is_asked_for_with_all_that_it_needs() -> None:
    assert (
        told(line("nmap", "nmap-common (= 7), liblua | lua"), line("nmap-common"), line("lua"), declared=("nmap",))
        == []
    )


def test_a_need_is_met_by_what_provides_it() -> None:
    assert told(line("mutt", "mail-agent"), line("postfix", provides="mail-agent (= 3), x"), declared=("mutt",)) == []


def test_who_marks_a_package_as_automatic_hides_nothing() -> None:
    assert told(line("nc"), line("a", "b"), line("b", "a"), auto=("nc", "a", "b")) == ["a", "b", "nc"]


def test_a_package_that_was_removed_with_its_settings_left_is_none() -> None:
    assert told(line("nmap", status="rc ")) == []


def test_a_package_that_broke_off_half_way_is_there() -> None:
    assert told(line("nmap", status="iU ")) == ["nmap"]


def test_what_installers_bring_and_what_the_organisation_expects_is_asked_for() -> None:
    assert told(line("linux-image-6.12.1-amd64"), line("htop"), line("acme-agent"), expects=("htop", "acme-*")) == []


NAMES = st.sampled_from(list("abcdef"))


@settings(max_examples=25)
@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=3)), st.frozensets(NAMES, max_size=2))
def test_nothing_needed_is_told_and_nothing_else_is_asked_for(
    needs: dict[str, list[str]], declared: frozenset[str]
) -> None:
    lines = [line(name, ", ".join(of)) for name, of in needs.items()]
    installed = read("\n".join([DEBIAN, *lines]))
    expected = needed({"bash", *declared}, installed)
    assert told(*lines, declared=tuple(declared)) == sorted(needs.keys() - expected)


def test_what_comes_from_no_archive_is_told_and_what_waits_for_an_update_is_not() -> None:
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
