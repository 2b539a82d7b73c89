"""The watch gives a hint for every change, whatever happens to the directory, and never needs to be trusted."""

from __future__ import annotations

import errno
import os
import queue
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from watchdog import events
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from controller.sources.watch import DirectoryWatch, watch_points
from tests.unit.sources.given import unprivileged

PATIENCE = 20.0
"""Seconds after which a hint that has not come never will."""


class Recording(DirectoryWatch):
    """A watch that keeps which event led to each hint; its receiver may be told to fail."""

    def __init__(self, path: Path, new_observer: Callable[[], BaseObserver] = Observer) -> None:
        super().__init__(path, on_hint=self._hint, new_observer=new_observer)
        self._hints: queue.Queue[tuple[str, str]] = queue.Queue()
        self._event = ("", "")
        self.failures_left = 0

    def noticed(self, event: events.FileSystemEvent, names: frozenset[str] | None) -> None:
        path = event.dest_path or event.src_path
        self._event = (event.event_type, Path(os.fsdecode(path)).name)
        super().noticed(event, names)

    def _hint(self) -> None:
        self._hints.put(self._event)
        if self.failures_left:
            self.failures_left -= 1
            raise RuntimeError("the receiver fails")

    def hinted(self, name: str, *kinds: str) -> bool:
        """Wait for a hint from an entry of this name, and of one of these kinds if any are given."""
        while True:
            kind, found = self._hints.get(timeout=PATIENCE)
            if found == name and (not kinds or kind in kinds):
                return True

    def next_hint(self) -> tuple[str, str]:
        return self._hints.get(timeout=PATIENCE)


@contextmanager
def watching(path: Path) -> Iterator[Recording]:
    watch = Recording(path)
    try:
        assert watch.ensure()
        yield watch
    finally:
        watch.stop()


def swap(link: Path, target: str) -> None:
    link.with_name("new").symlink_to(target)
    link.with_name("new").rename(link)


def names_by_directory(path: Path) -> dict[str, list[str] | None]:
    return {point.directory: sorted(point.names) if point.names is not None else None for point in watch_points(path)}


def test_a_plain_directory_is_watched_and_its_own_name_above_it(tmp_path: Path) -> None:
    directory = tmp_path / "manifests"
    directory.mkdir()
    assert names_by_directory(directory) == {str(tmp_path): ["manifests"], str(directory): None}


def test_every_link_on_the_way_is_watched(tmp_path: Path) -> None:
    (tmp_path / "trees" / "aaa" / "manifests").mkdir(parents=True)
    (tmp_path / "current").symlink_to("trees/aaa")
    (tmp_path / "entry").symlink_to(tmp_path / "current")
    assert names_by_directory(tmp_path / "entry" / "manifests") == {
        str(tmp_path): ["current", "entry"],
        str(tmp_path / "trees" / "aaa"): ["manifests"],
        str(tmp_path / "trees" / "aaa" / "manifests"): None,
    }


def test_the_first_missing_part_is_watched_for(tmp_path: Path) -> None:
    assert names_by_directory(tmp_path / "a" / "b" / "c") == {str(tmp_path): ["a"]}
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").symlink_to("nowhere")
    assert names_by_directory(tmp_path / "a" / "b" / "c") == {str(tmp_path / "a"): ["b", "nowhere"]}


def test_links_in_a_circle_end_the_walk(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert names_by_directory(tmp_path / "a") == {str(tmp_path): ["a", "b"]}


def test_writing_replacing_and_removing_a_manifest_each_give_a_hint(tmp_path: Path) -> None:
    with watching(tmp_path) as watch:
        (tmp_path / "a.yaml").write_text("a")
        assert watch.hinted("a.yaml", "closed")
        (tmp_path / ".b").write_text("b")
        (tmp_path / ".b").rename(tmp_path / "a.yaml")
        assert watch.hinted("a.yaml", "moved")
        (tmp_path / "a.yaml").chmod(0o600)
        assert watch.hinted("a.yaml", "attrib", "modified")
        (tmp_path / "a.yaml").unlink()
        assert watch.hinted("a.yaml", "deleted")


def test_reading_a_manifest_gives_no_hint(tmp_path: Path) -> None:
    (tmp_path / "read.yaml").write_text("a")
    with watching(tmp_path) as watch:
        (tmp_path / "read.yaml").read_text()
        (tmp_path / "written.yaml").write_text("a")
        assert watch.next_hint() == ("created", "written.yaml")


def test_what_happens_next_to_the_directory_is_none_of_its_business(tmp_path: Path) -> None:
    hints: list[None] = []
    watch = DirectoryWatch(tmp_path / "manifests", on_hint=lambda: hints.append(None))
    names = frozenset({"manifests"})
    watch.noticed(events.FileCreatedEvent(str(tmp_path / "other")), names)
    assert hints == []
    watch.noticed(events.FileMovedEvent(str(tmp_path / "new"), str(tmp_path / "manifests")), names)
    assert hints == [None]


def test_a_swapped_link_gives_a_hint_and_the_watch_follows_it(tmp_path: Path) -> None:
    for tree in ("aaa", "bbb"):
        (tmp_path / tree).mkdir()
    swap(tmp_path / "current", "aaa")
    with watching(tmp_path / "current") as watch:
        swap(tmp_path / "current", "bbb")
        assert watch.hinted("current")
        assert watch.ensure()
        assert watch.restarts == 1
        (tmp_path / "bbb" / "a.yaml").write_text("a")
        assert watch.hinted("a.yaml")


def test_a_swapped_config_map_gives_a_hint(tmp_path: Path) -> None:
    for version in ("..1", "..2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "a.yaml").write_text(version)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    with watching(tmp_path) as watch:
        swap(tmp_path / "..data", "..2")
        assert watch.hinted("..data")


def test_a_directory_that_vanishes_and_comes_back_is_watched_again(tmp_path: Path) -> None:
    directory = tmp_path / "manifests"
    directory.mkdir()
    with watching(directory) as watch:
        directory.rmdir()
        assert watch.hinted("manifests", "deleted")
        assert watch.ensure()
        directory.mkdir()
        assert watch.hinted("manifests", "created")
        assert watch.ensure()
        (directory / "a.yaml").write_text("a")
        assert watch.hinted("a.yaml")


def test_a_directory_that_is_replaced_between_two_looks_is_watched_again(tmp_path: Path) -> None:
    """Its inode may be the one of the directory before, whose watch is gone."""
    directory = tmp_path / "manifests"
    directory.mkdir()
    with watching(directory) as watch:
        directory.rmdir()
        directory.mkdir()
        assert watch.hinted("manifests", "created")
        assert watch.ensure()
        assert watch.restarts == 1
        (directory / "a.yaml").write_text("a")
        assert watch.hinted("a.yaml")


def test_a_directory_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    with watching(tmp_path / "a" / "b") as watch:
        (tmp_path / "a").mkdir()
        assert watch.hinted("a")
        assert watch.ensure()
        (tmp_path / "a" / "b").mkdir()
        assert watch.hinted("b")
        assert watch.ensure()
        (tmp_path / "a" / "b" / "c.yaml").write_text("c")
        assert watch.hinted("c.yaml")


def test_a_hint_that_fails_does_not_end_the_watch(tmp_path: Path) -> None:
    with capture_logs() as logs, watching(tmp_path) as watch:
        watch.failures_left = 1
        (tmp_path / "a.yaml").write_text("a")
        assert watch.hinted("a.yaml")
        (tmp_path / "b.yaml").write_text("b")
        assert watch.hinted("b.yaml")
        assert watch.working
        assert watch.restarts == 0
    assert [entry["event"] for entry in logs] == ["hint_failed"]


def test_a_thread_that_died_is_noticed_and_replaced(tmp_path: Path) -> None:
    observers: list[BaseObserver] = []

    def observer() -> BaseObserver:
        observers.append(Observer())
        return observers[-1]

    watch = Recording(tmp_path, new_observer=observer)
    assert watch.ensure()
    for emitter in observers[0].emitters:
        emitter.stop()
        emitter.join()
    assert not watch.working
    assert watch.ensure()
    assert (watch.working, watch.restarts, len(observers)) == (True, 1, 2)
    (tmp_path / "a.yaml").write_text("a")
    assert watch.hinted("a.yaml")
    watch.stop()


class LimitedObserver(Observer):  # type: ignore[misc,valid-type]
    """An observer on a machine whose inotify watches are used up."""

    left = 0

    def schedule(self, *args: object, **kwargs: object) -> ObservedWatch:
        if LimitedObserver.left <= 0:
            raise OSError(errno.ENOSPC, "inotify watch limit reached")
        LimitedObserver.left -= 1
        return super().schedule(*args, **kwargs)  # type: ignore[no-any-return]


@pytest.mark.parametrize("first", [0, 1])
def test_without_inotify_watches_there_is_one_warning_until_it_works_again(tmp_path: Path, first: int) -> None:
    LimitedObserver.left = first
    watch = Recording(tmp_path, new_observer=LimitedObserver)
    with capture_logs() as logs:
        assert not watch.ensure()
        LimitedObserver.left = 0
        assert not watch.ensure()
        assert not watch.working
        LimitedObserver.left = 2
        assert watch.ensure()
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("watch_failed", "warning"),
        ("watch_works_again", "info"),
    ]
    assert logs[0]["error"] == "inotify watch limit reached"
    (tmp_path / "a.yaml").write_text("a")
    assert watch.hinted("a.yaml")
    watch.stop()


def test_a_directory_that_may_not_be_read_gives_no_hints_and_says_so() -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        directory = Path(place) / "manifests"
        directory.mkdir(mode=0o311)
        watch = Recording(directory)
        with capture_logs() as logs, unprivileged():
            assert not watch.ensure()
        assert [entry["error"] for entry in logs] == ["Permission denied"]


def test_a_stopped_watch_leaves_no_threads_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    watch = Recording(tmp_path)
    assert watch.ensure()
    assert set(threading.enumerate()) - before
    watch.stop()
    assert set(threading.enumerate()) <= before
    assert not watch.working
