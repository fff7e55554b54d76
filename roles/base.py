"""Every Debian host: people, SSH, sudo, kernel, logs, updates, language, and the names it resolves by.

Options (config context `samdrift.base`):

- `admins`: who administers this host beside the organisation's people (`inventory/people.yaml`), by account name:
  `full_name`, and `keys` (SSH public keys) or `principals` (names in SSH certificates signed by a `user_ca_keys` key),
  or both; `absent: true` locks the account. It is for hosts that were taken over.
- `former_admins`: account names that are locked and lose their keys. Keep a name here as long as any host may have it.
- `user_ca_keys`: public keys of the authorities whose SSH user certificates are believed.
- `authorities`: the organisation's own certificate authorities (PEM each, at most four) that programs on the host
  trust, beside those that Debian and people put there. The first signs for hosts with role `certificates`.
- `automation_keys`: public keys that samdrift logs in with, as user `samdrift`. To change one, first apply with
  both, then without the old one.
- `look_keys`: public keys that samdrift looks at hosts with, as user `samdrift-look`, who may run one program as root:
  it answers questions in a sandbox in which nothing can be changed (`roles.shared.look_program`). Without any, there is
  no such user. On management stations they are also the keys for looks at devices
  (`roles.shared.device.settings.Options.look`).
- `fallback_resolvers`: nameservers asked after the fleet's own, for the hosts that must work before those do.
- `apt_proxy`: whether packages come through the fleet's package cache (role `package_cache`), if it has one.
- `expects`: what the image that hosts are installed from, or people, put on the host and no role declares: by kind
  (`package`, `unit`, `listen` …), patterns of names, `*` for any letters. Nothing of it is told as unmanaged.
- `journal_max`: how much disk the journal may use.
- `kept_modules`: kernel modules that this host needs though no other does (`usb-storage`, where it boots from a stick).
- `kept_shells`: accounts of the system (numbers below 1000) that keep their shell.
- `exec_shared_memory`: whether programs may be run from `/dev/shm`, for software that was there before and needs it.
- `usb_guard`: whether devices that are plugged into USB later, and are neither known nor for a person's hands, are shut
  out. On a host that has a kernel of its own, and USB.
- `own_kernel`: whether the kernel is this host's own. False in a container, where neither AppArmor nor auditd can be.

The organisation's people come in where a function of theirs is for the host's municipality, and lets them do something
there: administrators everything, others what the host's roles declare as duties, by sudo's rules for exact commands.
Nobody has a password, so nothing can be guessed: sudo asks for none, and every command of theirs is logged. Whoever
is in samdrift's groups and is not named is locked out.

sshd reads keys and principals from directories of root's own (`/etc/ssh/authorized_keys/`), one whole file per
user, so that nobody can give himself access and a key that was added by hand is found. samdrift's own keys are good
from the management stations alone, and for nothing but commands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from inventory.fleet import Fleet, Host
from inventory.network import Address, Network
from inventory.organisation import AccountName, PublicKey
from roles.shared.catalogue import asked_as_root, known_roles
from roles.shared.certificates import Authorities
from roles.shared.duties import Entitlement
from roles.shared.families import ReachedAddress, apart, primaries, spoken
from roles.shared.hardening import RareModule, kernel_of
from roles.shared.intent import Intent
from roles.shared.network.servers import nameservers, package_proxy
from roles.shared.network.updates import update_hour
from roles.shared.parts import hardened, usb, watched
from roles.shared.parts.accounts import account, group, locked_account, members
from roles.shared.parts.debian import APT_ACCEPTS, debian_permissions, directory, language_and_time, updates
from roles.shared.parts.files import absent_file, managed_file
from roles.shared.parts.handlers import Handler
from roles.shared.parts.looks import LOOK, LOOKS_AS_ROOT, MANAGED, account_for_looks, restricted
from roles.shared.parts.packages import packages
from roles.shared.parts.ssh_server import let_in_by_keys, let_in_by_names, ssh_server
from roles.shared.parts.trusted import trusted
from roles.shared.people import Admin, Logins, User, kept_admins, logins, lost_logins, with_admins
from roles.shared.rehearsal import Rehearsal
from roles.shared.searches.every import OF_EVERY_SERVER
from roles.shared.searches.known_files import OF_THE_LAB
from roles.shared.searches.search import STRAY
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.survey import Loss, Survey
from roles.shared.traffic import MANAGEMENT_STATION, Listen, management

AFTER = ()  # nothing: packages come by its proxy, and people and SSH are as they should be before anything else
OWNS = ("/etc/ssh/authorized_keys", "/etc/ssh/authorized_principals", "/etc/ssh/sshd_config.d", "/etc/sudoers.d")
SEARCHES = OF_EVERY_SERVER
MAKES = usb.MAKES
PROTECTS = True
SWEDISH = "Varje Debianvärd: människor, SSH, sudo, kärna, loggar, uppdateringar, språk och vem som frågas om namn."
CONTROLS = (
    "ISO 27002:2022 5.15",
    "ISO 27002:2022 5.18",
    "ISO 27002:2022 8.2",
    "ISO 27002:2022 8.5",
    "ISO 27002:2022 8.8",
    "ISO 27002:2022 8.9",
    "ISO 27002:2022 8.15",
)

AUTOMATION = "samdrift"
ASK_WITHOUT_KEY = (
    "ssh -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=5 "
    "-o PreferredAuthentications=none {user}@127.0.0.1 true"
)
AUTOMATION_GROUP = "samdrift-automation"
BECOME_BY_SU = f"runuser -u {AUTOMATION} -- su nobody -s /bin/sh -c id < /dev/null"
HOST_KEYS_SHOWN = "ssh-keyscan -T 5 -t ed25519,rsa,ecdsa 127.0.0.1 2>/dev/null"
UMASK = {"logged in": f"su - {AUTOMATION} -c umask", "for one command": f"su {AUTOMATION} -c umask"}
AS_ROOT = (
    *LOOKS_AS_ROOT,
    *(ASK_WITHOUT_KEY.format(user=user) for user in (AUTOMATION, "root")),
    BECOME_BY_SU,
    HOST_KEYS_SHOWN,
    "sudo -l -U {word}",
    *(f"su - {AUTOMATION} -c {what}" for what in ("'ulimit -Hc'", "'declare -p TMOUT'", "locale")),
    *UMASK.values(),
    "sudo -V",
    *watched.AS_ROOT,
    *usb.AS_ROOT,
)
ADMINS_GROUP = "samdrift-admins"
HELPERS_GROUP = "samdrift-people"
DUTIES_FILE = "/etc/sudoers.d/samdrift-duties"

PACKAGES = (
    "apparmor",
    "ca-certificates",
    "cracklib-runtime",  # or PAM refuses every password: it finds no dictionary to look in
    "iproute2",
    "kmod",
    "libcap2-bin",
    "libpam-pwquality",
    "locales",
    "logrotate",
    "needrestart",
    "openssh-server",
    "procps",
    "sudo",
    "tzdata",
    "unattended-upgrades",
)
LAB_PACKAGES = PACKAGES


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    admins: dict[AccountName, Admin] = Field(default_factory=dict)
    former_admins: tuple[AccountName, ...] = ()
    user_ca_keys: tuple[PublicKey, ...] = ()
    authorities: Authorities = ()
    automation_keys: tuple[PublicKey, ...] = ()
    look_keys: tuple[PublicKey, ...] = ()
    fallback_resolvers: tuple[ReachedAddress, ...] = ()
    expects: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    apt_proxy: bool = True
    journal_max: str = Field(default="1G", pattern=r"^[1-9][0-9]*[MG]$")
    kept_modules: tuple[RareModule, ...] = ()
    kept_shells: tuple[AccountName, ...] = ()
    exec_shared_memory: bool = False
    usb_guard: bool = True
    own_kernel: bool = True


class Settings(RoleSettings):
    """The identity of a host, its people, nameservers, package proxy and limits."""

    host: str
    municipality: str
    platform: str
    addresses: tuple[Address, ...]
    multihomed: bool
    forwards: bool = False
    admins: tuple[User, ...]
    helpers: tuple[User, ...] = ()
    duties: tuple[Entitlement, ...] = ()
    others: tuple[str, ...] = ()
    former_admins: tuple[str, ...]
    user_ca_keys: tuple[str, ...]
    authorities: tuple[str, ...] = ()
    automation_keys: tuple[str, ...]
    look_keys: tuple[str, ...] = ()
    asked_as_root: tuple[str, ...] = ()
    management: tuple[Network, ...]
    nameservers: tuple[Address, ...]
    apt_proxy: str
    expects: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    journal_max: str
    update_hour: int
    kept_modules: tuple[str, ...] = ()
    kept_shells: tuple[str, ...] = ()
    confined: tuple[str, ...] = ()
    exec_shared_memory: bool = False
    usb_guard: bool = True
    own_kernel: bool = True

    @property
    def penalises(self) -> bool:
        """Tell whether its sshd refuses who connects and does not log in: from OpenSSH 9.8 on."""
        return self.platform != "debian-12"

    @property
    def exempt(self) -> tuple[str, ...]:
        """Return who is not refused: the management stations, and the host, whose state checks ask its own sshd."""
        return ("127.0.0.1/32", "::1/128", *(str(network) for network in self.management))

    @property
    def kernel(self) -> dict[str, dict[str, str]]:
        """Return the running kernel's settings, by theme; each theme is one file and one step."""
        return kernel_of(multihomed=self.multihomed, forwards=self.forwards)


def settings(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:
    """Compute what the host should be, from the inventory alone."""
    stations = spoken(host, management(fleet))
    if not stations:
        fix = "give the host that samdrift runs on the device role management-station"
        raise SettingsError("no management station to speak to, so nobody could log in", field="fleet", fix=fix)
    if not options.automation_keys:
        raise SettingsError(
            "no automation_keys, so samdrift would lock itself out",
            field="config context samdrift.base.automation_keys",
            fix="name the public key that samdrift logs in with",
        )
    if host.host_keys and not any(key.startswith("ssh-ed25519 ") for key in host.host_keys):
        fix = "make one on the host (ssh-keygen -A) and put it into NetBox"
        raise SettingsError("no ed25519 host key, and sshd will show no other", field="host_keys", fix=fix)
    of_people = _of_people(host, fleet, options)
    return Settings(
        host=host.name,
        municipality=_plain(next((t.name for t in fleet.tenants if t.slug == host.tenant), host.tenant)),
        platform=host.platform,
        addresses=primaries(host),
        forwards="edge_gateway" in host.roles,
        multihomed=len({a.network for a in host.addresses4}) > 1,
        admins=of_people.admins,
        helpers=of_people.helpers,
        duties=of_people.duties,
        others=of_people.others,
        former_admins=of_people.former,
        user_ca_keys=options.user_ca_keys,
        authorities=options.authorities,
        automation_keys=options.automation_keys,
        look_keys=options.look_keys,
        asked_as_root=asked_as_root(host) if options.look_keys else (),
        management=stations,
        nameservers=nameservers(host, fleet, options.fallback_resolvers),
        apt_proxy=package_proxy(host, fleet) if options.apt_proxy else "",
        journal_max=options.journal_max,
        update_hour=update_hour(host.name, intent),
        kept_modules=options.kept_modules,
        kept_shells=options.kept_shells,
        confined=tuple(sorted({role.apparmor for role in known_roles(host) if role.apparmor})),
        exec_shared_memory=options.exec_shared_memory,
        usb_guard=options.usb_guard and options.own_kernel,
        own_kernel=options.own_kernel,
        expects=options.expects,
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve SSH to the management stations alone."""
    return (Listen(protocol="tcp", port=22, sources=settings.management, why="SSH from the management stations"),)


def expects(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """Take for granted what the organisation says that its image has."""
    return settings.expects


def adopts(settings: Settings, survey: Survey) -> Mapping[str, Any]:
    """Keep the people who may become root today and are no admins yet, by the keys that sshd will still take."""
    return kept_admins(survey, {*settings.others, *(user.name for user in (*settings.admins, *settings.helpers))})


def loses(settings: Settings, survey: Survey) -> tuple[Loss, ...]:
    """Tell who no longer logs in: sshd reads keys from root's own directory, and lets admins and samdrift in alone."""
    admins = {user.name: user.keys for user in (*settings.admins, *settings.helpers)}
    return tuple(lost_logins(survey, admins, settings.automation_keys))


def in_lab(options: Mapping[str, Any], lab: Rehearsal) -> Mapping[str, Any]:
    """Let the lab's own keys in, trust its own authority, ask its nameserver instead of outside ones, leave the machine
    its kernel, and take for granted what the lab's image has.
    """
    fallback = {"fallback_resolvers": [str(lab.nameserver)]} if options.get("fallback_resolvers") else {}
    looks = {"look_keys": [lab.look_key]} if options.get("look_keys") else {}
    authorities = {"authorities": [lab.authority]} if options.get("authorities") else {}
    given = options.get("expects", {})
    expects = {**given, STRAY: [*given.get(STRAY, ()), *OF_THE_LAB]}
    return {
        "automation_keys": [lab.automation_key],
        **authorities,
        "own_kernel": False,
        "expects": expects,
        **looks,
        **fallback,
    }


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say which resolvers it cannot reach."""
    found = apart(host, fleet.with_role("dns_resolver"))
    return (f"names are not asked of resolvers that it has no family of IP in common with: {found}",) if found else ()


def deploy(settings: Settings) -> None:
    """Declare everything in the order in which a new host needs it: names and packages, people and SSH, the rest."""
    _names_and_packages(settings)
    hardened.new_homes()
    _people(settings)
    ssh_server(settings, settings.user_ca_keys)
    hardened.kernel(settings.kernel, settings.kept_modules)
    hardened.journal(settings)
    hardened.no_dumps()
    if not settings.exec_shared_memory:
        hardened.shared_memory()
    hardened.sessions()
    hardened.shells(settings.kept_shells)
    hardened.homes()
    hardened.backups()
    hardened.cron()
    trusted(settings.authorities)
    updates(settings)
    watched.restarts()
    watched.rotated()
    if settings.own_kernel:
        watched.confined()
        watched.audited()
    if settings.usb_guard:
        usb.guarded()
    language_and_time(settings, settings.platform)
    debian_permissions()


def _names_and_packages(settings: Settings) -> None:
    proxy = "/etc/apt/apt.conf.d/00samdrift-proxy"
    if settings.apt_proxy:
        managed_file(proxy, template="base/apt-proxy.j2", settings=settings, validate_with=APT_ACCEPTS)
    else:
        absent_file(proxy)
    watched.no_recommends()
    managed_file("/etc/resolv.conf", template="base/resolv.conf.j2", settings=settings)
    managed_file("/etc/hosts", template="base/hosts.j2", settings=settings)
    set_name = Handler(name="set host name", command="hostname -F /etc/hostname")
    managed_file("/etc/hostname", content=f"{settings.host}\n", then=(set_name,))
    hardened.logs()
    packages(*PACKAGES)


SUDO_ACCEPTS = "visudo -c -q -f {path}"


def _people(settings: Settings) -> None:
    # Before any account loses a group: an installer may have given samdrift its sudo by one.
    directory("/etc/sudoers.d", "750")
    managed_file(
        "/etc/sudoers.d/samdrift",
        template="base/sudoers.j2",
        settings=settings,
        mode="440",
        validate_with=SUDO_ACCEPTS,
        guarded=True,
    )
    absent_file("/etc/sudoers.d/README")
    group(ADMINS_GROUP)
    group(HELPERS_GROUP)
    group(AUTOMATION_GROUP)
    directory("/etc/ssh/authorized_keys", "755")
    directory("/etc/ssh/authorized_principals", "755")
    account(AUTOMATION, full_name="samdrift automation", groups=(AUTOMATION_GROUP,), guarded=True)
    let_in_by_keys(AUTOMATION, restricted(settings.automation_keys, settings.management), guarded=True)
    account_for_looks(settings.look_keys, settings.management, settings.asked_as_root, AUTOMATION_GROUP)
    groups = (*((u, ADMINS_GROUP) for u in settings.admins), *((u, HELPERS_GROUP) for u in settings.helpers))
    for user, of in groups:
        account(user.name, full_name=user.full_name, groups=(of,), until=user.until, guarded=True)
        let_in_by_keys(user.name, user.keys)
        let_in_by_names(user.name, user.principals)
    rules = [rule for duty in settings.duties for rule in duty.sudo]
    if rules:
        managed_file(DUTIES_FILE, content="\n".join([MANAGED, *rules, ""]), mode="440", validate_with=SUDO_ACCEPTS)
    else:
        absent_file(DUTIES_FILE)
    members((ADMINS_GROUP, HELPERS_GROUP, AUTOMATION_GROUP), {*(user.name for user, _ in groups), AUTOMATION, LOOK})
    for name in settings.former_admins:
        locked_account(name)
        let_in_by_keys(name, ())
        let_in_by_names(name, ())


def _of_people(host: Host, fleet: Fleet, options: Options) -> Logins:
    """Return who may log in, and who may not any more."""
    duties = {name: duty for role in known_roles(host) for name, duty in role.duties.items()}
    runs_here = MANAGEMENT_STATION in fleet.device_roles_of(host)
    found = logins(fleet.people, host.tenant, duties, runs_here=runs_here)
    authorities = bool(options.user_ca_keys)
    return with_admins(found, options.admins, options.former_admins, authorities=authorities)


def _plain(text: str) -> str:
    """Return text from the inventory as it may stand in a banner: one line, without agetty's escapes."""
    return re.sub(r"[\\\x00-\x1f\x7f]", " ", text)
