"""Set the machine's kernel as lab hosts need it, and put it back.

Not here: interfaces and routes (`lab.switch`), and which programs the machine must have (`lab.machine`).
"""

from __future__ import annotations

import json
from pathlib import Path

from deploy.lab.machine import boot_id, write

SYSCTL = Path("/proc/sys")
AT_LEAST = {"net/ipv4/ip_forward": 1, "fs/inotify/max_user_instances": 1024}
"""What lab hosts need of the machine's kernel. Each one's systemd takes ten inotify instances, and Linux gives a user
128, of which the last hosts of a dozen get none and do not start.
"""


class KernelSettings:
    """The machine's kernel settings that a lab raises.

    The file `kept` holds the former values, until they are put back.
    """

    def __init__(self, kept: Path) -> None:
        self._kept = kept

    @property
    def are_changed(self) -> bool:
        """Tell whether there is something to put back."""
        return self._kept.exists()

    def prepare(self) -> None:
        """Raise what is lower than lab hosts need."""
        before = {name: int((SYSCTL / name).read_text(encoding="ascii")) for name in AT_LEAST}
        if not self.are_changed:
            write(self._kept, json.dumps({"boot": boot_id(), "before": before}))
        for name, wanted in AT_LEAST.items():
            if before[name] < wanted:
                (SYSCTL / name).write_text(str(wanted), encoding="ascii")

    def restore(self) -> None:
        """Put back what there was; after a reboot of the machine it is what the machine says."""
        if self.are_changed:
            kept = json.loads(self._kept.read_text(encoding="ascii"))
            if kept["boot"] == boot_id():
                for name, before in kept["before"].items():
                    (SYSCTL / name).write_text(str(before), encoding="ascii")
            self._kept.unlink()
