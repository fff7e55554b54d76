"""Who may come into a NetBox of ours: its superuser, and the users that samdrift comes as, each with one token.

What samdrift's users may do is computed in `inventory/netbox/permissions.py`; here is how a NetBox host is told. It is
told by a file and a program that role netbox puts there (`templates/netbox/access.py.j2`), which the database answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from inventory.netbox.custom_fields import WRITTEN_BACK
from roles.shared.parts.ensured import AnswerOfHost, ensured
from roles.shared.parts.files import absent_file, managed_file
from roles.shared.parts.handlers import Handler

ACCESS = "/usr/local/sbin/netbox-access"
WHO_MAY_WHAT = "/etc/netbox/access.json"
SECRETS = "/etc/netbox/secrets"
USED_BEFORE = "samdrift"
"""The superuser that was samdrift's only user once. It may nothing any more; journal entries keep its name."""
GIVE_ACCESS = Handler(name="give access to NetBox", command=ACCESS)
PYTHON_PARSES = "python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' {path}"
OWNER_OF_DATABASE = (
    "cd / && runuser -u postgres -- psql -X -At -c "
    """"select pg_get_userbyid(datdba) from pg_database where datname = 'netbox'" """
)
HOUSEKEEPING = "select count(*) from core_job where name = $$System Housekeeping$$ and status = $$scheduled$$"
DAYS_OF_TOKENS = "select key, ceil(extract(epoch from expires - now()) / 86400) from users_token"
SQL = "cd / && runuser -u netbox -- psql -X -At -d netbox -c '{question}'"
QUEUE = "valkey-cli -s /run/valkey/valkey.sock -n 0"
NOWHERE = "127.0.0.1/32"
"""NetBox takes a token without a network to be good from everywhere."""


def asked_of_netbox(schema_state: str) -> tuple[str, ...]:
    """Return what a look asks of a NetBox host as root; of NetBox itself it asks nothing, as that takes a token."""
    plans = (OWNER_OF_DATABASE, schema_state, f"{ACCESS} check")
    return (
        *(AnswerOfHost().command(question) for question in plans),
        *plans[1:],
        *(SQL.format(question=question) for question in (HOUSEKEEPING, DAYS_OF_TOKENS)),
        f"{QUEUE} --raw smembers rq:workers",
        f"{QUEUE} --raw hget {{word}} last_heartbeat",
        "ss -Hltnp",
    )


def netbox_users(stations: Iterable[IPv4Network | IPv6Network], token_days: int) -> None:
    """Declare users, permissions and tokens; each token good on these stations, and for so many days.

    An apply renews a token from half of that time on.
    """
    absent_file(f"{SECRETS}/api_token")  # of the superuser that was used before
    managed_file(WHO_MAY_WHAT, content=who_may_what(stations, token_days), then=(GIVE_ACCESS,))
    managed_file(ACCESS, template="netbox/access.py.j2", mode="755", validate_with=PYTHON_PARSES)
    ensured(
        "superuser of NetBox, and samdrift's users and tokens",
        question=f"{ACCESS} check",
        answer="".join(f"{line}\n" for line in has_access()),
        command=ACCESS,
    )


def who_may_what(stations: Iterable[IPv4Network | IPv6Network], token_days: int) -> str:
    """Return what `ACCESS` makes so, as JSON."""
    document = {
        "allowed_ips": [str(station) for station in stations] or [NOWHERE],
        "token_days": token_days,
        "used_before": USED_BEFORE,
        "users": api_users(),
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def api_users() -> list[dict[str, Any]]:
    """Return samdrift's users, and what each may do, as plain data."""
    from inventory.netbox.permissions import API_USERS  # noqa: PLC0415  a tenth of a second, which `hosts` need not

    return [asdict(user) | {"writes": user.writes} for user in API_USERS]


def has_access() -> list[str]:
    """Return what `ACCESS check` tells where all is as it should be."""
    return [
        "superuser admin, with the password of the secret",
        f"{USED_BEFORE}, which was a superuser, may nothing",
        *(f"{user['name']}, with its permissions, and its token for the time to come" for user in api_users()),
    ]


def limits_of_write_back() -> dict[str, Any]:
    """Return what the plugin is told: who writes back, which custom fields, and who may make itself no token."""
    from inventory.netbox.permissions import WRITER_BACK  # noqa: PLC0415  as above

    return {
        "user": WRITER_BACK.name,
        "own_fields": sorted(field.name for field in WRITTEN_BACK),
        "api_users": [user["name"] for user in api_users()],
    }
