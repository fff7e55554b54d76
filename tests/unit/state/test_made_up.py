"""Checks that no change of a lab host can make fail, held against made-up answers; and some that passed for nothing."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.transport.batch import Answer
from tests.unit.roles.test_drift_watch import REVISION
from tests.unit.roles.test_watch_worker import made as worker_settings
from tests.unit.state.conftest import MadeUp, shipped_settings, state_checks


def outcome(role: str, check: str, answers: dict[str, str | Answer], host: str, **given: Any) -> str:
    """What becomes of a check of a role, where a host of the shipped fleet answers in this way."""
    settings = shipped_settings(host, role).model_copy(update=given)
    return MadeUp(answers).outcome(getattr(state_checks(role), f"test_{check}"), settings)


KERNEL = "Linux version 6.12\n"


@pytest.mark.parametrize(
    ("modules", "virtual", "said"),
    [
        (KERNEL, 1, "passed"),
        (f"{KERNEL}nf_tables 1 0 - Live 0x0\n", 1, "passed"),
        (f"{KERNEL}sctp 1 0 - Live 0x0\n", 1, "failed"),
        (f"{KERNEL}sctp 1 0 - Live 0x0\n", 0, "not applicable"),
        (f"{KERNEL}sctp 1 0 - Live 0x0\n", 127, "failed"),
        (f"{KERNEL}usb_storage 1 0 - Live 0x0\n", 1, "failed"),
        ("", 1, "failed"),
        ("nf_tables 1 0 - Live 0x0\n", 1, "failed"),
    ],
)
def test_a_rare_module_that_is_loaded_is_found(modules: str, virtual: int, said: str) -> None:
    detected = Answer(rc=virtual, stdout="", stderr="")
    answers: dict[str, str | Answer] = {"/proc/modules": modules, "systemd-detect-virt": detected}
    assert outcome("base", "no_rare_module_is_loaded", answers, "heb-gw1") == said


ENFORCED = "unbound (enforce)\n/usr/sbin/chronyd (enforce)\n"


@pytest.mark.parametrize(
    ("enabled", "profiles", "said"),
    [
        ("Y\n", ENFORCED, "passed"),
        ("Y\n", ENFORCED.replace("unbound (enforce)", "unbound (complain)"), "failed"),
        ("Y\n", "/usr/sbin/chronyd (enforce)\n", "failed"),
        ("N\n", ENFORCED, "failed"),
        ("Y\n", "", "failed"),
    ],
)
def test_a_service_that_is_not_confined_is_found(enabled: str, profiles: str, said: str) -> None:
    answers: dict[str, str | Answer] = {"parameters/enabled": enabled, "apparmor/profiles": profiles}
    check = "services_run_under_the_profiles_that_their_packages_bring"
    assert outcome("base", check, answers, "tie-dns1") == said
    assert outcome("base", check, answers, "tie-dns1", own_kernel=False) == "not applicable"


WATCHED = "".join(
    f"-w {path} -p wa -k x\n"
    for path in ("/etc/passwd", "/etc/shadow", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssh", "/etc/pam.d")
)
MODULES_WATCHED = "-a always,exit -F arch=b64 -S init_module,delete_module -F key=modules\n"


@pytest.mark.parametrize(
    ("status", "rules", "said"),
    [
        ("enabled 1\nfailure 1\n", WATCHED + MODULES_WATCHED, "passed"),
        ("enabled 0\nfailure 1\n", WATCHED + MODULES_WATCHED, "failed"),
        ("enabled 1\n", MODULES_WATCHED, "failed"),
        ("enabled 1\n", WATCHED, "failed"),
        ("enabled 1\n", "No rules\n", "failed"),
    ],
)
def test_a_kernel_that_tells_nobody_who_changes_what_is_found(status: str, rules: str, said: str) -> None:
    answers: dict[str, str | Answer] = {
        "systemctl": "active\nenabled\n",
        "auditctl -s": status,
        "auditctl -l": rules,
    }
    check = "the_kernel_tells_who_changes_what_protects_the_host"
    assert outcome("base", check, answers, "tie-dns1") == said
    assert outcome("base", check, answers, "tie-dns1", own_kernel=False) == "not applicable"


COUNTED = """\
# here are the per-package modules
auth\trequired\tpam_faillock.so preauth
auth\t[success=3 default=ignore]\tpam_unix.so nullok try_first_pass
auth\t[default=die]\tpam_faillock.so authfail
auth\tsufficient\tpam_faillock.so authsucc
auth\trequisite\t\t\tpam_deny.so
auth\trequired\t\t\tpam_permit.so
"""
PREAUTH = "auth\trequired\tpam_faillock.so preauth\n"
ACCOUNTED = "account\trequired\tpam_faillock.so \naccount\t[success=1 default=ignore]\tpam_unix.so \n"
OF_FAILLOCK = "# deny = 9\ndeny = 3\nfail_interval = 900\nunlock_time = 900\nsilent\n"


@pytest.mark.parametrize(
    ("auth", "account", "conf", "said"),
    [
        pytest.param(COUNTED, ACCOUNTED, OF_FAILLOCK, "passed", id="as it is put together"),
        pytest.param(PREAUTH + COUNTED, ACCOUNTED * 2, OF_FAILLOCK, "passed", id="beside a profile of somebody's own"),
        pytest.param(
            COUNTED.replace("required\tpam_f", "requisite pam_f"), ACCOUNTED, OF_FAILLOCK, "passed", id="at once"
        ),
        pytest.param(
            COUNTED.replace("3 d", "1 d"), ACCOUNTED, OF_FAILLOCK + "unlock_time=0\n", "failed", id="for ever"
        ),
        pytest.param(COUNTED.replace(PREAUTH, ""), ACCOUNTED, OF_FAILLOCK, "failed", id="edited by hand before"),
        pytest.param(PREAUTH.join(COUNTED.split(PREAUTH)[::-1]), ACCOUNTED, OF_FAILLOCK, "failed", id="too late"),
        pytest.param(
            COUNTED.replace("required\tpam_f", "optional\tpam_f"), ACCOUNTED, OF_FAILLOCK, "failed", id="optional"
        ),
        pytest.param(COUNTED.replace("authfail", "authfail deny=9"), ACCOUNTED, OF_FAILLOCK, "failed", id="said there"),
        pytest.param(COUNTED.replace("authfail", "authfail audit"), ACCOUNTED, OF_FAILLOCK, "passed", id="logged"),
        pytest.param(COUNTED, ACCOUNTED.replace("faillock", "permit"), OF_FAILLOCK, "failed", id="never forgotten"),
        pytest.param(COUNTED, ACCOUNTED, OF_FAILLOCK + "deny = 0\n", "failed", id="never"),
        pytest.param(COUNTED, ACCOUNTED, OF_FAILLOCK + "even_deny_root\n", "failed", id="root, too"),
        pytest.param("", "", "", "failed", id="no answer"),
    ],
)
def test_passwords_that_are_guessed_as_often_as_one_likes_are_found(
    auth: str, account: str, conf: str, said: str
) -> None:
    answers: dict[str, str | Answer] = {"common-auth": auth, "common-account": account, "faillock.conf": conf}
    assert outcome("base", "wrong_passwords_lock_an_account_for_a_while", answers, "tie-dns1") == said


HANDS = "allow with-interface match-all { 03:*:* 09:00:* }"


USB = "cpu\nusb\n"
"""What a host with USB has of buses."""


@pytest.mark.parametrize(
    ("buses", "unit", "target", "rules", "said"),
    [
        (USB, "active\nenabled\n", "block", f"1: {HANDS}\n2: allow id 1d6b:0002\n", "passed"),
        (USB, "inactive\nenabled\n", "block", f"1: {HANDS}\n", "failed"),
        (USB, "active\ndisabled\n", "block", f"1: {HANDS}\n", "failed"),
        (USB, "active\nenabled\n", "allow", f"1: {HANDS}\n", "failed"),
        (USB, "active\nenabled\n", "block", "1: allow id 1d6b:0002\n", "failed"),
        (
            "cpu\nusb\n",
            "active\nenabled\n",
            "block",
            "1: allow with-interface match-all { 03:*:* 09:00:* 02:*:* }\n",
            "failed",
        ),
        ("cpu\npci\n", "inactive\nenabled\n", "", "", "not applicable"),
        ("", "inactive\nenabled\n", "", "", "failed"),
    ],
)
def test_a_host_that_uses_whatever_is_plugged_in_is_found(
    buses: str, unit: str, target: str, rules: str, said: str
) -> None:
    answers: dict[str, str | Answer] = {
        "ls /sys/bus": buses,
        "systemctl": unit,
        "ImplicitPolicyTarget": f"{target}\n",
        "InsertedDevicePolicy": "apply-policy\n",
        "list-rules": rules,
    }
    check = "what_is_plugged_into_usb_later_is_used_only_if_it_is_known"
    assert outcome("base", check, answers, "tie-dns1") == said
    assert outcome("base", check, answers, "tie-dns1", usb_guard=False) == "not applicable"


@pytest.mark.parametrize(
    ("flags", "said"), [("qr rd ra ad", "passed"), ("qr rd ra", "failed"), ("qr rd ra add", "failed")]
)
def test_an_answer_that_is_not_validated_is_found(flags: str, said: str) -> None:
    answers: dict[str, str | Answer] = {"drill": f";; flags: {flags} ; QUERY: 1, ANSWER: 1\n"}
    assert outcome("dns_resolver", "answers_from_outside_are_validated", answers, "tie-dns1", validates=True) == said


@pytest.mark.parametrize(
    ("state", "name", "said"),
    [
        ("*", "ntp.se", "passed"),
        ("+", "ntp.se", "passed"),
        ("?", "ntp.se", "failed"),
        ("x", "ntp.se", "failed"),
        ("*", "10.60.10.12", "failed"),
    ],
)
def test_a_server_that_has_the_time_from_the_other_server_alone_has_it_from_nowhere(
    state: str, name: str, said: str
) -> None:
    answers: dict[str, str | Answer] = {
        "chronyc": f"200 OK\n^,{state},{name},2,6,377,20,0.0,0.0,0.0\n^,-,10.60.10.13,10,6,377,20,0.0,0.0,0.0\n"
    }
    assert outcome("time", "a_server_has_the_time_from_outside", answers, "tie-dns1") == said


@pytest.mark.parametrize(
    ("offset", "leap", "said"),
    [("0.01", "Normal", "passed"), ("-0.3", "Normal", "failed"), ("0.0", "Not synchronised", "failed")],
)
def test_a_clock_that_is_held_against_nothing_is_not_right(offset: str, leap: str, said: str) -> None:
    answers: dict[str, str | Answer] = {
        "chronyc": f"0A3C0A0C,x,3,1.0,{offset},0.0,0.0,0.1,0.1,0.1,0.1,0.1,16.3,{leap}\n"
    }
    assert outcome("time", "the_clock_is_right", answers, "heb-gw1") == said


@pytest.mark.parametrize(
    ("accepting", "said"),
    [
        ("{} accepting requests since now\n", "passed"),
        ("{} not accepting requests since now -\n\tRejecting Jobs\n", "failed"),
    ],
)
def test_a_queue_that_refuses_jobs_is_found(accepting: str, said: str) -> None:
    queues = shipped_settings("heb-gw1", "print_server").queues  # type: ignore[attr-defined]
    answers: dict[str, str | Answer] = {
        "lpstat": "scheduler is running\n" + "".join(accepting.format(q.name) for q in queues)
    }
    assert outcome("print_server", "every_queue_takes_jobs", answers, "heb-gw1") == said


@pytest.mark.parametrize(
    "said", ["active\nmasked\n", "active\nenabled-runtime\n", "active\n", "inactive\nenabled\n", ""]
)
def test_a_unit_that_does_not_run_or_is_not_there_after_a_boot_is_found(said: str) -> None:
    check = "chrony_runs_and_comes_back_at_boot"
    assert outcome("time", check, {"systemctl": "active\nenabled\n"}, "heb-gw1") == "passed"
    assert outcome("time", check, {"systemctl": said}, "heb-gw1") == "failed"


NOW = "2026-11-29T12:00:00+00:00"


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        (f"heby/heb-sw1 2026-11-28T12:00:01.5+00:00\nheby/heb-fw1 {NOW}\n", "passed"),
        (f"heby/heb-sw1 2026-11-28T11:59:59.5+00:00\nheby/heb-fw1 {NOW}\n", "failed"),
        (f"heby/heb-fw1 {NOW}\n", "failed"),
        (f"heby/heb-sw1 \nheby/heb-fw1 {NOW}\n", "failed"),
        (f"heby/heb-sw1 2026-11-29T12:00\nheby/heb-fw1 {NOW}\n", "failed"),
        ("", "failed"),
    ],
)
def test_a_device_that_has_not_logged_for_a_day_or_never_is_found(newest: str, said: str) -> None:
    check, expected = "every_device_was_heard_within_a_day", ("heby/heb-fw1", "heby/heb-sw1")
    answers: dict[str, str | Answer] = {"date -u": f"{NOW}\n{newest}"}
    assert outcome("log_server", check, answers, "tie-log1", expected=expected) == said
    assert outcome("log_server", check, answers, "tie-log1", expected=()) == "not applicable"


def test_the_newest_line_is_that_of_the_log_or_of_the_one_that_was_last_rotated(tmp_path: Path) -> None:
    logs = {
        "a.log": "x 2026-11-28T01:00:00+00:00 said\nx 2026-11-29T02:00:00+00:00 said\n",
        "a.log-20261128": "x 2026-11-27T01:00:00+00:00 said\n",
        "b.log": "",
        "b.log-20261128": "x 2026-11-28T01:00:00+00:00 said\n",
        "b.log-20261127": "x 2026-11-27T01:00:00+00:00 said\n",
        "b.log-20261126.gz": "packed",
        "c.log": "",
    }
    for name, text in logs.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = state_checks("log_server").NEWEST.format(names="a b c d", logs=tmp_path)
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    now, *newest = said.stdout.splitlines()
    assert newest == ["a 2026-11-29T02:00:00+00:00", "b 2026-11-28T01:00:00+00:00"]
    assert datetime.fromisoformat(now).tzinfo == UTC


NOT_THERE = Answer(rc=1, stdout="", stderr="")
REFUSED = Answer(rc=1, stdout="", stderr="error: --key is not let through")
LET_THROUGH = Answer(rc=0, stdout="", stderr="")


def account(field: str = "!", program: str = "/usr/sbin/nologin", keys: Answer = NOT_THERE) -> dict[str, str | Answer]:
    """What a station says of the account that holds the key."""
    return {
        "getent passwd": f"samdrift-runs:x:998:998::/var/lib/samdrift-runs:{program}",
        "getent shadow": f"samdrift-runs:{field}:20000:0:99999:7:::",
        "test -e": keys,
    }


@pytest.mark.parametrize(
    ("check", "answers", "said"),
    [
        ("nobody_but_the_account_reads_the_key", {"stat": "samdrift-runs 600"}, "passed"),
        ("nobody_but_the_account_reads_the_key", {"stat": "samdrift-runs 640"}, "failed"),
        ("nobody_but_the_account_reads_the_key", {"stat": "root 600"}, "failed"),
        ("what_people_run_as_the_account_is_roots", {"stat": "root:root 755"}, "passed"),
        ("what_people_run_as_the_account_is_roots", {"stat": "root:root 775"}, "failed"),
        ("the_program_refuses_another_key_and_another_inventory", {"samdrift-run": REFUSED}, "passed"),
        ("the_program_refuses_another_key_and_another_inventory", {"samdrift-run": LET_THROUGH}, "failed"),
        ("samdrift_itself_is_roots", {"if [ -e": "there", "find": "/opt/samdrift/bin/samdrift"}, "passed"),
        ("samdrift_itself_is_roots", {"if [ -e": "there", "find": ""}, "failed"),
        ("samdrift_itself_is_roots", {"if [ -e": "none", "find": ""}, "not applicable"),
        ("nobody_logs_in_as_the_account", account(), "passed"),
        ("nobody_logs_in_as_the_account", account(field=""), "failed"),
        ("nobody_logs_in_as_the_account", account(field="$y$x"), "failed"),
        ("nobody_logs_in_as_the_account", account(program="/bin/bash"), "failed"),
        ("nobody_logs_in_as_the_account", account(keys=LET_THROUGH), "failed"),
    ],
)
def test_a_station_whose_key_is_others_too_is_found(check: str, answers: dict[str, str | Answer], said: str) -> None:
    assert outcome("management_station", check, answers, "tie-adm1") == said


HERE = "/opt/samdrift/versions/"
WATCH = "samdrift-watch"


def watch(key: str = "600", groups: str = WATCH, program: str = "/usr/sbin/nologin") -> dict[str, str | Answer]:
    """What a station says of the account that scans."""
    passwd = f"{WATCH}:x:997:997::/var/lib/{WATCH}:{program}"
    return {"id -Gn": groups, "getent passwd": passwd, "stat": f"{WATCH} {key}"}


def installed(found: str = "searched", revision: str = "") -> dict[str, str | Answer]:
    """What a station says of the samdrift that it has."""
    wanted = shipped_settings("tie-adm1", "drift_watch").model_dump()["revision"]
    return {"readlink": f"{HERE}{revision or wanted}/venv/bin", "find": found}


@pytest.mark.parametrize(
    ("check", "answers", "said"),
    [
        ("the_account_is_nobody_else_and_its_key_is_its_own", watch(), "passed"),
        ("the_account_is_nobody_else_and_its_key_is_its_own", watch(key="640"), "failed"),
        ("the_account_is_nobody_else_and_its_key_is_its_own", watch(groups=f"{WATCH} sudo"), "failed"),
        ("the_account_is_nobody_else_and_its_key_is_its_own", watch(program="/bin/sh"), "failed"),
        ("samdrift_is_the_wanted_revision_and_nobody_but_root_can_change_it", installed(), "passed"),
        ("samdrift_is_the_wanted_revision_and_nobody_but_root_can_change_it", installed("/opt/x\nsearched"), "failed"),
        ("samdrift_is_the_wanted_revision_and_nobody_but_root_can_change_it", installed(revision="1"), "failed"),
        ("the_store_is_the_stations_and_the_watchs_and_no_others", {"stat": f"samdrift-runs {WATCH} 2770"}, "passed"),
        ("the_store_is_the_stations_and_the_watchs_and_no_others", {"stat": f"samdrift-runs {WATCH} 2775"}, "failed"),
    ],
)
def test_a_station_that_does_not_watch_as_it_should_is_found(
    check: str, answers: dict[str, str | Answer], said: str
) -> None:
    assert outcome("drift_watch", check, answers, "tie-adm1") == said


SAYS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def answered(status: int, **other: str | None) -> dict[str, str | Answer]:
    """What the watch's pages answer to whoever asks, with other headers."""
    headers = SAYS | {name.replace("_", "-"): value for name, value in other.items()}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items() if value)]
    return {"openssl s_client": "\r\n".join([*lines, "", "text"])}


def greeted(*established: str) -> dict[str, str | Answer]:
    """How a server answers clients of each version of TLS."""
    spoken, refused = "CONNECTION ESTABLISHED", "tlsv1 alert protocol version"
    return {
        f"-{v} ": Answer(rc=0, stdout="", stderr=spoken if v in established else refused)
        for v in ("tls1_1", "tls1_2", "tls1_3")
    }


WHOEVER = "whoever_does_not_prove_who_he_is_is_refused_whatever_he_says"
LOADED = "its_answers_let_nothing_be_loaded_from_elsewhere"
OWN_PAGES = "the_pages_are_the_watchs_and_the_web_servers_alone"


@pytest.mark.parametrize(
    ("check", "answers", "said"),
    [
        (WHOEVER, answered(400), "passed"),
        (WHOEVER, answered(200), "failed"),
        (WHOEVER, answered(302), "failed"),
        (WHOEVER, {"openssl s_client": ""}, "failed"),
        (LOADED, answered(400), "passed"),
        (LOADED, answered(400, Content_Security_Policy="default-src 'none'; style-src 'unsafe-inline'"), "failed"),
        (LOADED, answered(400, X_Frame_Options=None), "failed"),
        ("tls_is_new_enough", greeted("tls1_2", "tls1_3"), "passed"),
        ("tls_is_new_enough", greeted("tls1_1", "tls1_2", "tls1_3"), "failed"),
        ("tls_is_new_enough", greeted("tls1_2"), "failed"),
        (OWN_PAGES, {"stat": "samdrift-watch www-data 2750", "find": "searched"}, "passed"),
        (OWN_PAGES, {"stat": "samdrift-watch www-data 2755", "find": "searched"}, "failed"),
        (OWN_PAGES, {"stat": "samdrift-watch www-data 2750", "find": "/x\nsearched"}, "failed"),
        (OWN_PAGES, {"stat": "root root 755", "find": "searched"}, "failed"),
    ],
)
def test_pages_that_others_can_read_too_are_found(check: str, answers: dict[str, str | Answer], said: str) -> None:
    assert outcome("watch_pages", check, answers, "tie-adm1") == said


WORKER = "samdrift-worker"


def worker(key: str = "600", groups: str = WORKER, told: str = f"root {WORKER} 640") -> dict[str, str | Answer]:
    """What a worker's host says of its account, and of what is the account's alone."""
    passwd = f"{WORKER}:x:997:997::/var/lib/{WORKER}:/usr/sbin/nologin"
    answers: dict[str, str | Answer] = {"id -Gn": groups, "getent passwd": passwd, "watch.json": told}
    return {**answers, "stat": f"{WORKER} {key}"}


ACCOUNT_OF_A_WORKER = "the_account_is_nobody_else_and_its_key_is_its_own"
TOLD_TO_A_WORKER = "what_it_is_told_is_roots_and_its_password_its_own"
INSTALLED = "samdrift_is_the_wanted_revision_and_nobody_but_root_can_change_it"


@pytest.mark.parametrize(
    ("check", "answers", "said"),
    [
        (ACCOUNT_OF_A_WORKER, worker(), "passed"),
        (ACCOUNT_OF_A_WORKER, worker(key="640"), "failed"),
        (ACCOUNT_OF_A_WORKER, worker(groups=f"{WORKER} sudo"), "failed"),
        (TOLD_TO_A_WORKER, worker(), "passed"),
        (TOLD_TO_A_WORKER, worker(key="644"), "failed"),
        (TOLD_TO_A_WORKER, worker(told=f"{WORKER} {WORKER} 640"), "failed"),
        (INSTALLED, {"readlink": f"{HERE}{REVISION}/venv/bin", "find": "searched"}, "passed"),
        (INSTALLED, {"readlink": f"{HERE}1/venv/bin", "find": "searched"}, "failed"),
        (INSTALLED, {"readlink": f"{HERE}{REVISION}/venv/bin", "find": "/opt/x\nsearched"}, "failed"),
    ],
)
def test_a_worker_that_is_not_as_it_should_be_is_found(check: str, answers: dict[str, str | Answer], said: str) -> None:
    found = MadeUp(answers).outcome(getattr(state_checks("watch_worker"), f"test_{check}"), worker_settings())
    assert found == said
