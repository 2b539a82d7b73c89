"""Supervised threads: a loop that raises starts again, one that hangs is seen, all end when asked."""

import threading
from random import Random

import pytest
from structlog.testing import capture_logs

from controller.engine.clock import SystemClock, VirtualClock
from controller.engine.workers import Threads

PATIENCE = 60.0


def make_threads(clock: SystemClock | VirtualClock | None = None) -> Threads:
    return Threads(clock or SystemClock(), random=Random(1), restart_base=0.001, restart_cap=0.01)


def test_a_loop_runs_in_a_thread_of_its_name_until_it_is_asked_to_end() -> None:
    threads = make_threads()
    names: list[str] = []
    began = threading.Event()

    def loop(stop: threading.Event) -> None:
        names.append(threading.current_thread().name)
        began.set()
        stop.wait()

    threads.start("worker-1", loop)
    assert began.wait(PATIENCE)
    assert not threads.stopping.is_set()
    assert threads.stop(PATIENCE) == []
    assert names == ["worker-1"]
    assert threads.panics == 0


@pytest.mark.parametrize("error", [RuntimeError("disk full"), SystemExit(3), None], ids=["raises", "exits", "returns"])
def test_a_loop_that_ends_unasked_is_logged_counted_and_started_again(error: BaseException | None) -> None:
    threads = make_threads()
    rounds = 0
    survived = threading.Event()

    def loop(stop: threading.Event) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            survived.set()
            stop.wait()
        elif error is not None:
            raise error

    with capture_logs() as logs:
        threads.start("tick", loop)
        assert survived.wait(PATIENCE)
        assert threads.stop(PATIENCE) == []
    assert threads.panics == 2
    reason = "it returned though nobody asked it to" if error is None else f"{type(error).__name__}: {error}"
    assert [(log["log_level"], log["thread"], log["reason"]) for log in logs] == [("error", "tick", reason)] * 2


def test_a_loop_that_raises_at_once_for_ever_is_still_asked_to_end() -> None:
    threads = make_threads()
    raised = threading.Event()

    def loop(_: threading.Event) -> None:
        raised.set()
        raise RuntimeError("always")

    with capture_logs():
        threads.start("broken", loop)
        assert raised.wait(PATIENCE)
        assert threads.stop(PATIENCE) == []
    assert threads.panics >= 1


def test_two_threads_of_one_name_are_refused() -> None:
    threads = make_threads()
    threads.start("tick", threading.Event.wait)
    with pytest.raises(ValueError, match="already"):
        threads.start("tick", threading.Event.wait)
    threads.stop(PATIENCE)


def test_a_thread_that_does_not_end_in_time_is_named() -> None:
    threads = make_threads()
    release = threading.Event()
    threads.start("deaf", lambda _: release.wait())
    threads.start("polite", threading.Event.wait)
    assert "deaf" in threads.stop(0.05)
    for thread in threading.enumerate():
        if thread.name == "polite":  # it may take its time on a busy machine
            thread.join(PATIENCE)
    assert threads.stop(0.05) == ["deaf"]
    release.set()
    assert threads.stop(PATIENCE) == []


def test_a_thread_that_gives_no_sign_of_life_is_told_from_one_that_does() -> None:
    clock = VirtualClock()
    threads = make_threads(clock)
    go, beaten = threading.Event(), threading.Event()

    def beats(stop: threading.Event) -> None:
        go.wait()
        threads.beat()
        beaten.set()
        stop.wait()

    threads.start("alive", beats)
    threads.start("hangs", threading.Event.wait)
    clock.advance(90)
    go.set()
    assert beaten.wait(PATIENCE)
    clock.advance(5)
    assert threads.ages() == {"alive": 5, "hangs": 95}
    assert threads.stuck(60) == ["the thread hangs gave no sign of life for 95 s (allowed: 60 s)"]
    assert threads.stuck(95) == []
    threads.stop(PATIENCE)


def test_a_beat_of_a_foreign_thread_counts_for_nobody() -> None:
    clock = VirtualClock()
    threads = make_threads(clock)
    threads.start("hangs", threading.Event.wait)
    clock.advance(10)
    threads.beat()
    impostor = threading.Thread(target=threads.beat, name="hangs")
    impostor.start()
    impostor.join(PATIENCE)
    assert threads.ages() == {"hangs": 10}
    threads.stop(PATIENCE)
