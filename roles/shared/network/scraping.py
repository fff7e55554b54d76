"""What Prometheus asks, and the labels that all it says of a host carries; text as YAML and PromQL read it. Pure."""

from __future__ import annotations

import json

from inventory.fleet import Host
from inventory.frozen import Frozen


class Asked(Frozen):
    """A host of which something is asked."""

    name: str
    municipality: str
    site: str
    role: str

    @classmethod
    def named(cls, host: Host) -> dict[str, str]:
        """Return the fields that a host gives."""
        return {"name": host.name, "municipality": host.tenant, "site": host.site, "role": host.role}

    def labelled(self, **more: str) -> dict[str, str]:
        """Return label and value, as YAML reads both."""
        own = {"instance": self.name, "municipality": self.municipality, "role": self.role, "site": self.site}
        return {label: quoted(value) for label, value in sorted({**own, **more}.items())}


class Tried(Asked):
    """What an exporter on the monitoring host tries of a host, in Prometheus' stead."""

    target: str


class Tries(Frozen):
    """A job of Prometheus that an exporter beside it does: the same parameters for each target."""

    name: str
    exporter: str
    path: str
    parameters: dict[str, str]
    job: str
    kind: str
    targets: tuple[Tried, ...]

    def labels(self, target: Tried) -> dict[str, str]:
        """Return label and value, as YAML reads both."""
        return target.labelled(job=self.job, kind=self.kind, target=target.target)

    @property
    def quoted_name(self) -> str:
        """Return its name, which no other job has, as YAML reads it."""
        return quoted(self.name)

    @property
    def quoted_parameters(self) -> dict[str, str]:
        """Return parameter and value, as YAML reads both."""
        return {quoted(name): quoted(value) for name, value in self.parameters.items()}


def quoted(text: str) -> str:
    """Quote text as YAML and PromQL both read it; letters stay, and invisible characters become blanks."""
    return json.dumps("".join(c if c.isprintable() else " " for c in text), ensure_ascii=False)
