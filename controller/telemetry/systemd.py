"""What the service manager is told: that the daemon serves, how it stands, that it lives, that it ends.

One datagram for each message (sd_notify(3)). Without ``NOTIFY_SOCKET`` nothing is sent. What there is to say is the
daemon's business.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, MutableMapping, Sequence

import structlog

from controller.engine.clock import Clock, kernel_microseconds
from controller.telemetry import redact

_LOG = structlog.get_logger("winux.telemetry")
STATUS_EVERY = 2.0
"""Seconds between two looks at how things stand; it is told when it changed."""
STOP_MARGIN = 30.0
"""Seconds that closing may take after work in progress came to an end."""
_MICROSECONDS = 1_000_000
_PATIENCE = 1.0
"""Seconds that a full socket is waited for."""


class Systemd:
    """For one thread. A message that cannot be sent is logged once, and nothing else: the daemon goes on."""

    def __init__(
        self,
        address: str | None,
        *,
        watchdog: float | None = None,
        clock: Clock,
        microseconds: Callable[[], int] = kernel_microseconds,
    ) -> None:
        """``address``: a path, or a name in the abstract namespace after ``@``. ``watchdog``: seconds it waits at most.

        ``microseconds`` reads CLOCK_MONOTONIC.
        """
        self._address = address
        self._watchdog = watchdog
        self._clock = clock
        self._microseconds = microseconds
        self._ping_due = self._status_due = clock.monotonic()
        self._said: str | None = None
        self._unheard = False
        self._withheld = False

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str], *, clock: Clock, pid: int) -> Systemd:
        """Takes the variables out: no child may speak in the daemon's name."""
        address = environ.pop("NOTIFY_SOCKET", None)
        microseconds, whose = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", str(pid))
        watched = microseconds.isdecimal() and int(microseconds) > 0 and whose == str(pid)
        return cls(address or None, watchdog=int(microseconds) / _MICROSECONDS if watched else None, clock=clock)

    @property
    def ping_every(self) -> float | None:
        """Seconds between two signs of life; None where nobody waits for them. ``tend`` has to come as often."""
        return self._watchdog / 2 if self._address is not None and self._watchdog is not None else None

    def ready(self) -> None:
        """It serves, or a reload is over."""
        self._tell("READY=1")

    def reloading(self) -> None:
        self._tell("RELOADING=1", f"MONOTONIC_USEC={self._microseconds()}")

    def stopping(self, *, drain: float) -> None:
        """It ends; work in progress may take ``drain`` seconds more, whatever the unit's limits are."""
        microseconds = int((drain + STOP_MARGIN) * _MICROSECONDS)
        # Signs of life end here: the watchdog gets the same patience.
        patience = [f"WATCHDOG_USEC={microseconds}"] if self._watchdog is not None else []
        self._tell("STOPPING=1", f"EXTEND_TIMEOUT_USEC={microseconds}", *patience, "STATUS=stopping")

    def tend(self, *, stuck: Sequence[str], status: Callable[[], str]) -> None:
        """To be called now and then: a sign of life when it is due and no thread is ``stuck``, and a new status."""
        if self._address is None:
            return
        now = self._clock.monotonic()
        if self.ping_every is not None and now >= self._ping_due:
            self._ping(stuck)
            self._ping_due = now + self.ping_every
        if now >= self._status_due:
            self._show(stuck[0] if stuck else status())
            self._status_due = now + STATUS_EVERY

    def _ping(self, stuck: Sequence[str]) -> None:
        if not stuck:
            self._tell("WATCHDOG=1")
        elif not self._withheld:
            _LOG.error("systemd.no-sign-of-life", because=list(stuck), restart_within=self._watchdog)
        self._withheld = bool(stuck)

    def _show(self, status: str) -> None:
        # A line break would begin another assignment.
        line = redact.clean(" ".join(status.split()))
        if line != self._said:
            self._tell(f"STATUS={line}")
            self._said = line

    def _tell(self, *assignments: str) -> None:
        if self._address is None:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(_PATIENCE)
                sender.sendto("\n".join(assignments).encode(), address)
        except OSError as error:
            if not self._unheard:
                _LOG.warning("systemd.not-told", socket=self._address, error=error.strerror or str(error))
            self._unheard = True
        else:
            self._unheard = False
