"""Access switch: ports for people's equipment, VLANs of the site, and what keeps both from each other's mistakes.

Its whole configuration comes from NetBox: VLANs of the site, ports with their VLANs, descriptions from what the cables
lead to, LAGs (several cables that are one link, by LACP), interfaces with addresses. On ports with no switch behind
them, spanning tree's BPDU guard is on, and nobody announces a router or answers DHCP; DHCP answers are let in from
where the fleet's gateways and firewalls are. SSH comes from the management stations alone, SNMP from monitoring, over
IPv4 and IPv6: over one that the switch is not administered over, from nobody. Its
log goes to the log servers by TCP, port 514, from the address that it is administered at.

Ports that NetBox does not know are left alone, and told as unmanaged; what NetBox knows and no role writes (a routed
port, an interface in a VRF) is left alone too, and `check` says so.

Who has the duty `access_switch.ports` for its municipality (`inventory/people.yaml`) logs in with an account of their
own: they see how the switch stands, and where people plug in they set a description and the access VLAN, and take a
port down and up. (What NetBox says of a port is put back by the next apply.) IOS cannot say which ports: there it is
any.

Options (config context `samdrift.access_switch`): see `roles.shared.device.switch.SwitchOptions` and
`roles.shared.device.settings.Options`.
"""

from __future__ import annotations

from inventory.fleet import Fleet, Host
from inventory.secrets import Secret
from roles.shared.device.configure import configuration
from roles.shared.device.filters import device_filter
from roles.shared.device.helpers import helpers_of
from roles.shared.device.known import vendor_of
from roles.shared.device.sections import switch_sections
from roles.shared.device.settings import device_asks, device_listens, device_unserved
from roles.shared.device.switch import SwitchOptions as Options
from roles.shared.device.switch import SwitchSettings as Settings
from roles.shared.device.switch import switch_settings
from roles.shared.duties import Duty
from roles.shared.filtering import Filter
from roles.shared.traffic import Ask, Listen

SWEDISH = (
    "Åtkomstväxel: portar för människors utrustning, platsens VLAN och det som skyddar båda från den andras misstag."
)
PLATFORMS = ("arubaos-cx", "cisco-ios", "junos")
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.21", "ISO 27002:2022 8.22")

DUTIES = (
    Duty(
        name="ports",
        title=(
            "Se växeln; ändra beskrivning och VLAN på en port, ta ned och upp den",
            "See the switch; set a port's description and VLAN, take it down and up",
        ),
    ),
)

__all__ = ["Options", "Settings"]


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute ports, VLANs and servers from the fleet, and who helps there."""
    found = switch_settings(host, fleet, options)
    own = tuple(account.user for account in found.accounts.own)
    secret = Secret(name=f"{options.secrets}_helper", municipality=host.tenant)
    helpers = helpers_of(host, fleet, vendor_of(host, fleet), "access_switch.ports", secret=secret, taken=own)
    return found.model_copy(update={"accounts": found.accounts.model_copy(update={"helpers": helpers})})


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve SSH and SNMP, each to those who need it."""
    return device_listens(settings)


def asks(settings: Settings) -> tuple[Ask, ...]:
    """Ask the servers that know who may log in."""
    return device_asks(settings)


def filters(settings: Settings) -> Filter:
    """Let in administration and monitoring; of everything else this role says nothing."""
    return device_filter(settings)


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say which primary address of IPv6 it is not administered at, and which servers it is not told of."""
    return device_unserved(host, fleet)


def left(settings: Settings) -> tuple[str, ...]:
    """Say which interfaces stay as they are."""
    return settings.left


def deploy(settings: Settings) -> None:
    """Declare one configuration, in the vendor's own words."""
    configuration(
        template="access_switch",
        platform=settings.platform,
        series=settings.series,
        settings=settings,
        managed=switch_sections(settings),
        accounts=settings.accounts.own,
    )
