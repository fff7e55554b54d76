"""What became worse is said, by kind of host and by rule; what docs/hardening.md gives a line to is not."""

from __future__ import annotations

import pytest

from tests.audit.hardening import waived, waived_here
from tests.audit.openscap import BINDING
from tests.audit.page import BEGIN, END, PAGE, with_figures
from tests.audit.results import (
    KEPT,
    KINDS,
    Audits,
    HostAudit,
    Judged,
    audits_of,
    below_fresh,
    failing,
    needless_lines,
    regressions,
    without_line,
)

PROFILE = BINDING[0]
VERSIONS = {"lynis": "3.1.4-1", "ssg-debian": "0.1.82-1", "systemd": "257"}


def host(**changed: object) -> HostAudit:
    given: dict[str, object] = {
        "host": "tie-mon1",
        "lynis": 80,
        "lynis_points": 200,
        "lynis_lost": {"SSH-7408": 3},
        "openscap": {profile: Judged(passed=8, failed=("aide", "noexec")) for profile in BINDING},
        "exposure": {"frr.service": 4.3},
        "ssh": (),
    }
    return HostAudit.model_validate(given | changed)


def audits(of: HostAudit, fresh: HostAudit | None = None, auditors: dict[str, str] | None = None) -> Audits:
    return Audits(auditors=auditors or VERSIONS, fresh=fresh or host(), kinds={"monitoring": of})


LAST = audits(host())


def test_the_same_again_is_no_regression() -> None:
    assert list(regressions(LAST, LAST, ())) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lynis": 79}, "Lynis 79, was 80"),
        ({"lynis_lost": {"SSH-7408": 4}}, "Lynis SSH-7408: 4 points lost, were 3"),
        ({"lynis_lost": {"SSH-7408": 3, "AUTH-9408": 1}}, "Lynis AUTH-9408: 1 points lost, were 0"),
        ({"openscap": {PROFILE: Judged(passed=9, failed=("tmout",))}}, f"{PROFILE}: tmout fails"),
        ({"lynis_points": 180}, "Lynis gives 180 points at most, were 200"),
        ({"openscap": {PROFILE: Judged(passed=5, failed=())}}, f"{PROFILE} judges 5 rules alone, were 10"),
        ({"exposure": {"frr.service": 4.4}}, "frr.service exposed 4.4, was 4.3"),
        ({"exposure": {"frr.service": 4.3, "new.service": 9.6}}, "new.service exposed 9.6, and 4.5 is the most"),
        ({"ssh": ("mac hmac-sha1: broken",)}, "ssh-audit: mac hmac-sha1: broken"),
        ({"tls": ("TLS 1.0 is spoken",)}, "TLS: TLS 1.0 is spoken"),
        ({"reached": {"a neighbour": ("tcp/9100",)}}, "tcp/9100 answers a neighbour, and no role declares it"),
    ],
)
def test_what_is_worse_than_last_is_said_with_the_kind_of_host(changed: dict[str, object], said: str) -> None:
    assert list(regressions(LAST, audits(host(**changed)), ())) == [f"monitoring: {said}"]


def test_what_must_be_on_no_host_is_said_though_nothing_was_audited_before() -> None:
    assert list(regressions(None, audits(host(ssh=("key ssh-rsa: weak",))), ())) == [
        "monitoring: ssh-audit: key ssh-rsa: weak"
    ]


def test_a_host_that_would_not_be_good_enough_on_a_machine_of_its_own_is_told() -> None:
    now = audits(host(lynis_lost={"USB-3000": 7, "SSH-7408": 31}))

    assert [*regressions(LAST, now, ("USB-3000", "SSH-7408"))] == [
        "monitoring: Lynis 84 without what the container costs, and 85 is the least"
    ]


@pytest.mark.parametrize(
    ("lost", "index"),
    [
        ({"SSH-7408": 10, "USB-3000": 7, "MACF-6290": 1}, 90),
        ({"SSH-7408": 10}, 90),  # what was not lost is not given
        ({"SSH-7408": 10, "FILE-6374": 3}, 88),  # /tmp is the host's own
    ],
)
def test_what_a_container_cannot_have_is_not_held_against_a_host(lost: dict[str, int], index: int) -> None:
    assert host(lynis_points=100, lynis_lost=lost).on_a_server == index


def test_a_rule_that_has_its_line_may_come_to_fail() -> None:
    now = audits(host(openscap={PROFILE: Judged(passed=9, failed=("tmout",))}, lynis_lost={"SSH-7408": 4}))

    assert list(regressions(LAST, now, ("tmout", "SSH-7408"))) == []


def test_other_versions_of_an_auditor_ask_other_things_and_are_not_compared() -> None:
    now = audits(
        host(lynis=70, openscap={PROFILE: Judged(passed=1, failed=("tmout",))}),
        auditors={"lynis": "3.1.7-1", "ssg-debian": "0.1.83-1", "systemd": "258"},
    )

    assert list(regressions(LAST, now, ())) == []
    assert without_line(now, BINDING[:1], ()) == ["tmout"]  # but nothing fails unseen


def test_a_host_that_is_judged_worse_than_a_fresh_debian_is_told() -> None:
    fresh = host(lynis=81, openscap={profile: Judged(passed=9, failed=("aide",)) for profile in BINDING})

    assert list(below_fresh(audits(host(), fresh))) == [
        "monitoring: Lynis 80, a fresh Debian 81",
        *(f"monitoring: {profile} 80%, a fresh Debian 90%" for profile in BINDING),
    ]


def test_a_failing_rule_needs_a_line_and_a_line_a_failing_rule() -> None:
    page = """\
| Rule | why |
|---|---|
| `aide`, `gone` | drift sees it |
| `SSH-7408` | port 22 |

`noexec` in a text
"""
    now = LAST.model_copy(update={"held": ("gone",)})

    assert without_line(now, BINDING, waived(page)) == ["noexec"]
    assert needless_lines(now, waived(page)) == ["gone"]


def test_a_line_of_a_rule_that_is_not_applicable_is_left_where_it_is() -> None:
    assert (
        needless_lines(LAST, waived("| Rule | why |\n|---|---|\n| `audit_rules_immutable` | no audit here |\n")) == []
    )


def test_a_table_of_other_things_has_no_lines_of_rules() -> None:
    assert waived("| Option | for |\n|---|---|\n| `aide` | x |\n\n| Rule | why |\n|---|---|\n| `noexec` | y |\n") == {
        "noexec": "y"
    }


def test_kinds_that_are_not_audited_stay_as_they_were_and_a_rule_holds_if_it_fails_on_none() -> None:
    others = {kind: host() for kind in KINDS if kind != "hub gateway"}
    last = LAST.model_copy(update={"kinds": others, "held": ("umask", "tmout")})
    failing_tmout = {p: Judged(passed=1, failed=("tmout",)) for p in BINDING}
    gateway = {"hub gateway": host(host="tie-gw1", passed=("aide", "banner"), openscap=failing_tmout)}

    assert audits_of(VERSIONS, host(), gateway, last).kinds == others | gateway
    assert audits_of(VERSIONS, host(), gateway, last).held == ("banner", "umask")
    assert audits_of(VERSIONS, host(), gateway, None).held == ()  # a rule may fail on what was never audited


# What is kept here


def kept() -> Audits:
    return Audits.model_validate_json(KEPT.read_text(encoding="utf-8"))


def test_every_rule_that_fails_on_the_labs_hosts_has_its_line_in_the_hardening_page() -> None:
    missing = without_line(kept(), BINDING, waived_here())

    assert missing == [], "docs/hardening.md says of each rule that is not followed why"


def test_every_line_of_the_hardening_page_is_of_a_rule_that_still_fails() -> None:
    assert needless_lines(kept(), waived_here()) == []


def test_the_page_of_audits_has_the_figures_that_are_kept() -> None:
    page = PAGE.read_text(encoding="utf-8")

    for kind, audit in kept().kinds.items():
        assert kind in page
        assert audit.host in page
    assert page.count(BEGIN) == page.count(END) == 1
    assert with_figures(with_figures(page, kept()), kept()) == with_figures(page, kept())


def test_what_fails_is_told_with_the_kinds_of_hosts_it_fails_on() -> None:
    assert failing(LAST, BINDING) == {"aide": ("monitoring",), "noexec": ("monitoring",)}
