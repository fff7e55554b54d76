"""What is hardened of every host: that no step passes over what it cannot ask, and takes no more than it must."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from inventory.fleet import Fleet
from roles.shared.hardening import KERNEL, RARE_MODULES, RareModule
from roles.shared.parts.hardened import DONE, listing
from roles.shared.parts.templates import render
from tests.unit.roles.judging import needs
from tests.unit.roles.test_base import STATION, files


@pytest.fixture
def hardened_files(small_fleet: Fleet) -> dict[str, str]:
    """The files of role base on a host, by path."""
    fleet = small_fleet.model_copy(update={"hosts": (*small_fleet.hosts, STATION)})
    return files(fleet)


def test_every_key_of_every_interface_is_named_as_other_programs_read_it(hardened_files: dict[str, str]) -> None:
    lines = hardened_files["/etc/sysctl.d/60-samdrift-ipv4.conf"].splitlines()
    keys = [line.split(" = ")[0] for line in lines[1:]]
    assert set(KERNEL["ipv4"]) <= set(keys)
    for key in (k for k in KERNEL["ipv4"] if "*" in k):
        of_all, of_new = (key.replace("*", name) for name in ("all", "default"))
        assert keys.index(of_all) < keys.index(of_new) < keys.index(key)


def test_a_module_is_refused_to_whoever_asks_by_name_and_to_devices(hardened_files: dict[str, str]) -> None:
    lines = hardened_files["/etc/modprobe.d/60-samdrift.conf"].splitlines()[1:]
    assert sorted(lines) == sorted(
        line for module in RARE_MODULES for line in (f"install {module} /bin/false", f"blacklist {module}")
    )


def test_what_a_host_boots_from_or_moves_an_address_by_is_not_taken_away() -> None:
    boots_from = {"ext4", "fat", "loop", "nls_cp437", "nvme", "overlay", "vfat", "xfs"}
    assert boots_from.isdisjoint(RARE_MODULES)
    keys = {key for theme in KERNEL.values() for key in theme}
    assert "kernel.modules_disabled" not in keys, "/boot/efi could not be mounted: its module comes later"
    assert not [key for key in keys if "drop_gratuitous_arp" in key], "a shared address moves by these"


def test_a_host_never_waits_for_its_audit() -> None:
    rules = render("base/audit.rules.j2").splitlines()
    assert "--backlog_wait_time 0" in rules
    assert "-e 2" not in rules
    assert all(line.startswith(("#", "-")) or not line for line in rules)


def test_a_profile_of_pams_is_named_so_that_who_chooses_among_them_sees_one(hardened_files: dict[str, str]) -> None:
    """debconf parts the names by commas: after one that has a comma, a line of its menu was another profile."""
    names = [
        text.partition("\n")[0] for path, text in hardened_files.items() if path.startswith("/usr/share/pam-configs/")
    ]
    assert len(names) == 3
    assert [name for name in names if not name.startswith("Name: ") or "," in name] == []


def test_a_wrong_password_is_counted_last_whatever_else_lets_somebody_in(hardened_files: dict[str, str]) -> None:
    text = hardened_files["/usr/share/pam-configs/samdrift-faillock"]
    said = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    assert int(said["Priority"]) < 0, "it ends the asking, and a profile of somebody's with 0 would be asked no more"


def test_nobody_is_shut_out_by_what_guards_usb(hardened_files: dict[str, str]) -> None:
    lines = hardened_files["/etc/usbguard/usbguard-daemon.conf"].splitlines()
    said = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert said["PresentDevicePolicy"] == "keep", "at boot everything works"
    assert said["AuthorizedDefault"] == "keep", "where the daemon does not run, everything works"
    assert said["RuleFolder"] == "/etc/usbguard/rules.d/", "where the rule of keyboards and hubs is"
    assert said["IPCAllowedUsers"] == "root", "where nobody is named, everybody may change the rules"
    assert "IPCAccessControlFiles" not in said, "there the package lets members of plugdev in"
    rules = hardened_files["/etc/usbguard/rules.d/10-samdrift.conf"].splitlines()
    assert [r for r in rules if not r.startswith("#")] == ["allow with-interface match-all { 03:*:* 09:00:* }"]
    unit = hardened_files["/etc/systemd/system/usbguard.service.d/samdrift.conf"]
    assert "ConditionPathExists=/sys/bus/usb/devices\n" in unit, "without USB the daemon ends and starts for ever"


def test_usb_is_not_guarded_where_it_is_not_the_hosts_own_or_not_wanted(small_fleet: Fleet) -> None:
    fleet = small_fleet.model_copy(update={"hosts": (*small_fleet.hosts, STATION)})
    for found in (files(fleet, own_kernel=False), files(fleet, usb_guard=False)):
        assert [path for path in found if "usb" in path] == []


@pytest.mark.parametrize("name", ["ext4", "usb_storage", ""])
def test_a_module_that_nobody_refuses_need_not_be_kept(name: str) -> None:
    assert TypeAdapter(RareModule).validate_python("usb-storage") == "usb-storage"
    with pytest.raises(ValidationError, match="no module that is refused"):
        TypeAdapter(RareModule).validate_python(name)


def test_a_question_whose_program_is_missing_has_another_answer_than_is_wanted() -> None:
    def answer(path: str) -> str:
        asked = ["/bin/sh", "-c", listing("find /nowhere 2> /dev/null", "find")]
        return subprocess.run(asked, env={"PATH": path}, capture_output=True, text=True, check=False).stdout

    assert answer(os.environ["PATH"]) == f"{DONE}\n"
    assert answer("/nowhere") == ""


@needs("bash")
def test_a_prompt_logs_out_though_its_profile_is_read_twice(tmp_path: Path) -> None:
    profile = tmp_path / "profile.sh"
    profile.write_text(render("base/profile.sh.j2"))
    said = subprocess.run(
        ["bash", "-c", f". {profile}; . {profile}; declare -p TMOUT; umask; ulimit -c"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (said.stdout.splitlines(), said.stderr) == (['declare -r TMOUT="600"', "0027", "0"], "")
    others = ["bash", "-c", f"readonly TMOUT=900; . {profile}; declare -p TMOUT; bash -c 'echo ${{TMOUT-unset}}'"]
    kept = subprocess.run(others, capture_output=True, text=True, check=True)
    assert (kept.stdout.splitlines(), kept.stderr) == (['declare -r TMOUT="900"', "unset"], "")
    dash = subprocess.run(["sh", "-c", f". {profile}; umask"], capture_output=True, text=True, check=True)
    assert (dash.stdout, dash.stderr) == ("0027\n", "")


NEEDRESTART = """\
#!/bin/sh
cat <<'END'
{said}
END
"""


@pytest.mark.parametrize(
    ("said", "reboot", "services"),
    [
        ("NEEDRESTART-VER: 3.11", "0", []),
        ("NEEDRESTART-VER: 3.11\nNEEDRESTART-KSTA: 1", "0", []),
        ("NEEDRESTART-VER: 3.11\nNEEDRESTART-KSTA: 3\nNEEDRESTART-SVC: ssh.service", "1", ["ssh.service"]),
        (
            'NEEDRESTART-VER: 3.11\nNEEDRESTART-SVC: a"b.service\nNEEDRESTART-SVC: c.service',
            "0",
            ["ab.service", "c.service"],
        ),
    ],
)
def test_what_needrestart_says_is_told_as_metrics(tmp_path: Path, said: str, reboot: str, services: list[str]) -> None:
    metrics = told(tmp_path, NEEDRESTART.format(said=said))
    assert metrics["samdrift_reboot_due"] == reboot
    assert metrics["samdrift_restarts_due"] == str(len(services))
    assert [m for m in metrics if m.startswith("samdrift_restart_due")] == [
        f'samdrift_restart_due{{unit="{unit}"}}' for unit in services
    ]


def test_a_needrestart_that_says_nothing_is_no_news_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        told(tmp_path, "#!/bin/sh\n")
    assert not [f for f in tmp_path.iterdir() if f.name.endswith(".prom")]


APT = """\
#!/bin/sh
cat <<'END'
Inst bash [5.2] (5.2-1 Debian:13.1/stable [amd64])
Inst libssl3 [3.0] (3.1 Debian-Security:13/stable-security [amd64])
Inst libgcrypt20 [1.10] (1.11 Debian:13.1/stable, Debian-Security:13/stable-security [amd64]) []
Inst Debian-Security:x (1.0 Other:1/x [amd64])
Conf libssl3 (3.1 Debian-Security:13/stable-security [amd64])
END
"""


def test_security_updates_that_are_not_installed_are_counted(tmp_path: Path) -> None:
    asked = told(tmp_path, NEEDRESTART.format(said="NEEDRESTART-VER: 3.11"), APT)
    assert asked["samdrift_security_updates_due"] == "2"
    assert int(asked["samdrift_package_lists_timestamp_seconds"]) > 1_700_000_000
    none = told(tmp_path, NEEDRESTART.format(said="NEEDRESTART-VER: 3.11"), "#!/bin/sh\n")
    assert none["samdrift_security_updates_due"] == "0"


def test_an_apt_that_fails_is_no_news_of_no_updates_and_costs_nothing_else(tmp_path: Path) -> None:
    broken = told(tmp_path, NEEDRESTART.format(said="NEEDRESTART-VER: 3.11"), APT + "exit 100\n")
    assert "samdrift_security_updates_due" not in broken
    assert broken["samdrift_restarts_due"] == "0"


@needs("openssl")
def test_when_certificates_end_is_told_and_keys_are_none(tmp_path: Path) -> None:
    front, logs = tmp_path / "etc" / "netbox" / "tls", tmp_path / "etc" / "rsyslog-tls"
    for directory in (front, logs):
        directory.mkdir(parents=True)
    make = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-days", "10"]
    where = ["-keyout", str(logs / "key.pem"), "-out", str(front / "netbox.crt")]
    subprocess.run([*make, *where], capture_output=True, check=True)
    asked = told(tmp_path, NEEDRESTART.format(said="NEEDRESTART-VER: 3.11"))
    (found,) = [name for name in asked if name.startswith("samdrift_certificate_ends")]
    assert found == f'samdrift_certificate_ends_timestamp_seconds{{path="{front}/netbox.crt"}}'
    dated = subprocess.run(
        ["openssl", "x509", "-noout", "-enddate", "-in", front / "netbox.crt"],
        capture_output=True,
        text=True,
        check=True,
    )
    ends = datetime.strptime(dated.stdout.strip(), "notAfter=%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    assert int(asked[found]) == int(ends.timestamp())


@needs("promtool")
def test_promtool_has_nothing_to_say_of_what_is_due(tmp_path: Path) -> None:
    told(tmp_path, NEEDRESTART.format(said="NEEDRESTART-VER: 3.11\nNEEDRESTART-SVC: a.service"), APT)
    text = (tmp_path / "samdrift-restarts.prom").read_text()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def told(directory: Path, needrestart: str, apt: str = "#!/bin/sh\n") -> dict[str, str]:
    """The metrics that the script writes where needrestart and apt-get are these programs."""
    to = directory / "samdrift-restarts.prom"
    for name, text in (("needrestart", needrestart), ("apt-get", apt)):
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    text = render("base/restarts.sh.j2").replace("/var/lib/prometheus/node-exporter", str(directory))
    text = text.replace("/run/reboot-required", str(directory / "reboot")).replace(" /etc/*", f" {directory}/etc/*")
    text = text.replace("/var/lib/apt/lists", str(directory))
    (directory / "restarts").write_text(text)
    subprocess.run(
        ["sh", directory / "restarts"],
        env={"PATH": f"{directory}:{os.environ['PATH']}"},
        check=True,
        capture_output=True,
    )
    lines = [line for line in to.read_text().splitlines() if not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)
