"""An admin service over a world in virtual time: a real ledger, picture, reconciler and directory, a node in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from controller.admin.models import ManifestFile, Outcome
from controller.admin.service import AdminService
from controller.reconcile.tools import key_of
from tests.scenarios.world import World

TEMPLATE = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {name: small}
spec:
  limits: {cores: 2, memory: 1Gi, disk: 10Gi}
  ttl: {default: 10m, max: 1h}
"""


def session(name: str, *, more: str = "") -> str:
    """A session's manifest; ``more`` are further fields of its spec, in one line."""
    return (
        f"apiVersion: winux.dev/v1\nkind: Session\nmetadata: {{name: {name}}}\n"
        f"spec: {{owner: {name}@example.org{', ' if more else ''}{more}}}\n"
    )


def file(text: str, name: str = "new.yaml") -> ManifestFile:
    return ManifestFile(name=name, text=text)


@dataclass(frozen=True)
class ManifestsPart:
    path: Path


@dataclass(frozen=True)
class ProxmoxPart:
    pool: str = "winux"


@dataclass(frozen=True)
class DefaultsPart:
    archive: str | None
    storage: str | None = "local"
    bridge: str = "vmbr0"
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GuestPart:
    ssh_key_file: Path | None = None


@dataclass(frozen=True)
class SiteParts:
    """What of the settings the service asks for."""

    manifests: ManifestsPart
    defaults: DefaultsPart
    proxmox: ProxmoxPart = ProxmoxPart()
    guest: GuestPart = GuestPart()


@dataclass
class Lab:
    """A world, and the service of its controller."""

    directory: Path
    world: World = field(init=False)
    service: AdminService = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(self.directory)
        self.attach()

    def attach(self) -> None:
        """The service of the controller that runs now."""
        control = self.world.controller
        self.service = AdminService(
            control.tools,
            control.picture,
            control.reconciler,
            settings=SiteParts(
                manifests=ManifestsPart(self.world.manifests),
                defaults=DefaultsPart(archive=self.world.furniture.ostemplate),
            ),
            enqueue=lambda name: control.queue.add(key_of(name)),
            rescan=control.hint,
            accept_empty=control.source.accept_empty,
            started_at=self.world.clock.now(),
            queue_depth=lambda: len(control.queue),
        )

    def write(self, *names: str, more: str = "") -> None:
        """A session's manifest in a file of its name, for each."""
        for name in names:
            self.world.write(f"{name}.yaml", session(name, more=more))

    def ready(self, *names: str, more: str = "") -> None:
        """These sessions, until they are Ready."""
        self.world.write("template-small.yaml", TEMPLATE)
        self.write(*names, more=more)
        self.world.until("all are ready", lambda: all(self.world.phase(name) == "Ready" for name in names), within=60)

    def phase(self, name: str) -> str:
        return next((view.phase for view in self.service.sessions() if view.name == name), "(none)")

    def until(self, what: str, condition: Callable[[], bool], *, within: float = 60.0) -> None:
        self.world.until(what, condition, within=within)

    def reasons(self, name: str) -> list[str]:
        """The reason codes of a session's events, oldest first."""
        return [event.reason for event in self.service.events(session=name)]

    def gone(self, name: str) -> bool:
        return name not in {view.name for view in self.service.sessions()}


def said(outcome: Outcome) -> str:
    return "; ".join(outcome.messages)
