"""What a scan finds, and how little it does where nothing changed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from controller.engine.clock import VirtualClock
from tests.unit.sources.given import DEFAULTS, documents, on_open, session, source, template


def test_manifest_files_are_read_and_everything_else_is_passed_over(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", "with blank.yaml"):
        (tmp_path / name).write_text(session(name[0]))
    for name in (".a.yaml", "#a.yaml", "_a.yaml", "a.yaml~", "a.yaml.bak", "a.json", "yaml", ".yaml", "a.YAML"):
        (tmp_path / name).write_text(session("ignored"))
    (tmp_path / "below.yaml").mkdir()
    (tmp_path / "below.yaml" / "a.yaml").write_text(session("ignored"))
    os.mkfifo(tmp_path / "pipe.yaml")
    snapshot = source(tmp_path).scan()
    assert sorted(snapshot.sessions) == ["a", "b", "w"]
    assert (snapshot.complete, snapshot.problems, snapshot.files) == (True, (), 3)


def test_origins_are_relative_to_the_directory(tmp_path: Path) -> None:
    (tmp_path / "class.yaml").write_text(documents(session("alice"), session("bob")))
    snapshot = source(tmp_path).scan()
    assert {name: str(found.origin) for name, found in snapshot.sessions.items()} == {
        "alice": "class.yaml:1",
        "bob": "class.yaml:7",
    }


def test_a_quiet_rescan_opens_no_file_and_builds_nothing_anew(tmp_path: Path) -> None:
    clock = VirtualClock(start=tmp_path.stat().st_ctime + 60)
    for number in range(50):
        (tmp_path / f"s{number}.yaml").write_text(session(f"s{number}"))
    scanned = source(tmp_path, clock)
    before = scanned.scan()
    clock.advance(30)
    opened: list[str] = []
    with on_open(opened.append):
        after = scanned.scan()
    assert opened == [str(tmp_path.resolve())]
    assert after.sessions is before.sessions
    assert after.scanned_at == before.scanned_at + 30


def test_a_file_so_young_that_its_time_stamps_prove_nothing_is_read_once_more(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(session("alice"))
    clock = VirtualClock(start=file.stat().st_ctime + 0.5)
    scanned = source(tmp_path, clock)
    before = scanned.scan()
    clock.advance(5)
    opened: list[str] = []
    with on_open(opened.append):
        assert scanned.scan().sessions is before.sessions
        assert opened.count("a.yaml") == 1
        scanned.scan()
        assert opened.count("a.yaml") == 1


def test_only_what_changed_is_read(tmp_path: Path) -> None:
    for name in ("alice", "bob"):
        (tmp_path / f"{name}.yaml").write_text(session(name))
    scanned = source(tmp_path, VirtualClock(start=tmp_path.stat().st_ctime + 60))
    before = scanned.scan()
    (tmp_path / "bob.yaml").write_text(session("bob", "{ttl: 1h}"))
    opened: list[str] = []
    with on_open(opened.append):
        after = scanned.scan()
    assert [name for name in opened if name.endswith(".yaml")] == ["bob.yaml"]
    assert after.sessions["alice"] is before.sessions["alice"]
    assert after.sessions["bob"].spec.ttl == 3600


def test_a_file_written_again_with_the_same_content_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(session("alice"))
    scanned = source(tmp_path)
    before = scanned.scan()
    (tmp_path / "new").write_text(session("alice"))
    (tmp_path / "new").rename(tmp_path / "a.yaml")
    after = scanned.scan()
    assert after.sessions is before.sessions
    assert after.revision == before.revision


def test_a_removed_file_takes_its_sessions_with_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(session("alice"))
    (tmp_path / "b.yaml").write_text(session("bob"))
    scanned = source(tmp_path)
    scanned.scan()
    (tmp_path / "a.yaml").unlink()
    after = scanned.scan()
    assert set(after.sessions) == {"bob"}
    assert after.complete
    assert not after.may_hold("alice", "a.yaml")


def test_a_renamed_file_keeps_its_sessions(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(session("alice"))
    scanned = source(tmp_path)
    before = scanned.scan()
    (tmp_path / "a.yaml").rename(tmp_path / "z.yaml")
    after = scanned.scan()
    assert after.sessions["alice"].generation == before.sessions["alice"].generation
    assert after.sessions["alice"].origin.file == "z.yaml"


def test_a_broken_file_disturbs_no_other_session(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(session("alice"))
    (tmp_path / "b.yaml").write_text("a: [")
    snapshot = source(tmp_path).scan()
    assert set(snapshot.sessions) == {"alice"}
    assert snapshot.complete
    assert [problem.file for problem in snapshot.problems] == ["b.yaml"]
    assert dict(snapshot.opaque) == {"b.yaml": b"a: ["}


def test_a_file_that_breaks_and_is_mended_never_loses_its_session(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    scanned = source(tmp_path)
    seen = []
    for text in (session("alice", "{ttl: 1h}"), session("alice", "{ttl: "), "", session("alice", "{ttl: 2h}")):
        file.write_text(text)
        snapshot = scanned.scan()
        seen.append((snapshot.sessions["alice"].spec.ttl, bool(snapshot.problems), snapshot.complete))
    assert seen == [(3600, False, True), (3600, True, True), (3600, True, True), (7200, False, True)]


def test_a_file_larger_than_allowed_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(session("alice"))
    (tmp_path / "big.yaml").write_bytes(b"#" * (5 * 1024 * 1024))
    snapshot = source(tmp_path).scan()
    assert [str(problem).split(";")[0] for problem in snapshot.problems] == [
        "big.yaml:1:1: the file is larger than 1 MiB, which no manifest needs"
    ]
    assert snapshot.complete
    assert len(snapshot.opaque["big.yaml"]) == 1024 * 1024


def test_a_template_in_a_file_of_its_own_serves_the_sessions(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(session("alice", "{template: xfce}"))
    scanned = source(tmp_path)
    assert scanned.scan().undecided == {"alice"}
    (tmp_path / "xfce.yaml").write_text(template("xfce", "{ttl: {default: 1h}}"))
    snapshot = scanned.scan()
    assert snapshot.sessions["alice"].spec.ttl == 3600
    assert snapshot.undecided == frozenset()


@pytest.mark.parametrize("name", ["a\nb.yaml", "a\x1b[31m.yaml", "caf\udce9.yaml"])
def test_file_names_that_would_garble_a_terminal_are_escaped(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a: [")
    [problem] = source(tmp_path).scan().problems
    assert problem.file.isprintable()
    assert problem.file.startswith(name[:1])
    str(problem).encode()


def test_the_revision_names_the_directory_and_its_content(tmp_path: Path) -> None:
    first, second = tmp_path / "1f0c", tmp_path / "77aa"
    for directory in (first, second):
        directory.mkdir()
        (directory / "a.yaml").write_text(session("alice"))
    one, two = source(first).scan().revision, source(second).scan().revision
    assert one.split("@")[0] == "1f0c"
    assert two.split("@") == ["77aa", one.split("@")[1]]
    (second / "b.yaml").write_text(session("bob"))
    assert source(second).scan().revision != two


def test_other_defaults_of_the_site_count_from_the_next_scan(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(session("alice"))
    scanned = source(tmp_path)
    assert scanned.scan().sessions["alice"].spec.pool == "winux"
    scanned.set_defaults(replace(DEFAULTS, pool="lab"))
    assert scanned.scan().sessions["alice"].spec.pool == "lab"
