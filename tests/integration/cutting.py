"""A role that cuts a host off, in as many ways as there are, and an apply of it. Nobody has such a role."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import roles
from deploy.engine.apply import Apply
from deploy.engine.hosts import Verify
from deploy.engine.results import ApplyResult
from deploy.engine.session import Session
from deploy.lab.lab import Lab
from deploy.model.observer import Observer
from deploy.model.waves import Order
from inventory.fleet import Fleet
from roles.shared.catalogue import catalogue
from roles.shared.intent import Intent
from tests.applying import TOGETHER, nothing_to_check, plan_of
from tests.integration.lab import lab_fleet
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryJournal

ROLE = r'''
"""Cuts its host off."""

from roles.shared.parts.accounts import account
from roles.shared.parts.files import managed_file
from roles.shared.guard import kept_text
from roles.shared.parts.handlers import Handler, reload, restart
from roles.shared.parts.registration import current
from roles.shared.parts.ruleset import loaded_ruleset
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.parts.ensured import ensured
from roles.shared.traffic import ANYWHERE

PLATFORMS = ("debian-13",)
RULES = "/etc/nftables.conf"
DROP = """\
flush ruleset
table inet cutting {{
    chain input {{
        type filter hook input priority -10; policy {};
        {}
    }}
}}
"""


class Options(RoleOptions):
    how: str


class Settings(RoleSettings):
    how: str


def settings(host, fleet, options):
    return Settings(how=options.how)


def deploy(settings):
    WAYS[settings.how]()


def ruleset(content):
    managed_file(RULES, content=content, mode="640", guarded=True)
    loaded_ruleset(RULES, content, ANYWHERE)


def file(path, content, mode, *then):
    managed_file(path, content=content, mode=mode, then=then, guarded=True)


def address():
    step = "no address on wan0"
    tell = "ip -o -4 addr show dev wan0 | awk '{ print \"addr replace\", $4, $5, $6, \"dev wan0\" }'"
    current().guards[step] = kept_text(step, tell=tell, put_back="ip -batch -")
    ensured(step, question="ip -o -4 addr show dev wan0", answer="", command="ip addr flush dev wan0")


HIDE = """\
flush ruleset
table inet cutting {
    chain forward {
        type filter hook forward priority -10; policy accept;
        ip daddr 10.61.0.0/16 tcp dport 22 drop
    }
}
"""


def unsurvivable():
    ruin = "/etc/systemd/system/unbound.service.d/ruin.conf"
    then = restart("unbound.service", daemon_reload=True)
    managed_file(ruin, content="[Service]\nExecStartPre=/bin/false\n", mode="644", then=(then,))


def members():
    account("samdrift", full_name="samdrift automation", groups=("samdrift-automation",), guarded=True)
    file("/etc/cutting", "and more\n", "644")


def away():
    later = "systemd-run --quiet --on-active=4 systemctl start ssh.service"
    file("/etc/cutting", "harmless\n", "644", Handler(name="away", command=f"{later} && systemctl stop ssh.service"))


def slow():
    managed_file("/etc/cutting", content="late\n", validate_with="sleep 25 && test -e {path}", guarded=True)


WAYS = {
    "a group": members,
    "away for a while": away,
    "a slow step": slow,
    "a service": unsurvivable,
    "those behind": lambda: ruleset(HIDE),
    "every packet": lambda: ruleset(DROP.format("drop", "")),
    "new connections": lambda: ruleset(DROP.format("accept", "tcp dport 22 ct state new drop")),
    "another port": lambda: file("/etc/ssh/sshd_config", "Port 2222\n", "600", reload("ssh.service")),
    "no key": lambda: file("/etc/ssh/authorized_keys/samdrift", "# nobody\n", "644"),
    "no sudo": lambda: file("/etc/sudoers.d/samdrift", "# nobody\n", "440"),
    "no address": address,
    "nothing": lambda: file("/etc/cutting", "harmless\n", "644"),
}
'''

WAYS = ("every packet", "new connections", "another port", "no key", "no sudo", "no address")


@contextmanager
def role() -> Iterator[None]:
    """While it lasts, there is a role `cutting`."""
    with TemporaryDirectory() as directory:
        Path(directory, "cutting.py").write_text(ROLE)
        roles.__path__.append(directory)
        catalogue.cache_clear()
        try:
            yield
        finally:
            roles.__path__.remove(directory)
            sys.modules.pop("roles.cutting", None)
            catalogue.cache_clear()


def fleet_that_cuts(ways: Mapping[str, str]) -> Fleet:
    """The lab's fleet, in which each of these hosts has the role `cutting` alone, and cuts itself off in this way."""
    fleet = lab_fleet()
    hosts = tuple(
        h.model_copy(update={"context": {"samdrift": {"roles": {"cutting": True}, "cutting": {"how": ways[h.name]}}}})
        if h.name in ways
        else h
        for h in fleet.hosts
    )
    return fleet.model_copy(update={"hosts": hosts})


def cut(
    ways: Mapping[str, str],
    guard_seconds: float,
    observer: Observer | None = None,
    order: Order = TOGETHER,
    verify: Verify = nothing_to_check,
) -> ApplyResult:
    """Have each of these hosts cut itself off, or do other harm, by a whole apply."""
    fleet = fleet_that_cuts(ways)
    access = Lab().access().model_copy(update={"guard_seconds": guard_seconds})
    with Session(
        Intent(fleet), [fleet.host(name) for name in ways], access, observer, holder="a test", vault=Lab().vault()
    ) as session:
        plan = plan_of(fleet, session.look())
        assert all(h.changes and not h.error for h in plan.hosts), plan.hosts
        return Apply(session, plan, verify, MemoryJournal(), MemoryApplied(), order=order).go()


class Told:
    """An observer that says when a host is changed, for who waits to kill this process."""

    def stage(self, title: str, hosts: object, things: str = "host") -> None:
        """Nothing."""

    def host(self, host: str, state: str, detail: str = "") -> None:
        sys.stdout.write(f"{host} {state} {detail}\n")
        sys.stdout.flush()


CUT_OFF = "from gevent import monkey; monkey.patch_all(); from tests.integration.cutting import main; main()"
"""A program that takes a host, a way and seconds: an entry point of its own, so it makes blocking calls cooperative."""


def main() -> None:
    """Cut one host off, and tell how far it is."""
    host, way, seconds = sys.argv[1:]
    with role():
        cut({host: way}, float(seconds), Told())
