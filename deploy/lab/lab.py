"""The lab: real Debian hosts to rehearse on, booted from the same inventory as the real fleet.

`Lab` says what a lab can do: up, down, status, cut off, mend. docs/lab.md tells people. How is in the modules here:

    overlay, keys, repository    what differs from the real fleet
    ssh_config          how people log in
    image, mirror       the disk image that hosts boot from
    host                one host's disk and boot
    station             the network of a lab that is set apart from the machine's own
    wiring, switch      the network: which wires there are, and how they are laid
    cgroups, mounts     processes and mounts, found again after any crash
    machine, kernel, place       what the lab needs of the machine it runs on, and the directory that it lives in
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import NoReturn

from deploy.lab.cgroups import age, end, groups, is_program, processes, scope_name
from deploy.lab.handed import CACHE, hand_over
from deploy.lab.host import Installed, LabHost, answers, digest, installer_files, kept
from deploy.lab.image import USER, Machine, build, discard_half
from deploy.lab.kernel import KernelSettings
from deploy.lab.keys import Keys, has_tunnels, public_half, without_comment
from deploy.lab.machine import LabError, boot_id, complaint, delete, environment_option, require_machine, run, write
from deploy.lab.mirror import machine_mirror
from deploy.lab.mounts import mounts, unmount
from deploy.lab.overlay import bootable, lab_overlay, machine_nameserver, with_guests
from deploy.lab.place import lab_directory
from deploy.lab.repository import committed
from deploy.lab.ssh_config import ssh_config
from deploy.lab.station import Station
from deploy.lab.status import HostStatus, LabStatus
from deploy.lab.switch import ALIAS, Switch
from deploy.lab.wiring import Port, Wiring, lab_hosts, wiring
from deploy.model.observer import Observer, Quiet
from deploy.transport.ssh import Access
from deploy.vault.made_up import MadeUp
from inventory.fleet import Fleet, Host
from inventory.network import Address
from roles.shared.intent import Intent
from roles.shared.rehearsal import Rehearsal

BOOT_PATIENCE = 120.0


class LabBusyError(LabError):
    """Another command is bringing this lab up or down."""

    exit_code = 4


class Lab:
    """A lab in a directory. Two labs in one network exclude each other, since they have the same addresses.

    Args:
        mirror: the Debian archive to install from; otherwise SAMDRIFT_MIRROR, or what the machine's own apt uses.
        nameserver: otherwise SAMDRIFT_NAMESERVER, or the machine's own.
    """

    def __init__(
        self, directory: Path | None = None, *, mirror: str | None = None, nameserver: IPv4Address | None = None
    ) -> None:
        self.directory = (directory or lab_directory()).resolve()
        if set(str(self.directory)) & set(',:\\"\n'):
            raise LabError("a lab cannot be in a directory of this name", where=str(self.directory), fix='no , : " \\')
        self.id = hashlib.sha256(str(self.directory).encode()).hexdigest()[:8]
        self._mirror = mirror or environment_option("SAMDRIFT_MIRROR")
        self._nameserver = nameserver
        self._switch = Switch(self.directory)
        self._station = Station(self.directory, f"{ALIAS}{self.directory}")
        self._kernel = KernelSettings(self.directory / "kernel.json")
        self._keys = Keys(self.directory / "keys")

    # What differs from the real fleet

    def overlay(self, fleet: Fleet) -> Fleet:
        """Return the fleet as it is in the lab; `lab_overlay` says what differs."""
        fleet = with_guests(fleet, self._guests())
        hosts = lab_hosts(fleet)
        self._keys.make(hosts)
        keys = {h.name: without_comment(self._keys.public_host_key(h.name)) for h in hosts}
        tunnels = {h.name: public_half(self._keys.tunnel_key(h.name)) for h in hosts if has_tunnels(h)}
        lab = Rehearsal(
            automation_key=without_comment(self._keys.user_key),
            look_key=without_comment(self._keys.look_key),
            nameserver=self.nameserver,
            archives=machine_mirror(self._mirror).archives,
            revision=committed(self.directory / CACHE / "samdrift.git"),
            authority=self._keys.authority,
        )
        return lab_overlay(fleet, lab, keys, tunnels)

    def hand_over(self, intent: Intent) -> None:
        """Give lab hosts that scan the others by themselves what they need for it, if there are any."""
        hosts, handed = lab_hosts(intent.fleet), self.directory / CACHE
        if any(handed in kept(host, self.directory).values() for host in hosts):
            self.vault().open(intent.secrets(hosts))
            hand_over(handed, intent.fleet, self.vault(), self._keys.to_look)

    def access(self) -> Access:
        """Return how samdrift logs in to lab hosts, to change them and to look."""
        return Access(user=USER, key_file=self._keys.to_change, look_key_file=self._keys.to_look)

    def vault(self) -> MadeUp:
        """Return the vault of the lab's secrets: random values, made when first needed, kept between runs."""
        return MadeUp(self._keys.directory / "secrets.json", self._keys.secrets)

    @property
    def nameserver(self) -> IPv4Address:
        """Return the nameserver that lab hosts with a way out ask."""
        return self._nameserver or machine_nameserver(environment_option("SAMDRIFT_NAMESERVER"))

    # What it does

    def up(
        self,
        fleet: Fleet,
        observer: Observer | None = None,
        guests: Iterable[str] = (),
        *,
        apart: bool = False,
        anew: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Bring up every lab host of the fleet, or those that are not up.

        Hosts that run are left alone, unless their addresses have changed.

        Args:
            guests: hosts without the tag that the lab shall have too, until it is taken down.
            apart: take none of the lab's addresses from the machine's own network, until it is taken down.
            anew: called with each host that is about to get an empty disk.
        """
        observer = observer or Quiet()
        require_machine()
        guests = {*self._guests(), *bootable(fleet, guests)}
        intent = Intent(fleet := with_guests(fleet, guests))
        hosts, plan = lab_hosts(fleet), wiring(intent)
        with self._alone():
            self._keys.make(hosts)
            if apart and self._switch.exists and not self._station.exists:
                raise LabError("the lab is up, and in the machine's own network", fix="samdrift lab down, then up")
            if not (apart or self._station.exists):
                self._clear_dead(observer)
                self._switch.refuse_strangers(plan, self.nameserver)
            observer.stage("disk image (built once)", ())
            image = build(self.id, self._images, Machine.here(self._mirror))
            if apart or self._station.exists:
                self._kernel.prepare()  # the machine's own, before the station is entered
                self._station.lay()
                self.enter()
                self._switch.refuse_strangers(plan, self.nameserver)
            observer.stage("booting the lab", [h.name for h in hosts])
            self._lay(plan, hosts)
            for host in hosts:
                self._start(host, intent, image, plan, guest=host.name in guests, anew=anew)
            self._plug_in(plan.ports)
            write(self._ssh_config, ssh_config(self._keys, hosts))
            self._wait_until_up(hosts, observer)
            self._drop_old_images(image)

    def down(self, *, purge: bool = False) -> None:
        """Remove everything the lab has on this machine but its files; its hosts' disks too. Mends any crash.

        Keeps the image, the keys and the package cache, unless `purge`.
        """
        if not self.directory.exists():
            return
        require_machine()
        with self._alone():
            end(self.id)
            self._station.remove()
            self._switch.remove()  # before its namespace goes, which takes the other ends along, in its own time
            unmount(self.directory)
            self._kernel.restore()
            discard_half(self.id, self._images)
            for host in self._known():
                host.discard()
        if purge:
            delete(self.directory)

    @property
    def is_apart(self) -> bool:
        """Tell whether the lab takes none of its addresses from the machine's own network."""
        return self._station.exists

    def enter(self) -> None:
        """Have this process reach the lab, if it is set apart; and the real hosts no more."""
        self._station.enter()

    def holds(self, addresses: Iterable[Address]) -> bool:
        """Tell whether the lab takes any of these addresses from the machine's own network."""
        networks = [a.network for a in self._switch.addresses()] if not self.is_apart else []
        return any(address in network for address in addresses for network in networks)

    def require_up(self) -> None:
        """Raise LabError unless some host runs: without one, every other host of the lab would only be unknown."""
        if not self._running():
            raise LabError("no host of the lab runs", where=str(self.directory), fix="boot it: samdrift lab up")

    def status(self) -> LabStatus:
        """Return every host that the lab has made, and what a crash left behind.

        Changes nothing, but needs root to look.
        """
        if not self.directory.exists():
            return LabStatus(directory=self.directory, hosts=(), leftovers=())
        require_machine()
        running, cut, pids = self._running(), self._cut(), processes(self.id)
        hosts = tuple(
            HostStatus(
                name=host.name,
                address=installed.address,
                running=host.name in running,
                cut_off=any(port.name in cut for port in installed.ports),
                seconds=age(pids.get(host.name, ())) if host.name in running else 0.0,
            )
            for host in self._known()
            if (installed := host.installed) is not None
        )
        return LabStatus(directory=self.directory, hosts=hosts, leftovers=tuple(self._leftovers(running)))

    def cut_off(self, host: str) -> None:
        """Pull the host's cables out: it runs on, and nobody reaches it."""
        self._switch.detach(self._ports_of(host))

    def mend(self, host: str) -> None:
        """Plug the host's cables in again."""
        self._switch.attach(self._ports_of(host))

    # Coming up

    def _clear_dead(self, observer: Observer) -> None:
        """Take down other labs of this network of which nothing runs: whoever had them did not, and is gone."""
        for directory in self._switch.others():
            other = Lab(directory)
            if other.directory == self.directory or processes(other.id):
                continue
            observer.stage(f"taking down a lab of which nothing runs: {directory}", ())
            if directory.exists():
                with suppress(LabBusyError):  # somebody is just bringing it up: then it holds the network
                    other.down()
            else:
                other._switch.remove()

    def _lay(self, plan: Wiring, hosts: tuple[Host, ...]) -> None:
        """Lay the network; first end what runs but cannot be plugged into it, or has no place in it any more."""
        strays = set(processes(self.id)) - ({h.name for h in hosts} if self._switch.exists else set())
        end(self.id, strays)
        for name in strays:
            LabHost(self.id, self.directory, name).discard()
        self._switch.lay(plan)
        self._kernel.prepare()

    def _start(
        self, host: Host, intent: Intent, image: Path, plan: Wiring, *, guest: bool, anew: Callable[[str], None]
    ) -> None:
        """Boot a host, unless it runs as the fleet wants it; a disk that fits is kept, as over a reboot."""
        files = installer_files(
            host,
            intent,
            user_key=self._keys.user_key,
            host_key=self._keys.host_key(host.name),
            nameserver=self.nameserver,
            tunnel_key=self._keys.tunnel_key(host.name) if has_tunnels(host) else "",
        )
        ports = tuple(p for p in plan.ports if p.host == host.name)
        wanted = Installed(
            address=host.address, image=image.name, files=digest(files), boot=boot_id(), ports=ports, guest=guest
        )
        disk = LabHost(self.id, self.directory, host.name)
        if host.name in self._running() and disk.installed is not None and disk.installed.runs_as(wanted):
            return
        end(self.id, [host.name])
        self._switch.clear(ports)
        if disk.installed != wanted:
            anew(host.name)
        disk.install(image, files, wanted)
        disk.boot(image, self._switch.inside(), ports, kept(host, self.directory))

    def _plug_in(self, ports: Sequence[Port], patience: float = 30) -> None:
        """Put ports on their bridges as nspawn makes them; those of running hosts too, if they were cut off."""
        missing, deadline = list(ports), time.monotonic() + patience
        while missing:
            there = {link["ifname"] for link in self._switch.links()}
            self._switch.attach(p for p in missing if p.name in there)
            missing = [p for p in missing if p.name not in there]
            for host in {p.host for p in missing} - processes(self.id).keys():  # it may not be nspawn yet
                self._died(host)
            if time.monotonic() > deadline:
                raise LabError(f"no network interface of {missing[0].host} appears", fix="samdrift lab down")
            time.sleep(0.1 if missing else 0)

    def _wait_until_up(self, hosts: tuple[Host, ...], observer: Observer) -> None:
        """Wait until systemd on every host says over ssh that the host is up, and tell the observer how it is."""
        with ThreadPoolExecutor(len(hosts)) as pool:
            for host, state in zip(hosts, pool.map(self._wait_for, hosts), strict=True):
                observer.host(host.name, "done", state)

    def _wait_for(self, host: Host) -> str:
        deadline = time.monotonic() + BOOT_PATIENCE
        while not answers(host.address):
            if host.name not in self._running():
                self._died(host.name)
            if time.monotonic() > deadline:
                raise LabError(f"{host.name} does not answer on {host.address}", fix="samdrift lab down, then up")
            time.sleep(0.2)
        question = "systemctl is-system-running --wait; systemctl list-units --failed --plain --no-legend"
        state, *failed = run(*self._ssh(host.name), question).splitlines() or ["unknown"]
        if state not in {"running", "degraded"}:
            raise LabError(f"{host.name} is {state}", fix=f"look at it: ssh -F {self._ssh_config} {host.name}")
        return state if state == "running" else f"degraded: {', '.join(line.split()[0] for line in failed)}"

    def _died(self, host: str) -> NoReturn:
        log = LabHost(self.id, self.directory, host).log
        raise LabError(f"{host} does not run: {complaint(log)}", where=str(log))

    def _ssh(self, host: str) -> list[str | Path]:
        return ["ssh", "-F", self._ssh_config, "-o", "ConnectTimeout=10", host]

    def _drop_old_images(self, current: Path) -> None:
        used = {current.name, *(i.image for h in self._known() if (i := h.installed) is not None)}
        for image in self._images.iterdir():
            if image.is_dir() and image.name not in used:
                delete(image)

    # What is there

    @property
    def _images(self) -> Path:
        return self.directory / "images"

    @property
    def _ssh_config(self) -> Path:
        return self.directory / "ssh_config"

    def _known(self) -> list[LabHost]:
        """Return every host that has a directory, whole or half."""
        homes = sorted((self.directory / "hosts").glob("*"))
        return [LabHost(self.id, self.directory, home.name) for home in homes]

    def _guests(self) -> set[str]:
        """Return the hosts that were brought up by name."""
        return {host.name for host in self._known() if (installed := host.installed) is not None and installed.guest}

    def _running(self) -> set[str]:
        """Return the hosts whose nspawn is alive; without it a host may linger, but cannot be relied on."""
        return {name for name, pids in processes(self.id).items() if any(is_program(p, "systemd-nspawn") for p in pids)}

    def _ports_of(self, host: str) -> tuple[Port, ...]:
        installed = LabHost(self.id, self.directory, host).installed
        if installed is None or not self._switch.exists:
            raise LabError(f"the lab runs no host {host!r}", fix="samdrift lab status")
        return installed.ports

    def _cut(self) -> set[str]:
        return {link["ifname"] for link in self._switch.links() if "master" not in link}

    def _leftovers(self, running: set[str]) -> list[str]:
        lingering = {h: pids for h, pids in processes(self.id).items() if h not in running}
        found = [f"processes of {h}: {' '.join(map(str, pids))}" for h, pids in sorted(lingering.items())]
        for place in mounts(self.directory):
            inside = place.relative_to(self.directory).parts
            if not (running and inside in {("switch",), ("station",)}) and not (
                inside[:1] == ("hosts",) and inside[1] in running
            ):
                found.append(f"mount {place}")
        alive = {scope_name(self.id, h) for h in running}
        found += [f"control group {group}" for group in groups(self.id) if group.name not in alive]
        if not running:
            found += self._switch.traces()
            found += ["settings of the machine's kernel, to be put back"] if self._kernel.are_changed else []
        return found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lab's lock, which goes with the process that holds it, however that ends."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                lock.seek(0)
                raise LabBusyError(f"the lab is being brought up or down: {lock.read().strip()}", fix="wait") from e
            lock.truncate(0)
            lock.write(f"process {os.getpid()} since {time.strftime('%H:%M:%S')}")
            lock.flush()
            yield
