"""A municipality's notice holds nothing of another's: no host, no address, no finding; whatever findings quote."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model.findings import Finding
from deploy.notify.others import HIDDEN, Others
from deploy.notify.outbox import Outbox
from deploy.notify.transitions import seen
from inventory.fleet import Host
from inventory.recipients import Recipients, Webhook
from tests.unit.deploy.notify.fleets import MUNICIPALITIES, finding, fleets, host, record

RECIPIENTS = Recipients(email=("it@heby.example",), webhooks=(Webhook(url="https://chat.heby.example/x"),))
WHERE = ("{}", "peer {} is down", "({})", "/etc/{}.conf", "{}.norduppland.internal", "{}:443", "{}/32", "x-{}", "[{}]")


@st.composite
def scanned(draw: st.DrawFn) -> tuple[tuple[Host, ...], str, tuple[Finding, ...]]:
    """A fleet, a municipality, and findings of all, each of which quotes names and addresses of any host."""
    fleet = draw(fleets())
    quoted = [
        word
        for h in fleet
        for word in (h.name, h.name.upper(), *(str(a.ip) for i in h.interfaces for a in i.addresses))
    ]
    words = st.tuples(st.sampled_from(WHERE), st.sampled_from(quoted)).map(lambda pair: pair[0].format(pair[1]))
    text = st.lists(st.one_of(words, st.text(max_size=6)), min_size=1, max_size=5).map(" ".join)
    found = tuple(finding(about, draw(text)) for about in fleet for _ in range(draw(st.integers(0, 2))))
    return fleet, draw(st.sampled_from(MUNICIPALITIES)), found


def everything(outbox: Outbox) -> list[str]:
    """All that anybody is sent, and all that is kept of it."""
    (letter, *_) = outbox.letters
    notice = letter.notice
    mails = [
        message_from_bytes(notice.as_email("watch@x.example", "it@heby.example", la), policy=SMTP)
        for la in ("sv", "en")
    ]
    texts = [f"{mail['Subject']}\n{mail.get_content()}" for mail in mails]
    return [*texts, json.dumps(notice.as_json(), ensure_ascii=False), outbox.model_dump_json()]


@given(scanned())
def test_nothing_of_another_municipality_is_told_or_kept(
    case: tuple[tuple[Host, ...], str, tuple[Finding, ...]],
) -> None:
    fleet, municipality, found = case
    others = Others(municipality, fleet)
    at = datetime(2026, 11, 21, 3, tzinfo=UTC)
    outbox = Outbox().with_scan(seen(record(1, found, *fleet), municipality, others, {}, set()), "r", at)
    outbox = outbox.with_notice(municipality, "Heby", RECIPIENTS)
    own = [f for f in found if f.municipality == municipality]
    assert bool(outbox.letters) == bool(own)
    if not own:
        return

    mine = [h for h in fleet if h.tenant == municipality or "shared" in h.tags]
    theirs = [h for h in fleet if h not in mine]
    for text in everything(outbox):
        for h in theirs:
            assert not re.search(rf"(?<![a-z0-9]){re.escape(h.name)}(?![a-z0-9])", text, re.IGNORECASE)
            for interface in h.interfaces:
                for address in interface.addresses:
                    assert not re.search(rf"(?<![0-9.]){re.escape(str(address.ip))}(?![0-9])", text)
        assert not any(f.fingerprint in text for f in found if f.municipality != municipality)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("neighbour tie-db1 (10.60.10.35) is down", f"neighbour {HIDDEN} ({HIDDEN}) is down"),
        ("neighbour tie-dns1 (10.60.20.11) is down", "neighbour tie-dns1 (10.60.20.11) is down"),
        ("lease of 10.60.10.77 in its network", f"lease of {HIDDEN} in its network"),
        ("10.59.0.63 and 10.59.0.60, both in what all are in", f"10.59.0.63 and {HIDDEN}, both in what all are in"),
        ("::ffff:10.60.10.35 is mapped", f"{HIDDEN} is mapped"),
        ("192.0.2.1, 1.2.3.4.5 and 999.1.1.1 are nobody's", "192.0.2.1, 1.2.3.4.5 and 999.1.1.1 are nobody's"),
        ("TIE-DB1.norduppland.internal, tie-db10", f"{HIDDEN}.norduppland.internal, tie-db10"),
        ("heb-tie-db1 is our own", "heb-tie-db1 is our own"),
        ("at 12:30:59 nothing", "at 12:30:59 nothing"),
    ],
)
def test_what_is_others_alone_is_hidden_and_what_is_shared_or_ones_own_is_not(text: str, hidden: str) -> None:
    fleet = (
        host("heb-gw1", "heby", "10.61.1.1/24", "10.59.0.63/24"),
        host("heb-tie-db1", "heby", "10.61.1.2/24"),
        host("tie-db1", "tierp", "10.60.10.35/24"),
        host("tie-gw1", "tierp", "10.59.0.60/24"),
        host("tie-dns1", "tierp", "10.60.20.11/24", shared=True),
    )

    assert Others("heby", fleet).hidden(text) == hidden


def test_of_a_fleet_of_nobody_nothing_is_hidden() -> None:
    assert Others("heby", ()).hidden("tie-db1 10.0.0.1") == "tie-db1 10.0.0.1"
