"""The node without HTTP: a transport adapter of ``requests`` that asks the state machine in this process.

It turns a virtual clock while a call waits, so a client of the real API runs in simulated time, its time-outs included.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from controller.engine.clock import VirtualClock
from controller.node.bootstrap import furnish
from controller.node.cluster import Cluster
from controller.node.description import describe
from controller.node.dispatch import Dispatcher
from controller.node.profile import PROFILES, Profile
from controller.node.release import NEWEST, RELEASES
from controller.node.schedule import Completion
from controller.node.sidedoor import SideDoor
from controller.node.wire import Ending, Reply, Request

_Timeout = float | tuple[float | None, float | None] | None


class InProcessTransport(BaseAdapter):
    """Mount it on a session: ``session.mount("https://", InProcessTransport(dispatcher, clock))``."""

    def __init__(self, dispatcher: Dispatcher, clock: VirtualClock) -> None:
        super().__init__()
        self._dispatcher = dispatcher
        self._clock = clock
        self._lock = threading.RLock()

    def send(  # noqa: PLR0917  # the signature of BaseAdapter
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: _Timeout = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Raises ``ReadTimeout`` after the read time-out has passed in virtual time; the work goes on in the node."""
        del stream, verify, cert, proxies
        seconds = timeout[1] if isinstance(timeout, tuple) else timeout
        with self._lock:
            outcome = self._dispatcher.submit(_as_request(request))
            reply = self._wait(outcome, request, seconds)
        if reply.ending is Ending.RESET:
            raise requests.ConnectionError("Connection aborted: the node closed it without an answer", request=request)
        return _as_response(reply, request)

    def close(self) -> None:
        """There is nothing to close."""

    def _wait(self, outcome: Completion[Reply], request: requests.PreparedRequest, seconds: float | None) -> Reply:
        schedule = self._dispatcher.schedule
        deadline = None if seconds is None else self._clock.monotonic() + seconds
        while not outcome.done or outcome.result().ending is Ending.SILENCE:
            due = None if outcome.done else schedule.next_due()
            if deadline is not None and (due is None or due > deadline):
                self._clock.advance(max(0.0, deadline - self._clock.monotonic()))
                schedule.settle()
                raise requests.ReadTimeout("the node did not answer in time", request=request)
            if due is None:
                raise RuntimeError("a call without a time-out waits for an answer that never comes")
            self._clock.advance(max(0.0, due - self._clock.monotonic()))
            schedule.settle()
        return outcome.result()


def _as_request(request: requests.PreparedRequest) -> Request:
    parts = urlsplit(request.url or "")
    body = request.body or b""
    data = body.encode() if isinstance(body, str) else bytes(body)
    return Request(
        method=request.method or "GET",
        path=str(parts.path),
        query=str(parts.query),
        headers={str(name).lower(): str(value) for name, value in request.headers.items()},
        body=data,
        content_length=len(data),
    )


def _as_response(reply: Reply, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = reply.status
    response.reason = reply.reason
    response.headers = CaseInsensitiveDict({"Content-Type": reply.content_type} if reply.body else {})
    response.raw = io.BytesIO(reply.body)
    response.encoding = "utf-8"
    response.url = request.url or ""
    response.request = request
    return response


class InProcessNode:
    """A furnished cluster in virtual time, with all that a simulation needs: transport, side door, probe.

    ``description`` has the tokens; its URL resolves nowhere and its CA file does not exist.
    """

    def __init__(
        self,
        clock: VirtualClock,
        *,
        nodes: tuple[str, ...] = ("pve1",),
        profile: Profile | str = "instant",
        seed: int = 0,
        pool: str = "winux",
        first_template: int = 9000,
        root_password: str | None = None,
        version: str = NEWEST.name,
    ) -> None:
        chosen = PROFILES[profile] if isinstance(profile, str) else profile
        self.cluster = Cluster(clock, nodes=nodes, profile=chosen, seed=seed, release=RELEASES[version])
        furniture = furnish(
            self.cluster,
            pool=pool,
            first_template=first_template,
            full_secret=f"full-{seed}",
            pool_secret=f"pool-{seed}",
            root_password=root_password,
        )
        self.dispatcher = Dispatcher(self.cluster)
        self.door = SideDoor(self.dispatcher)
        self.transport = InProcessTransport(self.dispatcher, clock)
        self.description = describe(
            furniture,
            url="https://node.invalid:8006",
            ca=Path("ca.pem"),
            nodes=nodes,
            pool=pool,
            fingerprint=self.cluster.fingerprint,
        )

    def guest_answers(self, address: str, port: int) -> bool:
        """Whether a desktop answers there now."""
        return self.cluster.guest_answers(address, port)

    def settle(self) -> None:
        """Run what became due when somebody else turned the clock."""
        self.cluster.schedule.settle()
