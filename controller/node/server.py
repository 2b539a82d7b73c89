"""A node that serves: its own thread with an asyncio loop, its certificates, tokens and guests' sockets."""

from __future__ import annotations

import asyncio
import secrets
import threading
import uuid
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from controller.engine.clock import Clock, SystemClock
from controller.node import bootstrap, tls
from controller.node.cluster import Cluster
from controller.node.config import NodeConfig
from controller.node.description import Description, describe
from controller.node.dispatch import Dispatcher
from controller.node.lxc.attached import Attached
from controller.node.rdp import LoopbackNetwork
from controller.node.script import load, play
from controller.node.sidedoor import SideDoor
from controller.node.state import StateFile
from controller.node.web import Front

T = TypeVar("T")


class NodeServer:
    """``start()`` returns when it serves; ``stop()`` when all is closed. For one start only."""

    def __init__(self, config: NodeConfig, *, clock: Clock | None = None) -> None:
        self.config = config
        self._clock = clock or SystemClock()
        self._thread = threading.Thread(target=self._run, name="winux-node", daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._description: Description | None = None
        self._dispatcher: Dispatcher | None = None
        self._front: Front | None = None

    def start(self) -> Description:
        """Raises what keeps it from serving, such as an ``OSError`` of an address in use."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self.description

    def stop(self) -> None:
        if self._loop and self._end and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def description(self) -> Description:
        if self._description is None:
            raise RuntimeError("the node does not serve yet")
        return self._description

    def behind(self, action: Callable[[SideDoor], T]) -> T:
        """Act through the side door, in the node's own thread: ``server.behind(lambda door: door.stop(100))``."""
        loop, dispatcher, front = self._loop, self._dispatcher, self._front
        if loop is None or dispatcher is None or front is None:
            raise RuntimeError("the node does not serve yet")

        async def act() -> T:
            dispatcher.schedule.settle()
            result = action(SideDoor(dispatcher))
            front.turn()
            return result

        return asyncio.run_coroutine_threadsafe(act(), loop).result()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:
            self._failure = failure
            if self._ready.is_set():
                raise
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        config = self.config
        host, port = config.host_port
        memory = config.engine == "memory"
        network = LoopbackNetwork(self._loop, port=config.rdp_port) if config.rdp and memory else None
        containers = Attached(config, turned=self._turn) if config.engine == "lxc" else None
        cluster = Cluster(
            self._clock,
            nodes=config.nodes,
            profile=config.timing,
            seed=config.seed,
            network=network,
            rdp_port=config.rdp_port,
            engine=containers,
            key=self._ticket_key(),
            release=config.release,
        )
        file = StateFile(config.state / "cluster.db") if config.state else None
        try:
            if containers:
                await containers.open()
            furniture = _furnish(cluster, config, file)
            if containers:
                await containers.furnish(furniture)
            identity = self._identity()
            cluster.fingerprint = identity.fingerprint
            cluster.ca = identity.ca.read_text()
            self._dispatcher = Dispatcher(cluster)
            door = SideDoor(self._dispatcher)
            faults = load(config.faults, door) if config.faults else None
            self._front = Front(self._dispatcher, save=(lambda: file.save(cluster)) if file else _save_nothing)
            runner = web.ServerRunner(self._front.server, shutdown_timeout=1.0)
            await runner.setup()
            try:
                await web.TCPSite(runner, host, port, ssl_context=identity.context(), backlog=1024).start()
                self._description = describe(
                    furniture,
                    url=f"https://{host}:{_port(runner)}",
                    ca=identity.ca,
                    nodes=config.nodes,
                    pool=config.pool,
                    fingerprint=identity.fingerprint,
                )
                if faults:
                    play(faults, door)
                self._front.turn()
                self._ready.set()
                await self._end.wait()
            finally:
                self._front.stop()
                await runner.cleanup()
        finally:
            if containers:
                await containers.close()
            if network:
                network.release_all()
            if file:
                file.close()

    def _turn(self) -> None:
        """An engine did something while nobody asked."""
        if self._front:
            self._front.turn()

    def _ticket_key(self) -> bytes:
        """Signs tickets. With a state it stays, as /etc/pve/priv/authkey.key outlives a reboot."""
        if self.config.state is None:
            return secrets.token_bytes(32)
        file = self.config.state / "tickets.key"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_bytes(secrets.token_bytes(32))
        return file.read_bytes()

    def _identity(self) -> tls.Identity:
        """With a state the certificates stay as well, so that clients go on trusting them."""
        directory, now = self.config.directory.resolve(), self._clock.now()
        kept = tls.load(directory, now=now) if self.config.state else None
        return kept or tls.make(
            directory,
            host=self.config.host_port[0],
            names=self.config.nodes,
            now=now,
            days=self.config.certificate_days,
        )


def _save_nothing() -> None:
    """The cluster lives in memory only."""


def _furnish(cluster: Cluster, config: NodeConfig, file: StateFile | None) -> bootstrap.Furniture:
    bootstrap.stock(cluster, image=config.image)
    if file and file.load(cluster):
        return bootstrap.resume(cluster, first_template=config.first_template)
    return bootstrap.furnish(
        cluster,
        pool=config.pool,
        first_template=config.first_template,
        full_secret=str(uuid.uuid4()),
        pool_secret=str(uuid.uuid4()),
        root_password=config.root_password,
    )


def _port(runner: web.ServerRunner) -> int:
    address: tuple[str, int] = runner.addresses[0]
    return address[1]
