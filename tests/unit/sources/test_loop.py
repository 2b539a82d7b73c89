"""When scans happen, in virtual time; and once with a real clock and the kernel's own hints."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path

from controller.core.model import DesiredSnapshot
from controller.engine.clock import SystemClock, VirtualClock
from controller.sources.directory import DirectorySource
from controller.sources.loop import ScanLoop
from tests.unit.sources.given import DEFAULTS, session


class ScriptedClock(VirtualClock):
    """Things happen at set times while somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.script: list[tuple[float, Callable[[], None]]] = []

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        assert timeout is not None
        end = self.monotonic() + timeout
        while not event.is_set() and self.script and self.script[0][0] <= end:
            at, happen = self.script.pop(0)
            self.advance(max(0.0, at - self.monotonic()))
            happen()
        return event.is_set() or super().wait(event, max(0.0, end - self.monotonic()))


class Loop:
    """A loop over a directory with one session that notes when it scans and ends after so many."""

    def __init__(self, path: Path, *, scans: int, watched: bool = True) -> None:
        (path / "a.yaml").write_text(session("alice"))
        self.clock = ScriptedClock()
        self.times: list[float] = []
        self.stop = threading.Event()
        self.last: DesiredSnapshot | None = None
        self._scans = scans
        source = DirectorySource(path, defaults=DEFAULTS, clock=self.clock)
        self.loop = ScanLoop(source, clock=self.clock, on_snapshot=self._note, watched=watched)

    def _note(self, snapshot: DesiredSnapshot) -> None:
        self.last = snapshot
        self.times.append(round(self.clock.monotonic(), 3))
        if len(self.times) == self._scans:
            self.stop.set()

    def run(self, *script: tuple[float, Callable[[], None]]) -> list[float]:
        self.clock.script = list(script)
        self.loop.run(self.stop)
        return self.times


def test_a_change_is_confirmed_soon_and_then_scans_come_by_the_period(tmp_path: Path) -> None:
    assert Loop(tmp_path, scans=4).run() == [0, 1, 31, 61]


def test_without_a_watch_scans_come_more_often(tmp_path: Path) -> None:
    assert Loop(tmp_path, scans=4, watched=False).run() == [0, 1, 6, 11]


def test_while_the_picture_is_incomplete_scans_come_more_often(tmp_path: Path) -> None:
    loop = Loop(tmp_path, scans=4)
    (tmp_path / "a.yaml").unlink()
    assert loop.run() == [0, 1, 6, 11]


def test_a_hint_is_followed_after_a_moment_of_quiet(tmp_path: Path) -> None:
    loop = Loop(tmp_path, scans=3)
    assert loop.run((10.0, loop.loop.hint)) == [0, 1, 10.2]


def test_a_burst_of_hints_is_one_scan(tmp_path: Path) -> None:
    loop = Loop(tmp_path, scans=3)
    assert loop.run(*((10.0 + step / 10, loop.loop.hint) for step in range(5))) == [0, 1, 10.6]


def test_hints_without_end_do_not_keep_a_scan_away_for_longer_than_a_second(tmp_path: Path) -> None:
    loop = Loop(tmp_path, scans=3)
    assert loop.run(*((10.0 + step / 10, loop.loop.hint) for step in range(40))) == [0, 1, 11.0]


def test_a_hint_during_a_scan_is_followed_by_another(tmp_path: Path) -> None:
    loop = Loop(tmp_path, scans=2)
    note = loop.loop._on_snapshot

    def note_and_hint(snapshot: DesiredSnapshot) -> None:
        loop.loop.hint()
        note(snapshot)

    loop.loop._on_snapshot = note_and_hint
    assert loop.run() == [0, 0.2]


def test_a_stop_ends_the_wait_within_half_a_second(tmp_path: Path) -> None:
    loop = Loop(tmp_path, scans=100)
    assert loop.run((10.0, loop.stop.set)) == [0, 1]
    assert 10.0 <= loop.clock.monotonic() <= 10.5


def test_a_stop_with_a_hint_ends_the_wait_at_once(tmp_path: Path) -> None:
    loop = Loop(tmp_path, scans=100)

    def end() -> None:
        loop.stop.set()
        loop.loop.hint()

    loop.run((10.1, end))
    assert loop.clock.monotonic() == 10.1


def test_the_watch_ends_with_the_loop(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    Loop(tmp_path, scans=2).run()
    assert set(threading.enumerate()) <= before


def test_a_step_is_one_scan_without_threads(tmp_path: Path) -> None:
    loop = Loop(tmp_path, scans=5, watched=False)
    assert set(loop.loop.step().sessions) == {"alice"}
    (tmp_path / "b.yaml").write_text("a: [")
    loop.loop.step()
    assert (loop.loop.scans, loop.loop.problems, loop.loop.watch_restarts) == (2, 1, 0)
    assert loop.loop.last_good_scan == loop.clock.now()
    loop.clock.advance(10)
    (tmp_path / "a.yaml").unlink()
    (tmp_path / "b.yaml").unlink()
    loop.loop.step()
    assert loop.loop.last_good_scan == loop.clock.now() - 10
    assert loop.last is loop.loop.snapshot


def test_a_written_manifest_arrives_by_the_kernels_own_hint(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(session("alice"))
    snapshots: queue.Queue[DesiredSnapshot] = queue.Queue()
    clock = SystemClock()
    source = DirectorySource(tmp_path, defaults=DEFAULTS, clock=clock)
    # Without a hint nothing would be found before the test is given up.
    loop = ScanLoop(source, clock=clock, on_snapshot=snapshots.put, period=3600, soon=3600, impatient=3600)
    stop = threading.Event()
    thread = threading.Thread(target=loop.run, args=(stop,))
    thread.start()
    try:
        assert set(snapshots.get(timeout=20).sessions) == {"alice"}
        (tmp_path / "b.yaml").write_text(session("bob"))
        while "bob" not in snapshots.get(timeout=20).sessions:
            pass
    finally:
        stop.set()
        loop.hint()
        thread.join(timeout=20)
    assert not thread.is_alive()


class Ticking(VirtualClock):
    """A quarter of a second passes between two looks at it."""

    def monotonic(self) -> float:
        self.advance(0.25)
        return super().monotonic()


def test_each_scan_is_told_with_how_long_it_took(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(session("alice"))
    clock, took = Ticking(), list[float]()
    source = DirectorySource(tmp_path, defaults=DEFAULTS, clock=clock)
    loop = ScanLoop(source, clock=clock, on_snapshot=lambda _: clock.advance(9), on_scan=took.append, watched=False)
    loop.step()
    loop.step()
    assert took == [0.25, 0.25], "what is made of a snapshot is no part of the scan"


def test_the_watch_counts_as_working_while_it_is_there(tmp_path: Path) -> None:
    loop, seen = Loop(tmp_path, scans=1), list[bool]()
    note = loop.loop._on_snapshot
    loop.loop._on_snapshot = lambda snapshot: (seen.append(loop.loop.watch_working), note(snapshot))[1]
    assert not loop.loop.watch_working
    loop.run()
    assert (seen, loop.loop.watch_working) == ([True], False)


def test_without_a_watch_none_works(tmp_path: Path) -> None:
    loop, seen = Loop(tmp_path, scans=1, watched=False), list[bool]()
    note = loop.loop._on_snapshot
    loop.loop._on_snapshot = lambda snapshot: (seen.append(loop.loop.watch_working), note(snapshot))[1]
    loop.run()
    assert seen == [False]


def test_the_revision_is_that_of_the_last_scan(tmp_path: Path) -> None:
    first, second = "1" * 40, "2" * 40
    for commit in (first, second):
        (tmp_path / commit).mkdir()
        (tmp_path / commit / "a.yaml").write_text(session("alice"))
    link = tmp_path / "current"
    link.symlink_to(tmp_path / first)
    clock = VirtualClock()
    source = DirectorySource(link, defaults=DEFAULTS, clock=clock)
    loop = ScanLoop(source, clock=clock, on_snapshot=lambda _: None, watched=False)
    assert loop.revision is None
    loop.step()
    assert loop.revision == first
    link.unlink()
    link.symlink_to(tmp_path / second)
    assert loop.revision == first
    loop.step()
    assert loop.revision == second
