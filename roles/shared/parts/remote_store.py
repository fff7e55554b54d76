"""A store of runs that is a PostgreSQL database of another host: its URL, its password, and the way there.

Not here: what is kept in it (`deploy.store`), and the database itself, which is nobody's here.
"""

from __future__ import annotations

from ipaddress import ip_network
from urllib.parse import urlsplit

from inventory.secrets import Secret
from roles.shared.parts.files import managed_file
from roles.shared.traffic import Ask

STORE_URL = r"^postgresql://[a-z0-9_]{1,63}@[A-Za-z0-9.:\[\]-]{1,200}/[a-z0-9_]{1,63}([?][A-Za-z0-9_=&./-]*)?$"


def asks_store(store: str) -> tuple[Ask, ...]:
    """Let a host reach the database that this URL of a store names."""
    if "://" not in store:
        return ()
    named = urlsplit(store)
    return asked(named.hostname or "", named.port or 5432, "runs are recorded, and scans queued, in PostgreSQL")


def asked(host: str, port: int, why: str) -> tuple[Ask, ...]:
    """Let a host reach a server, where that is named by its address and not by a name."""
    try:
        return (Ask(protocol="tcp", port=port, destinations=(ip_network(host),), why=why),)
    except ValueError:
        return ()


def needs_password(store: str) -> bool:
    """Tell whether a store is a database that no certificate of the URL's opens."""
    return "://" in store and "sslcert=" not in store


def password_file(home: str, account: str, password: Secret | None) -> None:
    """Declare where PostgreSQL's library finds the password of an account's store, if it needs one."""
    if password is not None:
        text = f"*:*:*:*:{password}\n"
        managed_file(f"{home}/.pgpass", content=text, owner=account, group=account, mode="600")
