"""A directory that changes while it is scanned, and the ways in which directories are really published."""

from __future__ import annotations

import os
from pathlib import Path

from tests.unit.sources.given import on_open, session, source


def publish(root: Path, revision: str, files: dict[str, str]) -> None:
    """As git-sync does: a new work tree, then a link that is swapped by a rename."""
    tree = root / ".worktrees" / revision
    tree.mkdir(parents=True)
    for name, text in files.items():
        (tree / name).write_text(text)
    link = root / ".link.tmp"
    link.symlink_to(f".worktrees/{revision}")
    link.rename(root / "current")


def project(volume: Path, version: str, files: dict[str, str]) -> None:
    """As Kubernetes does with a ConfigMap: files are links through ``..data``, and that link is swapped."""
    data = volume / f"..{version}"
    data.mkdir()
    for name, text in files.items():
        (data / name).write_text(text)
    link = volume / "..data_tmp"
    link.symlink_to(f"..{version}")
    link.rename(volume / "..data")
    for name in files:
        if not (volume / name).is_symlink():
            (volume / name).symlink_to(f"..data/{name}")
    for link in volume.glob("*.yaml"):
        if not link.exists():
            link.unlink()


def test_a_swapped_work_tree_is_followed(tmp_path: Path) -> None:
    publish(tmp_path, "aaa", {"a.yaml": session("alice"), "b.yaml": session("bob")})
    scanned = source(tmp_path / "current")
    before = scanned.scan()
    publish(tmp_path, "bbb", {"a.yaml": session("alice"), "c.yaml": session("carol")})
    after = scanned.scan()
    assert set(after.sessions) == {"alice", "carol"}
    assert after.sessions["alice"] is before.sessions["alice"]
    assert (before.revision.split("@")[0], after.revision.split("@")[0]) == ("aaa", "bbb")


def test_a_swapped_work_tree_of_the_same_content_shows_in_the_revision(tmp_path: Path) -> None:
    publish(tmp_path, "aaa", {"a.yaml": session("alice")})
    scanned = source(tmp_path / "current")
    before = scanned.scan()
    publish(tmp_path, "bbb", {"a.yaml": session("alice")})
    after = scanned.scan()
    assert dict(after.sessions) == dict(before.sessions)
    assert after.revision == before.revision.replace("aaa", "bbb")


def test_a_swapped_config_map_is_followed(tmp_path: Path) -> None:
    project(tmp_path, "1", {"a.yaml": session("alice"), "b.yaml": session("bob")})
    scanned = source(tmp_path)
    assert set(scanned.scan().sessions) == {"alice", "bob"}
    project(tmp_path, "2", {"a.yaml": session("alice", "{ttl: 1h}")})
    after = scanned.scan()
    assert {name: found.spec.ttl for name, found in after.sessions.items()} == {"alice": 3600}
    assert after.complete


def test_a_work_tree_swapped_during_the_scan_is_not_mixed_with_the_one_before(tmp_path: Path) -> None:
    publish(tmp_path, "aaa", {"a.yaml": session("old-a"), "b.yaml": session("old-b")})
    new = [{"a.yaml": session("new-a"), "b.yaml": session("new-b")}]

    def swap(path: str) -> None:
        if path == "b.yaml" and new:
            publish(tmp_path, "bbb", new.pop())

    with on_open(swap):
        snapshot = source(tmp_path / "current").scan()
    assert new == []
    assert set(snapshot.sessions) == {"new-a", "new-b"}
    assert snapshot.complete


def test_a_file_that_changes_between_listing_and_reading_is_read_as_it_is_then(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(session("alice"))
    changes = [lambda: file.write_text(session("alice", "{ttl: 1h}"))]
    with on_open(lambda path: changes.pop()() if path == "a.yaml" and changes else None):
        snapshot = source(tmp_path).scan()
    assert changes == []
    assert snapshot.sessions["alice"].spec.ttl == 3600
    assert snapshot.complete


def test_a_file_that_vanishes_between_listing_and_reading_is_gone(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(session("bob"))
    file = tmp_path / "a.yaml"
    file.write_text(session("alice"))
    with on_open(lambda path: file.unlink(missing_ok=True) if path == "a.yaml" else None):
        snapshot = source(tmp_path).scan()
    assert (set(snapshot.sessions), snapshot.complete) == ({"bob"}, True)


def test_a_file_that_becomes_a_pipe_between_listing_and_reading_blocks_nothing(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(session("bob"))
    file = tmp_path / "a.yaml"
    file.write_text(session("alice"))

    def replace_it(path: str) -> None:
        if path == "a.yaml" and file.is_file():
            file.unlink()
            os.mkfifo(file)

    with on_open(replace_it):
        snapshot = source(tmp_path).scan()
    assert "bob" in snapshot.sessions
    assert not file.is_file()


def test_a_file_that_is_renamed_during_the_scan_is_neither_lost_nor_doubled(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(session("bob"))
    file = tmp_path / "a.yaml"
    file.write_text(session("alice"))
    with on_open(lambda path: file.rename(tmp_path / "z.yaml") if path == "b.yaml" and file.exists() else None):
        snapshot = source(tmp_path).scan()
    assert snapshot.sessions["alice"].origin.file == "z.yaml"
    assert (snapshot.problems, snapshot.complete) == ((), True)


def test_a_directory_that_never_holds_still_proves_no_absence(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(session("alice"))
    count = 0

    def grow(path: str) -> None:
        nonlocal count
        if path.endswith(".yaml") and not path.startswith("/"):
            count += 1
            (tmp_path / f"s{count}.yaml").write_text(session(f"s{count}"))

    scanned = source(tmp_path)
    with on_open(grow):
        snapshot = scanned.scan()
    assert not snapshot.complete
    assert "kept changing while it was read" in (snapshot.incomplete_because or "")
    assert "alice" in snapshot.sessions
    after = scanned.scan()
    assert (after.complete, len(after.sessions)) == (True, count + 1)
