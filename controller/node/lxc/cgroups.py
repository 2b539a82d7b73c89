"""Limits of a container in this host's control groups: which there are, how they are written, what cannot be enforced.

A host has its controllers in the unified hierarchy (version 2), each in a hierarchy of its own (version 1), or some
here and some there.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

MOUNTED = Path("/sys/fs/cgroup")
PIDS = 4096
"""As many processes as a desktop never needs, against fork bombs."""
_WORDS = {"cpu": "the processor time", "cpuset": "the cores", "memory": "the memory", "pids": "the number of processes"}
_PERIOD = 100_000
"""Microseconds over which processor time is counted."""

_GONE_MILLISECONDS = 5000


@dataclass(frozen=True, slots=True)
class Limits:
    memory: int
    """Bytes."""
    swap: int
    """Bytes of swap space on top of the memory."""
    cores: int | None
    """None: all of the host's."""
    cpulimit: float = 0.0
    """Of that many processors' time; 0: no limit."""
    cpuunits: int = 0
    """Weight; 0: the default."""


@dataclass(frozen=True, slots=True)
class Setting:
    version: int
    key: str
    """Such as ``memory.max``."""
    value: str

    @property
    def line(self) -> str:
        """As in an LXC configuration."""
        return f"lxc.cgroup{'2' if self.version == 2 else ''}.{self.key} = {self.value}"


class Hierarchy:
    """Where the controllers are."""

    def __init__(self, root: Path = MOUNTED, *, processors: tuple[int, ...] | None = None) -> None:
        self._root = root
        self.unified = (root / "cgroup.controllers").is_file()
        """Whether there is nothing but version 2."""
        self._version: dict[str, int] = {}
        version2 = _controllers(root if self.unified else root / "unified")
        for name in _WORDS:
            if not self.unified and (root / name).is_dir():
                self._version[name] = 1
            elif name in version2:
                self._version[name] = 2
        self.processors = processors or tuple(sorted(os.sched_getaffinity(0)))

    @property
    def relative(self) -> bool:
        """Whether containers go below the node's own control group.

        Version 2 does not allow it: a group that holds processes hands no controllers to groups below it.
        """
        return not self.unified

    def lacking(self) -> Mapping[str, str]:
        """Controllers that are not there → what cannot be limited without them."""
        return {name: word for name, word in _WORDS.items() if name not in self._version}

    def writable(self) -> bool:
        """Whether there are control groups at all, and groups can be made."""
        places = [self._root] if self.unified else [place for place in self._root.glob("*") if place.is_dir()]
        return bool(places) and not any(os.statvfs(place).f_flag & os.ST_RDONLY for place in places)

    def at_start(self, limits: Limits, *, slot: int) -> list[Setting]:
        """In the order in which they have to be written; ``slot`` spreads containers over the cores."""
        return [*self._memory(limits), *self._cores(limits, slot), *self._time(limits), *self._pids()]

    def while_running(self, limits: Limits, *, slot: int) -> list[Setting]:
        """The same for a container that has limits: memory may not pass memory and swap together on the way."""
        first = [Setting(1, "memory.memsw.limit_in_bytes", "-1")] if self._has_memsw() else []
        return [*first, *self._memory(limits), *self._cores(limits, slot), *self._time(limits)]

    def _memory(self, limits: Limits) -> list[Setting]:
        match self._version.get("memory"):
            case 1:
                both = str(limits.memory + limits.swap)
                together = [Setting(1, "memory.memsw.limit_in_bytes", both)] if self._has_memsw() else []
                return [Setting(1, "memory.limit_in_bytes", str(limits.memory)), *together]
            case 2:
                return [
                    Setting(2, "memory.max", str(limits.memory)),
                    Setting(2, "memory.swap.max", str(limits.swap)),
                ]
        return []

    def _has_memsw(self) -> bool:
        return self._version.get("memory") == 1 and (self._root / "memory" / "memory.memsw.limit_in_bytes").exists()

    def _cores(self, limits: Limits, slot: int) -> list[Setting]:
        version, here = self._version.get("cpuset"), self.processors
        if version is None:
            return []
        count = min(limits.cores or len(here), len(here))
        chosen = {here[(slot * count + n) % len(here)] for n in range(count)}
        return [Setting(version, "cpuset.cpus", ",".join(str(number) for number in sorted(chosen)))]

    def _time(self, limits: Limits) -> list[Setting]:
        """Bounds of the weight as in PVE::CGroup::clamp_cpu_shares."""
        quota = int(limits.cpulimit * _PERIOD) if limits.cpulimit > 0 else None
        match self._version.get("cpu"):
            case 1:
                weight = Setting(1, "cpu.shares", str(max(limits.cpuunits or 1024, 2)))
                if not (self._root / "cpu" / "cpu.cfs_quota_us").exists():
                    return [weight]
                period = Setting(1, "cpu.cfs_period_us", str(_PERIOD))
                return [weight, period, Setting(1, "cpu.cfs_quota_us", str(quota or -1))]
            case 2:
                weight = Setting(2, "cpu.weight", str(min(limits.cpuunits or 100, 10_000)))
                return [weight, Setting(2, "cpu.max", f"{quota or 'max'} {_PERIOD}")]
        return []

    def _pids(self) -> list[Setting]:
        version = self._version.get("pids")
        return [Setting(version, "pids.max", str(PIDS))] if version else []


def _controllers(unified: Path) -> set[str]:
    """Those that groups below can have. The root of a host has no type; in a container's, processes are in the way."""
    names = _words(unified / "cgroup.controllers")
    if (unified / "cgroup.type").exists() and _words(unified / "cgroup.procs"):
        return names & _words(unified / "cgroup.subtree_control")
    return names


def _words(file: Path) -> set[str]:
    return {*file.read_text(encoding="ascii").split()} if file.is_file() else set()


def kill(path: str, *, root: Path = MOUNTED) -> None:
    """The processes in the control groups at ``path`` of all hierarchies; gone when this returns, or stuck."""
    inside = {int(pid) for place in _groups(path, root) for pid in _words(place / "cgroup.procs")}
    gone = select.poll()
    with ExitStack() as opened:
        waiting = 0
        for pid in inside:
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                opened.callback(os.close, descriptor)
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                gone.register(descriptor, select.POLLIN)
                waiting += 1
        while waiting and (ended := gone.poll(_GONE_MILLISECONDS)):
            waiting -= len(ended)
            for descriptor, _ in ended:
                gone.unregister(descriptor)


def remove(path: str, *, root: Path = MOUNTED) -> None:
    """The control groups at ``path`` that LXC left, in every hierarchy and below every group; not those in use."""
    for group in _groups(path, root):
        with suppress(OSError):  # somebody is in it still: the next sweep finds it
            group.rmdir()


def _groups(path: str, root: Path) -> list[Path]:
    """Those at ``path`` below any group, and all below them, the deepest first; others may come and go meanwhile."""
    places = [Path(place) for place, _, _ in os.walk(root) if place.endswith(f"/{path}")]
    return [Path(group) for place in places for group, _, _ in os.walk(place, topdown=False)]
