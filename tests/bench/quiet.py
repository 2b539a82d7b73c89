"""What a quiet tick costs the real daemon: calls, CPU and memory while all sessions are as they should be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert

from controller.core.incarnation import Incarnation, Placement, Stage
from controller.core.offer import TemplateDefaults
from controller.core.ownership import Marker, describe
from controller.ledger import schema
from controller.ledger.database import open_database
from controller.ledger.rows import row_of
from controller.sources.directory import DirectorySource
from tests.e2e.daemon import Daemon
from tests.e2e.pve import Administrator
from tests.e2e.waiting import CLOCK, until

FIRST_VMID = 100_000
TICK = 2.0


@dataclass(frozen=True)
class Quiet:
    """Averages over the window."""

    sessions: int
    ticks: float
    calls_per_tick: float
    cpu_ms_per_tick: float
    rss_mib: float


def measure(*, sessions: int, seconds: float) -> Quiet:
    """Watches for ``seconds``; a rescan of the directory every 30 s is part of what is measured."""
    directory = Path(tempfile.mkdtemp(prefix="wxq"))
    node: subprocess.Popen[str] | None = None
    daemon: Daemon | None = None
    try:
        rows = _prepare(directory, sessions)
        (directory / "crowd.json").write_text(json.dumps(rows), encoding="utf-8")
        node = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.crowd", str(directory / "crowd.json")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert node.stdout is not None
        description: dict[str, object] = json.loads(node.stdout.readline())
        daemon = Daemon(_configure(directory, description), name="quiet").in_sync(within=120)
        running = daemon
        until(
            lambda: list(running.phases().values()).count("Ready") == sessions,
            what="every session is known to be Ready",
            within=120,
            every=1.0,
        )
        return _watch(daemon, Administrator(description), sessions, seconds)
    finally:
        if daemon is not None:
            daemon.end()
        if node is not None:
            node.kill()
            node.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _watch(daemon: Daemon, admin: Administrator, sessions: int, seconds: float) -> Quiet:
    never = threading.Event()
    CLOCK.wait(never, 3 * TICK)
    admin.forget_census()
    cpu = _cpu_seconds(daemon.process.pid)
    CLOCK.wait(never, seconds)
    spent = _cpu_seconds(daemon.process.pid) - cpu
    calls = admin.census()["calls"]
    assert isinstance(calls, dict)
    ticks = calls["resources"]  # the time that a call takes lengthens the pause between two
    return Quiet(
        sessions=sessions,
        ticks=ticks,
        calls_per_tick=sum(calls.values()) / ticks,
        cpu_ms_per_tick=1000 * spent / ticks,
        rss_mib=rss_mib(daemon.process.pid),
    )


def _prepare(directory: Path, sessions: int) -> list[dict[str, str | int]]:
    """Manifests and a ledger in which each has been Ready for a while; returns the containers that belong to it."""
    manifests = directory / "manifests"
    manifests.mkdir()
    head = "apiVersion: winux.dev/v1\nkind: "
    (manifests / "template.yaml").write_text(f"{head}SessionTemplate\nmetadata: {{name: other}}\nspec: {{}}\n")
    for number in range(sessions):
        text = f"{head}Session\nmetadata: {{name: s{number}}}\nspec: {{ttl: 20h}}\n"
        (manifests / f"s{number}.yaml").write_text(text)
    defaults = TemplateDefaults(archive="local:vztmpl/winux-desktop-debian12_1_amd64.tar.zst", storage="local")
    desired = DirectorySource(manifests, defaults=defaults, clock=CLOCK).scan().sessions
    now, lives = CLOCK.now(), []
    for number, session in enumerate(desired.values()):
        placement = Placement(node="pve1", vmid=FIRST_VMID + number, intended_at=now)
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
                placement=placement,
                ready_at=now,
                applied=session.spec.resources,
                address="127.100.0.1",
            )
        )
    engine = open_database(f"sqlite:///{directory / 'ledger.db'}")
    if lives:
        with engine.begin() as connection:
            connection.execute(insert(schema.incarnations), [row_of(life) for life in lives])
    engine.dispose()
    return [_container(life) for life in lives]


def _container(life: Incarnation) -> dict[str, str | int]:
    assert life.placement is not None
    marker = Marker(
        controller="default",
        session=life.session,
        uid=life.uid,
        vmid=life.placement.vmid,
        accepted_at=life.accepted_at,
    )
    return {"vmid": life.placement.vmid, "name": life.session, "description": describe(marker, owner=None)}


def _configure(directory: Path, description: dict[str, object]) -> Path:
    token_id, _, secret = str(description["pool_token"]).partition("=")
    document = {
        "proxmox": {
            "url": description["url"],
            "tokenId": token_id,
            "tokenSecret": secret,
            "caFile": description["ca"],
            "tick": f"{TICK:.0f}s",
        },
        "defaults": {"archive": description["ostemplate"], "storage": description["storage"]},
        "ledger": {"url": f"sqlite:///{directory / 'ledger.db'}"},
        "admin": {"socket": str(directory / "admin.sock")},
        "vmids": {"first": FIRST_VMID, "last": FIRST_VMID + 100_000},
    }
    path = directory / "winux.yaml"
    path.touch(mode=0o600)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    """Of a running process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
