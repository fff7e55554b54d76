"""What stands before a NetBox of ours: the key that never leaves its host, the key's certificate, and nginx.

Not here: NetBox itself (role `netbox`).
"""

from __future__ import annotations

from collections.abc import Iterable

from inventory.network import Address
from roles.shared.families import by_openssl
from roles.shared.parts.ensured import ensured
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler, reload, restart
from roles.shared.parts.keys_of_tls import fits_the_key, own_key
from roles.shared.parts.services import confined, service
from roles.shared.sandbox import Need, Sandbox

TLS = "/etc/netbox/tls"
KEY, CERTIFICATE = f"{TLS}/netbox.key", f"{TLS}/netbox.crt"
NGINX = "nginx.service"
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
NGINX_ACCEPTS = (
    f"d=$(mktemp -d) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x "
    f"-keyout $d/netbox.key -out $d/netbox.crt 2> /dev/null && sed s,{TLS}/,$d/, {{path}} > $d/nginx.conf && "
    "nginx -t -q -c $d/nginx.conf; accepted=$?; rm -rf $d; exit $accepted"
)
"""With a certificate made for the question, so that it is the file that is judged, also where there is none yet."""


def front(configuration: str, certificate: str, names: Iterable[str], addresses: Iterable[Address]) -> None:
    """Declare the key, its certificate, and nginx.

    Args:
        configuration: nginx' own.
        certificate: what an authority signed; empty for one that the key itself signs, for these names and addresses.
    """
    reread = reload(NGINX)
    own_key(KEY, reread)
    if certificate:
        managed_file(CERTIFICATE, content=certificate, validate_with=fits_the_key(KEY), then=(reread,))
    else:
        _self_signed(tuple(names), tuple(addresses), reread)
    confined(SANDBOX, then=(restart(NGINX, daemon_reload=True),))
    managed_file(
        "/etc/nginx/nginx.conf",
        content=configuration,
        validate_with=NGINX_ACCEPTS,
        then=(reread,),
    )
    service(NGINX)


def _self_signed(names: tuple[str, ...], addresses: tuple[Address, ...], reread: Handler) -> None:
    """Declare a certificate that clients can trust as it is (names by RFC 6125, and no authority to sign others)."""
    named = [f"DNS:{name}" for name in names]
    held = ",".join([*named, *(f"IP:{a}" for a in addresses)])
    shown = ",".join([*named, *(f"IPAddress:{by_openssl(a)}" for a in addresses)])
    of_the_key = f'[ "$(openssl x509 -noout -pubkey -in {CERTIFICATE})" = "$(openssl pkey -pubout -in {KEY})" ]'
    ensured(
        f"certificate {CERTIFICATE}",
        question=f"openssl x509 -in {CERTIFICATE} -noout -checkend 2592000 && {of_the_key} && "
        f"openssl x509 -in {CERTIFICATE} -noout -ext subjectAltName | sed -n '2s/ //gp'",
        answer=f"Certificate will not expire\n{shown}\n",
        command=f"openssl req -x509 -key {KEY} -sha256 -days 3650 -out {CERTIFICATE}.new -subj /CN={names[0]} "
        f"-addext subjectAltName={held} -addext basicConstraints=critical,CA:FALSE "
        "-addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=serverAuth && "
        f"mv {CERTIFICATE}.new {CERTIFICATE}",
        then=(reread,),
    )
