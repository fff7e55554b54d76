"""Sign hosts' requests for certificates: with the authority's key, a secret that stays here, or by a program.

A request comes from a host and is judged before anything is signed; what a program signed is judged before a host gets
it (`roles.shared.certificates`). The key is opened when a request is to be signed, and not for a look.
"""

from __future__ import annotations

import os
import subprocess
from datetime import datetime
from pathlib import Path

from deploy.model import clock
from deploy.vault.interface import Vault
from inventory.errors import SamdriftError
from inventory.secrets import Secret
from roles.shared.certificates import AUTHORITY_KEY, Order, faults, is_due, refusals, signed

PROGRAM = "SAMDRIFT_SIGNER"
"""The environment variable that names a program of this machine's, which signs: request on stdin, certificate on
stdout, with those that lead to the authority."""
OF_THE_MACHINE = "/etc/samdrift/signer"
"""That program where the environment names none: people's own does not reach samdrift on a management station."""

WITHIN = 120
"""Seconds for a program that signs: somebody may have to touch a token."""


class NotSigned(SamdriftError):
    """A host's request for a certificate was not signed."""


class Signer:
    """Whoever signs requests as they were ordered.

    Args:
        vault: holds the authority's key.
        program: signs where no secret is the key; by default what the environment names, or the machine has.
    """

    def __init__(self, vault: Vault, program: str | None = None) -> None:
        self._vault, self._program = vault, os.environ.get(PROGRAM, OF_THE_MACHINE) if program is None else program

    def sign(self, order: Order, request: str, where: str) -> str:
        """Return the certificate that was ordered, followed by the authority's.

        Args:
            where: whose request it is, for errors.

        Raises:
            NotSigned: with what is wrong with the request, the key, or what a program signed.
        """
        if wrong := refusals(request, order):
            fix = "see who else has changed the host; nothing was signed"
            raise NotSigned(f"its request for a certificate is refused: {'; '.join(wrong)}", where=where, fix=fix)
        now = datetime.fromisoformat(clock.now())
        chain = self._by_key(order, request, now) if order.keeper else self._by_program(order, request)
        wrong = faults(chain, order, now.date())
        if not wrong and is_due(chain, now.date()):
            wrong = ("it is to be renewed at once",)
        if wrong:
            what = f"what was signed for it is not what was ordered: {'; '.join(wrong)}"
            raise NotSigned(what, where=where, fix="see the options of role certificates, and the authority")
        return chain

    def _by_key(self, order: Order, request: str, now: datetime) -> str:
        secret = Secret(name=AUTHORITY_KEY, municipality=order.keeper)
        try:
            key = self._vault.open({secret: f"to sign as {order.by},"}).reveal(secret.placeholder, (secret,))
        except SamdriftError as e:
            raise NotSigned(e.what, where=e.where, fix=e.fix) from None
        try:
            return signed(request, order, key, now)
        except ValueError as e:
            raise NotSigned(str(e), where=f"secret {AUTHORITY_KEY} of {order.keeper}") from None

    def _by_program(self, order: Order, request: str) -> str:
        if not Path(self._program).is_absolute():
            fix = f"name a program by its whole path in {PROGRAM}, or a keeper of the key: docs/certificates.md"
            raise NotSigned(f"no program was named that signs as {order.by}", where=PROGRAM, fix=fix)
        try:
            done = subprocess.run(  # no shell, and nothing of the inventory's in it
                [self._program], input=request, capture_output=True, text=True, timeout=WITHIN, check=False
            )
        except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as e:
            raise NotSigned(f"the program that signs cannot be used: {e}", where=self._program) from None
        if done.returncode:
            why = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise NotSigned(f"the program refused (exit {done.returncode}): {why[0]}", where=self._program)
        return done.stdout
