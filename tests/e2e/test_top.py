"""``winux top`` on a terminal, as a person has it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.daemon import Daemon, winux
from tests.e2e.site import Site
from tests.e2e.terminal import Terminal
from tests.e2e.waiting import until

OpenTop = Callable[..., Terminal]
CTRL_C = "\x03"
END = "\x1b[F"


@pytest.fixture
def open_top() -> Iterator[OpenTop]:
    """``winux top`` on a daemon, on a terminal of its own."""
    terminals: list[Terminal] = []

    def open_(config: Path, *arguments: str, **more: object) -> Terminal:
        terminal = Terminal(winux("--config", str(config), "top", *arguments), **more)  # type: ignore[arg-type]
        terminals.append(terminal)
        return terminal

    yield open_
    for terminal in terminals:
        terminal.end()


@pytest.fixture
def daemon(site: Site) -> Daemon:
    return site.daemon().in_sync()


def test_a_session_becomes_ready_before_ones_eyes_and_q_ends_it(site: Site, daemon: Daemon, open_top: OpenTop) -> None:
    terminal = open_top(daemon.config)
    first = terminal.wait_to_see("there are no sessions")
    assert first[0].startswith("winux top  default")
    assert any(line.startswith("Nodes") for line in first)
    site.manifests.session("alice", ttl="1h", owner="alice@example.org")
    terminal.wait_to_see("alice")
    terminal.wait_to_see("desktop at")
    frame = terminal.wait_to_see("1 Ready", "● ready")
    assert len(frame) == 24
    assert any(line.startswith("alice") and " Ready " in line for line in frame)
    assert "● ready" in frame[0]
    assert terminal.coloured

    terminal.type("\r")
    terminal.wait_to_see("Name:        alice")
    terminal.type(END)
    terminal.wait_to_see("asked for by alice.yaml:1")
    terminal.type("\x1b")
    terminal.wait_to_see("q quit")
    terminal.type("fbob\r")
    terminal.wait_to_see("no session has “bob” in it")
    terminal.type("\x1b")
    terminal.resize(180, 40)
    terminal.wait_to_see("TEMPLATE")
    assert len(terminal.wait_to_see("alice@example.org")) == 40
    assert not terminal.left_as_found()
    terminal.type("q")
    assert terminal.wait() == 0
    until(terminal.left_as_found, what="the terminal is as it was")


def test_a_daemon_that_goes_away_is_said_and_waited_for(site: Site, daemon: Daemon, open_top: OpenTop) -> None:
    site.manifests.session("alice", ttl="1h")
    daemon.wait_ready("alice")
    terminal = open_top(daemon.config, "--interval", "0.2", environment={"NO_COLOR": "1"})
    terminal.wait_to_see("alice")
    daemon.kill()
    frame = terminal.wait_to_see("no answer for")
    assert "it is asked again" in " ".join(" ".join(frame).split())
    assert any(line.startswith("alice") for line in frame), "what was seen last stays"
    site.daemon().in_sync()
    terminal.wait_to_see("● ready")
    assert not terminal.coloured
    terminal.type(CTRL_C)
    assert terminal.wait() == 0
    until(terminal.left_as_found, what="the terminal is as it was")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_end_it_with_the_terminal_as_it_was(
    daemon: Daemon, open_top: OpenTop, number: signal.Signals, status: int
) -> None:
    terminal = open_top(daemon.config)
    terminal.wait_to_see("there are no sessions")
    terminal.signal(number)
    assert terminal.wait() == status
    until(terminal.left_as_found, what="the terminal is as it was")


def test_once_prints_a_frame_and_leaves_the_terminal_alone(daemon: Daemon, open_top: OpenTop) -> None:
    terminal = open_top(daemon.config, "--once")
    assert terminal.wait() == 0
    terminal.wait_to_see("there are no sessions")
    assert b"\x1b[?1049h" not in terminal.written
