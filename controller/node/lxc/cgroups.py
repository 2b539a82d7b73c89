"""Limits of a container in this host's control groups: which there are, how they are written, what cannot be enforced.

A host has the controllers in the unified hierarchy (version 2), each in one of its own (version 1), or some here and
some there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
PIDS = 4096
"""As many processes as a desktop never needs, against fork bombs."""


@dataclass(frozen=True, slots=True)
class Limits:
    memory: int
    """Bytes."""
    swap: int
    cores: int | None
    """None: all of the host's."""
    cpulimit: float = 0.0
    """Of that many processors' time; 0: no limit."""
    cpuunits: int = 0
    """Weight; 0: the default."""


class Hierarchy:
    """Where the controllers are."""

    def __init__(self, root: Path = Path("/sys/fs/cgroup")) -> None:
        unified = root / "cgroup.controllers"
        self._version = {}
        for name in ("cpu", "cpuset", "memory", "pids"):
            if (root / name).is_dir():
                self._version[name] = 1
            elif unified.is_file() and name in unified.read_text(encoding="ascii").split():
                self._version[name] = 2
        self.processors = tuple(sorted(os.sched_getaffinity(0)))

    def lacking(self) -> list[str]:
        """What this host cannot limit, in words."""
        words = {"cpu": "processor time", "cpuset": "cores", "memory": "memory", "pids": "the number of processes"}
        return [word for name, word in words.items() if name not in self._version]

    def settings(self, limits: Limits, *, slot: int) -> Mapping[str, str]:
        """Keys without their prefix → values, such as ``memory.max``; ``slot`` spreads containers over the cores."""
        return {name: value for _, name, value in self._values(limits, slot=slot)}

    def lines(self, limits: Limits, *, slot: int) -> list[str]:
        """The same as lines of an LXC configuration."""
        return [
            f"lxc.cgroup{'2' if version == 2 else ''}.{name} = {value}"
            for version, name, value in self._values(limits, slot=slot)
        ]

    def _values(self, limits: Limits, *, slot: int) -> list[tuple[int, str, str]]:
        versions, values = self._version, []
        if version := versions.get("memory"):
            values.append((version, "memory.limit_in_bytes" if version == 1 else "memory.max", str(limits.memory)))
            if version == 2:
                values.append((version, "memory.swap.max", str(limits.swap)))
        if version := versions.get("cpuset"):
            values.append((version, "cpuset.cpus", self._processors(limits.cores, slot)))
        if version := versions.get("cpu"):
            if limits.cpulimit > 0 or version == 2:
                values += self._quota(version, limits.cpulimit)
            if limits.cpuunits:
                values.append((version, "cpu.shares" if version == 1 else "cpu.weight", str(limits.cpuunits)))
        if version := versions.get("pids"):
            values.append((version, "pids.max", str(PIDS)))
        return values

    @staticmethod
    def _quota(version: int, cpulimit: float) -> list[tuple[int, str, str]]:
        period = 100_000
        if version == 1:
            return [
                (1, "cpu.cfs_period_us", str(period)),
                (1, "cpu.cfs_quota_us", str(int(cpulimit * period))),
            ]
        return [(2, "cpu.max", f"{int(cpulimit * period)} {period}" if cpulimit > 0 else f"max {period}")]

    def _processors(self, cores: int | None, slot: int) -> str:
        here = self.processors
        count = min(cores or len(here), len(here))
        chosen = {here[(slot * count + n) % len(here)] for n in range(count)}
        return ",".join(str(number) for number in sorted(chosen))


def remove(path: str, *, root: Path = Path("/sys/fs/cgroup")) -> None:
    """The control groups at ``path`` that LXC left, in every hierarchy and below every group; not those in use."""
    for place in [*root.rglob(path)]:
        for directory, _, _ in os.walk(place, topdown=False):
            try:
                Path(directory).rmdir()
            except OSError:
                break  # somebody is in it still: the next sweep finds it
