"""What a daemon might answer ``winux top``, made by hand: every value is fixed, so that frames are too."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from controller.admin.models import ControllerStatus, EventView, NoticeView, ProblemView, SessionView
from controller.admin.vital_models import CallVitals, NodeVitals, QueueVitals, Vitals, VmidVitals
from controller.cli.top_feed import Picture, Seen

NOW = datetime(2030, 6, 1, 8, 0, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def session(name: str, phase: str = "Ready", *, left: float | None = None, **more: object) -> SessionView:
    """A session that is as its phase says; ``more`` are fields of the view."""
    fields: dict[str, object] = {
        "reason": phase,
        "message": "the desktop answers" if phase == "Ready" else f"it is {phase.lower()}",
        "owner": f"{name.split('-', maxsplit=1)[0]}@example.org",
        "template": "office",
        "ttl": "45m",
        "accepted_at": ago(600),
        "seconds_left": left,
    }
    return SessionView.model_validate({"name": name, "phase": phase, **fields, **more})


def ready(name: str, vmid: int, *, left: float = 1_500.0, node: str = "pve1", **more: object) -> SessionView:
    return session(name, left=left, vmid=vmid, node=node, address=f"10.77.0.{vmid % 200}", **more)


def event(number: int, session: str, reason: str, message: str, *, warning: bool = False, seconds: float) -> EventView:
    at = ago(seconds)
    kind = "Warning" if warning else "Normal"
    return EventView(
        id=number, session=session, uid="", type=kind, reason=reason, message=message, count=1, first_at=at, last_at=at
    )


def vitals(**more: object) -> Vitals:
    fields: dict[str, object] = {
        "now": NOW,
        "url": "https://pve1.example.org:8006",
        "observed_seconds": 1.2,
        "scanned_seconds": 12.0,
        "queue": QueueVitals(depth=2, delayed=31, processing=1, retries=4, longest_seconds=0.2),
        "calls": CallVitals(
            window_seconds=60.0,
            ended=312,
            errors=0,
            median_seconds=0.012,
            slow_seconds=0.084,
            last_error=None,
            in_flight=3,
            waiting=0,
        ),
        "nodes": (
            NodeVitals(name="pve1", online=True, calls=2, operations=2, operations_limit=4),
            NodeVitals(name="pve2", online=True, calls=1, operations=0, operations_limit=4),
            NodeVitals(name="pve3", online=False, calls=0, operations=0, operations_limit=4),
        ),
        "vmids": VmidVitals(first=30_000, last=30_999, used=41, resting=3, foreign=1),
        "ready_median_seconds": 4.2,
        "ready_counted": 20,
    }
    return Vitals.model_validate(fields | more)


def seen(
    *sessions: SessionView,
    events: tuple[EventView, ...] = (),
    notices: tuple[NoticeView, ...] = (),
    problems: tuple[ProblemView, ...] = (),
    trouble: str | None = None,
    **more: object,
) -> Seen:
    """A picture of these; ``more`` are fields of the vitals."""
    status = ControllerStatus(
        version="0.4.0",
        controller="default",
        started_at=ago(11_520),
        now=NOW,
        manifests="/etc/winux/manifests",
        files=24,
        scanned_at=ago(12),
        observed_at=ago(1.2),
        notices=notices,
        problems=problems,
        phases=dict(Counter(view.phase for view in sessions)),
        queue=2,
    )
    picture = Picture(status=status, vitals=vitals(**more), sessions=sessions, events=events)
    return Seen(picture=picture, at=0.0, trouble=trouble)


def mistake(sentence: str) -> ProblemView:
    return ProblemView(file="x.yaml", line=3, column=1, field=None, session=None, message=sentence, sentence=sentence)


def morning() -> Seen:
    """A class begins: most are there, some come, one fails, one is held."""
    there = [ready(f"linux-{n:02d}", 30_100 + n, left=2_400 - 7 * n, node=f"pve{1 + n % 2}") for n in range(14)]
    coming = [
        session("linux-14", "Starting", vmid=30_114, node="pve1", message="container 30114 starts on pve1",
                reason="Starting", accepted_at=ago(4)),
        session("linux-15", "Creating", vmid=30_115, node="pve2", message="container 30115 is being made on pve2",
                accepted_at=ago(2)),
        session("linux-16", "Pending", reason="WaitingForSlot", accepted_at=ago(2),
                message="other operations run on the node: it waits for its turn"),
    ]  # fmt: skip
    odd = [
        session("exam-anna", "Failed", reason="NeverReady", accepted_at=ago(1_900), failing=True,
                message="3 containers were made and none became ready: nothing listens on port 3389"),
        session("quiet", "Held", reason="PausedByManifest", accepted_at=None,
                message="spec.paused is true: nothing is created until it is false"),
        session("zoe", "Terminating", vmid=30_090, node="pve1", message="its time is up", reason="Expired"),
        session("tomorrow", "Pending", reason="Scheduled", message="waits for spec.startAt", accepted_at=None),
    ]  # fmt: skip
    told = (
        event(1, "exam-anna", "NeverReady", "3 containers were made and none became ready", warning=True, seconds=300),
        event(2, "linux-12", "Ready", "the desktop answers at 10.77.0.112", seconds=9),
        event(3, "linux-13", "Ready", "the desktop answers at 10.77.0.113", seconds=6),
        event(4, "linux-14", "Creating", "container 30114 is made on pve1", seconds=4),
        event(5, "zoe", "Expired", "its time is up", seconds=3),
        event(6, "linux-15", "Creating", "container 30115 is made on pve2", seconds=2),
        event(7, "linux-14", "Created", "container 30114 was made", seconds=1),
    )
    return seen(*there, *coming, *odd, events=told)


def brakes() -> tuple[NoticeView, ...]:
    """The manifests vanished while Proxmox is away."""
    return (
        NoticeView(
            reason="NotObserved",
            sentence="Proxmox cannot be observed: https://pve1.example.org:8006 does not answer (Connection refused)",
        ),
        NoticeView(
            reason="MassDelete",
            sentence="14 of 17 containers lost their manifest at once (allowed: 3): none is destroyed until the "
            "manifests are back or an administrator runs `winux confirm`",
        ),
    )
