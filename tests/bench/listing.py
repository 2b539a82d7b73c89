"""What a crowd costs the node itself: ``/cluster/resources?type=vm`` over one connection, and the process's memory.

The containers are put there through the side door and run, each with its desktop's socket, on three nodes.
"""

from __future__ import annotations

import http.client
import shutil
import ssl
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from tests.bench.quiet import rss_mib
from tests.e2e.node import Node
from tests.e2e.pve import Administrator
from tests.e2e.waiting import CLOCK, until

NODES = 3
SAMPLES = 45
"""Of each call: a connection serves a hundred requests, as pveproxy's does."""
FIRST_VMID = 10_000
MARKED = """\
Winux session s{number}, made by winux-controller and destroyed when its time is up.

winux.dev/controller: default
winux.dev/session: s{number}
winux.dev/uid: {number:032x}"""


@dataclass(frozen=True)
class Listing:
    """Medians in milliseconds; the floor is ``/version`` in turn with it, on the same connection."""

    profile: str
    containers: int
    floor_ms: float
    ms: float
    kib: float
    rss_mib: float

    @property
    def ratio(self) -> float:
        return self.ms / self.floor_ms


def measure(*, profile: str, containers: int) -> Listing:
    directory = Path(tempfile.mkdtemp(prefix="wxl"))
    try:
        node = Node(directory, profile=profile, nodes=NODES)
        try:
            fill(node.admin, containers)
            return _listen(node, profile, containers)
        finally:
            node.end()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def fill(admin: Administrator, containers: int) -> None:
    """Running containers such as a controller makes; returns when the statistics know of all."""
    for number in range(containers):
        vmid = FIRST_VMID + number
        options = {
            "cores": "2",
            "description": MARKED.format(number=number),
            "hostname": f"s{number}",
            "memory": "1024",
            "net0": f"name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:{number >> 8:02X}:{number & 255:02X},ip=dhcp,type=veth",
            "protection": "1",
            "rootfs": f"local:{vmid}/vm-{vmid}-disk-0.raw,size=10G",
            "unprivileged": "1",
        }
        place = f"containers/{vmid}"
        node = f"pve{number % NODES + 1}"
        admin.door("POST", place, action="add", node=node, pool=admin.pool, running=True, options=options)

    def known() -> bool:
        rows = cast("list[dict[str, object]]", admin.call("GET", "/cluster/resources", type="vm"))
        return sum(row["status"] == "running" for row in rows) == containers

    until(known, what="the statistics tell of all", every=1.0)


def _listen(node: Node, profile: str, containers: int) -> Listing:
    parts = urlsplit(node.url)
    trusted = ssl.create_default_context(cafile=str(node.description["ca"]))
    connection = http.client.HTTPSConnection(str(parts.hostname), parts.port, timeout=30, context=trusted)
    headers = {"Authorization": f"PVEAPIToken={node.description['pool_token']}"}

    def ask(path: str) -> tuple[float, int]:
        began = CLOCK.monotonic()
        connection.request("GET", f"/api2/json{path}", headers=headers)
        answer = connection.getresponse()
        size = len(answer.read())
        assert answer.status == 200, answer.reason
        return 1000 * (CLOCK.monotonic() - began), size

    floor, listed, size = [], [], 0
    ask("/version")
    first = connection.sock
    for _ in range(SAMPLES):
        floor.append(ask("/version")[0])
        milliseconds, size = ask("/cluster/resources?type=vm")
        listed.append(milliseconds)
    assert connection.sock is first, "it was not one connection"
    connection.close()
    return Listing(
        profile=profile,
        containers=containers,
        floor_ms=statistics.median(floor),
        ms=statistics.median(listed),
        kib=size / 1024,
        rss_mib=rss_mib(node.process.pid),
    )
