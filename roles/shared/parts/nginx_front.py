"""What stands before pages of ours: nginx with TLS, a key that never leaves its host, and the key's certificate.

Not here: what is served, and to whom (the roles; each brings nginx' configuration).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from inventory.network import Address
from roles.shared.certificates import Issuer, ordered
from roles.shared.families import by_openssl
from roles.shared.parts.ensured import ensured
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler, reload, restart
from roles.shared.parts.issued import issued
from roles.shared.parts.keys_of_tls import fits_the_key, own_key
from roles.shared.parts.services import confined, service
from roles.shared.sandbox import Need, Sandbox

NGINX = "nginx.service"
CONFIGURATION = "/etc/nginx/nginx.conf"
SANDBOX = Sandbox(
    unit=NGINX,
    needs=(
        Need(
            directive="CapabilityBoundingSet",
            value="CAP_CHOWN CAP_DAC_OVERRIDE CAP_KILL CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID",
            why="Port 443; who serves runs as www-data, whose its logs and directories are, and is ended by root.",
        ),
        Need(
            directive="ReadWritePaths",
            value="/run /var/lib/nginx /var/log/nginx",
            why="The number of its process, what is uploaded, and its logs.",
        ),
    ),
)


class Tls(NamedTuple):
    """Where the key and the certificate of a front are: `name` in a directory that is root's alone.

    `believes` is a file of authorities beside them, whose certificates clients are to show; empty if they need none.
    """

    directory: str
    name: str
    believes: str = ""

    @property
    def key(self) -> str:
        """Return the file of the key."""
        return f"{self.directory}/{self.name}.key"

    @property
    def certificate(self) -> str:
        """Return the file of the certificate."""
        return f"{self.directory}/{self.name}.crt"

    @property
    def judge(self) -> str:
        """Return the command by which nginx judges a configuration (`{path}`).

        With a certificate made for the question, so that it is the file that is judged, also where there is none yet.
        """
        believed = f"cp $d/{self.name}.crt $d/{self.believes} && " if self.believes else ""
        return (
            f"d=$(mktemp -d) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x "
            f"-keyout $d/{self.name}.key -out $d/{self.name}.crt 2> /dev/null && {believed}"
            f"sed s,{self.directory}/,$d/, {{path}} > $d/nginx.conf && "
            "nginx -t -q -c $d/nginx.conf; accepted=$?; rm -rf $d; exit $accepted"
        )


class Signed(NamedTuple):
    """Who signs the certificate of a front: somebody who gave it, else the organisation's authority, else the key."""

    elsewhere: str
    by: Issuer | None


def front(tls: Tls, configuration: str, signed: Signed, names: Iterable[str], addresses: Iterable[Address]) -> None:
    """Declare the key, its certificate for these names and addresses, and nginx.

    Args:
        configuration: nginx' own.
    """
    reread = reload(NGINX)
    own_key(tls.key, reread)
    if signed.elsewhere:
        managed_file(tls.certificate, content=signed.elsewhere, validate_with=fits_the_key(tls.key), then=(reread,))
    elif signed.by:
        issued(tls.certificate, tls.key, ordered(signed.by, names, addresses), then=(reread,))
    else:
        _self_signed(tls, tuple(names), tuple(addresses), reread)
    confined(SANDBOX, then=(restart(NGINX, daemon_reload=True),))
    managed_file(CONFIGURATION, content=configuration, validate_with=tls.judge, then=(reread,))
    service(NGINX)


def _self_signed(tls: Tls, names: tuple[str, ...], addresses: tuple[Address, ...], reread: Handler) -> None:
    """Declare a certificate that clients can trust as it is (names by RFC 6125, and no authority to sign others)."""
    named = [f"DNS:{name}" for name in names]
    held = ",".join([*named, *(f"IP:{a}" for a in addresses)])
    shown = ",".join([*named, *(f"IPAddress:{by_openssl(a)}" for a in addresses)])
    key, file = tls.key, tls.certificate
    of_the_key = f'[ "$(openssl x509 -noout -pubkey -in {file})" = "$(openssl pkey -pubout -in {key})" ]'
    ensured(
        f"certificate {file}",
        question=f"openssl x509 -in {file} -noout -checkend 2592000 && {of_the_key} && "
        f"openssl x509 -in {file} -noout -ext subjectAltName | sed -n '2s/ //gp'",
        answer=f"Certificate will not expire\n{shown}\n",
        command=f"openssl req -x509 -key {key} -sha256 -days 3650 -out {file}.new -subj /CN={names[0]} "
        f"-addext subjectAltName={held} -addext basicConstraints=critical,CA:FALSE "
        "-addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=serverAuth && "
        f"mv {file}.new {file}",
        then=(reread,),
    )
