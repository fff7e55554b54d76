"""An operation in the wrong place is known from the operation alone."""

from roles.shared.device.placement import for_devices, misplaced
from roles.shared.parts.packages import packages


@for_devices
def configured() -> None:
    """An operation for devices."""


def test_an_operation_is_for_a_shell_or_for_a_device() -> None:
    assert misplaced(configured, on_device=True) == ""
    assert misplaced(packages, on_device=False) == ""
    assert "roles.shared.parts.packages.packages is a shell operation" in misplaced(packages, on_device=True)
    assert "test_placement.configured is for a device's command line" in misplaced(configured, on_device=False)
