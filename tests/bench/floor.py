"""A client that makes only the calls without which no desktop comes to be, and does nothing else.

For each session: create with ``start=1``, its tasks by polling the node's active list, the guest's interfaces until
there is an address, and the RDP negotiation until it is answered. A slot counts from the create call to the end of the
start task, as the controller counts it, and no more calls are in flight than the controller may have. No manifests, no
ledger, no looking before acting.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import requests

from controller.guest.rdp import Negotiated, negotiate
from tests.e2e.waiting import CLOCK

POLL = 0.05
"""Seconds between two looks at the active list, at the interfaces, at the desktop: three times the controller's pace."""
IN_FLIGHT = 4


class Floor:
    """One run against one node."""

    def __init__(self, description: Mapping[str, object], *, sessions: int) -> None:
        self._description = description
        self._sessions = sessions
        self._base = f"{description['url']}/api2/json/nodes/{description['node']}"
        self._slots = threading.Semaphore(IN_FLIGHT)
        self._calls = threading.Semaphore(IN_FLIGHT)
        self._local = threading.local()
        self._changed = threading.Condition()
        self._tasks: list[dict[str, object]] = []
        self._over = threading.Event()

    def run(self) -> float:
        """Seconds from the first call to the last desktop's answer."""
        began = CLOCK.monotonic()
        poller = threading.Thread(target=self._poll, daemon=True)
        poller.start()
        with ThreadPoolExecutor(max_workers=self._sessions) as threads:
            list(threads.map(self._live, range(self._sessions)))
        took = CLOCK.monotonic() - began
        self._over.set()
        poller.join()
        return took

    def _live(self, number: int) -> None:
        vmid = 30001 + number
        with self._slots:
            self._create(number, vmid)
            self._wait_for(vmid, "vzcreate")
            self._wait_for(vmid, "vzstart")
        address = None
        while address is None:
            address = self._address(vmid) or self._pause()
        while not isinstance(negotiate(address, 3389, timeout=3.0), Negotiated):
            self._pause()

    def _create(self, number: int, vmid: int) -> None:
        parameters = {
            **{"vmid": vmid, "ostemplate": self._description["ostemplate"], "rootfs": "local:10", "cores": 2},
            **{"memory": 1024, "hostname": f"s{number}", "pool": self._description["pool"], "unprivileged": 1},
            **{"net0": "name=eth0,bridge=vmbr0,ip=dhcp", "password": "a password", "protection": 1, "start": 1},
        }
        self._call("POST", "/lxc", data=parameters)

    def _wait_for(self, vmid: int, kind: str) -> None:
        def ended() -> bool:
            mine = [task for task in self._tasks if task["id"] == str(vmid) and task["type"] == kind]
            return bool(mine) and mine[0]["status"] == "OK"

        with self._changed:
            assert self._changed.wait_for(ended, timeout=120), f"{kind} of {vmid}"

    def _poll(self) -> None:
        while not self._over.is_set():
            tasks = self._call("GET", "/tasks", params={"source": "active", "limit": 1000})
            with self._changed:
                self._tasks = cast("list[dict[str, object]]", tasks)
                self._changed.notify_all()
            CLOCK.wait(self._over, POLL)

    def _address(self, vmid: int) -> str | None:
        rows = cast("list[dict[str, str]] | None", self._call("GET", f"/lxc/{vmid}/interfaces"))
        found = [row["inet"].partition("/")[0] for row in rows or [] if row["name"] == "eth0" and "inet" in row]
        return found[0] if found else None

    def _call(self, method: str, path: str, **more: object) -> object:
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env, session.verify = False, str(self._description["ca"])
            session.headers["Authorization"] = f"PVEAPIToken={self._description['pool_token']}"
        with self._calls:
            answer = session.request(method, self._base + path, timeout=35, **more)
        assert answer.ok, f"{method} {path}: {answer.reason}"
        return answer.json()["data"]

    def _pause(self) -> None:
        CLOCK.wait(self._over, POLL)
