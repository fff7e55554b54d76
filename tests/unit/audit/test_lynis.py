"""What Lynis logs is read as it means it. The lines are of a real audit, shortened."""

from __future__ import annotations

from tests.audit.lynis import all_points, index, lost_points

# ruff: noqa: E501  lines as Lynis writes them
SAID = """\
report_version_major=1
hardening_index=66
suggestion[]=BOOT-5264|Consider hardening system services|-|-|
suggestion[]=DEB-0280|Install libpam-tmpdir|-|-|
2026-11-29 15:31:03 Performing test ID DEB-0280 (Checking if libpam-tmpdir is installed and enabled.)
2026-11-29 15:31:03 Hardening: assigned partial number of hardening points (0 of 2). Currently having 0 points (out of 2)
2026-11-29 15:31:05 Performing test ID KRNL-5820 (Checking core dumps configuration)
2026-11-29 15:31:05 Hardening: assigned partial number of hardening points (0 of 1). Currently having 0 points (out of 3)
2026-11-29 15:31:05 Hardening: assigned maximum number of hardening points for this item (3). Currently having 3 points (out of 6)
2026-11-29 15:31:07 Performing test ID AUTH-9328 (Default umask values)
2026-11-29 15:31:07 Hardening: assigned maximum number of hardening points for this item (3). Currently having 6 points (out of 9)
"""


def test_the_index_is_the_one_that_lynis_reports() -> None:
    assert index(SAID) == 66


def test_a_test_that_gives_all_its_points_and_suggests_nothing_is_left_out() -> None:
    assert lost_points(SAID) == {"BOOT-5264": 0, "DEB-0280": 2, "KRNL-5820": 1}


def test_all_points_are_those_that_could_be_had() -> None:
    assert all_points(SAID) == 9
