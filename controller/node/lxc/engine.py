"""``Engine`` with real containers: the blocking work goes to threads, its outcome comes back into the cluster's own.

Two operations on one container never meet, also when the task that began one was killed meanwhile. A container whose
init ends, for whatever reason, is noticed by its pidfd, cleared away and told.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from controller.node.engine import Address, Blueprint, Interface, Watcher
from controller.node.errors import Refusal, died
from controller.node.lxc.container import NotStarted
from controller.node.lxc.containers import Containers
from controller.node.lxc.host import HostError
from controller.node.lxc.site import Site
from controller.node.schedule import Completion, Schedule

T = TypeVar("T")
LOG = logging.getLogger(__name__)
THREADS = 32
"""Most of them wait: for guests that shut down, or for their turn."""


class LxcEngine:
    """Belongs to one event loop. ``open`` before anything else, ``close`` at the end; between, only in the loop."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        site: Site,
        watcher: Watcher,
        loop: asyncio.AbstractEventLoop,
        turned: Callable[[], None],
    ) -> None:
        self._schedule = schedule
        self._site = site
        self._watcher = watcher
        self._loop = loop
        self._turned = turned
        """Called in the loop when something was told: what is due is due now."""
        self._containers = Containers(site)
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="lxc")
        self._inits: dict[int, int] = {}
        """VMID → pidfd of its init, while it runs."""

        self._asked: set[int] = set()
        """Those that were asked to shut down, and have time to."""

    async def open(self) -> None:
        """Make ready; what an earlier process of the same node left behind stays if it keeps a state.

        Raises:
            HostError: what this host cannot do, or another process is at it.
        """
        await asyncio.to_thread(self._containers.open)

    async def close(self) -> None:
        """Where the node keeps a state its containers go on, for a later process; else all of them go."""
        for vmid in [*self._inits]:
            self._unwatch(vmid)
        await asyncio.to_thread(self._containers.interrupt)
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        await asyncio.to_thread(self._containers.close)

    def furnish(self, vmid: int, archive: str) -> None:
        """A template that is just the archive. Blocks while the archive is unpacked for the first time.

        Raises:
            HostError: the archive is not there, or broken.
        """
        self._containers.furnish(vmid, archive)

    def forget_others(self, vmids: Collection[int]) -> None:
        """Remove the containers of an earlier process that the cluster does not know."""
        for vmid in self._containers.known() - set(vmids):
            self.forget(vmid)

    # Engine

    def make(self, blueprint: Blueprint) -> Completion[None]:
        return self._do(blueprint.vmid, lambda: self._containers.make(blueprint))

    def clone(self, source: int, blueprint: Blueprint, *, linked: bool) -> Completion[None]:
        """Linked or not: layers are never written, so whoever shares them depends on nobody."""
        del linked
        return self._do(blueprint.vmid, lambda: self._containers.clone(source, blueprint))

    def start(self, blueprint: Blueprint) -> Completion[None]:
        vmid, done = blueprint.vmid, Completion[None](self._schedule)

        def started(init: int) -> None:
            self._runs(vmid, init)
            done.set(None)

        def failed(failure: Exception) -> None:
            LOG.warning("container %d does not start: %s", vmid, failure)
            said = failure.said if isinstance(failure, NotStarted) and failure.said else [str(failure)]
            done.fail(Refusal(500, f"startup for container '{vmid}' failed", log=said))

        self._submit(vmid, lambda: self._containers.start(blueprint), started, failed)
        return done

    def boot(self, blueprint: Blueprint) -> None:
        self.start(blueprint)

    def resume(self, vmid: int) -> bool:
        init = self._containers.of(vmid).init()
        if init is not None:
            self._runs(vmid, init)
        return init is not None

    def stop(self, vmid: int) -> Completion[None]:
        self._overrule(vmid)
        return self._stopped(vmid, self._do(vmid, self._containers.of(vmid).kill))

    def halt(self, vmid: int) -> None:
        self.stop(vmid)

    def shutdown(self, vmid: int, timeout: float) -> Completion[bool]:
        done: Completion[bool] = Completion(self._schedule)

        def ended(stopped: bool) -> None:
            if stopped:
                self._ended(vmid)
            done.set(stopped)

        asked = self._containers.of(vmid)
        self._submit(vmid, lambda: asked.shut_down(timeout), ended, lambda failure: done.fail(_refusal(failure)))
        self._asked.add(vmid)
        done.then(lambda: self._asked.discard(vmid))
        return done

    def _overrule(self, vmid: int) -> None:
        """A shutdown that still waits for its guest is not waited for."""
        if vmid in self._asked:
            self._submit(
                None, self._containers.of(vmid).strike, lambda _: None, lambda failure: LOG.warning("%s", failure)
            )

    def destroy(self, vmid: int, *, was_running: bool) -> Completion[None]:
        del was_running
        self._overrule(vmid)
        return self._stopped(vmid, self._do(vmid, lambda: self._containers.remove(vmid)))

    def forget(self, vmid: int) -> None:
        if self._containers.of(vmid).directory.exists():
            self.destroy(vmid, was_running=True)

    def template(self, vmid: int) -> Completion[None]:
        return self._do(vmid, lambda: self._containers.become_template(vmid))

    def resize(self, vmid: int, size: int) -> Completion[None]:
        return self._do(vmid, lambda: self._containers.of(vmid).grow(size))

    def snapshot(self, vmid: int, name: str) -> Completion[None]:
        return self._do(vmid, lambda: self._containers.of(vmid).snapshot(name))

    def drop_snapshot(self, vmid: int, name: str) -> Completion[None]:
        return self._do(vmid, lambda: self._containers.of(vmid).drop_snapshot(name))

    def roll_back(self, vmid: int, name: str) -> Completion[None]:
        return self._stopped(vmid, self._do(vmid, lambda: self._containers.of(vmid).roll_back(name)))

    def limit(self, vmid: int, options: Mapping[str, str]) -> None:
        wanted = dict(options)
        self._submit(
            vmid,
            lambda: self._containers.limit(vmid, wanted),
            lambda _: None,
            lambda failure: LOG.warning("the limits of container %d stay as they were: %s", vmid, failure),
        )

    def filter(self, blueprint: Blueprint) -> None:
        vmid = blueprint.vmid
        if vmid in self._inits:
            self._submit(
                vmid,
                lambda: self._containers.filter(blueprint),
                lambda _: None,
                lambda failure: LOG.error("the firewall of container %d stays as it was: %s", vmid, failure),
            )

    def interfaces(self, vmid: int) -> Completion[tuple[Interface, ...]]:
        done: Completion[tuple[Interface, ...]] = Completion(self._schedule)

        def told(rows: list[Mapping[str, object]]) -> None:
            done.set(tuple(_interface(row) for row in rows))

        # not in turn with other operations: it changes nothing, and a long one must not hide the addresses
        work = self._containers.of(vmid).interfaces
        self._submit(None, work, told, lambda failure: done.fail(_refusal(failure)))
        return done

    def addresses(self, vmid: int) -> list[str]:
        return self._containers.leases.of(vmid) if vmid in self._inits else []

    def answers(self, address: str, port: int) -> bool:
        """Only whether a container with that address runs: who wants to know more asks it over the network."""
        del port
        return self._containers.leases.owner(address) in self._inits

    # back in the loop

    def _do(self, vmid: int, work: Callable[[], None]) -> Completion[None]:
        done: Completion[None] = Completion(self._schedule)
        self._submit(vmid, work, lambda _: done.set(None), lambda failure: done.fail(_refusal(failure)))
        return done

    def _submit(
        self,
        vmid: int | None,
        work: Callable[[], T],
        told: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Do the work in a thread, in turn with other work on that container, and tell its outcome in the loop."""

        def whole() -> None:
            try:
                if vmid is None:
                    result = work()
                else:
                    with self._containers.turn(vmid):
                        result = work()
            except Exception as failure:
                self._tell(lambda failure=failure: failed(failure))  # type: ignore[misc]
            else:
                self._tell(lambda: told(result))

        self._threads.submit(whole)

    def _tell(self, action: Callable[[], None]) -> None:
        def act() -> None:
            action()
            self._turned()

        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act)

    def _stopped(self, vmid: int, done: Completion[None]) -> Completion[None]:
        done.then(lambda: self._ended(vmid))
        return done

    def _runs(self, vmid: int, init: int) -> None:
        self._unwatch(vmid)
        try:
            descriptor = os.pidfd_open(init)
        except ProcessLookupError:
            self.halt(vmid)
            return
        self._inits[vmid] = descriptor
        self._loop.add_reader(descriptor, lambda: self._gone(vmid))
        self._watcher.started(vmid)

    def _gone(self, vmid: int) -> None:
        """Its init ended: by itself, by an operation, or because somebody killed it."""
        self._ended(vmid)
        self._submit(
            vmid,
            lambda: self._containers.clear(vmid),
            lambda _: None,
            lambda failure: LOG.warning("container %d ended and left something behind: %s", vmid, failure),
        )
        self._turned()

    def _ended(self, vmid: int) -> None:
        if vmid in self._inits:
            self._unwatch(vmid)
            self._watcher.stopped(vmid)

    def _unwatch(self, vmid: int) -> None:
        if (descriptor := self._inits.pop(vmid, None)) is not None:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)


def _refusal(failure: Exception) -> Exception:
    """What the host could not do ends a task; what nobody thought of is for the node's log."""
    return died(str(failure)) if isinstance(failure, HostError | OSError) else failure


def _interface(row: Mapping[str, object]) -> Interface:
    rows = row.get("addr_info")
    addresses = tuple(
        Address(str(one["family"]), str(one["local"]), int(one["prefixlen"]))
        for one in (rows if isinstance(rows, list) else [])
    )
    return Interface(str(row.get("ifname", "")), str(row.get("address", "00:00:00:00:00:00")), addresses)
