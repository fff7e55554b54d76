"""The monitoring host reads a device by SNMPv3, with the secrets of the device's own municipality: Debian's snmpd.

The lab's switches have no SNMP. So snmpd stands on the host itself, at the address of one that the lab has not, and
knows the user as the switch's own role would make it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.lab.lab import Lab
from inventory.secrets import Secret
from roles.shared.intent import Intent
from roles.snmp_metrics import Settings
from tests.integration.lab import by_hand, lab_fleet, samdrift

pytestmark = [pytest.mark.lab, pytest.mark.long]

HOST, DEVICE, MUNICIPALITY = "tie-mon1", "tie-sw3", "tierp"
NEEDED = f"{HOST} or tie-gw1 or role=package_cache or role=log_server or role=dns_resolver"
PLACE = "/tmp/samdrift-snmp"
BEGIN = """\
set -eu
mkdir -p {place} && cd {place}
cat > snmpd.conf <<'END'
agentaddress udp:{address}:161
view all included .1
rouser monitor authpriv -V all
createUser monitor SHA "{auth}" AES "{priv}"
END
[ -x usr/sbin/snmpd ] || {{ apt-get -qq download snmpd && dpkg-deb --extract snmpd_*.deb .; }}
ip address add {address}/32 dev lo
MIBS= SNMP_PERSISTENT_DIR={place} setsid usr/sbin/snmpd -C -c {place}/snmpd.conf -p {place}/pid -Lf {place}/log
for try in $(seq 100); do ! grep -q 'NET-SNMP version' log || break; sleep 0.1; done
"""
END = "kill $(cat {place}/pid); ip address del {address}/32 dev lo; rm -rf {place}"
ASK = """\
bash -c 'exec 3<>/dev/tcp/127.0.0.1/9116 &&
  printf "GET /snmp?module=device&auth={auth}&target={address} HTTP/1.0\\r\\n%s\\r\\n\\r\\n" \
  "Authorization: Basic $(printf samdrift:%s "$(cat /etc/prometheus/web/password)" | base64 -w 0)" >&3 &&
  timeout 20 cat <&3'
"""
LEAKS = """\
grep -rlF -f - /etc /proc/[0-9]*/cmdline /proc/[0-9]*/environ /var/log 2> /dev/null << 'END' |
{value}
END
  grep -vx /etc/prometheus/snmp-users.yml || true
"""
"""What is looked for is no argument of who looks."""


class Read:
    """What the host knows of the device's address and user."""

    def __init__(self) -> None:
        found = Intent(lab_fleet()).of(lab_fleet().host(HOST), "snmp_metrics")
        assert isinstance(found, Settings)
        (self.tries,) = (t for t in found.tries if DEVICE in {target.name for target in t.targets})
        (self.address,) = (target.target for target in self.tries.targets if target.name == DEVICE)
        secrets = [Secret(name=f"switch_snmp_{part}", municipality=MUNICIPALITY) for part in ("auth", "priv")]
        veil = Lab().vault().open(dict.fromkeys(secrets, "a test"))
        self.auth, self.priv = (veil.reveal(str(secret), [secret]) for secret in secrets)

    def told(self) -> str:
        """What the exporter tells of the device, asked as Prometheus asks."""
        auth = self.tries.parameters["auth"].replace(" ", "+")
        return by_hand(HOST, ASK.format(auth=auth, address=self.address))

    def begin(self, auth: str) -> None:
        """Have a device with this password."""
        by_hand(HOST, BEGIN.format(place=PLACE, address=self.address, auth=auth, priv=self.priv))

    def end(self) -> None:
        """Take it away."""
        by_hand(HOST, END.format(place=PLACE, address=self.address))


@pytest.fixture(scope="module")
def read(machine: None) -> Read:
    """A host that was applied, in a lab as other tests left it or a new one."""
    samdrift("lab", "up")
    samdrift("--lab", "--limit", NEEDED, "apply", "--yes", "--reason", "tests of SNMP")
    return Read()


@pytest.fixture
def device(read: Read, request: pytest.FixtureRequest) -> Iterator[Read]:
    """A device with the password of its municipality, or another."""
    read.begin(getattr(request, "param", "") or read.auth)
    yield read
    read.end()


def test_a_device_is_read_with_its_municipalitys_own_secrets(device: Read) -> None:
    told = device.told()
    assert "\nsysUpTime " in told
    assert 'ifOperStatus{ifAlias="",ifIndex="1",ifName="lo"} 1' in told


@pytest.mark.parametrize("device", ["another-password"], indirect=True)
def test_a_device_with_another_password_tells_nothing(device: Read) -> None:
    told = device.told()
    assert " 200 " not in told.partition("\n")[0]
    assert "ifOperStatus" not in told


def test_the_password_is_in_no_other_file_and_in_no_process(read: Read) -> None:
    assert by_hand(HOST, LEAKS.format(value=read.auth)) == ""
    assert read.auth in by_hand(HOST, "cat /etc/prometheus/snmp-users.yml")
