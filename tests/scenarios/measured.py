"""A world whose first controller is measured: its metrics, wired as in ``controller.daemon``, without threads."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from prometheus_client import generate_latest

from controller.daemon.gauges import Gauges
from controller.engine.workers import Threads
from controller.ledger.events import Event
from controller.proxmox.around import Around
from controller.proxmox.port import Proxmox
from controller.reconcile.tools import Measures
from controller.telemetry.metrics import Metrics
from controller.telemetry.snapshot import TelemetrySnapshot
from tests.scenarios.world import World


class Counting(Around):
    """Counts the calls."""

    def __init__(self, port: Proxmox) -> None:
        super().__init__(port)
        self.count = 0

    def around(self, operation: str, node: str | None, vmid: int | None = None) -> AbstractContextManager[object]:
        del operation, node, vmid
        self.count += 1
        return nullcontext()


@dataclass
class Measured:
    """``series`` and ``value`` scrape anew each time."""

    directory: Path
    nodes: tuple[str, ...] = ("pve1",)
    policy: Mapping[str, float] = field(default_factory=dict)
    session_info: bool = False
    world: World = field(init=False)
    metrics: Metrics = field(init=False)
    calls: Counting = field(init=False)

    def __post_init__(self) -> None:
        self.metrics = Metrics(version="1.2.3", snapshot=self.read)
        self.world = World(
            self.directory, nodes=self.nodes, policy=dict(self.policy), on_event=self._noted, dress=self._dress
        )
        self.attach()

    def attach(self) -> None:
        """Measure the first controller as it is now, such as after a restart."""
        controller = self.world.controller
        controller.tools.measures = Measures(
            accepted=self.metrics.observe_accepted,
            ready=self.metrics.observe_ready,
            ended=self.metrics.observe_ended,
            given_up=self.metrics.observe_given_up,
            expiry_lag=self.metrics.observe_expiry_lag,
            lock_wait=self.metrics.observe_lock_wait,
        )
        self.gauges = Gauges(
            tools=controller.tools,
            picture=controller.picture,
            reconciler=controller.reconciler,
            queue=controller.queue,
            threads=Threads(self.world.clock, random=Random(1)),
            session_info=self.session_info,
        )

    def read(self) -> TelemetrySnapshot:
        return self.gauges.read()

    def scrape(self) -> str:
        return generate_latest(self.metrics.registry).decode()

    def series(self) -> set[str]:
        """Ours, by name and labels."""
        return {line.rpartition(" ")[0] for line in self.scrape().splitlines() if line.startswith("winux_")}

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    def values(self, name: str, label: str, **labels: str) -> dict[str, float]:
        """Those that are not 0, by one label; sums over the others."""
        found: dict[str, float] = {}
        for family in self.metrics.registry.collect():
            for sample in family.samples:
                if sample.name == name and sample.value and labels.items() <= sample.labels.items():
                    found[sample.labels[label]] = found.get(sample.labels[label], 0) + sample.value
        return found

    def _dress(self, port: Proxmox) -> Proxmox:
        self.calls = Counting(port)
        return self.calls

    def _noted(self, _at: float, event: Event) -> None:
        self.metrics.observe_event(event)
