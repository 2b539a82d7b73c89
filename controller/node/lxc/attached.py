"""The engine ``lxc`` of a node that serves: made for its cluster, opened before it is furnished, closed at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from controller.node.bootstrap import ARCHIVE, Furniture
from controller.node.cluster import Cluster
from controller.node.config import LXC_HOME, NodeConfig
from controller.node.lxc.engine import LxcEngine
from controller.node.lxc.host import HostError
from controller.node.lxc.requirements import missing, unenforced
from controller.node.lxc.site import Site

LOG = logging.getLogger(__name__)


class Attached:
    """Call it with the cluster to get its engine; then ``open``, ``furnish``, and ``close`` whatever happened."""

    def __init__(self, config: NodeConfig, *, turned: Callable[[], None]) -> None:
        self._config = config
        self._turned = turned
        self._loop = asyncio.get_running_loop()
        self._engine: LxcEngine | None = None
        self._cluster: Cluster | None = None

    def __call__(self, cluster: Cluster) -> LxcEngine:
        config = self._config
        image = config.image or Path("image")  # a config without one was refused
        site = Site(
            home=config.home or LXC_HOME,
            node=config.directory,
            state=config.state,
            archives={ARCHIVE: image},
            internet=config.internet,
        )
        self._cluster = cluster
        self._engine = LxcEngine(cluster.schedule, site=site, watcher=cluster, loop=self._loop, turned=self._turned)
        return self._engine

    async def open(self) -> None:
        """Raises ``ValueError`` with what this host lacks or cannot do."""
        config = self._config
        if lacking := await asyncio.to_thread(missing, config.image, home=config.home or LXC_HOME):
            raise ValueError("; ".join(lacking))
        for what in unenforced():
            LOG.warning("%s", what)
        try:
            await self._made().open()
        except HostError as failure:
            raise ValueError(str(failure)) from failure

    async def furnish(self, furniture: Furniture) -> None:
        """The disks of the templates; and no disk of what the cluster does not know.

        Raises:
            ValueError: the image is not there or broken.
        """
        engine, cluster = self._made(), self._cluster
        guests = set(cluster.guests) if cluster else set()
        engine.forget_others(guests)
        try:
            for vmid in furniture.templates:
                await asyncio.to_thread(engine.furnish, vmid, furniture.ostemplate)
        except HostError as failure:
            raise ValueError(str(failure)) from failure

    async def close(self) -> None:
        await self._made().close()

    def _made(self) -> LxcEngine:
        if self._engine is None:
            raise RuntimeError("the engine has no cluster yet")
        return self._engine
