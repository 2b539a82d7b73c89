"""Traces as the settings ask for them: sent to a collector, or not made at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from controller.core.incarnation import Incarnation
from controller.daemon.settings import Settings, SettingsError
from controller.engine.clock import Clock
from controller.proxmox.limits import Call
from controller.telemetry.traces import Traces


class Tracing(Protocol):
    """What becomes of passes and of calls to Proxmox."""

    def around(self, session: str) -> AbstractContextManager[None]:
        """One pass over a session."""
        ...

    def called(self, call: Call) -> None: ...

    def close(self) -> None:
        """Send what is left."""
        ...


class NoTracing:
    """Nothing."""

    def around(self, session: str) -> AbstractContextManager[None]:
        del session
        return nullcontext()

    def called(self, call: Call) -> None:
        del call

    def close(self) -> None:
        pass


class _Sent:
    def __init__(self, traces: Traces, close: Callable[[], None]) -> None:
        self._traces = traces
        self.around = traces.around
        self.close = close

    def called(self, call: Call) -> None:
        self._traces.called(call.operation, call.node, call.outcome, call.seconds)


def tracing(settings: Settings, *, life_of: Callable[[str], Incarnation | None], clock: Clock) -> Tracing:
    """Raises ``SettingsError`` where traces are asked for and what sends them is not installed."""
    endpoint = settings.telemetry.traces
    if endpoint is None:
        return NoTracing()
    try:
        from controller.telemetry.otlp import OtlpSender  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError(
            [f"telemetry.traces needs OpenTelemetry ({error}): run `pip install 'winux-controller[otlp]'`"]
        ) from None
    sender = OtlpSender(endpoint, controller=settings.controller.id)
    return _Sent(Traces(sender.tell, life_of=life_of, clock=clock), sender.close)
