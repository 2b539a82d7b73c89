"""What a container's life needs from whatever runs it: a small port. ``memory`` only keeps the time.

Operations are started and done later: each returns a ``Completion`` that ends or fails with a ``Refusal`` whose text is
the task's exit status. The config file, locks, rights and tasks are the cluster's, not an engine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from controller.node.firewall import Firewall
from controller.node.schedule import Completion


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """What a new container is made of. Secrets are hidden from ``repr``."""

    vmid: int
    archive: str = ""
    """The template's volume; empty for a clone."""
    options: Mapping[str, str] = field(default_factory=dict)
    firewall: Firewall | None = None
    """A copy; None: there is none."""
    password: str | None = field(default=None, repr=False)
    ssh_keys: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    family: str
    """``inet`` or ``inet6``."""
    address: str
    prefix: int


@dataclass(frozen=True, slots=True)
class Interface:
    name: str
    mac: str
    addresses: tuple[Address, ...] = ()


class Watcher(Protocol):
    """Whom an engine tells what became of containers, whoever caused it and whether or not a task still waits."""

    def started(self, vmid: int) -> None: ...

    def stopped(self, vmid: int) -> None: ...


class Engine(Protocol):
    """The operations. VMIDs are unique in the cluster; the cluster never starts two operations on one at once."""

    def make(self, blueprint: Blueprint) -> Completion[None]:
        """Root disk and file system from the archive."""
        ...

    def clone(self, source: int, blueprint: Blueprint, *, linked: bool) -> Completion[None]: ...

    def start(self, blueprint: Blueprint) -> Completion[None]:
        """Done when the container runs, which is before it has an address."""
        ...

    def stop(self, vmid: int) -> Completion[None]:
        """Kill it."""
        ...

    def shutdown(self, vmid: int, timeout: float) -> Completion[bool]:
        """Ask it to stop; False if it still runs after so many seconds."""
        ...

    def destroy(self, vmid: int, *, was_running: bool) -> Completion[None]:
        """Remove disks and all else; ``was_running``: kill it first."""
        ...

    def template(self, vmid: int) -> Completion[None]: ...

    def resize(self, vmid: int, size: int) -> Completion[None]:
        """Grow the root disk to so many bytes."""
        ...

    def snapshot(self, vmid: int, name: str) -> Completion[None]: ...

    def drop_snapshot(self, vmid: int, name: str) -> Completion[None]: ...

    def roll_back(self, vmid: int, name: str) -> Completion[None]:
        """The disk becomes what it was; the container is stopped."""
        ...

    def limit(self, vmid: int, options: Mapping[str, str]) -> None:
        """Apply changed cores and memory to a running container."""
        ...

    def filter(self, blueprint: Blueprint) -> None:
        """Apply a changed firewall, or another say of an interface whether it has one, to a running container."""
        ...

    def interfaces(self, vmid: int) -> Completion[tuple[Interface, ...]]:
        """Those of a running container."""
        ...

    def boot(self, blueprint: Blueprint) -> None:
        """A start that nobody waits for."""
        ...

    def halt(self, vmid: int) -> None:
        """It runs no more, and what was starting does not start; nobody waits for that."""
        ...

    def resume(self, vmid: int) -> bool:
        """Whether it runs already, begun by an earlier process; then it is told."""
        ...

    def forget(self, vmid: int) -> None:
        """Its config is gone: nothing of it may be left. Nobody waits for that."""
        ...

    def addresses(self, vmid: int) -> list[str]:
        """IPv4 addresses of a running container."""
        ...

    def answers(self, address: str, port: int) -> bool:
        """Whether a desktop would answer there now."""
        ...
