"""The manifest: which roles, controls and state checks are in force now, as a record keeps them."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.model.record import Manifest, RoleManifest, Title
from deploy.verify.names import checks_of
from roles.shared.catalogue import catalogue


def manifest_now() -> Manifest:
    """Return all roles of the catalogue, in order, with the titles of the controls that they answer."""
    roles = tuple(
        RoleManifest(name=name, summary=role.summary, controls=role.controls, checks=checks_of(name))
        for name, role in catalogue().items()
    )
    titles = {control: title for role in catalogue().values() for control, title in role.control_titles.items()}
    duties = {name: duty.title for role in catalogue().values() for name, duty in role.duties.items()}
    return Manifest(roles=roles, titles=_titles(titles), duties=_titles(duties))


def _titles(named: Mapping[str, tuple[str, str]]) -> dict[str, Title]:
    return {name: Title(swedish=sv, english=en) for name, (sv, en) in sorted(named.items())}
