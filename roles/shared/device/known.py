"""Which vendors there are: the modules in `vendors/`, by the slug of their platform; and the vendor of a device."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from inventory.fleet import Fleet, Host
from inventory.organisation import DeviceType
from roles.shared.device import vendors
from roles.shared.device.vendor import Vendor


@cache
def known_vendors() -> Mapping[str, Vendor]:
    """Return every vendor, by the slug of its platform."""
    modules = (importlib.import_module(f"{vendors.__name__}.{m.name}") for m in pkgutil.iter_modules(vendors.__path__))
    found = sorted((m.VENDOR for m in modules), key=lambda vendor: vendor.platform)
    return MappingProxyType({vendor.platform: vendor for vendor in found})


@cache
def vendor_with(platform: str, series: str = "") -> Vendor:
    """Return the vendor of a platform as it is on devices of a series; as on any, if the series has no name.

    Raises:
        KeyError: no vendor has this platform.
    """
    vendor = known_vendors()[platform]
    return vendor.of(next((s for s in vendor.series if s.name == series), None))


def vendor_of(host: Host, fleet: Fleet) -> Vendor:
    """Return a device's vendor, as it is on devices of the series that its device type in NetBox is of.

    Raises:
        KeyError: no vendor has its platform.
    """
    found = known_vendors()[host.platform].series_with(device_type_of(host, fleet))
    return vendor_with(host.platform, found.name if found else "")


def device_type_of(host: Host, fleet: Fleet) -> DeviceType | None:
    """Return a device's type; None if it has none that the inventory knows."""
    return next((kind for kind in fleet.device_types if kind.slug == host.device_type), None)


def has_unknown_model(host: Host, fleet: Fleet) -> bool:
    """Tell whether a host is a device of a model that is of no series: it is changed only if it is named itself."""
    vendor = known_vendors().get(host.platform)
    return vendor is not None and bool(vendor.series) and vendor_of(host, fleet).exact is None
