"""`asked_by_name`: an exporter or Prometheus itself answers only who knows a password, whoever the firewall lets in.

The password is a secret, and stands in a file of root's; what the program reads is bcrypt's digest of it, made on the
host with a salt of its own. Programs of Prometheus read that file for every question, so nothing is restarted.

Not here: which secret (the roles), and TLS, which asks for an authority.
"""

from __future__ import annotations

from pyinfra.operations import files

from inventory.secrets import Secret
from roles.shared.parts.ensured import ensured
from roles.shared.parts.files import managed_file

USER = "samdrift"
READER = "prometheus"
"""The account that Debian runs the programs as."""

MATCHES = r"""perl -e '
sub text { local $/; open my $f, "<", shift or exit 1; <$f> }
my ($password, $web) = (text(shift), text(shift));
chomp $password;
my ($digest) = $web =~ /^  samdrift: "(\S+)"$/m or exit 1;
print crypt($password, $digest) eq $digest ? "the digest of the password\n" : "another\n"'"""
"""Tells whether a file of digests has that of a file's password."""

MADE = r"""perl -e '
sub text { local $/; open my $f, "<", shift or exit 1; <$f> }
my $password = text(shift);
chomp $password;
open my $random, "<", "/dev/urandom" or exit 1;
read($random, my $bytes, 21) == 21 or exit 1;
my $salt = join "", map { (".", "/", "A".."Z", "a".."z", 0..9)[ord($_) & 63] } split //, $bytes;
my $digest = crypt($password, "\$2b\$05\$${salt}u");
length($digest) == 60 or exit 1;
print "# Managed by samdrift; local changes are lost.\nbasic_auth_users:\n  samdrift: \"$digest\"\n"'"""
"""Makes a file of digests, of the cheapest kind: a long, random password that is asked for every few seconds."""


def asked_by_name(directory: str, password: Secret, *, asks_itself: bool = False) -> None:
    """Declare the password, and the file by which a program knows who may ask it.

    Args:
        asks_itself: the program knows the password, too.
    """
    clear, web = f"{directory}/password", web_file(directory)
    files.directory(name=f"directory {directory}", path=directory, user="root", group="root", mode="755")
    group, mode = (READER, "640") if asks_itself else ("root", "600")
    managed_file(clear, content=f"{password}\n", group=group, mode=mode)
    ensured(
        f"who may ask, {web}",
        question=f"{MATCHES} {clear} {web} && stat -c '%U:%G %a' {web}",
        answer=f"the digest of the password\nroot:{READER} 640\n",
        command=f"(umask 077 && {MADE} {clear} > {web}.new) && chown root:{READER} {web}.new && "
        f"chmod 640 {web}.new && mv -fT {web}.new {web}",
    )


ASK = """\
bash -c 'exec 3<>/dev/tcp/{address}/{port} &&
  printf "GET {path} HTTP/1.0\\r\\n\\r\\n" >&3 && timeout %d cat <&3'
"""
ASK_BY_NAME = """\
bash -c 'exec 3<>/dev/tcp/{address}/{port} &&
  printf "GET {path} HTTP/1.0\\r\\n%%s\\r\\n\\r\\n" "%s" >&3 && timeout %d cat <&3'
"""


def questions(directory: str, *, seconds: int = 10) -> tuple[str, str]:
    """Return the commands by which root of this host asks a program over HTTP: as anybody, and by its password.

    Each has the holes `{address}`, `{port}` and `{path}`.
    """
    return ASK % seconds, ASK_BY_NAME % (by_name(directory), seconds)


def web_file(directory: str) -> str:
    """Return the file that the program is given (`--web.config.file`)."""
    return f"{directory}/web.yml"


def by_name(directory: str) -> str:
    """Return, for a shell, the header by which root of this host asks its own program."""
    return f'Authorization: Basic $(printf {USER}:%s "$(cat {directory}/password)" | base64 -w 0)'
