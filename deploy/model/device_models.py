"""Findings of devices of a model that nothing is known of in particular: told, and changed only if named. Pure.

Which series of models there are is data of vendors (`roles.shared.device.series`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from deploy.model.findings import Finding, Kind, severity
from deploy.model.messages import MessageId, samdrift
from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.selection import named
from roles.shared.device.known import device_type_of, has_unknown_model, known_vendors


class UnknownModel(Frozen):
    """The model of one device: as NetBox calls it, and its vendor."""

    host: str
    municipality: str
    model: str
    vendor: str


def unknown_models(fleet: Fleet, hosts: Iterable[Host]) -> Iterator[UnknownModel]:
    """Yield those of these hosts that are devices of a model that is of no known series."""
    for host in hosts:
        if has_unknown_model(host, fleet):
            kind = device_type_of(host, fleet)
            model = " ".join((kind.manufacturer, kind.model)) if kind else host.device_type or "no device type"
            vendor = known_vendors()[host.platform].name
            yield UnknownModel(host=host.name, municipality=host.tenant, model=model, vendor=vendor)


def unnamed_models(fleet: Fleet, hosts: Sequence[Host], limits: Iterable[str]) -> dict[str, UnknownModel]:
    """Return those of unknown models, by host, that none of these `--limit` expressions names."""
    names = frozenset[str]().union(*(named(limit, hosts) for limit in limits))
    return {of.host: of for of in unknown_models(fleet, hosts) if of.host not in names}


def model_notices(fleet: Fleet, hosts: Iterable[Host]) -> tuple[Finding, ...]:
    """Tell each of these hosts that is of an unknown model, and what to do about it."""
    return tuple(
        Finding(
            kind=Kind.NOTICE,
            host=of.host,
            municipality=of.municipality,
            step="device type",
            message=MessageId.MODEL_UNKNOWN(model=of.model, vendor=of.vendor),
            advice=MessageId.ADD_SERIES(probe=samdrift("probe", of.host), apply=samdrift("apply", "--limit", of.host)),
            severity=severity(Kind.NOTICE, MessageId.MODEL_UNKNOWN),
        )
        for of in unknown_models(fleet, hosts)
    )


def model_refused(of: UnknownModel) -> Finding:
    """Report a device of an unknown model that would be changed, and that nobody named."""
    about = ("--limit", of.host)
    return Finding(
        kind=Kind.REFUSED,
        host=of.host,
        municipality=of.municipality,
        step="device type",
        message=MessageId.MODEL_NOT_NAMED(model=of.model, vendor=of.vendor),
        advice=MessageId.NAME_THE_HOST(plan=samdrift("plan", *about), apply=samdrift("apply", *about)),
        severity=severity(Kind.REFUSED, MessageId.MODEL_NOT_NAMED),
    )
