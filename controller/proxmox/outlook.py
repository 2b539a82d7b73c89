"""What changes slowly and nobody's session waits for: which nodes are up, and when the token and the certificate end.

Asked in a thread of its own, so that the picture of the containers costs no call more. What is not known is not told:
a value that could not be had again is kept for a while, and forgotten then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType

import structlog

from controller.core.model import Timestamp
from controller.engine.clock import Clock
from controller.proxmox.port import Forbidden, Proxmox, ProxmoxError

_LOG = structlog.get_logger("winux.proxmox")
NODES_EVERY = 30.0
ENDS_EVERY = 3600.0
"""Seconds between two questions for the token and the certificate, where the first was answered."""
NODES_LAST = 120.0
"""Seconds for which an answer about nodes is told on while there is no newer one."""
IDLE = 1.0
"""Seconds until an idle thread gives a sign of life."""


class Outlook:
    """One thread runs it; the attributes may be read from any."""

    def __init__(
        self,
        port: Proxmox,
        *,
        clock: Clock,
        certificate: Callable[[], float],
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """``certificate`` tells when the one that Proxmox shows ends, or raises a ``ProxmoxError``."""
        self._port = port
        self._clock = clock
        self._certificate = certificate
        self._beat = beat
        self._nodes_at = 0.0
        self._due = {"token": 0.0, "certificate": 0.0}
        """When each is asked for again, on the monotonic clock."""
        self._unknown: dict[str, str] = {}
        """What could not be had when last asked, and why: said once."""
        self.nodes: Mapping[str, bool] = MappingProxyType({})
        """Whether each node of the cluster is online; empty while that is not known."""
        self.token_expires: Timestamp | None = None
        """None for a token that does not expire, and where Proxmox does not tell."""
        self.certificate_expires: Timestamp | None = None

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop`` is set."""
        while not stop.is_set():
            self.look()
            until = self._clock.monotonic() + NODES_EVERY
            while not stop.is_set() and (left := until - self._clock.monotonic()) > 0:
                self._beat()
                self._clock.wait(stop, min(left, IDLE))

    def look(self) -> None:
        """Ask for what is due. Raises nothing: what cannot be had now is tried again."""
        self._beat()
        self._look_at_nodes()
        if self._is_due("token"):
            self._beat()
            self._look_at_token()
        if self._is_due("certificate"):
            self._beat()
            self._look_at_certificate()

    def _look_at_nodes(self) -> None:
        try:
            rows = self._port.nodes()
        except ProxmoxError as error:
            self._not_known("nodes", error)
            if self._clock.monotonic() - self._nodes_at > NODES_LAST:
                self.nodes = MappingProxyType({})
            return
        self.nodes = MappingProxyType({row.name: row.online for row in rows})
        self._nodes_at = self._clock.monotonic()
        self._known("nodes")

    def _look_at_token(self) -> None:
        try:
            self.token_expires = self._port.token_expiry()
        except Forbidden as error:
            self.token_expires = None
            self._not_known("token", error)
            self._ask_again("token")
        except ProxmoxError as error:
            self._not_known("token", error)
        else:
            self._known("token")
            self._ask_again("token")

    def _look_at_certificate(self) -> None:
        try:
            self.certificate_expires = self._certificate()
        except ProxmoxError as error:
            self._not_known("certificate", error)
        else:
            self._known("certificate")
            self._ask_again("certificate")

    def _is_due(self, what: str) -> bool:
        return self._clock.monotonic() >= self._due[what]

    def _ask_again(self, what: str) -> None:
        self._due[what] = self._clock.monotonic() + ENDS_EVERY

    def _not_known(self, what: str, error: ProxmoxError) -> None:
        if self._unknown.get(what) != error.reason:
            _LOG.warning("outlook.not-known", what=what, error=str(error))
        self._unknown[what] = error.reason

    def _known(self, what: str) -> None:
        if self._unknown.pop(what, None) is not None:
            _LOG.info("outlook.known-again", what=what)
