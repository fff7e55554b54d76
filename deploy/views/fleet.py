"""What `hosts` and `show` show: the fleet as tables, and one host with its roles, settings and files.

Not here: where the fleet comes from (`source`), and which options the commands take (`cli.fleet`).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deploy.model.text import LONG_WORD, in_brief, inline, safe, several
from deploy.views.parts import empty_table, fact_table, indented
from inventory.fleet import Fleet, Host
from inventory.organisation import Site, Tenant

if TYPE_CHECKING:  # pyinfra stands behind these: what only lists hosts must not wait for it
    from roles.shared.device.vendor import Vendor
    from roles.shared.parts.registration import ManagedConfiguration, ManagedFile


SHARES = {"Roles": 3, "Tags": 2}
"""Columns that share what the others leave of the screen, and how; a long word is folded, never cut off."""


def hosts(fleet: Fleet, chosen: Sequence[Host]) -> Iterator[RenderableType]:
    """Show the fleet, a table for each site and owner, in columns that stand under each other."""
    usual = _usual_roles(fleet)
    heads = ("Host", "Platform", "Address", "Device role", "Roles", "Tags")
    rows = {h.name: _host_row(h, usual) for h in chosen}
    sites, owners = {s.slug: s for s in fleet.sites}, {t.slug: t for t in fleet.tenants}
    columns = zip(heads, *rows.values(), strict=True)
    widths = [max(len(line) for cell in column for line in cell.split("\n")) for column in columns]
    for (slug, tenant), group in groupby(sorted(chosen, key=_at), key=_at):
        asn = sites[slug].asn if slug in sites else None
        whose, where = _called(owners, tenant), _called(sites, slug)
        yield Text.assemble((inline(whose), "bold"), f" · {inline(where)}", (f"  AS {asn}" if asn else "", "dim"))
        table = empty_table()
        table.expand = True
        for head, width in zip(heads, widths, strict=True):
            share = SHARES.get(head)
            table.add_column(head, width=None if share else width, ratio=share, overflow="fold")
        for host in group:
            name, *rest = rows[host.name]
            table.add_row(Text(name, "bold"), *map(Text, rest), style="dim" if host.status != "active" else "")
        yield table
        yield Text()
    with_roles = sum(bool(h.roles) for h in chosen)
    known = f"; not listed are the usual {', '.join(usual)}" if usual else ""
    at_sites = several(len({h.site for h in chosen}), "site")
    yield indented(Text(f"{several(len(chosen), 'host')} at {at_sites}, {with_roles} with roles{known}."), 0)


def _called(named: Mapping[str, Tenant | Site], slug: str) -> str:
    """Return the name of a municipality or a site; of a host that has none, a dash."""
    return named[slug].name if slug in named else slug or "–"


def _at(host: Host) -> tuple[str, str]:
    return host.site, host.tenant


def _host_row(host: Host, usual: Sequence[str]) -> tuple[str, ...]:
    own = [r for r in host.roles if r not in usual]
    status = [] if host.status == "active" else [host.status]
    return (
        inline(host.name),
        inline(host.platform),
        "\n".join(_addresses(host)) or "–",
        inline(host.role),
        inline(", ".join(own) or "–"),
        inline(", ".join([*status, *host.tags])),
    )


def _addresses(host: Host) -> list[str]:
    """Return the primary addresses of a host, the one that is connected to first."""
    return [str(a) for a in (host.primary_address, host.primary_address6) if a is not None]


def _usual_roles(fleet: Fleet) -> tuple[str, ...]:
    """Return the roles that more than half of the hosts with roles have, the commonest first."""
    with_roles = [h.roles for h in fleet.hosts if h.roles]
    counts = Counter(role for roles in with_roles for role in roles)
    return tuple(role for role, n in counts.most_common() if n > len(with_roles) / 2)


def host(
    fleet: Fleet,
    shown: Host,
    *,
    settings: Mapping[str, Mapping[str, Any]],
    summaries: Mapping[str, str],
    vendors: Mapping[str, Vendor],
    files: Sequence[ManagedFile],
    configurations: Sequence[ManagedConfiguration],
    overlay: Sequence[tuple[str, Any, Any]],
    contents: bool,
) -> Iterator[RenderableType]:
    """Show one host: its data, roles, settings and files, or a device's intended configuration.

    Args:
        settings: role to its settings, as plain data.
        summaries: role to what it is, in a line, in the order in which roles are applied.
        vendors: platform to its vendor.
        overlay: what the lab changes: field, value in the fleet, value in the lab.
        contents: whether the files' contents and the configurations are shown too.
    """
    whose = _called({t.slug: t for t in fleet.tenants}, shown.tenant)
    where = _called({s.slug: s for s in fleet.sites}, shown.site)
    yield Text.assemble((inline(shown.name), "bold"), "  ", inline(f"{whose} · {where}"))
    yield indented(fact_table(_host_facts(fleet, shown)))
    for role, summary in summaries.items():
        yield Padding(Text.assemble((role, "bold cyan"), f"  {inline(summary)}"), (1, 0, 0, 0), expand=False)
        yield indented(fact_table([(k, in_brief(v)) for k, v in settings.get(role, {}).items()]))
        own = [f for f in files if f.role == role]
        if own:
            yield Text()
            yield indented(_files(own))
        for file in own if contents else ():
            yield from _content(file.path, file.content)
        for configuration in (c for c in configurations if c.role == role):
            yield Text()
            yield indented(fact_table(_configuration_facts(shown, configuration, vendors[configuration.platform])))
            if contents:
                yield from _content("intended configuration", configuration.content)
    if overlay:
        yield Text("\nThe lab differs from the fleet here in", "bold yellow")
        table = empty_table()
        for head in ("Field", "Fleet", "Lab"):
            table.add_column(head, overflow="fold")
        for field, before, after in overlay:
            table.add_row(
                Text(inline(field.removeprefix("context.samdrift."))),
                Text(safe(in_brief(before))),
                Text(safe(in_brief(after))),
            )
        yield indented(table)


def _content(name: str, content: str) -> Iterator[RenderableType]:
    yield Text.assemble("\n  ", (inline(name), "bold"))
    yield Text("\n".join(f"  │ {line}" for line in safe(content).splitlines()), "dim")


def _configuration_facts(shown: Host, configuration: ManagedConfiguration, vendor: Vendor) -> list[tuple[str, str]]:
    lines = several(len(configuration.content.splitlines()), "line")
    itself = f"the device itself, by {vendor.confirm.name}" if vendor.confirm else ""
    sections = (" / ".join(lineage) for lineage in configuration.managed)
    return [
        ("configuration", f"{lines} for {vendor.name}; as it is: samdrift show {shown.name} --configuration"),
        ("sections", "\n".join(s if len(s) <= LONG_WORD else f"{s[: LONG_WORD - 1]}…" for s in sections)),
        ("secrets", ", ".join(secret.name for secret in configuration.secrets) or "–"),
        ("undone by", itself or "nobody: apply asks for --no-rollback"),
    ]


def _host_facts(fleet: Fleet, shown: Host) -> list[tuple[str, str]]:
    platform = next((p.name for p in fleet.platforms if p.slug == shown.platform), shown.platform or "–")
    interfaces = [
        f"{i.name} {', '.join(map(str, i.addresses)) or (f'in {i.lag}' if i.lag else '–')}"
        f"{f'  {i.description}' if i.description else ''}"
        for i in shown.interfaces
    ]
    facts = [
        ("description", shown.description),
        ("status", ", ".join([shown.status, *shown.tags])),
        ("platform", f"{platform} ({shown.kind}, {shown.role})"),
        ("address", ", ".join(_addresses(shown))),
        ("wave", str(shown.wave) if shown.roles else ""),
        ("serial", shown.serial),
        ("interfaces", "\n".join(interfaces)),
        ("host keys", "\n".join(map(_key_line, shown.host_keys))),
        ("WireGuard key", shown.wireguard_public_key),
    ]
    return [(k, v) for k, v in facts if v]


def _key_line(key: str) -> str:
    """Return a host key as ssh-keygen -l prints it, so that it can be compared with the console's."""
    kind, _, blob = key.partition(" ")
    try:
        raw = b64decode(blob.split()[0], validate=True)
    except (ValueError, IndexError):
        return f"{kind} (not a key)"
    return f"{kind} SHA256:{b64encode(sha256(raw).digest()).decode().rstrip('=')}"


def _files(files: Sequence[ManagedFile]) -> Table:
    table = empty_table()
    table.add_column("File", overflow="fold")
    table.add_column("Owner", no_wrap=True)
    table.add_column("Mode", no_wrap=True)
    table.add_column("Lines", justify="right", no_wrap=True)
    table.add_column("Judged by", no_wrap=True, style="dim")
    for file in files:
        owner = file.owner if file.owner == file.group else f"{file.owner}:{file.group}"
        judge = inline(file.validate_with or "–").replace(" {path}", "")
        short = judge if len(judge) <= 30 else f"{judge[:29]}…"
        table.add_row(*map(Text, (inline(file.path), owner, file.mode, str(file.content.count("\n")), short)))
    return table
