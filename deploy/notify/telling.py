"""Tell a municipality's people what changed on its hosts: after a scan, and whenever something is left to be told.

Not here: which parts that is made of (`transitions`, `letter`, `outbox`, `sending`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from deploy.model.record import Record
from deploy.notify.others import Others
from deploy.notify.outbox import Letter, OutboxFile, deliver
from deploy.notify.sending import End, Outcome, Smtp, by_email, by_webhook
from deploy.notify.transitions import seen
from inventory.fleet import Host
from inventory.frozen import Frozen
from inventory.recipients import Recipients, WhoHears


class Sender(Frozen):
    """The means of a station to send: its mail server, and the file of the key that it signs for webhooks with."""

    smtp: Smtp | None = None
    key_file: str = ""

    def hand(self, letter: Letter, handing_over: Callable[[], None]) -> Outcome:
        """Hand one letter over."""
        if letter.by == "email":
            if self.smtp is None:
                return Outcome(End.LATER, "this station has no mail server any more")
            message = letter.notice.as_email(self.smtp.sender, letter.to, letter.language)
            return by_email(self.smtp, letter.to, message, handing_over)
        key = None
        if letter.signed:
            try:
                key = Path(self.key_file).read_bytes().strip()
            except OSError as e:
                return Outcome(End.LATER, f"no key to sign it with: {e.strerror}")
        body = json.dumps(letter.notice.as_json(), ensure_ascii=False).encode("utf-8", "backslashreplace")
        return by_webhook(letter.to, body, letter.id, key, handing_over)


class Teller:
    """Tells one municipality's people. `called` is the municipality's name.

    Args:
        now: the time, for quiet times.
    """

    def __init__(
        self,
        file: OutboxFile,
        municipality: str,
        called: str,
        *,
        hears: WhoHears,
        sender: Sender,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._file, self._municipality, self._called = file, municipality, called
        self._hears, self._sender, self._now = hears, sender, now

    def knows(self, record: str) -> bool:
        """Tell whether what a scan found was taken in."""
        return self._file.read().record == record

    @property
    def unreachable(self) -> tuple[str, ...]:
        """Return who would hear if this station had a mail server. Once it has, they hear of all that is open."""
        return () if self._sender.smtp else self._hears.of(self._municipality).email

    @property
    def _reachable(self) -> Recipients:
        recipients = self._hears.of(self._municipality)
        return recipients.model_copy(update={"email": ()}) if self.unreachable else recipients

    def take_in(self, record: Record, hosts: Iterable[Host]) -> None:
        """Take in what a scan found. Nobody is told yet."""
        fleet = tuple(hosts)
        outbox = self._file.read()
        managed = {h.name for h in fleet if h.is_managed and h.tenant == self._municipality}
        others = Others(self._municipality, fleet)
        found = seen(record, self._municipality, others, outbox.seen.open, managed)
        self._file.write(outbox.with_scan(found, record.id, datetime.fromisoformat(record.finished)))

    def tell(self) -> tuple[str, ...]:
        """Tell what is to be told, unless it is a quiet time; return in a line each what went wrong.

        Raises:
            SamdriftError: what people were told is damaged.
        """
        outbox = self._file.read()
        if self._hears.quiet_for(self._municipality, self._now()):
            return ()
        noticed = outbox.with_notice(self._municipality, self._called, self._reachable)
        if noticed != outbox:
            outbox = self._file.write(noticed)
        return deliver(self._file, outbox, self._sender.hand)[1]
