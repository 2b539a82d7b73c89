"""A node with a crowd of running containers, as a process: ``python -m tests.bench.crowd FILE`` prints its JSON line.

They are put there behind the API's back, with the marker of lives that ``quiet`` writes into a ledger: making ten
thousand through the API would take hours and would measure something else.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from controller.node.config import NodeConfig
from controller.node.server import NodeServer
from controller.node.sidedoor import SideDoor


def main() -> int:
    rows = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as directory:
        server = NodeServer(NodeConfig(profile="instant", directory=Path(directory), rdp=False))
        description = server.start()
        server.behind(lambda door: fill(door, rows))
        print(description.as_json(), flush=True)
        sys.stdin.read()
        server.stop()
    return 0


def fill(door: SideDoor, rows: list[dict[str, str | int]]) -> None:
    """Containers that run, as pvestatd told of them last."""
    cluster = door.cluster
    for row in rows:
        vmid = int(row["vmid"])
        options = {
            "cores": "2",
            "description": str(row["description"]),
            "hostname": str(row["name"]),
            "memory": "1024",
            "net0": "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,ip=dhcp,type=veth",
            "protection": "1",
            "rootfs": f"local:{vmid}/vm-{vmid}-disk-0.raw,size=10G",
            "unprivileged": "1",
        }
        door.add(vmid, options, pool="winux")
        guest = cluster.guests[vmid]
        guest.running, guest.started = True, cluster.schedule.wall()
        cluster.changed(guest)
    cluster.broadcast()


if __name__ == "__main__":
    sys.exit(main())
