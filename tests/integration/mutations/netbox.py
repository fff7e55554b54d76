"""What breaks the checks of the role netbox."""

from __future__ import annotations

import shlex

from roles.netbox import CERTIFICATE, CONFIGURATION, DUMP, DUMPS, HOME, KEY, VENV
from tests.integration.mutations.change import Change, Changes, disabled, edited, stopped, written

NGINX, READ_NGINX = "/etc/nginx/nginx.conf", "systemctl reload nginx.service"


def sql(statement: str) -> str:
    """A statement, carried out in NetBox's database."""
    return f"cd / && runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 -d netbox -c {shlex.quote(statement)}"


NETBOX: Changes = {
    **{
        f"it runs [{unit}]": (stopped(*units),)
        for unit, units in {
            "netbox.service": ("netbox.socket", "netbox.service"),
            "netbox.socket": ("netbox.socket", "netbox.service"),
            "netbox-rq.service": ("netbox-rq.service",),
            "postgresql@17-main.service": ("postgresql@17-main.service",),
            "valkey-server.service": ("valkey-server.service",),
            "nginx.service": ("nginx.service",),
            "netbox-dump.timer": ("netbox-dump.timer",),
        }.items()
    },
    **{
        f"it starts at boot [{unit}]": (disabled(unit),)
        for unit in (
            "netbox.service",
            "netbox.socket",
            "netbox-rq.service",
            "postgresql@17-main.service",
            "valkey-server.service",
            "nginx.service",
            "netbox-dump.timer",
        )
    },
    "the login page comes by tls that the certificate proves": (
        edited(NGINX, "s/.*X-Frame-Options.*//", READ_NGINX),
        Change(
            f"cp -a {CERTIFICATE} {CERTIFICATE}.kept && openssl req -x509 -new -key {KEY} -days 400 "
            f"-subj /CN=other.invalid -out {CERTIFICATE} && {READ_NGINX}",
            f"mv {CERTIFICATE}.kept {CERTIFICATE} && {READ_NGINX}",
        ),
    ),
    "the api lets nobody in without a token": (
        edited(NGINX, "s,location / [{],location /api/ { return 200; }\\n        &,", READ_NGINX),
        edited(NGINX, "s,location / [{],location /graphql/ { return 200; }\\n        &,", READ_NGINX),
    ),
    "it answers to no other name": (edited(NGINX, "s/Host [$]http_host/Host $server_name/", READ_NGINX),),
    "tls is new enough [tls1_1, False]": (
        edited(
            NGINX,
            "s/ssl_protocols .*/ssl_protocols TLSv1.1 TLSv1.2;/; s/ssl_ciphers .*/ssl_ciphers ALL:@SECLEVEL=0;/",
            READ_NGINX,
        ),
        stopped("nginx.service"),
    ),
    "tls is new enough [tls1_2, True]": (edited(NGINX, "s/ssl_protocols .*/ssl_protocols TLSv1.3;/", READ_NGINX),),
    "tls is new enough [tls1_3, True]": (edited(NGINX, "s/ssl_protocols .*/ssl_protocols TLSv1.2;/", READ_NGINX),),
    "the certificate holds for two months": (
        Change(
            f"cp -a {CERTIFICATE} {CERTIFICATE}.kept && openssl req -x509 -new -key {KEY} -days 40 "
            f"-subj /CN=tie-netbox1 -addext subjectAltName=DNS:tie-netbox1 -out {CERTIFICATE} && {READ_NGINX}",
            f"mv {CERTIFICATE}.kept {CERTIFICATE} && {READ_NGINX}",
        ),
    ),
    "the worker takes jobs": (stopped("netbox-rq.service"),),
    "housekeeping is due": (
        Change(
            sql("update core_job set status = 'mutation' where name = 'System Housekeeping' and status = 'scheduled'"),
            sql("update core_job set status = 'scheduled' where status = 'mutation'"),
        ),
    ),
    "every migration of the installed netbox is applied": (
        Change(
            sql("update django_migrations set name = 'x' || name where app = 'dcim'"),
            sql("update django_migrations set name = substr(name, 2) where app = 'dcim'"),
        ),
    ),
    "superuser and token are as the secrets say": (
        Change(
            sql("update users_user set is_active = false where username = 'samdrift'"),
            sql("update users_user set is_active = true where username = 'samdrift'"),
        ),
    ),
    "no file of netbox was changed by hand": (
        edited(f"$(ls {VENV}/lib/python*/site-packages/netbox/settings.py)", "$ a # changed"),
        written(f"$(echo {VENV}/lib/python*/site-packages/netbox)/mutation.py", "import os"),
        Change(
            f"cd {VENV}/lib/python*/site-packages && mv netbox-*.dist-info/RECORD {HOME}/kept",
            f"cd {VENV}/lib/python*/site-packages && mv {HOME}/kept $(ls -d netbox-*.dist-info)/RECORD",
        ),
    ),
    "the database and the queue listen on no network": (
        Change(
            "valkey-cli -s /run/valkey/valkey.sock config set port 6380",
            "valkey-cli -s /run/valkey/valkey.sock config set port 0",
        ),
    ),
    "secrets are roots and netbox s alone": (
        Change(f"chmod 644 {CONFIGURATION}", f"chmod 640 {CONFIGURATION}"),
        Change("chown nobody /etc/netbox/secrets/api_token", "chown root /etc/netbox/secrets/api_token"),
    ),
    "netbox cannot write what it runs": (
        Change(f"chown netbox {HOME}/conf", f"chown root {HOME}/conf"),
        Change(f"chmod 777 {VENV}/bin", f"chmod 755 {VENV}/bin"),
    ),
    "the newest dump can be read": (
        Change(
            f"runuser -u netbox -- {DUMP} && cd {DUMPS} && truncate -s -2000 $(ls -t *.dump | head -n 1)",
            f"cd {DUMPS} && rm $(ls -t *.dump | head -n 1)",
        ),
    ),
}
