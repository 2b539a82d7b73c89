"""Traces of the way of a session from its manifest to Ready: what spans there are, and when they are told.

A life's uid is its trace's id, so that a log line, an exemplar and a trace find each other. Spans are made from what
the ledger recorded when a pass of the reconciler is over: nothing is kept meanwhile but the calls of that pass. Who
takes the spans is not known here; ``otlp`` sends them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from controller.core.incarnation import Incarnation
from controller.core.launch import launch_of, ready_parts, wanted_since
from controller.core.model import Timestamp
from controller.engine.clock import Clock

MOST_CALLS = 100
"""Calls of one pass that are told; a pass makes about five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a trace. ``trace`` is 32 hex digits, ``id`` and ``parent`` are 16; times are Unix seconds."""

    trace: str
    id: str
    parent: str | None
    name: str
    began: Timestamp
    ended: Timestamp
    attributes: Mapping[str, str | int | float] = field(default_factory=dict)
    error: str | None = None
    """Why it went wrong, if it did."""


@dataclass(slots=True)
class _Pass:
    calls: list[tuple[str, str | None, str, Timestamp, Timestamp]] = field(default_factory=list)


_TRACE = re.compile(r"(?!0{32})[0-9a-f]{32}")
"""The id of a trace (W3C Trace Context); the uid of a container that somebody marked by hand may be none."""
_PASS: ContextVar[_Pass | None] = ContextVar("pass", default=None)


class Traces:
    """Tells spans of lives that are on their way to Ready. Safe to use from several threads."""

    def __init__(
        self, tell: Callable[[Span], None], *, life_of: Callable[[str], Incarnation | None], clock: Clock
    ) -> None:
        """``tell`` must not wait. ``life_of`` knows the present life of a session."""
        self._tell = tell
        self._life_of = life_of
        self._clock = clock

    @contextmanager
    def around(self, session: str) -> Iterator[None]:
        """One pass over a session."""
        before, began, passed = self._life_of(session), self._clock.now(), _Pass()
        if before is not None and before.ready_at is not None:
            yield  # it has arrived: what follows is no part of its way
            return
        token = _PASS.set(passed)
        try:
            yield
        finally:
            _PASS.reset(token)
            after = self._life_of(session)
            before = before if before is not None and after is not None and before.uid == after.uid else None
            if after is not None and _TRACE.fullmatch(after.uid) and not (before is not None and before.ended):
                self._passed(after, passed, began)
                self._arrived(after)

    def called(self, operation: str, node: str | None, outcome: str, seconds: float) -> None:
        """A call to Proxmox ended; counts only within a pass."""
        passed = _PASS.get()
        if passed is not None and len(passed.calls) < MOST_CALLS:
            now = self._clock.now()
            passed.calls.append((operation, node, outcome, now - seconds, now))

    def _passed(self, life: Incarnation, passed: _Pass, began: Timestamp) -> None:
        if not passed.calls:
            return  # most passes only find that it is too early: a trace of them would be noise
        now = self._clock.now()
        here = _id(life, f"pass {began!r}")
        self._tell(
            Span(trace=life.uid, id=here, parent=_root(life), name="reconcile", began=min(began, now), ended=now)
        )
        for number, (operation, node, outcome, start, end) in enumerate(passed.calls):
            attributes: dict[str, str | int | float] = {"proxmox.outcome": outcome}
            if node is not None:
                attributes["proxmox.node"] = node
            self._tell(
                Span(
                    trace=life.uid,
                    id=_id(life, f"call {began!r} {number}"),
                    parent=here,
                    name=f"proxmox {operation}",
                    began=start,
                    ended=max(start, end),
                    attributes=attributes,
                    error=None if outcome == "ok" else outcome,
                )
            )

    def _arrived(self, life: Incarnation) -> None:
        """The way as a whole is told once: when the session became ready, or is gone without ever having been."""
        if life.ready_at is not None:
            self._whole(life, ended=life.ready_at, error=None)
        elif life.ended and life.ending is not None:
            self._whole(life, ended=life.ended_at or self._clock.now(), error=life.ending.message)

    def _whole(self, life: Incarnation, *, ended: Timestamp, error: str | None) -> None:
        placement = life.placement
        attributes: dict[str, str | int | float] = {
            "winux.session": life.session,
            "winux.template": life.spec.template,
            "winux.launch": launch_of(life.spec),
            "winux.attempts": life.attempts,
        }
        if placement is not None:
            attributes |= {"proxmox.node": placement.node, "proxmox.vmid": placement.vmid}
        root, at = _root(life), wanted_since(life)
        self._tell(
            Span(
                trace=life.uid,
                id=root,
                parent=None,
                name="session to Ready",
                began=at,
                ended=max(at, ended),
                attributes=attributes,
                error=error,
            )
        )
        for name, seconds in ready_parts(life).items():
            self._tell(Span(trace=life.uid, id=_id(life, name), parent=root, name=name, began=at, ended=at + seconds))
            at += seconds


def _root(life: Incarnation) -> str:
    return _id(life, "session")


def _id(life: Incarnation, what: str) -> str:
    """The same span has the same id whoever tells it: children are told before their parent is over."""
    return hashlib.sha256(f"{life.uid} {what}".encode()).hexdigest()[:16]
