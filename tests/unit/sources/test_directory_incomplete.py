"""A failure is never taken for an empty directory: what is wanted goes on being wanted, and a sentence says why."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.core.model import DesiredSnapshot
from controller.sources.directory import DirectorySource
from tests.unit.sources.given import on_open, session, source, template, unprivileged


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that nobody in particular can get at."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def with_alice(directory: Path) -> DirectorySource:
    (directory / "a.yaml").write_text(session("alice"))
    scanned = source(directory)
    assert scanned.scan().complete
    return scanned


def assert_held(snapshot: DesiredSnapshot, because: str) -> None:
    assert set(snapshot.sessions) == {"alice"}
    assert not snapshot.complete
    assert snapshot.incomplete_because is not None
    assert because in snapshot.incomplete_because


def test_a_directory_that_was_never_there_is_no_empty_directory(tmp_path: Path) -> None:
    snapshot = source(tmp_path / "nowhere").scan()
    assert (snapshot.complete, dict(snapshot.sessions)) == (False, {})
    assert snapshot.incomplete_because == (
        f"the manifest directory {tmp_path}/nowhere does not exist; create it, or mount it again"
    )
    assert "default" in snapshot.templates


def test_a_directory_that_vanishes_holds_what_it_held_until_it_is_back(directory: Path) -> None:
    scanned = with_alice(directory)
    away = directory.rename(f"{directory}.away")
    assert_held(scanned.scan(), "does not exist")
    away.rename(directory)
    snapshot = scanned.scan()
    assert snapshot.complete
    assert set(snapshot.sessions) == {"alice"}


def test_a_file_in_place_of_the_directory_is_none(directory: Path) -> None:
    scanned = with_alice(directory)
    shutil.rmtree(directory)
    directory.write_text("")
    assert_held(scanned.scan(), "is no directory")
    directory.unlink()


def test_an_unreadable_directory_holds_what_it_held(directory: Path) -> None:
    scanned = with_alice(directory)
    directory.chmod(0o311)
    with unprivileged():
        assert_held(scanned.scan(), "cannot be opened: Permission denied")
    directory.chmod(0o755)
    assert scanned.scan().complete


def test_an_empty_directory_at_the_start_is_not_taken_for_nothing_is_wanted(directory: Path) -> None:
    snapshot = source(directory).scan()
    assert not snapshot.complete
    assert snapshot.incomplete_because == (
        f'the manifest directory {directory} is empty, which is not taken for "nothing is wanted"; '
        'put a manifest there, such as a template, or say "winux confirm"'
    )


def test_a_directory_that_becomes_empty_holds_what_it_held(directory: Path) -> None:
    scanned = with_alice(directory)
    (directory / "a.yaml").unlink()
    for _ in range(3):
        assert_held(scanned.scan(), "is empty and held 1 manifest files before")


def test_any_manifest_settles_that_the_directory_is_meant_as_it_is(directory: Path) -> None:
    scanned = with_alice(directory)
    (directory / "a.yaml").unlink()
    scanned.scan()
    (directory / "xfce.yaml").write_text(template("xfce"))
    snapshot = scanned.scan()
    assert (snapshot.complete, dict(snapshot.sessions)) == (True, {})


def test_an_administrator_settles_that_an_empty_directory_is_meant(directory: Path) -> None:
    scanned = with_alice(directory)
    (directory / "a.yaml").unlink()
    scanned.scan()
    scanned.accept_empty()
    for _ in range(3):
        snapshot = scanned.scan()
        assert (snapshot.complete, dict(snapshot.sessions)) == (True, {})


def test_the_administrators_word_holds_until_the_directory_has_files_again(directory: Path) -> None:
    scanned = source(directory)
    scanned.accept_empty()
    assert scanned.scan().complete
    (directory / "a.yaml").write_text(session("alice"))
    assert set(scanned.scan().sessions) == {"alice"}
    (directory / "a.yaml").unlink()
    assert_held(scanned.scan(), "is empty")


def test_an_unreadable_file_that_held_something_goes_on_holding_it(directory: Path) -> None:
    scanned = with_alice(directory)
    (directory / "a.yaml").write_text(session("alice", "{ttl: 1h}"))
    (directory / "a.yaml").chmod(0o000)
    with unprivileged():
        snapshot = scanned.scan()
    assert snapshot.complete
    assert snapshot.sessions["alice"].spec.ttl == 1800
    assert snapshot.may_hold("alice", "a.yaml")
    (directory / "a.yaml").chmod(0o644)
    assert scanned.scan().sessions["alice"].spec.ttl == 3600


def test_an_unreadable_file_of_unknown_content_makes_the_picture_incomplete(directory: Path) -> None:
    scanned = with_alice(directory)
    (directory / "b.yaml").write_text(session("bob"))
    (directory / "b.yaml").chmod(0o000)
    (directory / "c.yaml").write_text(session("carol"))
    (directory / "a.yaml").unlink()
    with unprivileged():
        snapshot = scanned.scan()
    assert set(snapshot.sessions) == {"alice", "carol"}
    assert snapshot.incomplete_because == "b.yaml cannot be read: Permission denied; fix its permissions or remove it"
    (directory / "b.yaml").unlink()
    after = scanned.scan()
    assert (after.complete, set(after.sessions)) == (True, {"carol"})


def test_a_file_whose_reading_fails_is_tried_again_by_every_scan(directory: Path) -> None:
    scanned = with_alice(directory)
    (directory / "b.yaml").symlink_to("/proc/self/mem")
    assert_held(scanned.scan(), "b.yaml cannot be read: Input/output error")
    opened: list[str] = []
    with on_open(opened.append):
        assert_held(scanned.scan(), "b.yaml cannot be read: Input/output error")
    assert "b.yaml" in opened


def test_a_link_to_nowhere_makes_the_picture_incomplete(directory: Path) -> None:
    scanned = with_alice(directory)
    (directory / "b.yaml").symlink_to("nowhere")
    assert_held(scanned.scan(), "b.yaml cannot be read: it is a link to a file that does not exist")
    (directory / "nowhere").write_text(session("bob"))
    assert set(scanned.scan().sessions) == {"alice", "bob"}


def test_a_manifest_that_becomes_a_directory_is_a_failed_read(directory: Path) -> None:
    scanned = with_alice(directory)
    (directory / "a.yaml").unlink()
    (directory / "a.yaml").mkdir()
    snapshot = scanned.scan()
    assert set(snapshot.sessions) == {"alice"}
    assert [str(problem).split(";")[0] for problem in snapshot.problems] == [
        "a.yaml: cannot be read: it is not a regular file"
    ]


def test_a_manifest_that_became_a_directory_while_nobody_watched_may_still_be_meant(directory: Path) -> None:
    (directory / "a.yaml").mkdir()
    (directory / "b.yaml").write_text(session("bob"))
    scanned = source(directory)
    snapshot = scanned.scan()
    assert snapshot.complete
    assert snapshot.may_hold("alice", "a.yaml")
    assert not snapshot.may_hold("carol", "c.yaml")
    (directory / "c.yaml").mkdir()
    assert scanned.scan().may_hold("carol", "c.yaml")
    (directory / "a.yaml").rmdir()
    assert not scanned.scan().may_hold("alice", "a.yaml")


def test_a_directory_with_nothing_but_directories_is_empty(directory: Path) -> None:
    (directory / "a.yaml").mkdir()
    assert not source(directory).scan().complete


def test_more_files_than_allowed_make_the_picture_incomplete(directory: Path) -> None:
    scanned = source(directory, max_files=1)
    (directory / "a.yaml").write_text(session("alice"))
    assert scanned.scan().complete
    (directory / "b.yaml").write_text(session("bob"))
    assert_held(scanned.scan(), "holds more than 1 manifest files")


def test_the_time_of_a_scan_moves_on_while_the_picture_is_incomplete(directory: Path) -> None:
    scanned = source(directory / "nowhere")
    clock = scanned._clock
    first = scanned.scan()
    clock.advance(5)  # type: ignore[attr-defined]
    assert scanned.scan().scanned_at == first.scanned_at + 5


def test_root_is_root_again() -> None:
    uid = os.geteuid()
    with unprivileged():
        assert os.geteuid() != 0
    assert os.geteuid() == uid
