"""Tickets for a container's console: termproxy, vncproxy and vncwebsocket (PVE::API2::LXC).

There is no terminal behind them, and the node serves no websockets: a ticket is made and checked as the real one is,
its task waits for a client and gives up as the real one does, but ``vncwebsocket`` answers a plain 200, which no
websocket client takes for a connection. Texts and exit statuses are not measured.
"""

from __future__ import annotations

import secrets
import string

from controller.node.authentication import refused
from controller.node.context import Context
from controller.node.errors import died
from controller.node.parameters import BOOLEAN, GUEST
from controller.node.schedule import Steps
from controller.node.schema import Param, Schema
from controller.node.tasks import Task

PORTS = range(5900, 6000)
PATIENCE = 10.0
"""Seconds for which the task waits for a client."""

VNC: Schema = {
    **GUEST,
    "height": Param(kind="integer", minimum=16, maximum=2160),
    "websocket": BOOLEAN,
    "width": Param(kind="integer", minimum=16, maximum=4096),
}
WEBSOCKET: Schema = {
    **GUEST,
    "port": Param(kind="integer", minimum=PORTS.start, maximum=PORTS.stop - 1, required=True),
    "vncticket": Param(max_length=512, required=True),
}


def termproxy(context: Context) -> dict[str, object]:
    """User, ticket, port and UPID of a proxy to the container's console."""
    return _offer(context, "termproxy", f"{{}} --path /vms/{context.vmid} --perm VM.Console")


def vncproxy(context: Context) -> dict[str, object]:
    """With the CA's certificate; for a websocket also with a password, which stands in the ticket too."""
    offer = _offer(context, "vncterm", f"-rfbport {{}} -timeout 10 -authpath /vms/{context.vmid} -perm VM.Console")
    offer["cert"] = context.cluster.ca
    if context.flag("websocket"):
        password = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(8))
        offer |= {"password": password, "ticket": f"{password}:{offer['ticket']}"}
    return offer


def _offer(context: Context, program: str, arguments: str) -> dict[str, object]:
    cluster, vmid = context.cluster, context.vmid
    consoles = cluster.consoles
    port = next((port for port in PORTS if port not in consoles or not consoles[port].running), None)
    if port is None:
        raise died("unable to find free port (5900-6000)")
    cluster.guest(context.node, vmid)
    now = cluster.schedule.wall()
    ticket = cluster.authentication.console_ticket(context.who.authid, f"/vms/{vmid}", port, now)
    command = f"/usr/bin/{program} {arguments.format(port)}"
    task = context.fork("vncproxy", vmid, lambda task: _wait(context, task, command))
    consoles[port] = task
    return {"user": context.who.authid, "ticket": ticket, "port": port, "upid": task.upid}


def _wait(context: Context, task: Task, command: str) -> Steps[None]:
    yield from context.work(task, lambda: context.cluster.schedule.timer(PATIENCE))
    raise died(f"command '{command}' failed: exit code 1")


def websocket(context: Context) -> dict[str, str]:
    """The port, if the ticket is good for it."""
    text, port = context.text("vncticket"), context.text("port")
    ticket = text[9:] if text[8:9] == ":" and not text.startswith("PVEVNC:") else text
    authentication, now = context.cluster.authentication, context.cluster.schedule.wall()
    if not authentication.is_console_ticket(
        ticket, context.who.authid, f"/vms/{context.vmid}", port=int(port), now=now
    ):
        raise refused("permission denied - invalid PVEVNC ticket")
    return {"port": port}
