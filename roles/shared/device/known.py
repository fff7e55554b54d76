"""Which vendors there are: the modules in `vendors/`, by the slug of their platform."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from roles.shared.device import vendors
from roles.shared.device.vendor import Vendor


@cache
def known_vendors() -> Mapping[str, Vendor]:
    """Return every vendor, by the slug of its platform."""
    modules = (importlib.import_module(f"{vendors.__name__}.{m.name}") for m in pkgutil.iter_modules(vendors.__path__))
    found = sorted((m.VENDOR for m in modules), key=lambda vendor: vendor.platform)
    return MappingProxyType({vendor.platform: vendor for vendor in found})
