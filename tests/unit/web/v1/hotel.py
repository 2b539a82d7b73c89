"""A house that lends desktops: ``/api/v1`` over a real desk, before a controller that does what the test says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import yaml
from fastapi import Request
from fastapi.testclient import TestClient

from controller.admin.models import (
    ControllerStatus,
    CredentialView,
    EventView,
    NoticeView,
    Outcome,
    ResourcesView,
    SessionView,
    TemplateView,
)
from controller.admin.refusals import Exists, Impossible, NotYet, Unknown
from controller.admin.vital_models import Vitals
from controller.api.quantities import parse_duration
from controller.engine.clock import VirtualClock
from controller.web import v1
from controller.web.app import make_app
from controller.web.asking import Options
from controller.web.desk import Desk
from controller.web.hops import client_of
from controller.web.identity.carried import carried_ticket
from controller.web.limits import Rate
from controller.web.people import Person, Role
from controller.web.quotas import Quotas
from controller.web.rules import Rules
from controller.web.v1.stream import Streamer
from controller.web.v1.streams import MostStreams

PASSWORD = "correct-horse-7"
NAME, ROLE = "x-test-name", "x-test-role"
OPERATOR = {NAME: "olga", ROLE: "operator"}
ADMIN = {NAME: "ada", ROLE: "admin"}
ALICE, BOB = {NAME: "alice", ROLE: "user"}, {NAME: "bob", ROLE: "user"}


class Ticking(VirtualClock):
    """A little time passes whenever somebody looks at it, so that nothing is taken for the present for long."""

    def monotonic(self) -> float:
        self.advance(0.3)
        return super().monotonic()


class Controller:
    """All that the web asks of one, in memory. New sessions stand where they are put by ``stands``."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.views: dict[str, SessionView] = {}
        self.happened: list[EventView] = []
        self.answers = True
        self.notices: tuple[NoticeView, ...] = ()
        self.asked_for_events = 0
        self._lives = 0

    # -- what the test says ------------------------------------------------------------------------------------

    def stands(self, name: str, phase: str, **more: object) -> None:
        view, now = self.views[name], self.now()
        seen: dict[str, object] = {"phase": phase, "reason": phase, "message": f"it is {phase}"}
        if phase != "Pending":
            seen |= {"accepted_at": view.accepted_at or now, "address": "10.0.0.7"}
        if phase == "Ready" and view.ready_at is None:
            left = parse_duration(view.ttl)
            seen |= {"ready_at": now, "expires_at": now + timedelta(seconds=left), "seconds_left": left}
        if phase in {"Expired", "Failed"}:
            seen |= {"ended_at": now, "address": None, "seconds_left": None}
        self.views[name] = view.model_copy(update=seen | more)
        self.happens(name, phase)

    def happens(self, name: str, reason: str) -> None:
        now, number = self.now(), len(self.happened) + 1
        uid = (self.views[name].uid if name in self.views else None) or ""
        self.happened.append(
            EventView(
                id=number, session=name, uid=uid, type="Normal", reason=reason, message=f"{name}: {reason}", count=1,
                first_at=now, last_at=now,
            )
        )  # fmt: skip

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    # -- what it is asked --------------------------------------------------------------------------------------

    def sessions(self) -> tuple[SessionView, ...]:
        self._answer()
        return tuple(self.views[name] for name in sorted(self.views))

    def session(self, name: str) -> SessionView:
        self._answer()
        if name not in self.views:
            raise Unknown(f"there is no session {name}")
        return self.views[name]

    def credential(self, name: str) -> CredentialView:
        view = self.session(name)
        if view.address is None:
            raise Impossible(f"session {name} has no address yet")
        return CredentialView(
            session=name, address=view.address, port=3389, username="winux", password=PASSWORD, fingerprint="aa:bb"
        )

    def events(self, *, session: str | None = None, after: int = 0, limit: int = 500) -> tuple[EventView, ...]:
        self._answer()
        self.asked_for_events += 1
        found = [one for one in self.happened if one.id > after and session in {None, one.session}]
        return tuple(found[-limit:])

    def templates(self) -> tuple[TemplateView, ...]:
        resources = ResourcesView(cores=2, memory="1Gi", disk="10Gi")
        return tuple(
            TemplateView(name=name, origin="", ttl="30m", max_ttl=most, sessions=0, resources=resources)
            for name, most in (("default", "24h"), ("short", "1h"))
        )

    def status(self) -> ControllerStatus:
        self._answer()
        phases: dict[str, int] = {}
        for view in self.views.values():
            phases[view.phase] = phases.get(view.phase, 0) + 1
        now = self.now()
        return ControllerStatus(
            version="1", controller="main", started_at=now, now=now, manifests="/secret/place", files=1,
            scanned_at=now, observed_at=now, notices=self.notices, problems=(), phases=phases, queue=3,
        )  # fmt: skip

    def vitals(self) -> Vitals:
        fields: dict[str, Any] = {"ready_median_seconds": 10.0, "ready_counted": 9}
        return Vitals.model_construct(**fields)

    def web_key(self) -> bytes:
        return b"k" * 32

    # -- what it is ordered ------------------------------------------------------------------------------------

    def create(self, text: str, *, name: str, by: str) -> Outcome:
        self._answer()
        if name in self.views:
            raise Exists(f"there is a session {name} already: choose another name")
        document = yaml.safe_load(text)
        spec, about = document.get("spec", {}), document["metadata"]
        self._lives += 1
        self.views[name] = SessionView(
            name=name,
            phase="Pending",
            reason="New",
            message="it is to be made",
            uid=f"life-{self._lives}",
            owner=spec.get("owner"),
            template=spec.get("template", "default"),
            port=3389,
            ttl=spec.get("ttl", "30m"),
            max_ttl="24h",
            labels=about["labels"],
            annotations=about["annotations"],
        )
        self.happens(name, "Accepted")
        return Outcome(messages=(f"session {name} written for {by}",))

    def extend(self, name: str, seconds: float, *, by: str) -> Outcome:
        view = self.session(name)
        if view.expires_at is None:
            raise Impossible(f"session {name} is not ready yet: its time has not begun to count")
        later = {"expires_at": view.expires_at + timedelta(seconds=seconds), "seconds_left": view.seconds_left}
        self.views[name] = view.model_copy(update=later)
        return Outcome(messages=(f"{by} extended {name}",))

    def delete(self, name: str, *, by: str) -> Outcome:
        self.session(name)
        self.stands(name, "Terminating")
        return Outcome(messages=(f"{by} ended {name}",))

    def _answer(self) -> None:
        if not self.answers:
            raise NotYet("the manifests were not scanned yet")


class Announced:
    """People are who they say they are; the ticket is read as everywhere."""

    def __init__(self, nobody: Role) -> None:
        self.nobody = nobody

    def identify(self, request: Request) -> Person:
        role = Role(request.headers[ROLE]) if ROLE in request.headers else self.nobody
        return Person(
            client=client_of(request), name=request.headers.get(NAME), role=role, ticket=carried_ticket(request)
        )


class Hotel:
    """The house, and browsers before it."""

    def __init__(
        self,
        *,
        mode: str = "open",
        quotas: Quotas | None = None,
        max_duration: float = 7200.0,
        launches: int = 1000,
        streams: MostStreams | None = None,
        streamer: Callable[[VirtualClock], Streamer] | None = None,
        templates: tuple[str, ...] | None = None,
        captcha_site_key: str | None = None,
        clock: VirtualClock | None = None,
    ) -> None:
        self.clock = clock or Ticking()
        self.controller = Controller(self.clock)
        rules = Rules(
            rate=Rate(times=launches, per=60.0),
            quotas=quotas or Quotas(),
            max_duration=max_duration,
            templates=templates,
        )
        self.desk = Desk(self.controller, rules=rules, clock=self.clock, random=Random(6))
        part = v1.part(clock=self.clock, streams=streams, streamer=streamer(self.clock) if streamer else None)
        options = Options(mode=mode, captcha_site_key=captcha_site_key)
        nobody = Role.USER if mode == "open" else Role.GUEST
        self.app = make_app(self.desk, Announced(nobody), parts=[part], options=lambda: options)

    def browser(self, headers: dict[str, str] | None = None) -> TestClient:
        """One with cookies of its own. A bug in the house is an error of the test's."""
        return TestClient(self.app, base_url="http://testserver/api/v1", headers=headers, client=("192.0.2.7", 5000))
