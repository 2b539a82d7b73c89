"""One container: the blocking work of its life. Whoever calls keeps two operations on one container from meeting.

What has to outlive the process is in ``record.json``; whether it runs is LXC's to say.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.node.lxc import cgroups, guestfiles, host, mounts, records, settings
from controller.node.lxc.disk import Disk
from controller.node.lxc.guestfiles import GuestFiles
from controller.node.lxc.layers import Layers, shift
from controller.node.lxc.network import Network, Port
from controller.node.lxc.records import Record
from controller.node.lxc.rootfs import RootFs
from controller.node.lxc.slots import first_id

START_SECONDS = 30.0
_LINES = 10


class NotStarted(host.HostError):
    """LXC could not start a container; ``said`` is what it gave as reasons."""

    def __init__(self, text: str, *, said: Sequence[str]) -> None:
        super().__init__(text)
        self.said = said


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
        return records.exists(self.directory)

    def record(self) -> Record:
        """Raises ``HostError`` when there is no such container."""
        return records.read(self.directory)

    def write(self, record: Record) -> None:
        records.write(self.directory, record)

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
                theirs.disk.copy_to(rootfs.disk.file)
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

    def start(self, wanted: Wanted) -> int:
        """Returns the host's pid of its init when LXC says that it runs: the init was started.

        Raises:
            NotStarted: it does not; what was begun is undone, and LXC's log stays in the container's directory.
            HostError, OSError: it was not tried, for its disk or its network cannot be had.
        """
        if mounts.below(self.directory):
            self.clear()  # it ended a moment ago
        record = self.record()
        record.ports = [Port(nic.pair, nic.mac, _bare(nic.address)) for nic in wanted.nics if nic.address]
        record.addresses = {nic.name: _bare(nic.address) for nic in wanted.nics if nic.address}
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
            for port, nic in zip(record.ports, (nic for nic in wanted.nics if nic.address), strict=True):
                self._network.admit(port, nic.filtered)
            (self.directory / "config").write_text(self._settings(wanted, record, rootfs), encoding="utf-8")
            return self._started()
        except BaseException:
            self.clear()
            raise

    def _started(self) -> int:
        log = self.directory / "lxc.log"
        log.unlink(missing_ok=True)
        try:
            self._lxc("start", "-o", os.fspath(log), "-l", "WARN", seconds=START_SECONDS)
        except host.HostError as failure:
            raise NotStarted(str(failure), said=_errors(log)) from failure
        if (init := self.init()) is None:
            raise NotStarted("its init ended at once", said=_errors(log))
        return init

    def _settings(self, wanted: Wanted, record: Record, rootfs: RootFs) -> str:
        return settings.text(
            settings.Settings(
                cgroup=self._cgroup,
                hostname=wanted.hostname,
                root=rootfs.root,
                first=rootfs.first,
                nics=wanted.nics,
                relative=self._hierarchy.relative,
                limits=[one.line for one in self._hierarchy.at_start(wanted.limits, slot=record.slot)],
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
        """It runs no more when this returns, and nothing of it is mounted.

        Raises:
            HostError: something of it is still in use.
        """
        self.strike()
        self.clear()

    def strike(self) -> None:
        """Kill it, in no turn with other operations: they notice, and clear away."""
        if (self.directory / "config").exists():
            self._thaw()
            host.succeeds("lxc-stop", *self._named, "-k")  # not where LXC's monitor is gone
        cgroups.kill(self._cgroup)

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
            host.succeeds("lxc-wait", *self._named, "-s", "STOPPED", "-t", "20")
        cgroups.kill(self._cgroup)  # a monitor that was killed left its guest's processes to nobody
        if self.exists:
            for port in self.record().ports:
                self._network.dismiss(port)
        mounts.unmount_all(self.directory)
        cgroups.remove(self._cgroup)

    def mend(self) -> None:
        """After a power cut: what does not run gets a file system that is whole. Call it before anything else."""
        disk = self._rootfs(self.record()).disk
        if disk.file.exists():
            disk.check()

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
        for one in self._hierarchy.while_running(limits, slot=slot):
            self._lxc("cgroup", "--", one.key, one.value)

    def interfaces(self) -> list[Mapping[str, object]]:
        """As ``ip -json address`` says inside it; empty when it does not run."""
        pid = self.init()
        if pid is None:
            return []
        rows: list[Mapping[str, object]] = json.loads(
            host.run("nsenter", "-t", str(pid), "-n", "ip", "-json", "address")
        )
        return rows

    def filter(self, nics: Sequence[settings.Nic]) -> None:
        """The firewall of a running container changed."""
        wanted = {nic.pair: nic.filtered for nic in nics}
        for port in self.record().ports:
            if port.pair in wanted:
                self._network.filter(port, wanted[port.pair])

    def snapshot(self, name: str) -> None:
        """A copy of the disk; a running container is held still meanwhile."""
        disk = self._rootfs(self.record()).disk
        with self._still(), _replacing(self._snapshot(name)) as passing:
            disk.copy_to(passing)

    @contextmanager
    def _still(self) -> Iterator[None]:
        disk = self._rootfs(self.record()).disk
        if not mounts.is_mounted(disk.place):
            yield
            return
        host.run("fsfreeze", "--freeze", os.fspath(disk.place))
        try:
            yield
        finally:
            host.run("fsfreeze", "--unfreeze", os.fspath(disk.place))

    def _thaw(self) -> None:
        """Whoever was killed in the middle of a snapshot left it frozen; else nothing happens."""
        disk = self._rootfs(self.record()).disk
        if mounts.is_mounted(disk.place):
            host.succeeds("fsfreeze", "--unfreeze", os.fspath(disk.place))

    def drop_snapshot(self, name: str) -> None:
        self._snapshot(name).unlink(missing_ok=True)

    def roll_back(self, name: str) -> None:
        """To a snapshot; it does not run afterwards.

        Raises:
            HostError: there is no such snapshot, or no room for another copy of it; the disk is as it was.
        """
        self.kill()
        disk = self._rootfs(self.record()).disk
        with _replacing(disk.file) as passing:
            Disk(self._snapshot(name), disk.place).copy_to(passing)

    def _snapshot(self, name: str) -> Path:
        return self.directory / f"snapshot-{name}.img"

    def _mount(self, record: Record) -> None:
        self._rootfs(record).mount([self._layers.path(name) for name in record.layers])

    def _private(self) -> Path:
        place = self.directory / "private"
        place.mkdir(mode=0o700, exist_ok=True)
        return place

    def _lxc(self, tool: str, *options: str, seconds: float = 60.0) -> str:
        return host.run(f"lxc-{tool}", *self._named, *options, seconds=seconds)

    @property
    def _named(self) -> tuple[str, ...]:
        return "-P", os.fspath(self._home), "-n", str(self.vmid)


@contextmanager
def _replacing(file: Path) -> Iterator[Path]:
    """Where to write what becomes the file when it is whole."""
    passing = file.with_name(f".{file.name}")
    try:
        yield passing
        passing.rename(file)
    finally:
        passing.unlink(missing_ok=True)


def _bare(address: str) -> str:
    return address.partition("/")[0]


def _errors(log: Path) -> list[str]:
    """What LXC said was wrong: lines such as ``lxc-start 100 2025… ERROR    conf - ../src/lxc/conf.c:f:1 - Text``."""
    if not log.exists():
        return []
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.partition(" ERROR ")[2].strip().rpartition(" - ")[2] for line in lines if " ERROR " in line][:_LINES]
