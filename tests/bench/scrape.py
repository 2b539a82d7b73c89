"""What a scrape costs with a crowd of sessions, and whether sessions that come and go leave series behind.

All in one process and in virtual time, with the real ledger, picture, reconciler and metrics. The CPU is that of
reading the state and writing it out as text, which is all that the daemon adds to an HTTP answer.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import insert

from controller.core.incarnation import Incarnation, Placement, Stage
from controller.core.ownership import Marker, describe
from controller.ledger import schema
from controller.ledger.ledger import Ledger
from controller.ledger.rows import row_of
from controller.sources.directory import DirectorySource
from tests.scenarios.measured import Measured
from tests.scenarios.memory import memory
from tests.scenarios.people import Authors
from tests.scenarios.world import World

FIRST_VMID = 100_000
NODES = ("pve1", "pve2", "pve3")
SAMPLES = 21
RANGE = {"range": "10.0.0.1-10.0.255.254", "prefix": 16}
AT_ONCE = 100
"""Sessions of a generation in the churn."""


@dataclass(frozen=True)
class Scrape:
    """Medians of CPU milliseconds. The floor writes out as many series that hold a number and nothing else."""

    sessions: int
    series: int
    kib: float
    floor_ms: float
    ms: float
    worst_ms: float
    calls: int
    """That the scrapes made to Proxmox."""

    @property
    def ratio(self) -> float:
        return self.ms / self.floor_ms


@dataclass(frozen=True)
class Churn:
    """Series after each hundred sessions that came and went."""

    sessions: int
    before: int
    """After the first hundred."""
    most: int
    after: int


def measure(*, sessions: int) -> Scrape:
    quiet_logs()
    with memory() as directory:
        measured = Measured(directory, nodes=NODES, policy={"vmid_first": FIRST_VMID, "vmid_last": FIRST_VMID + 20_000})
        crowd(measured, sessions)
        gc.collect()
        text = measured.scrape()
        ready = measured.values("winux_sessions", "phase").get("Ready", 0)
        assert ready == sessions, f"{ready} of {sessions} are Ready"
        calls = measured.calls.count
        spent = [cpu_ms(measured.scrape) for _ in range(SAMPLES)]
        return Scrape(
            sessions=sessions,
            series=len(measured.series()),
            kib=len(text) / 1024,
            floor_ms=floor(text.count("\n") - text.count("\n#")),
            ms=statistics.median(spent),
            worst_ms=max(spent),
            calls=measured.calls.count - calls,
        )


def churn(*, sessions: int) -> Churn:
    """Sessions come in generations, expire, and are forgotten."""
    quiet_logs()
    with memory() as directory:
        measured = Measured(directory, nodes=NODES)
        authors = Authors(measured.world)
        authors.templates({"other": {"ttl": {"default": "2m"}}})
        counts = []
        for first in range(0, sessions, AT_ONCE):
            one_generation(measured.world, authors, [f"s{number}" for number in range(first, first + AT_ONCE)])
            counts.append(len(measured.series()))
        accepted = sum(measured.values("winux_sessions_accepted_total", "template").values())
        assert accepted >= sessions, f"{accepted} of {sessions} sessions began"
        return Churn(sessions=int(accepted), before=counts[0], most=max(counts), after=counts[-1])


def one_generation(world: World, authors: Authors, names: list[str]) -> None:
    template = {"template": "other"}
    authors.sessions({name: {"ttl": "1m"} | (template if number % 2 else {}) for number, name in enumerate(names)})
    ledger = world.controller.tools.ledger
    world.until("all are over", lambda: [life.ended for life in ledger.lives()] == [True] * len(names), within=900)
    authors.remove(names)
    world.until("all are forgotten", lambda: not ledger.lives())


def crowd(measured: Measured, sessions: int) -> None:
    """Sessions that are Ready, each with its manifest, its life and its container; returns when all are seen."""
    world = measured.world
    Authors(world).templates({"static": {"network": {"addresses": RANGE}}})
    for number in range(sessions):
        name = f"s{number}"
        text = f"apiVersion: winux.dev/v1\nkind: Session\nmetadata: {{name: {name}}}\nspec: {{template: static}}\n"
        (world.manifests / f"{name}.yaml").write_text(text, encoding="utf-8")
    lives = _lives(world)
    world.stop()
    ledger = Ledger(f"sqlite:///{world.directory / 'ledger.db'}", clock=world.clock)
    if lives:
        with ledger._engine.begin() as connection:
            connection.execute(insert(schema.incarnations), [row_of(life) for life in lives])
    ledger.close()
    world.start()
    measured.attach()
    for life in lives:
        assert life.placement is not None
        marker = Marker(
            controller="default",
            session=life.session,
            uid=life.uid,
            vmid=life.placement.vmid,
            accepted_at=life.accepted_at,
        )
        options = {
            "cores": "2",
            "memory": "1024",
            "hostname": life.session,
            "description": describe(marker, owner=None),
            "protection": "1",
        }
        world.door.add(life.placement.vmid, options, node=life.placement.node, pool="winux", running=True)
    world.run(35)


def _lives(world: World) -> list[Incarnation]:
    site = world.controller.site
    desired = DirectorySource(site.manifests, defaults=site.defaults, clock=world.clock).scan().sessions
    now, lives = world.clock.now(), []
    for number, session in enumerate(desired.values()):
        address = f"10.0.{number // 250}.{number % 250 + 1}"
        lives.append(
            Incarnation(
                uid=f"{number:032x}",
                session=session.name,
                spec=session.spec,
                generation=session.generation,
                revision=session.revision,
                origin_file=session.origin.file,
                accepted_at=now,
                stage=Stage.READY,
                placement=Placement(
                    node=NODES[number % len(NODES)], vmid=FIRST_VMID + number, intended_at=now, address=address
                ),
                ready_at=now,
                applied=session.spec.resources,
                address=address,
            )
        )
    return lives


def floor(series: int) -> float:
    """Milliseconds of CPU for so many gauges with a label, and nothing to read."""
    registry = CollectorRegistry()
    gauge = Gauge("floor_things", "Nothing.", ["number"], registry=registry)
    for number in range(series):
        gauge.labels(str(number)).set(number)
    return statistics.median(cpu_ms(lambda: generate_latest(registry)) for _ in range(SAMPLES))


def cpu_ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def quiet_logs() -> None:
    """Thousands of sessions say a lot."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
