"""`issued`: a certificate that the organisation's authority signs for a key that is made on its host.

The look reads the certificate and the public key. A plan says for whom, of which key and by whom a certificate would be
signed, and nothing that a signature makes up (a serial number, a time), so it is the same however often it is made.
The host's request is read, judged and signed where samdrift runs, when the step is carried out
(`deploy.vault.authority`): by then the host has its key. Not here: what is wrong with a certificate, and when it is
renewed (`roles.shared.certificates`).
"""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra import host
from pyinfra.api import operation
from pyinfra.api.command import PyinfraCommand
from pyinfra.api.operation import OperationMeta

from roles.shared.certificates import Order, faults, in_words, is_due, key_digest, order_in_words
from roles.shared.change import Change
from roles.shared.parts.ensured import AnswerOfHost
from roles.shared.parts.explain import explain
from roles.shared.parts.files import FileState, candidate_of, into_place
from roles.shared.parts.handlers import Handler
from roles.shared.parts.keys_of_tls import fits_the_key
from roles.shared.parts.registration import current

META = "root:root 644"
IS_TRUSTED = "openssl verify -purpose sslserver -partial_chain -untrusted {path} {path} > /dev/null"
"""Judges a certificate as a client on its host would, by the authorities that the host trusts and by its clock."""


class SignCommand(PyinfraCommand):
    """Have the host make a request, sign it, and upload the certificate: the engine carries it out, never pyinfra."""

    def __init__(self, order: Order, request: str, path: str) -> None:
        super().__init__()
        self.order, self.request, self.path = order, request, path

    def __str__(self) -> str:
        return self.order.carried_out(self.request, self.path)


def issued(path: str, key: str, order: Order, then: tuple[Handler, ...] = ()) -> OperationMeta:
    """Declare that `path` holds a certificate of the host's key `key`, as it is ordered.

    Args:
        then: the handlers owed when there is a new one.
    """
    meta = issue(name=f"certificate {path}", path=path, key=key, order=order, then=then)
    current().owe(then, meta)
    return meta


@operation()
def issue(path: str, key: str, order: Order, then: tuple[Handler, ...]) -> Generator[PyinfraCommand]:
    """Have a certificate signed where there is none, another than was ordered, or one that is due."""
    live = host.get_fact(FileState, path=path)
    public_key = host.get_fact(AnswerOfHost, question=f"openssl pkey -pubout -in {shlex.quote(key)}")
    order = order.model_copy(update={"key": key_digest(public_key)})
    today, there = host.data.get("today"), live.content or ""
    wrong = [*faults(there, order, today)] if live.kind == "file" else ["there is none"]
    wrong += [] if live.meta == META else [f"it is {live.meta}"]
    due = not wrong and is_due(there, today)
    if not wrong and not due:
        host.noop(f"{path} is as ordered")
        return
    change = Change(
        what=path,
        before=in_words(there) if live.kind == "file" else None,
        after=order_in_words(order),
        meta_before=live.meta,
        meta_after=META,
        due=due,
    )
    yield explain(SignCommand(order, request(key, order), candidate_of(path)), change)
    yield from into_place(path, live, META, f"{fits_the_key(key)} && {IS_TRUSTED}", then)


def request(key: str, order: Order) -> str:
    """Return the shell command by which a host asks for a certificate: it prints the request, and leaves nothing."""
    held = ",".join([*(f"DNS:{name}" for name in order.names), *(f"IP:{address}" for address in order.addresses)])
    named = shlex.quote(f"subjectAltName={held}")
    return f"openssl req -new -key {shlex.quote(key)} -sha256 -subj / -addext {named}"
