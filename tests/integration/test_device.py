"""A session on a device's command line: whole answers or a lost host, and a change that is in force or taken back."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import paramiko
import pytest
from fakenos import FakeNOS  # type: ignore[import-untyped]
from fakenos.plugins.servers import ssh_server_paramiko  # type: ignore[import-untyped]
from gevent.pool import Pool
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL

from deploy.transport.device import DeviceConnection
from deploy.transport.ssh import Access, Answer, HostLost
from deploy.transport.terminal import Untypable
from roles.shared.device.known import known_vendors
from tests.emulator.dialects import DIALECTS, device
from tests.emulator.samples import SAMPLES, long_configuration
from tests.emulator.server import EmulatedDevices
from tests.integration.devices import Login, Rack, rack
from tests.sshd import free_port, keygen

PLATFORMS = sorted(DIALECTS)
CONFIRMING = [slug for slug, vendor in known_vendors().items() if vendor.confirm]
every_vendor = pytest.mark.parametrize("platform", PLATFORMS)
every_confirming_vendor = pytest.mark.parametrize("platform", CONFIRMING)
ODD = "Östhammar – å̈ 🏫 “sal 4”"


@pytest.fixture(scope="session")
def login(tmp_path_factory: pytest.TempPathFactory) -> Login:
    path = tmp_path_factory.mktemp("login") / "key"
    return Login(path, keygen(path))


def eventually(holds: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        gevent.sleep(0.05)


def configuration_in(answer: Answer, at: Rack) -> str:
    """What the device shows, without what frames it."""
    lines = answer.stdout.splitlines(keepends=True)
    assert answer.rc == 0
    framing = (*at.vendor.volatile, at.vendor.comment)
    return "".join(line for line in lines if line.strip() and not any(re.search(e, line.strip()) for e in framing))


@every_vendor
def test_a_device_shows_its_whole_configuration_and_refuses_what_it_does_not_know(login: Login, platform: str) -> None:
    with rack(login, platform) as at, at.session() as session:
        whole, refused, again = session.ask([at.vendor.show, "show nonsense", at.vendor.show])
        assert configuration_in(whole, at) == at.device.configuration
        assert refused.rc == 1
        assert refused.stderr
        assert again == whole
        assert session.execs == len([line for line in at.device.typed if line in session_lines(at)])


def session_lines(at: Rack) -> set[str]:
    """What samdrift itself types to look, and not netmiko to begin."""
    modes = (mode.command for mode in at.vendor.refused_modes)
    return {at.vendor.show, "show nonsense", *modes, *([at.vendor.confirm.pending] if at.vendor.confirm else [])}


@every_vendor
def test_ten_thousand_lines_come_whole(login: Login, platform: str) -> None:
    long = long_configuration(platform, "sw1", 10_000)
    with rack(login, platform, long) as at, at.session() as session:
        (answer,) = session.ask([at.vendor.show])
        assert configuration_in(answer, at) == at.device.configuration
        assert answer.stdout.count("\n") > 9_900


@every_vendor
def test_pages_are_turned_where_paging_cannot_be_switched_off(login: Login, platform: str) -> None:
    long = long_configuration(platform, "sw1", 200)
    with rack(login, platform, long, always_pages=True, page_length=7) as at, at.session() as session:
        answers = session.ask([at.vendor.show, at.vendor.show])
        assert [configuration_in(answer, at) for answer in answers] == [at.device.configuration] * 2


@every_vendor
def test_letters_of_every_kind_come_as_they_are_and_broken_ones_marked(login: Login, platform: str) -> None:
    text = f"{ODD}\n" * 3000 + "latin-1: \udce5\n"
    with rack(login, platform, shows={"show text": text}) as at, at.session() as session:
        assert session.ask(["show text"])[0].stdout == text.replace("\udce5", "\ufffd")


@every_vendor
def test_lines_end_in_newlines_whatever_the_device_ends_them_in(login: Login, platform: str) -> None:
    shows = {"show text": "one\r\ntwo\r\r\nthree\n\n\nfour\r\n"}
    with rack(login, platform, shows=shows) as at, at.session() as session:
        assert session.ask(["show text"])[0].stdout == "one\ntwo\nthree\n\n\nfour\n"


@every_vendor
def test_a_banner_with_the_prompt_in_it_does_not_end_the_answer(login: Login, platform: str) -> None:
    with rack(login, platform) as at:
        with at.session() as session:
            prompt = session._prompt
        lines = ["banner:", prompt, f"{prompt} ", prompt, f"description {prompt}", "the end"]
        at.device.shows["show text"] = "".join(f"{line}\n" for line in lines)
        at.device.banner = f"Welcome # to\n{prompt}\n{prompt} \nall > of you\n"
        for pauses_after in (rf"^{re.escape(prompt)}$", rf"^description {re.escape(prompt)}$"):
            at.device.pauses_after = pauses_after  # what stands there looks as if the device were done
            with at.session() as session:
                assert session._prompt == prompt
                first, second = session.ask(["show text", "show text"])
                assert first.stdout == second.stdout == at.device.shows["show text"]


def test_a_message_that_nobody_asked_for_is_in_no_answer(login: Login) -> None:
    with rack(login, "arubaos-cx") as at, at.session() as session:
        shows = at.device.shows
        shows["show slow"] = "one\ntwo\n"
        asked = gevent.spawn(session.ask, ["show slow"])
        eventually(lambda: "show slow" in at.device.typed)
        at.device.broadcast('WARNING  Please "checkpoint auto confirm" within 2 minutes\n')
        assert asked.get()[0].stdout == "one\ntwo\n"
        at.device.broadcast("WARNING: Restoring configuration.\n")
        assert session.ask(["show slow"])[0].stdout == "one\ntwo\n"


def test_messages_that_nobody_asked_for_do_not_stop_a_change(login: Login) -> None:
    lines = [*SAMPLES["arubaos-cx"].change[:1], *(f"description Sal {number}" for number in range(100))]
    with rack(login, "arubaos-cx") as at, at.session() as session:
        changed = gevent.spawn(session.configure, lines, minutes=5)
        for part in (10, 50, 90):
            eventually(lambda part=part: f"description Sal {part}" in at.device.typed)  # type: ignore[misc]
            at.device.broadcast('WARNING  Please "checkpoint auto confirm" within 2 minutes\n')
        assert changed.get().rc == 0
        assert "description Sal 99" in at.device.configuration


def test_a_refusal_is_the_answer_and_not_a_line_in_it(login: Login) -> None:
    banner = "banner motd ^C\nError: none\n% Invalid input is logged\n^C\n"
    with rack(login, "cisco-ios", SAMPLES["cisco-ios"].configuration + banner) as at, at.session() as session:
        (answer,) = session.ask([at.vendor.show])
        assert answer.rc == 0
        assert "% Invalid input is logged" in answer.stdout


# Whom it believes, and how long it waits.


def test_a_device_with_another_host_key_is_refused_before_it_is_told_anything(login: Login) -> None:
    other = paramiko.ECDSAKey.generate()
    key = f"{other.get_name()} {other.get_base64()}"
    with rack(login, "cisco-ios") as at:
        connection = DeviceConnection(at.host(host_keys=(key,)), at.access(), at.vendor)
        with pytest.raises(HostLost, match=r"host key .* is not the one in the inventory") as refused:
            connection.open()
        assert refused.value.where == "host sw1, field host_keys"
        assert at.device.typed == []


def test_a_device_without_a_host_key_in_the_inventory_is_refused(login: Login) -> None:
    with rack(login, "cisco-ios") as at, pytest.raises(HostLost, match="no host key"):
        DeviceConnection(at.host(host_keys=()), at.access(), at.vendor).open()


def test_a_login_that_is_refused_is_said_so(login: Login, tmp_path: Path) -> None:
    keygen(tmp_path / "stranger")
    with rack(login, "cisco-ios") as at, pytest.raises(HostLost, match="login as samdrift failed: 1 key refused"):
        at.connection(key_file=tmp_path / "stranger").open()


@pytest.mark.parametrize("platform", ["junos", "frr"])
def test_a_device_that_lets_one_in_and_says_nothing_is_lost_in_time(login: Login, platform: str) -> None:
    with rack(login, platform) as at:
        at.device.stall()
        with pytest.raises(HostLost, match="no command line in time"):
            at.connection(connect_timeout=0.5).open()


def test_a_question_that_gets_no_answer_loses_the_device_in_time(login: Login) -> None:
    with rack(login, "cisco-ios") as at, at.session(fact_timeout=0.5) as session:
        at.device.stall(instead=False)
        with pytest.raises(HostLost, match=r"no answer within 0\.5 s"):
            session.ask([at.vendor.show])
        with pytest.raises(HostLost, match="not connected"):
            session.ask([at.vendor.show])


def test_all_questions_together_have_an_end_too(login: Login) -> None:
    with rack(login, "cisco-ios") as at, at.session() as session:
        at.device.stall(2)
        with pytest.raises(HostLost, match=r"no answer within 0\.5 s"):
            session.ask([at.vendor.show] * 3, within=0.5)


@pytest.mark.parametrize("at_line", range(4))
def test_a_session_that_ends_in_a_look_is_a_lost_host(login: Login, at_line: int) -> None:
    with rack(login, "cisco-ios") as at, at.session() as session:
        at.device.drop(at_line, instead=at_line % 2 == 0)
        with pytest.raises(HostLost, match="host sw1: lost in its command line"):
            session.ask([at.vendor.show] * 4)


def test_a_device_that_sends_half_an_answer_and_dies_gave_none(login: Login) -> None:
    long = long_configuration("cisco-ios", "sw1", 500)
    with rack(login, "cisco-ios", long, pauses_after="Plats 50") as at, at.session() as session:
        asked = gevent.spawn(session.ask, [at.vendor.show])
        eventually(lambda: "Plats 49" in session._heard)
        at.device.cut_sessions()
        with pytest.raises(HostLost):
            asked.get()


@pytest.mark.long
def test_a_slow_device_has_all_the_time_that_was_set_for_its_session_to_begin(login: Login) -> None:
    with rack(login, "fortios", thinks_at=("grep Version", 11)) as at:  # netmiko would wait for 10 s
        with pytest.raises(HostLost, match="no command line in time"):
            at.connection(connect_timeout=5).open()
        with at.session(connect_timeout=20) as session:
            assert configuration_in(session.ask([at.vendor.show])[0], at) == at.device.configuration


def test_fifty_devices_are_talked_to_at_once(login: Login) -> None:
    platforms = [PLATFORMS[n % len(PLATFORMS)] for n in range(50)]
    devices = [device(p, f"sw{n}", SAMPLES[p].configuration) for n, p in enumerate(platforms)]
    with EmulatedDevices(devices, login.public) as running:

        def look(one: int) -> bool:
            at = Rack(devices[one], running.port(f"sw{one}"), running.host_key(f"sw{one}"), login)
            with at.session(connect_timeout=30) as session:
                return configuration_in(session.ask([at.vendor.show])[0], at) == at.device.configuration

        assert all(Pool(50).map(look, range(50)))


# Changes.


@every_vendor
def test_a_change_is_in_force_line_by_line(login: Login, platform: str) -> None:
    sample = SAMPLES[platform]
    with rack(login, platform) as at, at.session() as session:
        done = session.configure(sample.change, minutes=None)
        assert (done.rc, done.taken) == (0, len(sample.change))
        lines = at.device.configuration.splitlines()
        assert all(line in lines for line in sample.changed)
        assert not any(line in lines for line in sample.replaced)
        assert at.device.timer is None
        assert configuration_in(session.ask([at.vendor.show])[0], at) == at.device.configuration


@every_vendor
def test_a_change_stops_at_the_first_line_that_is_refused(login: Login, platform: str) -> None:
    sample = SAMPLES[platform]
    half = len(sample.change) // 2
    lines = [*sample.change[:half], sample.refused, *sample.change[half:]]
    with rack(login, platform) as at, at.session() as session:
        before = at.device.configuration
        done = session.configure(lines, minutes=None)
        assert done.rc == 1
        assert f"refused at {half + 1} of {len(lines)}, {sample.refused!r}: " in done.stderr
        assert not set(sample.change[half:]) & set(at.device.typed[at.device.typed.index(sample.refused) :]) - {"exit"}
        assert session.ask([at.vendor.show])[0].rc == 0
        if platform in {"junos", "fortios"}:  # nothing is in force before the draft, or the block, is ended
            assert (done.taken, at.device.configuration) == (0, before)
        else:
            assert (done.taken, at.device.configuration == before) == (half, False)


def test_of_a_change_in_blocks_those_that_ended_are_in_force(login: Login) -> None:
    first = ("config system interface", 'edit "port1"', 'set alias "Sal 4"', "next", "end")
    second = ("config system interface", 'edit "port1"', 'set alias "Sal 5"', "konfig")
    with rack(login, "fortios") as at, at.session() as session:
        done = session.configure([*first, *second], minutes=None)
        assert (done.rc, done.taken) == (1, len(first))
        assert 'set alias "Sal 4"' in at.device.configuration


def test_a_draft_that_the_device_will_not_commit_is_given_up(login: Login) -> None:
    with rack(login, "junos", refuses=["^commit"]) as at, at.session() as session:
        before = at.device.configuration
        for minutes in (None, 5):
            done = session.configure(SAMPLES["junos"].change, minutes=minutes)
            assert (done.rc, done.taken, at.device.configuration) == (1, 0, before)
            assert "configuration check-out failed" in done.stderr
        assert at.device.drafted_by is None


def test_a_question_whether_a_line_is_meant_is_a_refusal(login: Login) -> None:
    with rack(login, "cisco-ios", asks_before=["^no vlan"]) as at, at.session() as session:
        done = session.configure(["hostname sw1", "no vlan 20"], minutes=None)
        assert (done.rc, done.taken) == (1, 1)
        assert "it asks back: Do you want to continue? (y/n)" in done.stderr
        assert "vlan 20" in at.device.configuration


@every_vendor
def test_a_device_may_get_another_name_in_a_change(login: Login, platform: str) -> None:
    sample = SAMPLES[platform]
    rename = {
        "junos": ["set system host-name brand-new-one"],
        "fortios": ["config system global", 'set hostname "brand-new-one"', "end"],
    }.get(platform, ["hostname brand-new-one"])
    with rack(login, platform) as at, at.session() as session:
        done = session.configure([*rename, *sample.change], minutes=None)
        assert done.rc == 0
        assert at.device.hostname == "brand-new-one"
        assert configuration_in(session.ask([at.vendor.show])[0], at) == at.device.configuration


@pytest.mark.parametrize("platform", ["cisco-ios", "arubaos-cx"])
def test_a_text_of_several_lines_is_typed_as_one(login: Login, platform: str) -> None:
    text = "banner motd ^C\nEndast för behöriga.\n  hostname nobody\n^C"
    with rack(login, platform) as at, at.session() as session:
        done = session.configure([text, "hostname sw1"], minutes=None)
        assert (done.rc, done.taken) == (0, 2)
        assert text in at.device.configuration
        assert at.device.hostname == "sw1"


def test_a_quoted_text_of_several_lines_is_typed_as_one(login: Login) -> None:
    text = 'set ca "-----BEGIN CERTIFICATE-----\nMIIB\nend\n-----END CERTIFICATE-----"'
    block = ("config vpn certificate ca", 'edit "CA_1"', text, "next", "end")
    with rack(login, "fortios") as at, at.session() as session:
        done = session.configure(block, minutes=None)
        assert (done.rc, done.taken) == (0, len(block))
        assert text in at.device.configuration


def test_a_text_whose_beginning_is_refused_is_not_taken_for_commands(login: Login) -> None:
    with rack(login, "cisco-ios", refuses=["^banner"]) as at, at.session() as session:
        done = session.configure(["banner motd ^C\nhostname nobody\n^C"], minutes=None)
        assert (done.rc, done.taken, at.device.hostname) == (1, 0, "sw1")
        assert "hostname nobody" not in at.device.typed


@pytest.mark.parametrize(("platform", "line"), [("cisco-ios", "banner motd ^C"), ("fortios", 'set alias "a')])
def test_a_text_that_does_not_end_is_not_typed(login: Login, platform: str, line: str) -> None:
    with rack(login, platform) as at, at.session() as session:
        typed = list(at.device.typed)
        with pytest.raises(Untypable, match="host sw1: entry 2 begins a text that does not end in it") as refused:
            session.configure(["hostname sw1", line], minutes=None)
        assert at.device.typed == typed
        assert line not in str(refused.value)


@pytest.mark.parametrize(
    "line", ["description a\nhostname b", "description a\rb", "description \x03", "description a?"]
)
def test_a_line_that_a_command_line_would_obey_is_not_typed(login: Login, line: str) -> None:
    with rack(login, "cisco-ios") as at, at.session() as session:
        typed = list(at.device.typed)
        with pytest.raises(Untypable, match="host sw1: line 2 has a"):
            session.configure(["interface GigabitEthernet1/0/1", line], minutes=None)
        with pytest.raises(Untypable):
            session.ask(["show version\nreload"])
        assert at.device.typed == typed


def test_a_secret_that_is_typed_is_in_no_log_and_no_error(login: Login, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with rack(login, "cisco-ios") as at, at.session() as session:
        at.device.drop(2)
        with pytest.raises(HostLost) as lost:
            session.configure(["hostname sw2", "username ops secret Hemligt-1234"], minutes=None)
        assert "username ops secret Hemligt-1234" in at.device.typed
    assert "Hemligt-1234" not in f"{lost.value}{lost.value.__cause__}"
    logged = [r for r in caplog.records if not r.name.startswith("tests.")]
    assert not any("Hemligt-1234" in r.getMessage() for r in logged)


# Changes that the device itself takes back.


def intended(at: Rack) -> bool:
    lines = at.device.configuration.splitlines()
    return all(line in lines for line in SAMPLES[at.device.platform].changed)


@every_confirming_vendor
def test_a_change_that_a_new_session_confirms_is_kept(login: Login, platform: str) -> None:
    with rack(login, platform) as at:
        with at.session() as session:
            assert session.pending == ""
            done = session.configure(SAMPLES[platform].change, minutes=5)
            assert (done.rc, done.taken) == (0, len(SAMPLES[platform].change))
            assert at.device.timer is not None
            assert at.device.timer.minutes == 5
            assert "cannot know" in session.confirm().stderr
        with at.session() as session:
            assert session.confirm().rc == 0
            assert at.device.timer is None
            assert session.save().rc == 0
        at.device.reboot()
        assert intended(at)


def test_a_device_with_a_field_for_it_keeps_why_it_was_changed(login: Login) -> None:
    """Whatever the reason has in it, the command line takes it for a text and for nothing else."""
    reason, change = 'CHG 17: nytt nät i Älvkarleby "?\n; rollback 5', SAMPLES["junos"].change
    with rack(login, "junos") as at:
        with at.session(reason=reason) as session:
            assert session.configure(change, minutes=5).rc == 0
        with at.session(reason=reason) as session:
            assert session.confirm().rc == 0
        assert at.device.remarks_of_commits == ["CHG 17: nytt nat i Alvkarleby ; rollback 5"] * 2
        with at.session() as session:
            assert session.configure(["set system host-name sw2"], minutes=None).rc == 0
        assert at.device.remarks_of_commits[2] == ""


@every_confirming_vendor
def test_a_change_that_nobody_confirms_is_taken_back_by_the_device(login: Login, platform: str) -> None:
    with rack(login, platform, minute=0.5) as at:
        before = at.device.configuration
        with at.session() as session:
            assert session.configure(SAMPLES[platform].change, minutes=1).rc == 0
        eventually(lambda: at.device.restored == 1)
        with at.session() as session:
            assert (session.pending, at.device.configuration) == ("", before)
            late = session.confirm()
            assert late.rc == (0 if platform == "junos" else 1)  # Junos commits what is there
        assert at.device.configuration == before


@every_vendor
@pytest.mark.parametrize("paged", [False, True])
def test_a_device_that_floods_is_lost_with_a_reason_and_fills_no_memory(
    login: Login, platform: str, paged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {"always_pages": True, "page_length": 7} if paged else {}
    with rack(login, platform, long_configuration(platform, "sw1", 200), **pages) as at, at.session() as session:
        monkeypatch.setattr("deploy.transport.channel.MOST_BYTES", 1000)
        with pytest.raises(HostLost, match="it answered more than"):
            session.ask([at.vendor.show])


@every_confirming_vendor
def test_a_timer_of_an_earlier_session_is_found_on_connect(login: Login, platform: str) -> None:
    with rack(login, platform) as at:
        with at.session() as session:
            session.configure(SAMPLES[platform].change, minutes=5)
        with at.session() as session:
            # HPE documents nothing that tells, so on AOS-CX it is not found, and only its time ends it.
            assert bool(session.pending) == (platform != "arubaos-cx")


@every_confirming_vendor
def test_a_change_is_taken_back_at_once_where_the_vendor_can(login: Login, platform: str) -> None:
    with rack(login, platform) as at:
        before = at.device.configuration
        with at.session() as session:
            session.configure(SAMPLES[platform].change, minutes=5)
        with at.session() as session:
            answer = session.revert()
            if platform in {"arubaos-cx", "junos"}:
                assert answer.rc == 1
                assert "only when its time has run out" in answer.stderr
                assert at.device.timer is not None
            else:
                assert answer.rc == 0
                assert (at.device.configuration, at.device.timer) == (before, None)


@every_confirming_vendor
def test_a_line_that_is_refused_in_a_guarded_change_leaves_nothing(login: Login, platform: str) -> None:
    lines = [*SAMPLES[platform].change, SAMPLES[platform].refused]
    with rack(login, platform, minute=0.5) as at, at.session() as session:
        before = at.device.configuration
        done = session.configure(lines, minutes=1)
        assert done.rc == 1
        if platform == "arubaos-cx":
            assert done.taken == len(SAMPLES[platform].change)
            eventually(lambda: at.device.restored == 1)
        else:
            assert done.taken == 0
        assert (at.device.configuration, at.device.timer) == (before, None)


@every_confirming_vendor
def test_a_change_that_cuts_the_link_is_taken_back_by_the_device_alone(login: Login, platform: str) -> None:
    fatal = SAMPLES[platform].changed[-1]
    with rack(login, platform, minute=1) as at:
        before = at.device.configuration
        at.device.cut_off_by = lambda text: fatal in text.splitlines()
        connection = at.connection(command_timeout=5)
        connection.open()
        with pytest.raises(HostLost):
            connection.configure(SAMPLES[platform].change, minutes=1)
        with pytest.raises(HostLost):
            at.connection().open()
        eventually(lambda: at.device.reachable)
        with at.session() as session:
            assert configuration_in(session.ask([at.vendor.show])[0], at) == at.device.configuration == before


@pytest.mark.parametrize("platform", ["fortios", "frr"])
def test_a_vendor_without_a_timer_says_so(login: Login, platform: str) -> None:
    with rack(login, platform) as at, at.session() as session:
        typed = list(at.device.typed)
        with pytest.raises(Exception, match="cannot restore itself"):
            session.configure(SAMPLES[platform].change, minutes=5)
        assert (session.confirm().rc, session.revert().rc, at.device.typed) == (1, 1, typed)


@every_vendor
@pytest.mark.parametrize("at_line", [0, 2, 3])
def test_a_session_that_ends_in_a_change_is_a_lost_host(login: Login, platform: str, at_line: int) -> None:
    with rack(login, platform) as at, at.session() as session:
        at.device.drop(at_line, instead=at_line != 3)
        with pytest.raises(HostLost, match="lost in its command line"):
            session.configure(SAMPLES[platform].change, minutes=None)


def test_a_device_that_says_nothing_more_in_a_change_is_lost_in_time(login: Login) -> None:
    with rack(login, "cisco-ios") as at, at.session(command_timeout=0.5) as session:
        at.device.stall(2)
        with pytest.raises(HostLost, match=r"the change was not taken within 0\.5 s"):
            session.configure(SAMPLES["cisco-ios"].change, minutes=None)


def test_a_restarted_device_has_what_was_saved(login: Login) -> None:
    with rack(login, "cisco-ios") as at:
        before = at.device.configuration
        with at.session() as session:
            at.device.restart(3)
            with pytest.raises(HostLost):
                session.configure(SAMPLES["cisco-ios"].change, minutes=5)
        eventually(lambda: at.device.reachable)
        with at.session() as session:
            assert (session.pending, at.device.configuration) == ("", before)


# A second opinion: fakenos, whose devices nobody here wrote.


class _Door(ssh_server_paramiko.ParamikoSshServerInterface):  # type: ignore[misc]
    """fakenos's own, which knows passwords only. The key is all that is added; what it says and shows is fakenos's."""

    public = ""

    def get_allowed_auths(self, _username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, _username: str, key: object) -> int:
        known = f"{key.get_name()} {key.get_base64()}" == self.public  # type: ignore[attr-defined]
        return AUTH_SUCCESSFUL if known else AUTH_FAILED


MODES = {  # fakenos's Cisco IOS has no configuration mode of its own
    "configure terminal": {"output": None, "new_prompt": "{base_prompt}(config)#", "prompt": "{base_prompt}#"},
    "hostname r2": {"output": None, "prompt": "{base_prompt}(config)#"},
    "end": {"output": None, "new_prompt": "{base_prompt}#", "prompt": "{base_prompt}(config)#"},
}


@pytest.fixture
def fakenos_router(login: Login, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeviceConnection]:
    port = free_port("127.0.0.1")
    monkeypatch.setattr(_Door, "public", login.public)
    monkeypatch.setattr(ssh_server_paramiko, "ParamikoSshServerInterface", _Door)
    host = {
        "username": "samdrift",
        "password": "unused",
        "port": port,
        "platform": "cisco_ios",
        "nos": {"plugin": "cisco_ios", "configuration": {"commands": MODES}},
    }
    net = FakeNOS(inventory={"hosts": {"r1": host}})
    net.start()
    try:
        server = net.hosts["r1"].server
        key = f"{server._ssh_server_key.get_name()} {server._ssh_server_key.get_base64()}"
        with rack(login, "cisco-ios") as at:
            inventory = at.host(name="r1", host_keys=(key,))
        access = Access(user="samdrift", key_file=login.key_file, port=port)
        connection = DeviceConnection(inventory, access, known_vendors()["cisco-ios"])
        connection.open()
        try:
            yield connection
        finally:
            connection.close()
    finally:
        net.stop()


def test_a_device_that_nobody_here_wrote_is_understood_too(fakenos_router: DeviceConnection) -> None:
    session = fakenos_router
    assert session._prompt == "r1#"  # netmiko has got from `>` to there
    version, running, refused = session.ask(["show version", "show running-config", "show nonsense"])
    assert version.rc == running.rc == 0
    assert "Cisco IOS Software" in version.stdout
    assert running.stdout.rstrip().endswith("end")
    assert "hostname r1" in running.stdout
    assert refused.rc == 1
    done = session.configure(["hostname r2"], minutes=None)
    assert (done.rc, done.taken) == (0, 1)
    done = session.configure(["hostname r2", "no such line"], minutes=None)
    assert (done.rc, done.taken) == (1, 1)
    assert session.ask(["show running-config"])[0].stdout == running.stdout


def test_a_question_that_is_known_is_answered(login: Login) -> None:
    asked = r"^\s*no username"
    configuration = SAMPLES["cisco-ios"].configuration + "username old secret 9 $9$x\n"
    with rack(login, "cisco-ios", configuration, asks_before=[asked]) as at, at.session() as session:
        at.device.question = (
            "This operation will remove all username related configurations with same name.Do you want to continue? "
            "[confirm]"
        )
        done = session.configure(["no username old", "vlan 30"], minutes=None)
        assert (done.rc, done.taken) == (0, 2)
        assert "username old" not in at.device.configuration
        assert "vlan 30" in at.device.configuration


@pytest.mark.parametrize(
    ("platform", "line", "says"),
    [
        ("cisco-ios", "interface GigabitEthernet1/0/1", "%Default VLAN 1 may not have its name changed.\n"),
        ("cisco-ios", "interface GigabitEthernet1/0/1", "Some sentence that nobody has heard of yet\n"),
        ("arubaos-cx", "interface 1/1/1", "VLAN 300 does not exist.\n"),
        ("junos", "set vlans personal vlan-id 30", "invalid numeric value: 'x'\n"),
        ("fortios", "set hostname", "The string contains XSS vulnerability characters\n"),
    ],
)
def test_whatever_a_device_says_to_a_line_that_is_no_known_warning_is_a_refusal(
    login: Login, platform: str, line: str, says: str
) -> None:
    lines = ["config system global", f"{line} x", "end"] if platform == "fortios" else [line]
    with rack(login, platform) as at, at.session() as session:
        at.device.remarks = [(f"^{line}", says)]
        done = session.configure(lines, minutes=None)
        assert (done.rc, done.taken) == (1, 0)
        assert " ".join(says.split()) in done.stderr


@pytest.mark.parametrize(
    ("platform", "line", "says"),
    [
        (
            "cisco-ios",
            "interface GigabitEthernet1/0/1",
            (
                "%Warning: portfast should only be enabled on ports connected to a single\n host. Connecting hubs, "
                "concentrators, switches, bridges, etc... to this\n interface  when portfast is enabled, can cause "
                "temporary bridging loops.\n Use with CAUTION\n\n"
            ),
        ),
        ("cisco-ios", "interface GigabitEthernet1/0/1", "% Access VLAN does not exist. Creating vlan 30\n"),
        ("cisco-ios", "interface GigabitEthernet1/0/1", "*Nov 27 08:44:30.209: %LINK-3-UPDOWN: Interface x, up\n"),
        ("junos", "set vlans personal vlan-id 30", "warning: statement not found\n"),
    ],
)
def test_a_known_warning_is_none(login: Login, platform: str, line: str, says: str) -> None:
    with rack(login, platform) as at, at.session() as session:
        at.device.remarks = [(f"^{line}", says)]
        assert session.configure([line], minutes=None).rc == 0


LOCKED = "Configuration mode locked exclusively"
ITS_OWN = f"{LOCKED}. The lock will be cleared once you exit out of configuration mode using end/exit\n"
"""As networklessons.com and dummies.com quote it; what another session is told, as ipnet.xyz does."""


@pytest.mark.parametrize("minutes", [None, 5])
def test_a_configuration_mode_that_locks_itself_is_entered(login: Login, minutes: int | None) -> None:
    with rack(login, "cisco-ios", modes={"exclusive": ITS_OWN}) as at, at.session() as session:
        done = session.configure(["vlan 30"], minutes=minutes)
        assert (done.rc, done.stderr) == (0, "")
        assert "vlan 30" in at.device.configuration
    with rack(login, "cisco-ios") as at, at.session() as session:
        at.device.held = f"{LOCKED} by user 'unknown' process '88' from terminal '0'. Please try later.\n"
        done = session.configure(["vlan 30"], minutes=None)
        assert (done.rc, done.taken) == (1, 0)
        assert "vlan 30" not in at.device.typed


def test_a_configuration_mode_that_somebody_else_holds_is_not_typed_into(login: Login) -> None:
    held = "Configuration mode is locked by process '484' user 'NETCONF' from terminal '64'. Please try later.\n"
    with rack(login, "cisco-ios") as at, at.session() as session:
        at.device.held = held
        done = session.configure(["vlan 30"], minutes=None)
        assert (done.rc, done.taken) == (1, 0)
        assert "Configuration mode is locked" in done.stderr
        assert "vlan 30" not in at.device.typed


@pytest.mark.parametrize(
    ("mode", "said", "why"),
    [
        ("Virtual domain configuration", "multiple", "divided into virtual domains"),
        ("Virtual domain configuration", "split-task", "divided into virtual domains"),
        ("Current HA mode", "a-p, secondary", "the secondary of a cluster"),
        ("Current HA mode", "a-a, backup", "the secondary of a cluster"),
    ],
)
def test_a_firewall_that_works_in_another_way_is_refused_before_anything_is_typed(
    login: Login, mode: str, said: str, why: str
) -> None:
    with rack(login, "fortios", modes={mode: said}) as at:
        with pytest.raises(HostLost, match=f"{mode}: {said}.*{why}") as lost:
            at.connection().open()
        assert lost.value.where == f"host {at.device.name}"
        assert {line.split(" | ")[0] for line in at.device.typed} == {"get system status"}


@pytest.mark.parametrize(
    ("role", "why"),
    [("backup:1", "not the master of its virtual chassis"), ("linecard:2", "not the master of its virtual chassis")],
)
def test_a_member_that_is_not_the_master_of_its_chassis_is_refused(login: Login, role: str, why: str) -> None:
    with rack(login, "junos", modes={"role": role}) as at:
        with pytest.raises(HostLost, match=f"{{{role}}}.*{why}"):
            at.connection().open()
        assert not any(line.startswith(("configure", "set system", "commit")) for line in at.device.typed)


def test_a_node_of_a_chassis_cluster_is_refused_and_no_switch_is_taken_for_one(login: Login) -> None:
    for role in ("primary:node0", "secondary:node1"):
        says = pytest.raises(HostLost, match=f"{{{role}}}.*a node of a chassis cluster")
        with rack(login, "junos", modes={"role": role}) as at, says:
            at.connection().open()
    with rack(login, "junos") as at, at.session() as session:
        assert session.pending == ""


def test_the_primary_of_a_cluster_without_virtual_domains_is_talked_to(login: Login) -> None:
    with rack(login, "fortios", modes={"Current HA mode": "a-p, primary"}) as at, at.session() as session:
        assert configuration_in(session.ask([at.vendor.show])[0], at) == at.device.configuration


@pytest.mark.parametrize("minutes", [None, 5])
@pytest.mark.parametrize(
    ("says", "typed"),
    [
        ("error: configuration database modified", ["configure exclusive"]),  # Juniper's knowledge base
        (
            "Entering configuration mode\nThe configuration has been changed but not committed",  # `configure`, shared
            ["configure exclusive", "exit configuration-mode", "y"],
        ),
    ],
)
def test_a_draft_of_somebody_else_is_neither_committed_nor_given_up(
    login: Login, minutes: int | None, says: str, typed: list[str]
) -> None:
    with rack(login, "junos", changed_by_others=says) as at, at.session() as session:
        done = session.configure(SAMPLES["junos"].change, minutes=minutes)
        assert (done.rc, done.taken) == (1, 0)
        assert says.splitlines()[-1] in done.stderr
        assert at.device.typed[-len(typed) :] == typed
        assert session.ask(["show system commit"])[0].rc == 0


def test_a_configuration_that_somebody_holds_is_left_to_them(login: Login) -> None:
    with rack(login, "junos") as at, at.session() as session:
        at.device.drafted_by = "somebody"
        done = session.configure(SAMPLES["junos"].change, minutes=5)
        assert (done.rc, done.taken) == (1, 0)
        assert "configuration database locked by" in done.stderr
        assert at.device.typed[-1] == "configure exclusive"
