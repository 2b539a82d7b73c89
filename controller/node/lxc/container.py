"""One container: the blocking work of its life. Whoever calls keeps two operations on one container from meeting.

What has to outlive the process is in ``record.json``; whether it runs is LXC's to say.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from controller.node.lxc import cgroups, guestfiles, host, mounts, settings
from controller.node.lxc.guestfiles import GuestFiles
from controller.node.lxc.layers import Layers, shift
from controller.node.lxc.network import Network
from controller.node.lxc.rootfs import RootFs
from controller.node.lxc.slots import first_id

START_SECONDS = 30.0


@dataclass(slots=True)
class Record:
    """What is known of a container over restarts."""

    slot: int
    """Which range of ids it has."""
    layers: list[str]
    """The uppermost first."""
    addresses: dict[str, str] = field(default_factory=dict)
    """Interface → IPv4 address, kept as long as the container is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a container is to run."""

    hostname: str
    nics: Sequence[settings.Nic]
    limits: cgroups.Limits
    nameserver: str | None
    nesting: bool


class Container:
    """A container and its directory ``directory``, which is LXC's own for it too."""

    def __init__(
        self, vmid: int, *, home: Path, layers: Layers, network: Network, hierarchy: cgroups.Hierarchy
    ) -> None:
        self.vmid = vmid
        self._home = home
        self._layers = layers
        self._network = network
        self._hierarchy = hierarchy
        self.directory = home / str(vmid)

    @property
    def _cgroup(self) -> str:
        return f"{self._network.tag}/{self.vmid}"

    @property
    def exists(self) -> bool:
        return (self.directory / "record.json").exists()

    def record(self) -> Record:
        """Raises ``HostError`` when there is no such container."""
        try:
            return Record(**json.loads((self.directory / "record.json").read_text(encoding="utf-8")))
        except FileNotFoundError as missing:
            raise host.HostError(f"container {self.vmid} has no disk here") from missing

    def write(self, record: Record) -> None:
        passing = self.directory / ".record.json"
        passing.write_text(json.dumps(asdict(record)), encoding="utf-8")
        passing.rename(self.directory / "record.json")

    def _rootfs(self, record: Record) -> RootFs:
        return RootFs(self.directory, first=first_id(record.slot))

    def _files(self, rootfs: RootFs) -> GuestFiles:
        return GuestFiles(rootfs.root, first=rootfs.first)

    # life

    def make(self, *, slot: int, layers: list[str], size: int, password: str | None, ssh_keys: str | None) -> None:
        """A disk of ``size`` bytes on those layers, with keys of its own. Fails with nothing left."""
        self.directory.mkdir(mode=0o711, parents=True)
        try:
            record = Record(slot=slot, layers=layers)
            rootfs = self._rootfs(record)
            rootfs.disk.make(size)
            self.write(record)
            self._mount(record)
            files = self._files(rootfs)
            if password is None:
                guestfiles.lock_root(files)
            else:
                guestfiles.set_root_password(files, password)
            if ssh_keys:
                guestfiles.set_authorized_keys(files, ssh_keys)
            guestfiles.renew_host_keys(files, self._private())
            rootfs.unmount()
        except BaseException:
            self.remove()
            raise

    def clone(self, source: Container, *, slot: int, size: int) -> None:
        """On the same layers, with a copy of the source's disk where it has one; a template has none.

        Keys and passwords stay the source's, as on Proxmox; the machine id is new.
        """
        original = source.record()
        self.directory.mkdir(mode=0o711, parents=True)
        try:
            record = Record(slot=slot, layers=original.layers)
            rootfs, theirs = self._rootfs(record), source._rootfs(original)
            if theirs.disk.file.exists():
                rootfs.disk.copy_from(theirs.disk)
                rootfs.disk.grow(size)
                rootfs.disk.mount()
                if rootfs.upper.exists():
                    shift(rootfs.upper, first=theirs.first, to=rootfs.first)
            else:
                rootfs.disk.make(size)
            self.write(record)
            self._mount(record)
            self._files(rootfs).write("etc/machine-id", "")
            rootfs.unmount()
        except BaseException:
            self.remove()
            raise

    def become_template(self) -> None:
        """What it changed becomes a layer that its clones share; it has no disk of its own any more."""
        record = self.record()
        rootfs = self._rootfs(record)
        rootfs.disk.mount()
        try:
            rootfs.upper.mkdir(exist_ok=True)
            layer = self._layers.of_template(self.vmid, rootfs.upper, first=rootfs.first)
        finally:
            rootfs.unmount()
        self.write(Record(slot=record.slot, layers=[layer, *record.layers]))
        rootfs.disk.file.unlink()

    def furnish(self, *, slot: int, layers: list[str]) -> None:
        """A template that is nothing but layers."""
        self.directory.mkdir(mode=0o711, parents=True)
        self.write(Record(slot=slot, layers=layers))

    def start(self, wanted: Wanted) -> None:
        """Returns when LXC says that it runs: its init was started.

        Raises:
            HostError: it does not; what was begun is undone, and LXC's log stays in the container's directory.
        """
        record = self.record()
        record.addresses = {nic.name: nic.address.partition("/")[0] for nic in wanted.nics if nic.address}
        self.write(record)
        rootfs = self._rootfs(record)
        try:
            self._mount(record)
            guestfiles.set_names(
                self._files(rootfs),
                wanted.hostname,
                nameserver=wanted.nameserver,
                interfaces=[nic.name for nic in wanted.nics],
            )
            for nic in wanted.nics:
                if nic.address:
                    self._network.admit(nic.pair, nic.mac, nic.address.partition("/")[0])
            (self.directory / "config").write_text(self._settings(wanted, record, rootfs), encoding="utf-8")
            log = self.directory / "lxc.log"
            log.unlink(missing_ok=True)
            self._lxc("start", "-o", os.fspath(log), "-l", "WARN", seconds=START_SECONDS)
        except BaseException:
            self.clear()
            raise

    def _settings(self, wanted: Wanted, record: Record, rootfs: RootFs) -> str:
        return settings.text(
            settings.Settings(
                cgroup=self._cgroup,
                hostname=wanted.hostname,
                root=rootfs.root,
                first=rootfs.first,
                nics=wanted.nics,
                limits=self._hierarchy.lines(wanted.limits, slot=record.slot),
                console=self.directory / "console.log",
                nesting=wanted.nesting,
            )
        )

    def init(self) -> int | None:
        """The host's pid of its init; None when it does not run."""
        if not (self.directory / "config").exists():
            return None
        try:
            said = self._lxc("info", "-pH").strip()
        except host.HostError:
            return None
        return int(said) if said.isdecimal() and int(said) > 0 else None

    def kill(self) -> None:
        """It runs no more when this returns, and nothing of it is mounted."""
        if self.init() is not None:
            self._lxc("stop", "-k")
        self.clear()

    def shut_down(self, seconds: float) -> bool:
        """Ask it to stop; whether it did within so many seconds."""
        try:
            self._lxc("stop", "--nokill", "-t", str(max(1, int(seconds))), seconds=seconds + 30)
        except host.HostError:
            if self.init() is not None:
                return False
        self.clear()
        return True

    def clear(self) -> None:
        """What a container that does not run leaves behind: mounts, rules, control groups. Waits for LXC's monitor."""
        if (self.directory / "config").exists():
            host.succeeds("lxc-wait", "-P", os.fspath(self._home), "-n", str(self.vmid), "-s", "STOPPED", "-t", "20")
        if self.exists:
            record = self.record()
            for number, line in enumerate(self._pairs()):
                self._network.dismiss(self._network.pair(self.vmid, number), *line)
            self._rootfs(record).unmount()
        else:
            mounts.unmount_all(self.directory)
        cgroups.remove(self._cgroup)

    def _pairs(self) -> list[tuple[str, str]]:
        """Hardware and IPv4 address of each interface of the last start."""
        text = self.directory / "config"
        if not text.exists():
            return []
        values = dict(
            line.split(" = ", 1)
            for line in text.read_text(encoding="utf-8").splitlines()
            if line.startswith("lxc.net.")
        )
        numbers = range(len([key for key in values if key.endswith(".hwaddr")]))
        return [
            (values[f"lxc.net.{n}.hwaddr"], values.get(f"lxc.net.{n}.ipv4.address", "0.0.0.0/0").partition("/")[0])
            for n in numbers
        ]

    def remove(self) -> None:
        """Stop it, and remove all that is left of it."""
        if not self.directory.exists():
            return
        self.kill()
        shutil.rmtree(self.directory)

    # while it is there

    def grow(self, size: int) -> None:
        self._rootfs(self.record()).disk.grow(size)

    def limit(self, limits: cgroups.Limits) -> None:
        """Change the limits of a running container."""
        slot = self.record().slot
        for name, value in self._hierarchy.settings(limits, slot=slot).items():
            self._lxc("cgroup", name, value)

    def interfaces(self) -> list[Mapping[str, object]]:
        """As ``ip -json address`` says inside it; empty when it does not run."""
        pid = self.init()
        if pid is None:
            return []
        rows: list[Mapping[str, object]] = json.loads(
            host.run("nsenter", "-t", str(pid), "-n", "ip", "-json", "address")
        )
        return rows

    def snapshot(self, name: str) -> None:
        """A copy of the disk; a running container is held still meanwhile."""
        disk = self._rootfs(self.record()).disk
        running = mounts.is_mounted(disk.place)
        if running:
            host.run("fsfreeze", "--freeze", os.fspath(disk.place))
        try:
            host.run("cp", "--sparse=always", "--reflink=auto", os.fspath(disk.file), os.fspath(self._snapshot(name)))
        finally:
            if running:
                host.run("fsfreeze", "--unfreeze", os.fspath(disk.place))

    def drop_snapshot(self, name: str) -> None:
        self._snapshot(name).unlink(missing_ok=True)

    def roll_back(self, name: str) -> None:
        """To a snapshot; it does not run afterwards."""
        self.kill()
        disk = self._rootfs(self.record()).disk
        host.run("cp", "--sparse=always", "--reflink=auto", os.fspath(self._snapshot(name)), os.fspath(disk.file))

    def _snapshot(self, name: str) -> Path:
        return self.directory / f"snapshot-{name}.img"

    def _mount(self, record: Record) -> None:
        self._rootfs(record).mount([self._layers.path(name) for name in record.layers])

    def _private(self) -> Path:
        place = self.directory / "private"
        place.mkdir(mode=0o700, exist_ok=True)
        return place

    def _lxc(self, tool: str, *options: str, seconds: float = 60.0) -> str:
        return host.run(f"lxc-{tool}", "-P", os.fspath(self._home), "-n", str(self.vmid), *options, seconds=seconds)
