"""The old API before a controller that is only pretended: sessions stand as the test says."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx
import yaml

from controller.admin.models import (
    ControllerStatus,
    CredentialView,
    EventView,
    Outcome,
    SessionView,
    TemplateView,
)
from controller.admin.refusals import Exists, Impossible, NotYet, Unknown
from controller.admin.vital_models import Vitals
from controller.api.quantities import parse_duration
from controller.engine.clock import VirtualClock
from controller.web.app import make_app
from controller.web.asking import Options
from controller.web.desk import Desk
from controller.web.identity.open import OpenIdentity
from controller.web.limits import Rate
from controller.web.quotas import Quotas
from controller.web.rules import Rules
from controller.web.seed.lookout import Lookout
from controller.web.seed.routes import seed_part
from controller.web.server import WebServer

SESSION = {
    "session_id": str,
    "container_id": int,
    "container_ip": str,
    "created_at": str,
    "duration_minutes": int,
    "status": str,
    "expires_at": str,
    "remaining_seconds": int,
    "message": str,
}
DESKTOP = SESSION | {"username": str, "password": str}
REFUSED = {"success": bool, "error": str, "message": str}
HEALTH = {"success": bool, "status": str, "message": str, "timestamp": str, "active_sessions": int}
PASSWORD = "correct-horse-7"
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Reading everybody's CAs takes longer than most of these tests."""
GOING_ON = {"Ready", "Terminating"}


class Ticking(VirtualClock):
    """A third of a second passes whenever somebody looks at it."""

    def monotonic(self) -> float:
        self.advance(0.3)
        return super().monotonic()


class Pretended:
    """A controller that does to sessions what the test says, and leads each new one a step on by looking."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.sessions_there: dict[str, SessionView] = {}
        self.leads_through: tuple[str, ...] = ("Ready",)
        """Phases, or phase and reason with a slash between, that a new session goes through, one at each look."""
        self._steps: dict[str, list[str]] = {}
        self.answers = True
        self._next_vmid = 30_001

    # -- what it is told by the test ---------------------------------------------------------------------------

    def stands(self, name: str, phase: str, **more: object) -> SessionView:
        now = self._now()
        view = self.sessions_there[name]
        minutes = parse_duration(view.ttl or "30m")
        seen: dict[str, object] = {"phase": phase, "reason": phase, "message": f"it is {phase}", "accepted_at": now}
        if phase != "Pending" and view.vmid is None:
            seen |= {"vmid": self._next_vmid, "address": f"10.0.0.{self._next_vmid - 30_000}", "node": "pve"}
            self._next_vmid += 1
        if phase in GOING_ON:
            seen |= {"ready_at": now, "expires_at": now + timedelta(seconds=minutes), "seconds_left": minutes}
        self.sessions_there[name] = view.model_copy(update=seen | more)
        return self.sessions_there[name]

    def written_by_an_administrator(self, name: str) -> None:
        self.sessions_there[name] = SessionView(
            name=name, phase="Pending", reason="New", message="", uid="0a", ttl="1h"
        )
        self.stands(name, "Ready")

    # -- what it is asked --------------------------------------------------------------------------------------

    def sessions(self) -> tuple[SessionView, ...]:
        self._answer()
        for name, steps in self._steps.items():
            if steps and name in self.sessions_there:
                phase, _, reason = steps.pop(0).partition("/")
                self.stands(name, phase, reason=reason or phase)
        return tuple(self.sessions_there[name] for name in sorted(self.sessions_there))

    def session(self, name: str) -> SessionView:
        self._answer()
        if name not in self.sessions_there:
            raise Unknown(f"there is no session {name}")
        return self.sessions_there[name]

    def credential(self, name: str) -> CredentialView:
        view = self.session(name)
        if view.phase != "Ready" or view.address is None:
            raise Impossible(f"session {name} is not ready")
        return CredentialView(session=name, address=view.address, port=3389, username="winux", password=PASSWORD)

    def events(self, *, session: str | None = None, after: int = 0, limit: int = 500) -> tuple[EventView, ...]:
        assert limit > 0, f"events of {session} after {after}"
        return ()

    def templates(self) -> tuple[TemplateView, ...]:
        return (TemplateView(name="default", origin="", ttl="30m", max_ttl="1d", sessions=0),)

    def status(self) -> ControllerStatus:
        self._answer()
        phases: dict[str, int] = {}
        for view in self.sessions_there.values():
            phases[view.phase] = phases.get(view.phase, 0) + 1
        now = self._now()
        return ControllerStatus(
            version="1", controller="default", started_at=now, now=now, manifests="/m", files=1, scanned_at=now,
            observed_at=now, notices=(), problems=(), phases=phases, queue=0,
        )  # fmt: skip

    def vitals(self) -> Vitals:
        fields: dict[str, Any] = {"ready_median_seconds": 4.0, "ready_counted": 9}
        return Vitals.model_construct(**fields)

    def web_key(self) -> bytes:
        return b"k" * 32

    # -- what it is ordered ------------------------------------------------------------------------------------

    def create(self, text: str, *, name: str, by: str) -> Outcome:
        assert by.startswith("a visitor")
        self._answer()
        if name in self.sessions_there:
            raise Exists(f"there is a session {name} already: choose another name")
        document = yaml.safe_load(text)
        self._steps[name] = [*self.leads_through]
        self.sessions_there[name] = SessionView(
            name=name,
            phase="Pending",
            reason="New",
            message="it is to be made",
            uid=f"uid-of-{name}",
            owner=document.get("spec", {}).get("owner"),
            template=document.get("spec", {}).get("template"),
            ttl=document.get("spec", {}).get("ttl", "30m"),
            labels=document["metadata"]["labels"],
            annotations=document["metadata"]["annotations"],
        )
        return Outcome(messages=(f"session {name} written",))

    def extend(self, name: str, seconds: float, *, by: str) -> Outcome:
        raise Impossible(f"the old API extends nothing: {name} by {seconds} s for {by}")

    def delete(self, name: str, *, by: str) -> Outcome:
        assert by.startswith("a visitor")
        view = self.session(name)
        if view.phase in {"Expired", "Failed"}:
            del self.sessions_there[name]
        else:
            self.stands(name, "Terminating")
        return Outcome(messages=(f"session {name} is ending",))

    def _answer(self) -> None:
        if not self.answers:
            raise NotYet("the manifests were not scanned yet")

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)


class OldWorld:
    """The old API as a server on loopback, and browsers before it."""

    def __init__(
        self, *, wait: float = 25.0, quotas: Quotas | None = None, launches: int = 1000, lookout: Lookout | None = None
    ) -> None:
        self.clock = Ticking()
        self.controller = Pretended(self.clock)
        self.rules = Rules(rate=Rate(times=launches, per=60.0), quotas=quotas or Quotas())
        self.desk = Desk(self.controller, rules=self.rules, clock=self.clock, random=Random(6))
        part = seed_part(clock=self.clock, lookout=Lookout(every=0.0) if lookout is None else lookout)
        app = make_app(self.desk, OpenIdentity(), parts=[part], options=lambda: Options(wait=wait))
        self._server = WebServer(app, listen="127.0.0.1:0")
        self._server.start()
        self.url = self._server.url
        self._browsers: list[httpx.Client] = []

    def browser(self) -> httpx.Client:
        """With cookies of its own."""
        transport = httpx.HTTPTransport(verify=_NO_TLS, trust_env=False)
        browser = httpx.Client(base_url=f"{self.url}/api/winux", transport=transport, trust_env=False, timeout=20)
        self._browsers.append(browser)
        return browser

    def end(self) -> None:
        for browser in self._browsers:
            browser.close()
        self._server.stop()


MakeWorld = Callable[..., OldWorld]


def types(document: dict[str, object]) -> dict[str, type]:
    return {key: type(value) for key, value in document.items()}
