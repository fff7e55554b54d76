"""One lab host: its disk as an installer would leave it, and its boot. Not here: the network it is plugged into."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import uuid
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path

from deploy.lab.cgroups import launch
from deploy.lab.image import USER
from deploy.lab.machine import delete, run, write
from deploy.lab.mounts import unmount
from deploy.lab.place import STATE
from deploy.lab.wiring import Port, network_files
from inventory.fleet import Host
from inventory.frozen import Frozen
from inventory.network import Address
from roles.shared.catalogue import known_roles
from roles.shared.intent import Intent

NSPAWN_RUN = Path("/run/systemd/nspawn")

CAPABILITIES = "CAP_NET_ADMIN"
"""Beyond nspawn's default: routing, nftables. The clock stays the machine's own."""


Files = dict[str, tuple[str, int]]
"""Path (relative to the root of a disk) to content and mode."""


class Installed(Frozen):
    """The origin of a lab host's disk; written when the disk is complete, so that half a disk is never booted.

    A `guest` is in the lab because it was named, and not by its tag.
    """

    address: IPv4Address
    image: str
    files: str
    boot: str
    ports: tuple[Port, ...]
    guest: bool = False

    def runs_as(self, wanted: Installed) -> bool:
        """Tell whether a running host made from this is plugged in as is wanted; what else is new waits until it is
        down.
        """
        return (self.address, self.ports, self.boot) == (wanted.address, wanted.ports, wanted.boot)


class LabHost:
    """The disk and the boot of one lab host, below `<lab directory>/hosts/<name>`."""

    def __init__(self, lab: str, directory: Path, name: str) -> None:
        self.lab, self.name = lab, name
        self.home = directory / "hosts" / name
        self.upper, self.work, self.root = self.home / "upper", self.home / "work", self.home / "root"
        self.log = self.home / "console.log"
        self.machine = f"sdl-{lab}-{name}"

    @property
    def installed(self) -> Installed | None:
        """Return what the disk was made from; None if there is no whole disk."""
        try:
            return Installed.model_validate_json((self.home / "installed.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def install(self, image: Path, files: Files, made_from: Installed) -> None:
        """Make a fresh disk, unless there is one that was made from just this, in this boot of the machine."""
        if self.installed == made_from:
            return
        self.discard()
        self.upper.mkdir(parents=True)
        for path, (content, mode) in files.items():
            write(self.upper / path, content, mode)
        self._give_home_to_user(image)
        write(self.home / "installed.json", made_from.model_dump_json())

    def _give_home_to_user(self, image: Path) -> None:
        passwd = (image / "etc/passwd").read_text(encoding="utf-8").splitlines()
        uid, gid = next((int(f[2]), int(f[3])) for f in (line.split(":") for line in passwd) if f[0] == USER)
        home = self.upper / "home" / USER
        for path in (home, home / ".ssh", home / ".ssh/authorized_keys"):
            os.chown(path, uid, gid)
            path.chmod(0o700 if path.is_dir() else 0o600)

    def boot(self, image: Path, enter: Sequence[str | Path], ports: Sequence[Port], caches: Mapping[str, Path]) -> None:
        """Mount the disk and start the host. It is not up yet, and its ports are not on their bridges.

        Args:
            caches: what outlives the disk: where it is on the host, and where on this machine.
        """
        self.forget()
        delete(self.work)  # scratch of the mount before; a volatile one may not be reused
        self.work.mkdir()
        self.root.mkdir(exist_ok=True)
        layers = f"volatile,lowerdir={image},upperdir={self.upper},workdir={self.work}"
        run("mount", "-t", "overlay", "samdrift-lab", "-o", layers, self.root)
        binds = ["--bind=/dev/net/tun"] if Path("/dev/net/tun").exists() else []
        for inside, cache in caches.items():
            cache.mkdir(mode=0o700 if cache.name == STATE else 0o755, parents=True, exist_ok=True)
            (self.root / inside.lstrip("/")).mkdir(parents=True, exist_ok=True)
            binds.append(f"--bind={cache}:{inside}")
        nspawn = [
            "systemd-nspawn",
            "--quiet",
            f"--directory={self.root}",
            "--boot",
            "--register=no",
            "--keep-unit",
            f"--machine={self.machine}",
            f"--hostname={self.name}",
            f"--uuid={machine_id(self.machine)}",
            f"--capability={CAPABILITIES}",
            "--console=pipe",
            "--settings=no",
            "--link-journal=no",
            "--resolv-conf=off",
            "--timezone=off",
            *(f"--network-veth-extra={p.name}:{p.interface}" for p in ports),
            *binds,
        ]
        launch(self.lab, self.name, [*enter, *nspawn], self.log)

    def forget(self) -> None:
        """Unmount the disk, and remove what a killed nspawn leaves outside it; it refuses to start over that."""
        unmount(self.home)
        for left in NSPAWN_RUN.glob(f"*/{self.machine}"):
            unmount(left)
            delete(left)

    def discard(self) -> None:
        """Throw the disk away."""
        self.forget()
        delete(self.home)


def installer_files(
    host: Host,
    intent: Intent,
    *,
    user_key: str,
    host_key: tuple[str, str],
    nameserver: IPv4Address,
    tunnel_key: str = "",
) -> Files:
    """Return what an installer leaves on this host and on no other: relative path to content and mode.

    Args:
        user_key: the lab's public key, with which samdrift logs in.
        host_key: the host's own key, private and public.
        tunnel_key: its private key for tunnels, if it has any.
    """
    roles = known_roles(host)
    plain = network_files(host, intent) | {path: text for role in roles for path, text in role.lab_files.items()}
    tunnels = {role.tunnel_key.lstrip("/"): (f"{tunnel_key}\n", 0o600) for role in roles if role.tunnel_key}
    return {
        "etc/hostname": (f"{host.name}\n", 0o644),
        "etc/hosts": (f"127.0.0.1 localhost\n127.0.1.1 {host.name}\n", 0o644),
        "etc/resolv.conf": (f"nameserver {nameserver}\n", 0o644),
        "etc/ssh/ssh_host_ed25519_key": (host_key[0], 0o600),
        "etc/ssh/ssh_host_ed25519_key.pub": (host_key[1], 0o644),
        f"home/{USER}/.ssh/authorized_keys": (user_key, 0o600),
        **tunnels,
        **{path: (text, 0o644) for path, text in plain.items()},
    }


def kept(host: Host, directory: Path) -> dict[str, Path]:
    """Return what outlives this host's disk: where it is on the host, and where in the lab's directory."""
    caches = {path: directory / "cache" / Path(path).name for role in known_roles(host) for path in role.lab_caches}
    return caches | {role.lab_store: directory / STATE for role in known_roles(host) if role.lab_store}


def digest(files: Files) -> str:
    """Return the SHA-256 of what is the host's own on a fresh disk."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def machine_id(machine: str) -> str:
    """Return a machine id that is always the same for this machine name."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, machine).hex


def answers(address: Address) -> bool:
    """Tell whether something listens for ssh there. Says nothing to it: sshd remembers who knocks and runs away."""
    try:
        with socket.create_connection((str(address), 22), timeout=1) as connection:
            return connection.recv(4).startswith(b"SSH")
    except OSError:
        return False
