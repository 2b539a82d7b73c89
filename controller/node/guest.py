"""A container as the cluster knows it: its config file, whether it runs, and what pvestatd last told about it.

What a config may hold is in ``parameters``; how it changes is with the calls. The container itself lives in an engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from controller.node.parameters import OPTIONS
from controller.node.schema import find, split_properties

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last broadcast of pvestatd said about a VMID. It outlives the guest that it was about."""

    name: str
    running: bool
    template: bool
    since: float | None
    """Unix seconds of the start, where it runs."""
    cores: int
    memory: int
    disk: int


@dataclass(slots=True)
class Row:
    """An encoded row of ``/cluster/resources`` and what it was made of."""

    version: int
    seen: Seen | None
    pool: str | None
    told: int
    """Unix seconds of the broadcast that its uptime is of; -1: it has none yet."""
    head: bytes
    full: bytes


class Guest:
    """One guest. ``options`` is its config file as text values; change it through ``write`` or ``touch``."""

    __slots__ = (
        "_digest",
        "kind",
        "node",
        "options",
        "pending",
        "pending_deletes",
        "pid",
        "rows",
        "running",
        "snapshots",
        "started",
        "version",
        "vmid",
    )

    def __init__(self, vmid: int, node: str, options: dict[str, str], *, kind: str = "lxc") -> None:
        self.vmid = vmid
        self.node = node
        self.kind = kind
        self.options = options
        self.pending: dict[str, str] = {}
        """Options that a running container takes with its next start."""
        self.pending_deletes: set[str] = set()
        self.snapshots: dict[str, dict[str, str]] = {}
        """Name → the options of then, with ``snaptime`` and so on; oldest first."""
        self.running = False
        self.pid: int | None = None
        self.started: float | None = None
        self.version = 0
        self.rows: dict[bool, Row] = {}
        """With and without its pool."""
        self._digest: str | None = None

    def __repr__(self) -> str:
        return f"Guest({self.vmid} on {self.node}, {'running' if self.running else 'stopped'})"

    def touch(self) -> None:
        """Call after any change of ``options``."""
        self.version += 1
        self._digest = None

    def write(self, options: dict[str, str]) -> None:
        self.options = options
        self.touch()

    @property
    def lock(self) -> str | None:
        return self.options.get("lock")

    @lock.setter
    def lock(self, value: str | None) -> None:
        if value is None:
            self.options.pop("lock", None)
        else:
            self.options["lock"] = value
        self.touch()

    @property
    def name(self) -> str:
        return self.options.get("hostname", f"CT{self.vmid}")

    @property
    def template(self) -> bool:
        return self.options.get("template") == "1"

    @property
    def memory(self) -> int:
        """Bytes."""
        return int(self.options.get("memory", "512")) * MIB

    @property
    def swap(self) -> int:
        return int(self.options.get("swap", "512")) * MIB

    @property
    def cores(self) -> int | None:
        """None: all that the node has."""
        return int(self.options["cores"]) if "cores" in self.options else None

    @property
    def volume(self) -> str | None:
        """The volume of the root disk."""
        return self.options["rootfs"].partition(",")[0] if "rootfs" in self.options else None

    @property
    def disk(self) -> int:
        """Bytes of the root disk."""
        return size_in_bytes(split_properties(self.options.get("rootfs", "")).get("size", "0"))

    @property
    def digest(self) -> str:
        """A hash of the content alone: equal configs have equal digests."""
        if self._digest is None:
            sections = [("", self.options), *self.snapshots.items()]
            if self.pending or self.pending_deletes:
                sections.append(("pending", self.pending | {"delete": ",".join(sorted(self.pending_deletes))}))
            lines = [
                line
                for title, options in sections
                for line in ([f"[{title}]"] if title else []) + [f"{name}: {options[name]}" for name in sorted(options)]
            ]
            self._digest = hashlib.sha1("\n".join(lines).encode(), usedforsecurity=False).hexdigest()
        return self._digest

    def config(self, *, current: bool = False) -> dict[str, object]:
        """The config as the API returns it, with its digest: as after the next start, or ``current`` as it is."""
        options = self.options
        if not current and (self.pending or self.pending_deletes):
            options = {name: value for name, value in options.items() if name not in self.pending_deletes}
            options |= self.pending
        return shown(options) | {"digest": self.digest}

    def take_pending(self) -> bool:
        """What a start does first: changes that waited are made. Returns whether there were any."""
        if not self.pending and not self.pending_deletes:
            return False
        kept = {name: value for name, value in self.options.items() if name not in self.pending_deletes}
        pending, self.pending, self.pending_deletes = self.pending, {}, set()
        self.write(kept | pending)
        return True

    def nets(self) -> dict[str, dict[str, str]]:
        """The parts of ``net0`` and so on."""
        return {
            name: split_properties(value)
            for name, value in self.options.items()
            if name.startswith("net") and name[3:].isdecimal()
        }


def shown(options: Mapping[str, str]) -> dict[str, object]:
    """Options as the API shows them: integers and booleans as numbers, all else as text."""
    answer: dict[str, object] = {}
    for name, value in options.items():
        param = find(OPTIONS, name)
        whole = name == "snaptime" or (param is not None and param.kind in ("integer", "boolean"))
        answer[name] = int(value) if whole else value
    if "description" in answer:
        answer["description"] = f"{answer['description']}\n"
    return answer


def size_in_bytes(text: str) -> int:
    """``8G`` or ``512M``; a bare number is bytes."""
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
    return int(float(text[:-1]) * units[text[-1]]) if text[-1:] in units else int(float(text or "0"))
