"""What is logged for layers that do not log themselves: where and how it went, never what was said."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from controller.core.model import DesiredSnapshot
from controller.daemon import loglines
from controller.engine.clock import VirtualClock
from controller.guest.credentials import Secret
from controller.guest.rdp import NotListening, ProbeResult
from controller.guest.ssh import Answer, Call, Done, Failed
from controller.ledger.events import Event, EventType
from controller.proxmox.limits import Call as ProxmoxCall


def test_an_event_carries_its_session_and_its_life() -> None:
    event = Event(session="alice", uid="ab" * 16, type=EventType.WARNING, reason="NotObserved", message="no answer")
    with capture_logs() as logs:
        loglines.recorded(event)
    assert logs == [
        {
            "event": "event",
            "log_level": "warning",
            "reason": "NotObserved",
            "message": "no answer",
            "session": "alice",
            "trace_id": "ab" * 16,
        }
    ]


def test_an_event_of_the_controllers_names_no_session_and_a_repeat_says_nothing() -> None:
    with capture_logs() as logs:
        loglines.recorded(Event(session="", uid="", type=EventType.NORMAL, reason="ControllerStarted", message="began"))
        loglines.recorded(Event(session="", uid="", type=EventType.NORMAL, reason="Again", message="again", count=2))
    assert logs == [{"event": "event", "log_level": "info", "reason": "ControllerStarted", "message": "began"}]


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (ProxmoxCall("create", "pve1", "ok", 0.25, 30001), {"node": "pve1", "vmid": 30001}),
        (ProxmoxCall("resources", None, "ok", 0.25), {}),
    ],
)
def test_a_call_to_proxmox_is_a_line(call: ProxmoxCall, where: dict[str, object]) -> None:
    with capture_logs() as logs:
        loglines.called(call)
    expected = {"event": "called", "log_level": "debug", "operation": call.operation, "outcome": "ok", "seconds": 0.25}
    assert logs == [expected | where]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Done(status=3, output="the password is hunter2", host_key="ssh-ed25519 AAAA"), "status 3"),
        (Failed(reason="Unreachable", message="no answer"), "Unreachable"),
    ],
)
def test_a_call_to_a_guest_is_a_line_without_what_was_said(answer: Answer, outcome: str) -> None:
    clock = VirtualClock()

    def run(_call: Call) -> Answer:
        clock.advance(1.5)
        return answer

    call = Call(name="password", address="10.0.0.7", command="chpasswd", stdin=Secret("winux:hunter2"))
    with capture_logs() as logs:
        assert loglines.asking_guests(run, clock=clock)(call) is answer
    line = {"event": "asked", "question": "password", "address": "10.0.0.7", "outcome": outcome, "seconds": 1.5}
    assert logs == [line | {"log_level": "debug"}]


def test_a_question_to_a_desktop_is_a_line() -> None:
    def negotiate(_address: str, _port: int, *, timeout: float) -> ProbeResult:
        return NotListening(message=f"refused within {timeout:g} s")

    with capture_logs() as logs:
        result = loglines.probing_desktops(negotiate, clock=VirtualClock())("10.0.0.7", 3389, timeout=3.0)
    assert result == NotListening(message="refused within 3 s")
    line = {"event": "probed", "address": "10.0.0.7", "port": 3389, "outcome": "NotListening", "seconds": 0.0}
    assert logs == [line | {"log_level": "debug"}]


def test_scans_and_writes_are_lines() -> None:
    with capture_logs() as logs:
        loglines.scanned(DesiredSnapshot(sessions={}, templates={}, files=2, revision="r"))
        loglines.written(0.00123)
    assert [(log["event"], log["log_level"]) for log in logs] == [("scanned", "debug"), ("written", "debug")]
