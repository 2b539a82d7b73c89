"""Log lines about what happens in layers that do not log themselves: events, calls, questions, writes, scans.

All but events are at debug: `winux log COMPONENT debug` shows them. None has room for what was sent or answered.
"""

from __future__ import annotations

import structlog

from controller.core.model import DesiredSnapshot
from controller.engine.clock import Clock
from controller.guest.rdp import Negotiate, ProbeResult
from controller.guest.ssh import Answer, Call, Done, Run
from controller.ledger.events import Event, EventType
from controller.proxmox.limits import Call as ProxmoxCall

_EVENTS = structlog.get_logger("winux.events")
_PROXMOX = structlog.get_logger("winux.proxmox")
_GUEST = structlog.get_logger("winux.guest")
_LEDGER = structlog.get_logger("winux.ledger")
_MANIFESTS = structlog.get_logger("winux.manifests")


def recorded(event: Event) -> None:
    """Every event is a log line too; repeats only count."""
    if event.count > 1:
        return
    log = _EVENTS.warning if event.type is EventType.WARNING else _EVENTS.info
    whose = {"session": event.session} if event.session else {}
    life = {"trace_id": event.uid} if event.uid else {}
    log("event", reason=event.reason, message=event.message, **whose, **life)


def called(call: ProxmoxCall) -> None:
    """Proxmox answered, or did not."""
    where = {key: value for key, value in (("node", call.node), ("vmid", call.vmid)) if value is not None}
    _PROXMOX.debug("called", operation=call.operation, outcome=call.outcome, seconds=_rounded(call.seconds), **where)


def written(seconds: float) -> None:
    """A write to the ledger ended, well or not."""
    _LEDGER.debug("written", seconds=_rounded(seconds))


def scanned(snapshot: DesiredSnapshot) -> None:
    """The manifests were looked at."""
    _MANIFESTS.debug(
        "scanned",
        files=snapshot.files,
        sessions=len(snapshot.sessions),
        problems=len(snapshot.problems),
        complete=snapshot.complete,
        revision=snapshot.revision,
    )


def asking_guests(run: Run, *, clock: Clock) -> Run:
    """The same way into guests, with a line for every call."""

    def ask(call: Call) -> Answer:
        began = clock.monotonic()
        answer = run(call)
        outcome = f"status {answer.status}" if isinstance(answer, Done) else answer.reason
        seconds = _rounded(clock.monotonic() - began)
        _GUEST.debug("asked", question=call.name, address=call.address, outcome=outcome, seconds=seconds)
        return answer

    return ask


def probing_desktops(negotiate: Negotiate, *, clock: Clock) -> Negotiate:
    """The same question to desktops, with a line for every answer."""

    def probe(address: str, port: int, *, timeout: float) -> ProbeResult:
        began = clock.monotonic()
        result = negotiate(address, port, timeout=timeout)
        seconds = _rounded(clock.monotonic() - began)
        _GUEST.debug(
            "probed", address=address, port=port, outcome="ready" if result.ready else result.reason, seconds=seconds
        )
        return result

    return probe


def _rounded(seconds: float) -> float:
    return round(seconds, 4)
