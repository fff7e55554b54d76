"""The lab itself, on this machine: up, cut off, crashed and down, in a network of its own beside any other lab."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.lab.cgroups import end, processes
from deploy.lab.lab import HostStatus, Lab
from deploy.lab.machine import delete, run
from deploy.lab.mounts import mounts, unmount
from deploy.lab.place import lab_directory
from deploy.tools.parent import end_with_parent
from inventory.errors import SamdriftError
from tests.integration.lab import DEPLOYED, ENDED, UP, await_stage

pytestmark = [pytest.mark.lab, pytest.mark.own_lab]

GATEWAY, RESOLVER = "heb-gw1", "tie-dns1"


@dataclass
class Bench:
    """A lab in a directory and a network namespace of its own, driven through the command line."""

    directory: Path
    network: Path

    def argv(self, *argv: str) -> list[str]:
        return ["nsenter", f"--net={self.network}", "--", *argv]

    def start(self, *arguments: str, directory: Path | None = None) -> subprocess.Popen[str]:
        environment = os.environ | {"SAMDRIFT_LAB_DIR": str(directory or self.directory)}
        samdrift = self.argv(sys.executable, "-c", "from deploy.cli.entry import main; main()", "--json", *arguments)
        return subprocess.Popen(
            samdrift,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509  threads are greenlets here
        )

    def samdrift(self, *arguments: str, fails: bool = False, directory: Path | None = None) -> Any:
        with self.start(*arguments, directory=directory) as process:
            out, err = process.communicate(timeout=600)
        assert (process.returncode != 0) == fails, err
        return err if fails else json.loads(out)

    def up(self) -> None:
        """Bring it up, unless every host is running."""
        hosts = self.hosts().values()
        if not hosts or not all(h.running for h in hosts):
            self.samdrift("lab", "up")

    def hosts(self) -> dict[str, HostStatus]:
        return {h.name: h for h in Lab(self.directory).status().hosts}

    def ssh(self, host: str, command: str) -> str:
        return run(*self.argv("ssh", "-F", str(self.directory / "ssh_config"), "-o", "ConnectTimeout=3", host, command))

    def supervisor(self, host: str) -> int:
        pids = processes(Lab(self.directory).id)[host]
        return next(p for p in pids if Path(f"/proc/{p}/comm").read_text().strip() == "systemd-nspawn")

    def kernel(self) -> list[str]:
        names = ("net/ipv4/ip_forward", "fs/inotify/max_user_instances")
        return run(*self.argv("cat", *(f"/proc/sys/{name}" for name in names))).split()

    def traces(self) -> list[str]:
        """Everything of this lab on the machine, found without asking the lab."""
        lab = Lab(self.directory).id
        links = [w for w in run(*self.argv("ip", "-brief", "link")).split() if w.startswith("sdl")]
        rules = [r for r in run(*self.argv("ip", "rule")).splitlines() if "lookup 5910" in r]
        groups = [str(g) for g in Path("/sys/fs/cgroup").glob(f"**/samdrift-lab-{lab}-*")]
        nspawn = [str(p) for p in Path("/run/systemd/nspawn").glob(f"*/sdl-{lab}-*")]
        named = [p for p in Path("/proc").glob("[0-9]*/cmdline") if self._mentions(p)]
        tables = run(*self.argv("nft", "list", "tables")).splitlines()
        return [*links, *rules, *groups, *nspawn, *map(str, named), *tables, *map(str, mounts(self.directory))]

    def _mentions(self, cmdline: Path) -> bool:
        try:
            return str(self.directory).encode() in cmdline.read_bytes()
        except OSError:
            return False


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Below the lab's directory, where `make lab-down` finds it if nobody here lives to take it down.

    A lab that other tests bring up meanwhile is up first: one of them builds the image, and what the kernel had before
    is what each puts back, the last first.
    """
    await_stage(UP, DEPLOYED, ENDED)
    image: Path = request.getfixturevalue("image")
    base = lab_directory().resolve() / "own"
    made = Bench(base / "lab", base / "network")
    if made.network in mounts(base):
        made.samdrift("lab", "down")
    unmount(base)
    delete(base)
    base.mkdir()
    made.network.touch()
    run("unshare", f"--net={made.network}", "true")
    try:
        images = made.directory / "images"
        images.mkdir(parents=True)
        run("cp", "--archive", image, images)  # a link would be a change of each file, which hosts of others see
        yield made
        made.samdrift("lab", "down", "--purge")
    finally:
        unmount(base)


def test_up_boots_every_host_and_a_second_up_leaves_them_alone(bench: Bench) -> None:
    bench.samdrift("lab", "up")
    first = bench.hosts()
    assert len(first) >= 9
    assert all(h.running and not h.cut_off for h in first.values())
    answers = {name: bench.ssh(name, "hostname; systemctl is-system-running; sudo id -un") for name in first}
    assert answers == {name: f"{name}\nrunning\nroot\n" for name in first}
    bench.samdrift("lab", "up")
    assert all(host.seconds > first[name].seconds for name, host in bench.hosts().items())


def test_what_roles_need_of_a_container_works(bench: Bench) -> None:
    bench.up()
    assert bench.ssh(GATEWAY, "sudo unshare --net ip -brief link").split()[0] == "lo"
    assert bench.ssh(GATEWAY, "sudo sh -c 'cat /proc/sys/net/ipv4/conf/lan0/forwarding'").strip() == "1"
    assert bench.ssh(RESOLVER, "cat /proc/sys/net/ipv4/conf/eth0/forwarding").strip() == "0"
    assert "default via 10.60.10.1 " in bench.ssh(RESOLVER, "ip route")


def test_a_host_that_is_cut_off_runs_on_and_comes_back(bench: Bench) -> None:
    bench.up()
    bench.samdrift("lab", "cut", GATEWAY)
    assert bench.hosts()[GATEWAY].cut_off
    with pytest.raises(SamdriftError, match=r"timed out|No route"):
        bench.ssh(GATEWAY, "true")
    bench.samdrift("lab", "mend", GATEWAY)
    assert bench.ssh(GATEWAY, "hostname").strip() == GATEWAY
    assert not bench.hosts()[GATEWAY].cut_off


def test_a_host_that_is_not_there_cannot_be_cut_off(bench: Bench) -> None:
    assert "no host 'tie-nothing'" in bench.samdrift("lab", "cut", "tie-nothing", fails=True)


def test_a_killed_host_is_seen_and_comes_back_with_its_disk(bench: Bench) -> None:
    bench.up()
    bench.ssh(RESOLVER, "sudo touch /etc/remember")
    os.kill(bench.supervisor(RESOLVER), signal.SIGKILL)
    _until_not_running(bench, RESOLVER)
    assert any(RESOLVER in left for left in bench.samdrift("lab", "status")["leftovers"])
    bench.samdrift("lab", "up")
    assert bench.ssh(RESOLVER, "ls /etc/remember").strip() == "/etc/remember"


def test_a_second_lab_in_the_same_network_is_refused_by_the_firsts_directory(bench: Bench, tmp_path: Path) -> None:
    bench.up()
    assert str(bench.directory) in bench.samdrift("lab", "up", fails=True, directory=tmp_path / "second")
    bench.samdrift("lab", "down", directory=tmp_path / "second")
    assert bench.ssh(RESOLVER, "hostname").strip() == RESOLVER


@pytest.mark.parametrize("there", [True, False])
def test_a_lab_of_which_nothing_runs_is_taken_down_by_the_next_one(bench: Bench, tmp_path: Path, there: bool) -> None:
    bench.samdrift("lab", "down")
    dead = Bench(tmp_path / "dead", bench.network)
    dead.directory.mkdir()
    (dead.directory / "images").symlink_to(bench.directory / "images")
    with dead.start("lab", "up") as process:
        deadline = time.monotonic() + 60
        while "sdl" not in run(*bench.argv("ip", "link")) and time.monotonic() < deadline:
            pass  # killed at the first sign of it: what is there then must say whose it is
        os.killpg(process.pid, signal.SIGKILL)
    end(Lab(dead.directory).id)
    assert dead.traces()
    if not there:
        unmount(dead.directory)
        dead.directory.rename(tmp_path / "elsewhere")
    bench.samdrift("lab", "up")
    assert bench.ssh(RESOLVER, "hostname").strip() == RESOLVER
    assert not [t for t in dead.traces() if str(dead.directory) in t]
    assert all(str(dead.directory) not in line for line in run(*bench.argv("ip", "link")).splitlines())


def test_down_after_a_kill_leaves_nothing_and_can_be_repeated(bench: Bench) -> None:
    bench.up()
    assert bench.traces()
    os.kill(bench.supervisor(GATEWAY), signal.SIGKILL)
    assert bench.samdrift("lab", "down") == bench.samdrift("lab", "down")
    assert bench.traces() == []
    assert bench.samdrift("lab", "status")["leftovers"] == []
    assert list((bench.directory / "images").glob("[0-9a-f]*"))


def test_what_the_lab_needs_of_the_kernel_is_put_back_as_it_was(bench: Bench) -> None:
    bench.samdrift("lab", "down")
    before = bench.kernel()
    bench.samdrift("lab", "up")
    forwarding, instances = bench.kernel()
    assert forwarding == "1"
    assert int(instances) >= 1024
    bench.samdrift("lab", "down")
    assert bench.kernel() == before


@pytest.mark.long
@pytest.mark.parametrize("seconds", [1.2, 2.0, 3.0])
def test_an_up_that_is_killed_half_way_can_be_taken_down_or_completed(bench: Bench, seconds: float) -> None:
    bench.samdrift("lab", "down")
    with bench.start("lab", "up") as process:
        time.sleep(seconds)  # somewhere in the middle: of the network, of the boots, of the waiting
        os.killpg(process.pid, signal.SIGKILL)
    if seconds > 2:
        bench.samdrift("lab", "up")
        assert all(h.running for h in bench.hosts().values())
    bench.samdrift("lab", "down")
    assert bench.traces() == []


def _until_not_running(bench: Bench, host: str) -> None:
    deadline = time.monotonic() + 10
    while bench.hosts()[host].running:
        assert time.monotonic() < deadline, f"{host} still runs"
        time.sleep(0.2)
