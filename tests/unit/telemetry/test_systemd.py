"""What systemd is told, in the words of sd_notify(3), and that signs of life stay away while a thread is stuck."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from structlog.testing import capture_logs

from controller.engine.clock import VirtualClock
from controller.engine.workers import Threads
from controller.telemetry import redact
from controller.telemetry.systemd import STATUS_EVERY, Systemd


class Manager:
    """Listens where a service manager does."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.setblocking(False)

    def heard(self) -> list[list[str]]:
        """The messages that came since the last time, as lists of assignments."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.close()


def make(manager: Manager, clock: VirtualClock | None = None, *, watchdog: float | None = None) -> Systemd:
    clock = clock or VirtualClock()
    return Systemd(manager.address, watchdog=watchdog, clock=clock, microseconds=lambda: 1_234_567)


def test_every_turn_of_a_service_is_one_message(manager: Manager) -> None:
    systemd = make(manager, watchdog=120)
    systemd.ready()
    systemd.reloading()
    systemd.ready()
    systemd.stopping(drain=20)
    assert manager.heard() == [
        ["READY=1"],
        ["RELOADING=1", "MONOTONIC_USEC=1234567"],
        ["READY=1"],
        ["STOPPING=1", "EXTEND_TIMEOUT_USEC=50000000", "WATCHDOG_USEC=50000000", "STATUS=stopping"],
    ]


def test_a_socket_may_be_in_the_abstract_namespace(tmp_path: Path) -> None:
    manager = Manager(f"@{tmp_path}/notify")
    make(manager).ready()
    assert manager.heard() == [["READY=1"]]
    manager.close()


def test_signs_of_life_come_at_half_of_the_watchdogs_time(manager: Manager) -> None:
    clock = VirtualClock()
    systemd = make(manager, clock, watchdog=120)
    assert systemd.ping_every == 60
    pings = []
    for second in range(181):
        systemd.tend(stuck=[], status=lambda: "")
        pings += [second] * manager.heard().count(["WATCHDOG=1"])
        clock.advance(1)
    assert pings == [0, 60, 120, 180]


def test_a_stuck_thread_stops_the_signs_of_life_and_one_that_goes_on_brings_them_back(manager: Manager) -> None:
    clock = VirtualClock()
    systemd, threads = make(manager, clock, watchdog=120), Threads(clock, random=Random(1))
    threads.start("hangs", lambda stop: stop.wait())

    def heard_after(seconds: float) -> list[list[str]]:
        clock.advance(seconds)
        systemd.tend(stuck=threads.stuck(90), status=lambda: "all is well")
        return manager.heard()

    try:
        assert heard_after(60) == [["WATCHDOG=1"], ["STATUS=all is well"]]
        sentence = "the thread hangs gave no sign of life for 120 s (allowed: 90 s)"
        with capture_logs() as logs:
            assert heard_after(60) == [[f"STATUS={sentence}"]]
            assert ["WATCHDOG=1"] not in heard_after(60)
        assert [(log["event"], log["because"]) for log in logs] == [("systemd.no-sign-of-life", [sentence])]
    finally:
        threads.stop(60)
    clock.advance(60)
    systemd.tend(stuck=[], status=lambda: "all is well")
    assert manager.heard() == [["WATCHDOG=1"], ["STATUS=all is well"]]


def test_a_status_is_told_when_it_changed_and_looked_at_now_and_then(manager: Manager) -> None:
    clock, looks = VirtualClock(), list[str]()
    systemd = make(manager, clock)

    def status() -> str:
        looks.append("looked")
        return "12 sessions,\n10 ready" if clock.monotonic() < 6 else "12 sessions, 11 ready"

    for _ in range(20):
        systemd.tend(stuck=[], status=status)
        clock.advance(0.5)
    assert manager.heard() == [["STATUS=12 sessions, 10 ready"], ["STATUS=12 sessions, 11 ready"]]
    assert len(looks) == 10 / STATUS_EVERY


def test_a_status_has_no_secret(manager: Manager) -> None:
    redact.register("hunter2-hunter2")
    try:
        make(manager).tend(stuck=[], status=lambda: "refused: hunter2-hunter2")
    finally:
        redact.forget("hunter2-hunter2")
    assert manager.heard() == [[f"STATUS=refused: {redact.HIDDEN}"]]


@pytest.mark.parametrize(
    ("environ", "ping_every"),
    [
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "120000000", "WATCHDOG_PID": "42"}, 60.0),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "120000000"}, 60.0),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "120000000", "WATCHDOG_PID": "41"}, None),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "0"}, None),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "soon"}, None),
        ({"NOTIFY_SOCKET": "/run/x"}, None),
        ({"NOTIFY_SOCKET": "", "WATCHDOG_USEC": "120000000"}, None),
        ({"WATCHDOG_USEC": "120000000"}, None),
        ({}, None),
    ],
)
def test_the_environment_says_whether_anybody_waits_and_is_emptied(
    environ: dict[str, str], ping_every: float | None
) -> None:
    environ = environ | {"PATH": "/bin"}
    assert Systemd.from_environment(environ, clock=VirtualClock(), pid=42).ping_every == ping_every
    assert environ == {"PATH": "/bin"}, "no child speaks in the daemon's name"


def test_without_a_manager_nothing_is_asked_and_nothing_is_said() -> None:
    systemd = Systemd.from_environment({}, clock=VirtualClock(), pid=42)
    with capture_logs() as logs:
        systemd.ready()
        systemd.tend(stuck=["a thread is stuck"], status=lambda: pytest.fail("nobody reads it"))
        systemd.stopping(drain=20)
    assert logs == []


def test_a_manager_that_is_gone_is_said_once_and_stops_nothing(tmp_path: Path) -> None:
    systemd = Systemd(str(tmp_path / "nobody"), watchdog=2, clock=VirtualClock())
    with capture_logs() as logs:
        for _ in range(3):
            systemd.ready()
    assert [(log["event"], log["error"]) for log in logs] == [("systemd.not-told", "No such file or directory")]
