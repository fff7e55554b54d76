"""A small NetBox at random with what a scope may meet, and somebody who edits it, with the log that NetBox keeps.

Stacks with members of other tenants, cables across every border, also through panels and also ones that only their far
end can trace, FHRP groups, outsides of NATs as primary addresses, machines that follow their cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from inventory.netbox.read_types import BY_NAME
from inventory.netbox.rows import Mark, Rows
from tests.unit.inventory.fleets import fleet
from tests.unit.inventory.netbox_rows import rows_of

Table = dict[int, dict[str, Any]]
DEVICES, MACHINES, SITES, TENANTS = 9, 4, 4, 3
BARE: dict[str, Any] = {"local_context_data": None, "serial": "", "description": "", "status": "active", "platform": 1}
GIVEN = {"samdrift": {"roles": {"base": True}}}


def world(rng: Random) -> Rows:
    """A NetBox at random; places, tenants and tags are the same in each."""
    given = rows_of(fleet()).of
    same = ("platforms", "device_roles", "manufacturers", "device_types")
    of: dict[str, Table] = {kind: dict(given[kind]) if kind in same else {} for kind in given}
    _places(of)
    for n in range(1, DEVICES + 1):
        chassis = rng.choice([None, None, None, 1])
        of["devices"][n] = _host(rng, n) | {
            "device_type": 1,
            "location": None,
            "oob_ip": None,
            "virtual_chassis": chassis,
        }
        of["devices"][n] |= {"vc_position": chassis and n, "name": f"d{n}"}
        for m in (1, 2):
            of["interfaces"][2 * n + m] = _interface(2 * n + m, f"p{n}-{m}", "device", n)
    of["virtual_chassis"][1] = {"id": 1, "name": "stack", "master": rng.choice([None, 1, 5])}
    for n in range(1, MACHINES + 1):
        of["virtual_machines"][n] = _host(rng, n) | {"cluster": 1, "name": f"v{n}"}
        of["vm_interfaces"][n] = _interface(n, "eth0", "virtual_machine", n)
    _addresses(rng, of)
    _cables(rng, of)
    for n in range(1, 9):
        parent = rng.choice(
            [f"dcim.device:{rng.randint(1, DEVICES)}", f"virtualization.virtualmachine:{rng.randint(1, 4)}"]
        )
        of["services"][n] = {"id": n, "name": f"s{n}", "description": "", "port_mappings": ["tcp/80"], "parent": parent}
    return Rows(of, Mark(7, "t", "r", (1, 2, 3, 4, 5, 6), "4.7"))


def _places(of: dict[str, Table]) -> None:
    """Two regions below one another, two site groups, two tenant groups, four sites, three tenants, three tags."""
    for kind, slugs in {
        "regions": ("outer", "inner"),
        "site_groups": ("big", "small"),
        "tenant_groups": ("all", "some"),
    }.items():
        of[kind] = {i: {"id": i, "name": s, "slug": s, "parent": i - 1 or None} for i, s in enumerate(slugs, 1)}
    groups = {1: 1, 2: 2, 3: None}
    of["tenants"] = {
        i: {"id": i, "name": f"T{i}", "slug": f"t{i}", "description": "", "group": g} for i, g in groups.items()
    }
    inside = {1: (1, None, 1), 2: (2, 1, 2), 3: (None, 2, 1), 4: (None, None, 3)}
    of["sites"] = {i: _site(i, *places) for i, places in inside.items()}
    of["tags"] = {i: {"id": i, "name": s, "slug": s, "description": ""} for i, s in enumerate("abc", 1)}
    of["cluster_types"] = {1: {"id": 1, "name": "KVM", "slug": "kvm", "description": ""}}
    cluster = {"name": "kvm", "description": "", "custom_fields": {}, "type": 1, "group": None}
    of["clusters"] = {1: {"id": 1} | cluster}


def _site(number: int, region: int | None, group: int | None, tenant: int) -> dict[str, Any]:
    row = {"id": number, "name": f"S{number}", "slug": f"s{number}", "facility": "", "latitude": None}
    return row | {"longitude": None, "region": region, "group": group, "tenant": tenant, "asns": []}


def _host(rng: Random, number: int) -> dict[str, Any]:
    return {
        **BARE,
        "id": number,
        "config_context": rng.choice([GIVEN, GIVEN, {}]),
        "custom_fields": {},
        "site": rng.randint(1, SITES),
        "tenant": rng.randint(1, TENANTS),
        "role": 1,
        "primary_ip4": None,
        "primary_ip6": None,
        "tags": sorted(rng.sample([1, 2, 3], rng.randint(0, 2))),
    }


def _interface(number: int, name: str, owner: str, of: int) -> dict[str, Any]:
    row = {"id": number, "name": name, "enabled": True, "description": "", "mode": None, "untagged_vlan": None}
    row |= {"vrf": None, "tagged_vlans": [], "parent": None, "bridge": None, owner: of}
    return row | ({"type": "1000base-t", "mgmt_only": False, "lag": None} if owner == "device" else {})


def _addresses(rng: Random, of: dict[str, Table]) -> None:
    """One of each device's first interface, and of each machine; two FHRP groups; and the outside of a NAT."""
    for n in range(1, DEVICES + 1):
        _add(of, "ip_addresses", _address(n, f"dcim.interface:{2 * n + 1}"))
        of["devices"][n]["primary_ip4"] = n
    for n in range(1, MACHINES + 1):
        number = _add(of, "ip_addresses", _address(100 + n, f"virtualization.vminterface:{n}"))
        of["virtual_machines"][n]["primary_ip4"] = number
    for group in (1, 2):
        _add(of, "ip_addresses", _address(200 + group, f"ipam.fhrpgroup:{group}"))
        for _ in range(2):
            interface = f"dcim.interface:{rng.randint(3, 2 * DEVICES + 2)}"
            _add(of, "fhrp_assignments", {"group": group, "interface": interface})
    of["devices"][rng.randint(1, DEVICES)]["primary_ip4"] = _add(of, "ip_addresses", _address(250, None))


def _address(number: int, of: str | None) -> dict[str, Any]:
    return {"address": f"10.1.0.{number}/24", "status": "active", "role": None, "vrf": None, "assigned_object": of}


def _cables(rng: Random, of: dict[str, Table]) -> None:
    """Cables from interface to interface, planned ones too; and through panels, some traced from one end alone."""
    free = list(range(3, 2 * DEVICES + 3))
    rng.shuffle(free)
    while len(free) > 6:
        a, b = (f"dcim.interface:{free.pop()}" for _ in "ab")
        _add(of, "cables", _cable([a], [b], rng.choice(["connected", "connected", "planned"])))
    for _ in range(2):
        near, far = free.pop(), free.pop()
        for end, port in ((near, 2 * near), (far, 2 * far)):
            _add(of, "cables", _cable([f"dcim.interface:{end}"], [f"dcim.frontport:{port}"], "connected"))
        back = rng.random() < 0.5
        of["paths"] |= {near: _path(near, [far]), far: _path(far, [near] if back else [])}


def _cable(a: list[str], b: list[str], status: str) -> dict[str, Any]:
    return {"a_terminations": a, "b_terminations": b, "status": status, "profile": None, "label": ""}


def _path(number: int, ends: list[int]) -> dict[str, Any]:
    of = "dcim.interface" if ends else None
    reachable = bool(ends)
    return {
        "id": number,
        "connected_endpoints": ends,
        "connected_endpoints_type": of,
        "connected_endpoints_reachable": reachable,
    }


def _add(of: dict[str, Table], kind: str, row: dict[str, Any]) -> int:
    number = max(of[kind], default=0) + 1
    of[kind][number] = {"id": number} | row
    return number


class Edits:
    """Somebody who edits a world, and its log: one entry for each object, as NetBox writes it, and none where it does
    not.
    """

    def __init__(self, rows: Rows, rng: Random) -> None:
        self._of: dict[str, Table] = rows.of  # type: ignore[assignment]
        self._rng, self._mark = rng, rows.mark
        self.log: list[dict[str, Any]] = [_entry(self._mark.id, "create", ("", 1), None, None)]
        self.done: list[str] = []

    @property
    def rows(self) -> Rows:
        return Rows({kind: dict(sorted(rows.items())) for kind, rows in self._of.items()}, self._mark)

    def edit(self) -> None:
        """One edit of any kind."""
        name = self._rng.choice([n for n in dir(self) if n.startswith("do_")])
        self.done.append(name)
        work: Callable[[], None] = getattr(self, name)
        work()

    def _one(self, kind: str) -> int:
        return self._rng.choice([*self._of[kind], 0])

    def _log(self, action: str, kind: str, number: int, before: Any, after: Any) -> None:
        self.log.append(_entry(self.log[-1]["id"] + 1, action, (BY_NAME[kind].type, number), before, after))

    def _set(self, kind: str, number: int, **fields: Any) -> None:
        if number in self._of[kind]:
            before = self._of[kind][number]
            self._of[kind][number] = before | fields
            self._log("update", kind, number, before, before | fields)

    def _make(self, kind: str, row: dict[str, Any]) -> int:
        number: int = max([99, *self._of[kind], *(e["changed_object_id"] for e in self.log)]) + 1
        self._of[kind][number] = {"id": number} | row
        self._log("create", kind, number, None, self._of[kind][number])
        return number

    def _delete(self, kind: str, number: int) -> None:
        """Delete an object and, before it, all that goes with it."""
        of = f"{BY_NAME[kind].type}:{number}"
        for other, fields in CASCADES.get(kind, {}).items():
            for i, row in list(self._of[other].items()):
                if any(row[f] == (number if isinstance(row[f], int) else of) or of in _listed(row[f]) for f in fields):
                    self._delete(other, i)
        if number in self._of[kind]:
            self._log("delete", kind, number, self._of[kind].pop(number), None)
        for host in (*self._of["devices"].values(), *self._of["virtual_machines"].values()):
            if kind == "tags":
                host["tags"] = [tag for tag in host["tags"] if tag != number]
            for name in ("primary_ip4", "primary_ip6", "oob_ip") if kind == "ip_addresses" else ():
                host[name] = None if host.get(name) == number else host.get(name)
        for chassis in self._of["virtual_chassis"].values() if kind == "devices" else ():
            chassis["master"] = None if chassis["master"] == number else chassis["master"]

    def do_move_a_device(self) -> None:
        self._set("devices", self._one("devices"), site=self._rng.randint(1, SITES))

    def do_give_a_device_away(self) -> None:
        self._set("devices", self._one("devices"), tenant=self._rng.randint(1, TENANTS))

    def do_give_a_machine_away(self) -> None:
        self._set("virtual_machines", self._one("virtual_machines"), tenant=self._rng.randint(1, TENANTS))

    def do_tag_a_device(self) -> None:
        tags = [i for i in self._of["tags"] if self._rng.random() < 0.5]
        self._set("devices", self._one("devices"), tags=tags)

    def do_delete_a_tag(self) -> None:
        self._delete("tags", self._one("tags"))

    def do_join_or_leave_a_stack(self) -> None:
        self._set("devices", self._one("devices"), virtual_chassis=self._rng.choice([None, 1]))

    def do_another_master(self) -> None:
        members = [i for i, row in self._of["devices"].items() if row["virtual_chassis"] == 1]
        self._set("virtual_chassis", 1, master=self._rng.choice([None, *members]))

    def do_move_a_site(self) -> None:
        self._set("sites", self._one("sites"), region=self._rng.choice([None, 1, 2]), group=self._rng.choice([None, 1]))

    def do_move_a_region(self) -> None:
        self._set("regions", 2, parent=self._rng.choice([None, 1]))

    def do_move_a_tenant(self) -> None:
        self._set("tenants", self._one("tenants"), group=self._rng.choice([None, 1, 2]))

    def do_rename_a_tenant(self) -> None:
        self._set("tenants", self._one("tenants"), slug=f"t{self._rng.randint(10, 99)}")

    def do_move_a_cluster(self) -> None:
        """NetBox takes its machines to its site, and logs the cluster alone."""
        self._set("clusters", 1)
        for row in self._of["virtual_machines"].values():
            row["site"] = self._rng.randint(1, SITES)

    def do_move_a_rack(self) -> None:
        """NetBox takes what is in it along, and logs the rack alone."""
        for number in self._rng.sample([*self._of["devices"]], min(2, len(self._of["devices"]))):
            self._of["devices"][number]["site"] = self._rng.randint(1, SITES)
        self.log.append(_entry(self.log[-1]["id"] + 1, "update", ("dcim.rack", 1), {"site": 1}, {"site": 2}))

    def do_delete_a_device(self) -> None:
        self._delete("devices", self._one("devices"))

    def do_a_new_device(self) -> None:
        row = _host(self._rng, 0) | {"device_type": 1, "location": None, "oob_ip": None, "virtual_chassis": None}
        del row["id"]
        row["tags"] = [tag for tag in row["tags"] if tag in self._of["tags"]]
        number = self._make("devices", row | {"vc_position": None, "name": f"new{len(self.log)}"})
        of = _interface(0, "p1", "device", number)
        del of["id"]
        self._make("ip_addresses", _address(len(self.log) % 250, f"dcim.interface:{self._make('interfaces', of)}"))

    def do_move_an_address(self) -> None:
        interface = self._one("interfaces")
        of = f"dcim.interface:{interface}" if interface else None
        self._set("ip_addresses", self._one("ip_addresses"), assigned_object=of)

    def do_move_a_machine_s_interface(self) -> None:
        machine = self._one("virtual_machines")
        if machine:
            self._set("vm_interfaces", self._one("vm_interfaces"), virtual_machine=machine)

    def do_assign_an_fhrp_group(self) -> None:
        if interface := self._one("interfaces"):
            self._make(
                "fhrp_assignments", {"group": self._rng.randint(1, 2), "interface": f"dcim.interface:{interface}"}
            )

    def do_move_a_service(self) -> None:
        if device := self._one("devices"):
            self._set("services", self._one("services"), parent=f"dcim.device:{device}")

    def do_unplug(self) -> None:
        self._unplug(self._one("cables"))

    def do_plug_in(self) -> None:
        taken = {end for row in self._of["cables"].values() for end in (*row["a_terminations"], *row["b_terminations"])}
        free = [end for i in self._of["interfaces"] if (end := f"dcim.interface:{i}") not in taken]
        if len(free) >= 2:
            a, b = self._rng.sample(free, 2)
            self._make("cables", _cable([a], [b], "connected"))

    def _unplug(self, number: int) -> None:
        """NetBox traces the paths anew, and logs nothing of it."""
        if number in self._of["cables"]:
            row = self._of["cables"][number]
            ends = {int(e.partition(":")[2]) for e in (*row["a_terminations"], *row["b_terminations"])}
            self._delete("cables", number)
            for i, path in self._of["paths"].items():
                if i in ends or ends & set(path["connected_endpoints"]):
                    self._of["paths"][i] = _path(i, [])


CASCADES: dict[str, dict[str, tuple[str, ...]]] = {
    "devices": {"interfaces": ("device",), "services": ("parent",)},
    "interfaces": {
        "ip_addresses": ("assigned_object",),
        "fhrp_assignments": ("interface",),
        "cables": ("a_terminations", "b_terminations"),
    },
}
"""What goes with an object that is deleted, and the fields by which it does."""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _entry(number: int, action: str, changed: tuple[str, int], before: Any, after: Any) -> dict[str, Any]:
    return {
        "id": number,
        "time": "t",
        "request_id": "r",
        "action": {"value": action},
        "changed_object_type": changed[0],
        "changed_object_id": changed[1],
        "prechange_data": before,
        "postchange_data": after,
    }
