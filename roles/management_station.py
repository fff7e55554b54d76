"""Where samdrift runs for everybody: an account of its own holds the key to all hosts, and people run samdrift as it.

Who logs in to a management station runs `samdrift plan …`, and sudo makes that the account's: by one program, which
lets through the commands and options that are about hosts, and none that name another inventory, key or store, or a
file elsewhere. Samdrift then asks whether the person may (`inventory/people.yaml`, `deploy/runs/permission.py`). Two
keys are made on the host and never leave it: one that changes hosts, and one that looks at them.

Plan files stand in one directory of the account's, which people may read. Not here: samdrift itself, which role
`drift_watch` installs, or root by hand.

Options (config context `samdrift.management_station`):

- `program`: where samdrift is installed. It must be root's, with everything that it is made of.
- `netbox_url`: the inventory is what this NetBox says, by the token in the account's file `netbox-token`; without, it
  is the snapshot that came with samdrift.
"""

from __future__ import annotations

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from roles.shared.parts.accounts import NO_SHELL
from roles.shared.parts.ensured import ensured
from roles.shared.parts.files import managed_file
from roles.shared.parts.packages import packages
from roles.shared.people import RUNS_AS
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings

AFTER = ("base", "node_metrics")  # what every host has; base makes the groups of people
PROTECTS = True
SWEDISH = "Där samdrift körs för alla: ett eget konto har nyckeln till alla värdar, och människor kör samdrift som det."
CONTROLS = ("ISO 27002:2022 5.15", "ISO 27002:2022 8.2", "ISO 27002:2022 8.18")
CONTROL_TITLES = {
    "ISO 27002:2022 8.18": ("Användning av privilegierade verktygsprogram", "Use of privileged utility programs")
}
HOME = f"/var/lib/{RUNS_AS}"
KEY = f"{HOME}/key"
LOOK_KEY = f"{HOME}/look-key"
PLANS = f"{HOME}/plans"
LIBEXEC = "/usr/local/libexec"
RUN = f"{LIBEXEC}/samdrift-run"
PYTHON_PARSES = "python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' {path}"
SUDO_ACCEPTS = "visudo -c -q -f {path}"
SHELL_PARSES = "sh -n {path}"
HAS_ACCOUNT = f"getent passwd {RUNS_AS} | cut -d: -f6,7"
HAS_KEY = "ssh-keygen -y -P '' -f {key} > /dev/null && stat -c '%U:%G %a' {key}"
MAKES = ("/opt/samdrift/*",)
MAKE_KEY = (
    f"{{{{ test -e {{key}} || ssh-keygen -q -t ed25519 -N '' -C {RUNS_AS} -f {{key}}; }}}} && "
    f"chown {RUNS_AS}:{RUNS_AS} {{key}} {{key}}.pub && chmod 600 {{key}} && chmod 644 {{key}}.pub"
)


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    program: str = Field(default="/opt/samdrift/bin/samdrift", pattern=r"^(/[A-Za-z0-9._-]+)+$", max_length=200)
    netbox_url: str = Field(default="", pattern=r"^(https://[A-Za-z0-9.:/_-]+)?$", max_length=200)


class Settings(RoleSettings):
    """Which program is run, and by which inventory."""

    program: str
    netbox_url: str
    home: str = HOME
    account: str = RUNS_AS


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:  # noqa: ARG001  a role's signature
    """Take the options as they are."""
    return Settings(program=options.program, netbox_url=options.netbox_url)


def deploy(settings: Settings) -> None:
    """Declare the account, its keys and its directory of plans; then the way in, the program before sudo's rule."""
    packages("openssh-client", "python3", "sudo")
    ensured(
        f"account {RUNS_AS}",
        question=HAS_ACCOUNT,
        answer=f"{HOME}:{NO_SHELL}\n",
        command=f"{{ getent passwd {RUNS_AS} > /dev/null || "
        f"useradd --system --user-group --home-dir {HOME} --shell {NO_SHELL} {RUNS_AS}; }} && "
        f"usermod --home {HOME} --shell {NO_SHELL} {RUNS_AS}",
    )
    files.directory(name=f"directory {HOME}", path=HOME, user=RUNS_AS, group=RUNS_AS, mode="711")
    files.directory(name=f"directory {PLANS}", path=PLANS, user=RUNS_AS, group="samdrift-people", mode="2750")
    for key in (KEY, LOOK_KEY):
        has, made = HAS_KEY.format(key=key), MAKE_KEY.format(key=key)
        ensured(f"key {key}", question=has, answer=f"{RUNS_AS}:{RUNS_AS} 600\n", command=made)
    files.directory(name=f"directory {LIBEXEC}", path=LIBEXEC, user="root", group="root", mode="755")
    managed_file(
        RUN, template="management_station/run.py.j2", settings=settings, mode="755", validate_with=PYTHON_PARSES
    )
    managed_file(
        "/etc/sudoers.d/samdrift-runs",
        template="management_station/sudoers.j2",
        settings=settings,
        mode="440",
        validate_with=SUDO_ACCEPTS,
    )
    managed_file(
        "/usr/local/bin/samdrift",
        template="management_station/samdrift.sh.j2",
        settings=settings,
        mode="755",
        validate_with=SHELL_PARSES,
    )
