"""The floor: a client that makes only the unavoidable calls, with the controller's own concurrency.

Per session: create with ``start=1``, the active list until neither its create nor its start runs any more, the
interfaces until there is an address, an RDP negotiation until it is answered. No ledger, no checks, no second thoughts.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from controller.engine.clock import SystemClock
from controller.guest.rdp import Negotiated, negotiate
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.port import CreateRequest, TaskRow

PAUSE = 0.1
"""Seconds between two questions of the same kind."""


class FloorClient:
    """Makes sessions on a node that was described by its JSON line."""

    def __init__(self, description: Mapping[str, object], *, in_flight: int) -> None:
        token_id, _, secret = str(description["pool_token"]).partition("=")
        self._description = description
        self._port = ProxmoxAdapter(
            Endpoint(
                url=str(description["url"]),
                token_id=token_id,
                token_secret=secret,
                ca_file=Path(str(description["ca"])),
            )
        )
        self._node = str(description["node"])
        self._places = threading.BoundedSemaphore(in_flight)
        self._polled = threading.Condition()
        self._running: frozenset[str] = frozenset()
        self._polls = 0
        self._clock = SystemClock()
        self._never = threading.Event()

    def make(self, sessions: int, *, first_vmid: int = 30001) -> float:
        """Seconds until all answer."""
        over = threading.Event()
        poller = threading.Thread(target=self._poll, args=(over,), daemon=True)
        poller.start()
        began = self._clock.monotonic()
        with ThreadPoolExecutor(sessions) as threads:
            list(threads.map(self._make_one, range(first_vmid, first_vmid + sessions)))
        seconds = self._clock.monotonic() - began
        over.set()
        poller.join()
        return seconds

    def _poll(self, over: threading.Event) -> None:
        while not self._clock.wait(over, PAUSE):
            rows: tuple[TaskRow, ...] = self._port.active_tasks(self._node)
            with self._polled:
                self._running = frozenset(row.id for row in rows if row.running)
                self._polls += 1
                self._polled.notify_all()

    def _make_one(self, vmid: int) -> None:
        with self._places:
            self._port.create(self._node, self._request(vmid))
            with self._polled:
                after = self._polls + 2
                self._polled.wait_for(lambda: self._polls >= after and str(vmid) not in self._running)
        while not (addresses := self._port.addresses(self._node, vmid)):
            self._clock.wait(self._never, PAUSE)
        while not isinstance(negotiate(addresses[0], 3389, timeout=3), Negotiated):
            self._clock.wait(self._never, PAUSE)

    def _request(self, vmid: int) -> CreateRequest:
        return CreateRequest(
            vmid=vmid,
            archive=str(self._description["ostemplate"]),
            storage=str(self._description["storage"]),
            disk_gib=10,
            cores=2,
            memory_mib=1024,
            hostname=f"floor-{vmid}",
            description="made by the floor client",
            net0=f"name=eth0,bridge={self._description['bridge']},ip=dhcp",
            nameservers=(),
            pool=str(self._description["pool"]),
            nesting=False,
            password="not-a-secret-here",
            start=True,
        )
