"""The veil: the values of secrets, and what may be seen of texts that hold them. Pure; where values are kept is not
its business (`deploy/vault/interface.py`).

A text is *revealed* on its way to a host and *veiled* on its way from one. Only secrets that a role's settings
declare are revealed, so that a placeholder that somebody smuggled into the inventory stays one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from urllib.parse import quote, quote_plus

from inventory.errors import SamdriftError
from inventory.secrets import PLACEHOLDER, Secret

SHORTEST = 12
"""Characters of a secret's value, at least: what is shorter can be guessed, and stands in texts by chance."""

WINDOW = 8
"""So many characters of a value in a row are hidden in what a host says: programs quote half of what they refuse."""


ARMOUR = re.compile(r"^-----(BEGIN|END) [A-Z0-9 ]+-----\n?", re.MULTILINE)
"""What stands around a key in PEM (RFC 7468), and around every certificate, too: it is no secret."""


class Veil:
    """Values by secret, and by municipality a random key for seals.

    Puts secret values into text for a host (`reveal`), and takes them out of text that a host printed (`hide`).

    Without a value it hides nothing and can reveal nothing.

    Args:
        former: values that secrets had before, which a host may still have: they are hidden too.
    """

    def __init__(
        self,
        values: Mapping[Secret, str] | None = None,
        keys: Mapping[str, bytes] | None = None,
        former: Mapping[Secret, str] | None = None,
    ) -> None:
        self._values, self._keys = dict(values or {}), dict(keys or {})
        self._pieces: dict[str, str] = {}
        for secret, value in (*(former or {}).items(), *self._values.items()):
            for form in _forms(ARMOUR.sub("", value)):
                starts = range(len(form) - WINDOW + 1)
                self._pieces.update({form[i : i + WINDOW]: secret.placeholder for i in starts})

    def __repr__(self) -> str:
        return f"Veil({len(self._values)} secrets)"

    def reveal(self, text: str, secrets: Iterable[Secret]) -> str:
        """Put the values of these secrets, and of no others, in place of their placeholders.

        Raises:
            SamdriftError: the value of one of them is not known.
        """
        named = {s.known_as: s.as_kept for s in secrets}
        for secret in named.values():
            if secret not in self._values:
                raise SamdriftError(
                    f"secret {secret.name} is needed, and its value is not known here",
                    where=f"secrets of {secret.municipality}",
                )
        return PLACEHOLDER.sub(lambda m: self._values[named[m[1]]] if m[1] in named else m[0], text)

    def seal(self, text: str, secrets: Iterable[Secret]) -> str:
        """Return the HMAC-SHA-256 (hex) of a text that holds these secrets: it shows that the text moved, and cannot be
        guessed at.

        Empty where there is no secret, and so no key.
        """
        whose = sorted({s.municipality for s in secrets})
        key = b"".join(self._keys[m] for m in whose)
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest() if whose else ""

    def digest(self, text: str, municipality: str) -> str:
        """Return the HMAC-SHA-256 (hex) of a text of this municipality's; empty where its key is not open."""
        key = self._keys.get(municipality)
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest() if key else ""

    def shown(self, live: str, wanted: str, secrets: Iterable[Secret]) -> str:
        """Return what may be seen of a live text: the lines that `wanted` has, as `wanted` has them.

        Any other line may hold an older value, or one set by hand, and is withheld. Its mark moves when it moves.
        """
        secrets = tuple(secrets)
        known = {"": ""}
        for line in wanted.split("\n"):
            revealed = self.reveal(line, secrets)
            known[revealed] = line
            if "\n" in revealed:  # a value of several lines, a key say: back on one
                known[line] = line
                live = f"\n{live}\n".replace(f"\n{revealed}\n", f"\n{line}\n")[1:-1]
        return "\n".join(known[line] if line in known else self._withheld(line, secrets) for line in live.split("\n"))

    def _withheld(self, line: str, secrets: Iterable[Secret]) -> str:
        mark = self.seal(line, secrets)[:8]
        return f"‹withheld:{mark}›" if mark else "‹withheld›"

    def hide(self, text: str) -> str:
        """Take the values of secrets out of what a host printed, also where they are encoded, quoted or cut."""
        if not self._pieces:
            return text
        belongs = [""] * len(text)  # for each character, the placeholder of the secret that it is of
        for i in range(len(text) - WINDOW + 1):
            placeholder = self._pieces.get(text[i : i + WINDOW])
            if placeholder:
                belongs[i : i + WINDOW] = [b or placeholder for b in belongs[i : i + WINDOW]]
        runs = groupby(zip(belongs, text, strict=True), key=lambda pair: pair[0])
        return "".join(placeholder or "".join(c for _, c in run) for placeholder, run in runs)


def _forms(value: str) -> Iterator[str]:
    """Yield a value as programs write it: as it is, quoted for a shell, a URL, JSON or Python, in base64, in hex."""
    raw = value.encode()
    yield from (
        value,
        shlex.quote(value),
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value),
        repr(value),
    )
    yield from (raw.hex(), raw.hex().upper())
    for offset in range(3):
        # In base64 three bytes are four letters, so a value in a longer text has three forms; its ends are the text's.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * offset + raw).decode().rstrip("=")
            yield encoded[(0, 2, 3)[offset] : len(encoded) - (1 if (len(raw) + offset) % 3 else 0)]


UNVEILED = Veil()
"""Where no host needs a secret."""
