"""The manifest: which roles, controls and state checks are in force now, as a record keeps them."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.model.record import InSwedish, Manifest, RoleManifest, Standard, Title
from deploy.verify.names import checks_of, proves_of, swedish_of
from roles.shared.catalogue import catalogue
from roles.shared.controls import STANDARDS, TITLES, TOPICS


def manifest_now() -> Manifest:
    """Return all roles of the catalogue, in order, with the controls that they and their checks answer."""
    roles = tuple(
        RoleManifest(
            name=name,
            summary=role.summary,
            swedish=InSwedish(summary=role.swedish, checks=dict(swedish_of(name))),
            controls=role.controls,
            checks=checks_of(name),
            proves=dict(proves_of(name)),
        )
        for name, role in catalogue().items()
    )
    titles = {control: TITLES[control] for controls in TOPICS.values() for control in controls}
    titles |= {control: title for role in catalogue().values() for control, title in role.control_titles.items()}
    duties = {name: duty.title for role in catalogue().values() for name, duty in role.duties.items()}
    standards = {
        name: Standard(title=_title(one.title), binds=one.binds, note=_title(one.note))
        for name, one in STANDARDS.items()
    }
    return Manifest(
        roles=roles, titles=_titles(titles), topics=dict(TOPICS), standards=standards, duties=_titles(duties)
    )


def _titles(named: Mapping[str, tuple[str, str]]) -> dict[str, Title]:
    return {name: _title(title) for name, title in sorted(named.items())}


def _title(pair: tuple[str, str]) -> Title:
    return Title(swedish=pair[0], english=pair[1])
