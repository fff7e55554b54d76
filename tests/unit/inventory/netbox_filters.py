"""NetBox's own filters, as its documentation and its source say what they mean; derived from no module of samdrift.

https://netboxlabs.com/docs/netbox/reference/filtering/ and `filtersets.py` of its applications, 4.4 to 4.7: values of
one filter are alternatives, but for tags, of which an object must have all; `__n` is the negation, which leaves what
has no value; filters are combined with AND; one that is not known is ignored; an id that is nobody's is refused where
the filter is a choice of objects (`ModelMultipleChoiceFilter`), and finds nothing where it is a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inventory.netbox.faults import NetBoxError
from inventory.netbox.rows import Rows

Row = Mapping[str, Any]
HOST: dict[str, tuple[str, str]] = {"site_id": ("site", "sites"), "tenant_id": ("tenant", "tenants")}
CHOICES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "devices": HOST | {"virtual_chassis_id": ("virtual_chassis", "virtual_chassis")},
    "virtual_machines": HOST,
    "interfaces": {"device_id": ("device", "devices")},
    "vm_interfaces": {"virtual_machine_id": ("virtual_machine", "virtual_machines")},
}
"""By kind and filter: the field, and the kind that one chooses from."""


def filtered(rows: Rows, kind: str, params: Mapping[str, Any]) -> list[Row]:
    """The rows of a kind that these parameters of REST leave."""
    left: list[Row] = list(rows[kind].values())
    for name, values in params.items():
        known, negated = name.removesuffix("__n"), name.endswith("__n")
        test = _test(rows, kind, known, values)
        if test is not None:
            left = [row for row in left if test(row) != negated]
    return left


def _test(rows: Rows, kind: str, name: str, values: Sequence[int]) -> Callable[[Row], bool] | None:
    if name == "tag_id" and kind in {"devices", "virtual_machines"}:
        _require(rows, "tags", values)
        return lambda row: set(values) <= set(row["tags"])
    if name in CHOICES.get(kind, {}):
        field, of = CHOICES[kind][name]
        _require(rows, of, values)
        return lambda row: row[field] in values
    field = {"services": "parent", "ip_addresses": "assigned_object"}.get(kind, "")
    having = _having(rows, kind, name, values) if field else None
    return None if having is None else lambda row: row[field] in having


def _having(rows: Rows, kind: str, name: str, values: Sequence[int]) -> set[str] | None:
    """What services and addresses are found by: their parents, or the interfaces of these."""
    match kind, name:
        case "services", "device_id":
            return {f"dcim.device:{i}" for i in values}
        case "services", "virtual_machine_id":
            return {f"virtualization.virtualmachine:{i}" for i in values}
        case _, "device_id":
            return {f"dcim.interface:{i}" for device in values for i in _of_chassis(rows, device)}
        case _, "virtual_machine_id":
            mine = (i for i, x in rows["vm_interfaces"].items() if x["virtual_machine"] in values)
            return {f"virtualization.vminterface:{i}" for i in mine}
        case _, "fhrpgroup_id":
            return {f"ipam.fhrpgroup:{i}" for i in values}
    return None


def _of_chassis(rows: Rows, device: int) -> set[int]:
    """The interfaces of a device; of the master of a virtual chassis, also those of its members that are no management
    interfaces (`Device.vc_interfaces`).
    """
    row = rows["devices"].get(device, {})
    chassis = rows["virtual_chassis"].get(row.get("virtual_chassis", 0), {})
    members = {i for i, d in rows["devices"].items() if d["virtual_chassis"] == row.get("virtual_chassis")}
    others = members if chassis.get("master") == device else set()
    return {
        i
        for i, x in rows["interfaces"].items()
        if x["device"] == device or (x["device"] in others and not x["mgmt_only"])
    }


def _require(rows: Rows, kind: str, ids: Sequence[int]) -> None:
    if unknown := set(ids) - rows[kind].keys():
        raise NetBoxError(f"Select a valid choice. {min(unknown)} is not one of the available choices.", status=400)
