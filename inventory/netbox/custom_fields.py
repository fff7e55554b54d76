"""The custom fields that NetBox needs where it has none of its own. `inventory seed` makes them, pull reads them.

Not here: what a value may be; the rules of a sound fleet say that.
"""

from __future__ import annotations

from dataclasses import dataclass

HOSTS = ("dcim.device", "virtualization.virtualmachine")


@dataclass(frozen=True)
class CustomField:
    """One custom field, in NetBox's words.

    Attributes:
        name: as the API names it.
        type: NetBox's type of it: text, longtext, select.
        object_types: what has it.
        label: as NetBox's pages show it.
        choices: of a select: value and label.
    """

    name: str
    type: str
    object_types: tuple[str, ...]
    label: str
    description: str
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def choice_set(self) -> str:
        """Return the name of the choice set of a select."""
        return f"samdrift {self.name}"


GATEWAY = CustomField("gateway", "text", ("ipam.prefix",), "Gateway", "The router's address in the prefix")
HOST_KEYS = CustomField(
    "ssh_host_keys", "longtext", HOSTS, "SSH host keys", "One a line: type and key, without the comment"
)
WIREGUARD_KEY = CustomField(
    "wireguard_public_key", "text", HOSTS, "WireGuard public key", "What `wg pubkey` makes of the host's private key"
)
FAMILY = CustomField(
    "family",
    "select",
    ("dcim.platform",),
    "Family",
    "How samdrift reaches it: by a shell or by the vendor's command line",
    (("debian", "Debian"), ("cli", "Command line")),
)
CLUSTER_SLUG = CustomField(
    "slug", "text", ("virtualization.cluster",), "Slug", "Its short name, which NetBox has no field for"
)

READ = (GATEWAY, HOST_KEYS, WIREGUARD_KEY, FAMILY, CLUSTER_SLUG)
"""Custom fields that a fleet is read from; seed makes them, and `rows.py` keeps the values of all that stand here.

One more has three further places: a field of the Fleet (`inventory/fleet.py`), its reading (`assemble.py`), and its
writing by seed (`wanted.py`). If its kind of object has had none, `read_types.py` and `write_types.py` must ask for
that kind's custom fields, too. `docs/netbox.md` names every one.
"""

APPLIED_AT = CustomField("samdrift_applied_at", "text", HOSTS, "Last applied", "When samdrift last changed it (UTC)")
PLAN = CustomField("samdrift_plan", "text", HOSTS, "Plan", "Digest of the plan that was last applied")
STATE = CustomField("samdrift_state", "text", HOSTS, "State", "What samdrift last saw: in sync, differs, unknown, …")
APPLIED_BY = CustomField("samdrift_applied_by", "text", HOSTS, "Applied by", "Who applied the plan")

WRITTEN_BACK = (APPLIED_AT, PLAN, STATE, APPLIED_BY)
"""What samdrift tells NetBox of its hosts. It is never read: a change of these alone is no change of the fleet."""

CUSTOM_FIELDS = (*READ, *WRITTEN_BACK)
