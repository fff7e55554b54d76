"""What breaks the checks of the role netbox."""

from __future__ import annotations

import shlex

from inventory.netbox.permissions import API_USERS, READER, SEEDER, WRITER_BACK, ApiUser
from roles.netbox import (
    CERTIFICATE,
    CONFIGURATION,
    DATABASE,
    DUMP,
    DUMPED,
    DUMPS,
    HOME,
    KEY,
    QUEUE_OF_JOBS,
    SERVED,
    VENV,
    WORKS,
)
from roles.shared.parts.netbox_users import ACCESS
from roles.shared.parts.nginx_front import SANDBOX as FRONT
from tests.integration.mutations.change import (
    UNITS,
    Change,
    Changes,
    disabled,
    edited,
    loosened,
    stopped,
    unread,
    written,
)

NGINX, READ_NGINX = "/etc/nginx/nginx.conf", "systemctl reload nginx.service"


def sql(statement: str) -> str:
    """A statement, carried out in NetBox's database."""
    return f"cd / && runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 -d netbox -c {shlex.quote(statement)}"


RESTART_NETBOX = "systemctl restart netbox.service"
WITHOUT_PLUGIN = edited(CONFIGURATION, "s/^PLUGINS = .*/PLUGINS = []/", RESTART_NETBOX)


def altered(table: str, key: str, name: str, change: str, mend: str) -> Change:
    """A row of NetBox's is another one: what is changed in it, and what mends that, an SQL assignment or a command."""
    where = f"where {key} = '{name}'"
    mends = sql(f"update {table} set {mend} {where}") if "=" in mend else mend  # noqa: S608  all of it stands here
    return Change(sql(f"update {table} set {change} {where}"), mends)  # noqa: S608  as above


def _all_powerful(user: ApiUser) -> Change:
    """A user of samdrift is a superuser, with a token that may write."""
    given = altered("users_user", "username", user.name, "is_superuser = true", "is_superuser = false")
    token = altered("users_token", "key", user.key, "write_enabled = true", f"write_enabled = {user.writes}")
    return Change(f"{given.breaks} && {token.breaks}", f"{token.mends} && {given.mends}")


def in_netbox(program: str) -> str:
    """A program of one line, run with what NetBox has."""
    start = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'netbox.settings'; import django; django.setup(); "
    return f"cd {HOME} && runuser -u netbox -- {VENV}/bin/python -c {shlex.quote(start + program)}"


OF_HOSTS = "from virtualization.models import VirtualMachine as VM; "
TWO_HOSTS = in_netbox(f"{OF_HOSTS} [VM.objects.create(name=f'mutation-{{i}}') for i in (1, 2)]")
NO_HOSTS = in_netbox(f"{OF_HOSTS} VM.objects.filter(name__startswith='mutation-').delete()")
"""A NetBox that nobody has seeded has no hosts to try it on."""

NETBOX: Changes = {
    **{
        f"its service may do what it needs and nothing else [{unit}]": loosened(unit, path, starts=unit != DUMPED.unit)
        for unit, path in (
            (DATABASE.unit, ""),
            (FRONT.unit, ""),
            *((own.unit, f"{UNITS}/{own.unit}") for own in (SERVED, WORKS, DUMPED)),
        )
    },
    "a page loads from shows and sends to no other site": (
        edited(NGINX, "s/.*Content-Security-Policy.*//", READ_NGINX),
        edited(NGINX, "s/frame-ancestors 'self'/frame-ancestors */", READ_NGINX),
    ),
    "whoever guesses passwords is slowed down": (edited(NGINX, "s/^ *limit_req zone=.*//", READ_NGINX),),
    f"its service may do what it needs and nothing else [{QUEUE_OF_JOBS.unit}]": unread(QUEUE_OF_JOBS.unit),
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
        edited(NGINX, "s/.*add_header X-Frame-Options.*//", READ_NGINX),
        edited(NGINX, "s/.*proxy_hide_header X-Content-Type-Options.*//", READ_NGINX),
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
    "the certificate holds for three weeks": (
        Change(
            f"cp -a {CERTIFICATE} {CERTIFICATE}.kept && openssl req -x509 -new -key {KEY} -days 14 "
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
    "users permissions and tokens are as declared": (
        altered("users_objectpermission", "name", SEEDER.permissions[0].name, "enabled = false", "enabled = true"),
        altered("users_user", "username", "admin", "is_active = false", "is_active = true"),
        altered("users_token", "key", READER.key, "write_enabled = true", "write_enabled = false"),
        altered("users_objectpermission", "name", READER.permissions[0].name, "actions = '{view,add}'", ACCESS),
        Change(
            sql(
                "insert into users_user (username, is_active, is_superuser, password, first_name, last_name, email, "
                "date_joined) values ('samdrift', true, true, '!', '', '', '', now())"
            ),
            sql("delete from users_user where username = 'samdrift'"),
        ),
    ),
    **{
        f"a user of samdrift may what it must and nothing else [{user.name}, {action}]": (_all_powerful(user),)
        for user in API_USERS
        for action in ("view", "add", "change", "delete")
    },
    **{
        f"a user of samdrift makes itself no token [{user.name}]": (
            edited(CONFIGURATION, 's/"users.token": .*/"users.token": _OWN,/', RESTART_NETBOX),
        )
        for user in API_USERS
    },
    **{
        f"a token is refused from any other address whatever that says [{user.name}]": (
            altered("users_token", "key", user.key, "allowed_ips = null", ACCESS),
            edited(NGINX, "s/X-Real-IP .remote_addr/X-Real-IP $http_x_real_ip/", READ_NGINX),
        )
        for user in API_USERS
    },
    "every token of samdrift expires and not within a month": (
        altered("users_token", "key", READER.key, "expires = null", ACCESS),
        altered("users_token", "key", WRITER_BACK.key, "expires = now() + '20 days'", ACCESS),
        altered("users_token", "key", SEEDER.key, "expires = now() + '9000 days'", ACCESS),
    ),
    "write back sets its own fields of a host and nothing else": (
        Change(
            f"{TWO_HOSTS} && {WITHOUT_PLUGIN.breaks}",
            f"{WITHOUT_PLUGIN.mends} && {NO_HOSTS}",
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
        Change("chown nobody /etc/netbox/secrets/read_token", "chown root /etc/netbox/secrets/read_token"),
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


def shown(*arguments: str, after: str = f" && {READ_NGINX}") -> Change:
    """Have nginx show a certificate that the key itself signs, for a while."""
    signs = f"openssl req -x509 -new -key {KEY} -subj /CN=tie-netbox1 -addext subjectAltName=DNS:tie-netbox1"
    kept = f"cp -a {CERTIFICATE} {CERTIFICATE}.kept"
    return Change(
        f"{kept} && {signs} {' '.join(arguments)} -out {CERTIFICATE}{after}",
        f"mv {CERTIFICATE}.kept {CERTIFICATE} && {READ_NGINX}",
    )


SPENT = "-not_before 20260101000000Z -not_after $(date -u -d '+1 day' +%Y%m%d%H%M%SZ)"

CERTIFICATES: Changes = {
    "every service shows a certificate that the host trusts for its name": (
        shown("-days 90"),
        stopped("nginx.service"),
    ),
    "every service shows the certificate that it was given": (shown("-days 90", after=""),),
    "every certificate that is shown has a quarter of its time left": (shown(SPENT),),
}
