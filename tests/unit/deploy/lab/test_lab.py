"""A lab is in one directory, and whoever changes it is alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.lab.lab import Lab, LabBusyError
from deploy.lab.machine import LabError
from deploy.lab.place import lab_directory


def test_the_directory_is_the_environments_or_the_checkouts() -> None:
    assert lab_directory({"SAMDRIFT_LAB_DIR": "/somewhere"}) == Path("/somewhere")
    assert lab_directory({"SAMDRIFT_LAB_DIR": ""}).name == ".lab"


@pytest.mark.parametrize("name", ["a,b", "a:b", 'a"b', "a\\b", "a\nb"])
def test_a_directory_that_mount_could_misread_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be in a directory of this name"):
        Lab(tmp_path / name)


def test_two_directories_are_two_labs(tmp_path: Path) -> None:
    assert Lab(tmp_path / "a").id != Lab(tmp_path / "b").id
    assert Lab(tmp_path / "a").id == Lab(tmp_path / "b" / ".." / "a").id


def test_a_lab_that_never_was_has_no_hosts_and_no_leftovers(tmp_path: Path) -> None:
    status = Lab(tmp_path / "never").status()
    assert (status.hosts, status.leftovers) == ((), ())


def test_a_lab_that_is_being_changed_is_busy_and_says_by_whom(tmp_path: Path) -> None:
    with Lab(tmp_path)._alone(), pytest.raises(LabBusyError, match=r"process \d+ since"), Lab(tmp_path)._alone():
        pass
    assert LabBusyError.exit_code == 4
