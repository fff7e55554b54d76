"""What a plan's steps end, as an adoption names it: pure, from steps alone."""

from __future__ import annotations

import sys

import pytest

from deploy.model.adoption import Adoption, RoleAdoption, lost_by, role_adoptions
from deploy.model.plan import Configure, HostCommand, HostPlan, Run, Step, Unmanaged
from deploy.views.adopt import adoption
from deploy.views.parts import screen
from roles.shared.change import Change
from roles.shared.survey import Loss


def step(name: str, *commands: HostCommand, before: str | None = None, after: str | None = None) -> Step:
    change = Change(what=name.rsplit(maxsplit=1)[-1], before=before, after=after) if before or after else None
    return Step(role="base", name=name, intent="i", commands=commands or (Run(text="x"),), change=change)


def typed(*entries: str) -> Step:
    after = "interface 1/1/1\n    no shutdown\n"
    return step("running configuration", Configure(platform="cisco-ios", entries=entries), before="a\n", after=after)


@pytest.mark.parametrize(
    ("changing", "ends"),
    [
        (step("file /etc/new", after="ours\n"), []),
        (step("file /etc/f", before="a\nb\nc\n", after="a\nours\n"), ["/etc/f loses: b; c"]),
        (step("file /etc/f", before="a\n", after="a\nmore\n"), []),
        (step("file /etc/f", before="# a\n\nb\n c\n", after="c\nb\n"), []),
        (step("file /etc/f", before="a\nb\nc\nd\n", after="x\n"), ["/etc/f loses: a; b; c … (4 lines)"]),
        (
            step("certificate /etc/f", before="for web\nsigned by CN=Theirs\n", after="for web\nsigned by CN=Ours\n"),
            ["/etc/f loses: signed by CN=Theirs"],
        ),
        (step("kernel settings in force: ipv4", before="a = 0\n", after="a = 1\n"), []),
        (step("no file /etc/f", before="a\n"), ["/etc/f is removed"]),
        (
            step("user anna", before="groups: sudo\n", after="groups: x\n"),
            ["user anna: groups: sudo becomes groups: x"],
        ),
        (step("apache2.service stopped", Run(text="systemctl stop apache2.service")), ["stop apache2.service"]),
        (step("packages nftables", Run(text="apt-get install nftables")), []),
        (typed("hostname sw1", "vlan 30"), []),
        (
            typed("interface 1/1/1", "    no shutdown", "    no routing", "no vlan 9"),
            ["interface 1/1/1 / no routing", "no vlan 9"],
        ),
        (typed("delete system login user x", "set system host-name y"), ["delete system login user x"]),
    ],
)
def test_what_a_step_ends_is_named(changing: Step, ends: list[str]) -> None:
    assert [loss.what for loss in lost_by(changing)] == ends


def test_a_restart_ends_nothing() -> None:
    handler = step("restart x", Run(text="systemctl stop x")).model_copy(update={"handler": True})
    assert list(lost_by(handler)) == []


def test_every_step_and_file_stands_with_its_role() -> None:
    plan = HostPlan(
        host="h",
        municipality="m",
        steps=(
            step("file /a", before="x\n", after="y\n"),
            step("no file /etc/sudoers.d/README", before="z\n"),
            step("file /b", after="y\n").model_copy(update={"role": "time"}),
        ),
        unmanaged=tuple(Unmanaged(role="base", path=f"/etc/sudoers.d/{name}") for name in ("README", "lars")),
    )
    port = Loss(kind="port", what="8080/tcp is shut")
    base, time = role_adoptions(plan, {"base": "Every host", "time": "Clocks"}, {"time": [port]})
    assert ([s.name for s in base.changes], [x.kind for x in base.losses]) == (
        ["file /a", "no file /etc/sudoers.d/README"],
        ["file", "file"],
    )
    assert [u.path for u in base.unmanaged] == ["/etc/sudoers.d/lars"]
    assert ([s.name for s in time.changes], time.losses) == (["file /b"], (port,))


def test_what_a_host_says_is_shown_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "x\x1b[2Jy"
    made = Adoption(
        host="h",
        municipality="m",
        platform="debian-13",
        known=False,
        seen=(evil,),
        stays=(evil,),
        unknown=(evil,),
        roles=(
            RoleAdoption(role="base", summary="s", losses=(Loss(kind="port", what=evil, keep=evil),)),
            RoleAdoption(role="time", summary="s", unjudged=(evil,)),
        ),
    )
    console = screen(sys.stdout)
    for part in adoption(made):
        console.print(part)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert shown.count("x\\x1b[2Jy") == 6
    assert "1 role judged, 1 could not be" in shown
