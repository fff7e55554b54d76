"""What merge requests change: of a host's inventory, and of the code; some of it is nothing on a host."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.review.sides import UNPACKED
from inventory.fleet import Host
from inventory.paths import CODE
from tests.unit.deploy.review.renders import with_options

OPEN = {"also_open": {"tcp/8443": {"sources": ["10.63.10.0/24"], "why": "care"}}}

OF_A_HOST: Mapping[str, Callable[[Host], Host]] = {
    "journal": with_options("base", {"journal_max": "3G"}),
    "same": with_options("base", {}),
    "default": with_options("base", {"usb_guard": True}),
    "open": with_options("firewall", OPEN),
    "kernel": with_options("base", {"kept_modules": ["usb-storage"]}),
    "described": lambda h: h.model_copy(update={"description": f"{h.description}, flyttad"}),
    "tagged": lambda h: h.model_copy(update={"tags": tuple(t for t in h.tags if t != "shared")}),
}

OF_THE_CODE: Mapping[str, tuple[str, str, str]] = {
    "a line of a template": ("templates/time/chrony.conf.j2", "maxupdateskew 100.0", "maxupdateskew 50.0"),
    "a template of gateways": ("templates/edge_gateway/frr.conf.j2", "!", "! frr"),
    "a package of a role": ("roles/dns_resolver.py", 'packages("unbound"', 'packages("curl", "unbound"'),
    "a package of a role of one host": ("roles/package_cache.py", '"logrotate")', '"curl", "logrotate")'),
    "a name within a role": ("roles/base.py", "_names_and_packages", "_packages_and_names"),
    "a comment and a docstring": ("roles/time.py", "from __future__", "# why not\nfrom __future__"),
    "the mode of a file": (
        "roles/base.py",
        'content=f"{settings.host}\\n"',
        'content=f"{settings.host}\\n", mode="640"',
    ),
}


def tree_with(change: str, directory: Path) -> Path:
    """Copy the code, and change it so."""
    file, old, new = OF_THE_CODE[change]
    for room in UNPACKED:
        shutil.copytree(CODE / room, directory / room, ignore=shutil.ignore_patterns("__pycache__"))
    text = (directory / file).read_text(encoding="utf-8")
    assert old in text, file
    (directory / file).write_text(text.replace(old, new), encoding="utf-8")
    return directory
