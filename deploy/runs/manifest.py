"""The manifest: which roles, controls and state checks are in force now, as a record keeps them."""

from __future__ import annotations

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
    return Manifest(roles=roles, titles={c: Title(swedish=sv, english=en) for c, (sv, en) in sorted(titles.items())})
