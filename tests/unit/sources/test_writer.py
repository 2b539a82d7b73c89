"""Writing and removing manifests: atomic, and nothing of anybody else's is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.sources.writer import WriteRefused, remove_session, write_manifest
from tests.unit.sources.given import documents, on_rename, session, source, template


def files(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(directory.iterdir())}


def refusal(directory: Path, text: str, name: str) -> str:
    before = files(directory)
    with pytest.raises(WriteRefused) as caught:
        write_manifest(directory, text, name)
    assert files(directory) == before
    return str(caught.value)


def test_a_manifest_is_written_under_its_name_for_everybody_to_read(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, session("alice"), "alice")
    assert path == tmp_path / "alice.yaml"
    assert files(tmp_path) == {"alice.yaml": session("alice")}
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_manifest_is_replaced_by_a_newer_one_and_keeps_its_mode(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, session("alice"), "alice")
    path.chmod(0o640)
    write_manifest(tmp_path, session("alice", "{ttl: 1h}"), "alice")
    assert "ttl: 1h" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_scan_never_sees_half_a_manifest(tmp_path: Path) -> None:
    write_manifest(tmp_path, template("xfce"), "xfce")
    scanned = source(tmp_path)
    seen = []

    def look(path: str) -> None:
        assert (Path(path).read_text(), Path(path).parent) == (session("alice"), tmp_path)
        seen.append((set(scanned.scan().sessions), scanned.scan().problems))

    with on_rename(look):
        write_manifest(tmp_path, session("alice"), "alice")
    assert seen == [(set(), ())]
    assert set(scanned.scan().sessions) == {"alice"}


def test_an_invalid_manifest_is_not_written(tmp_path: Path) -> None:
    assert refusal(tmp_path, session("alice", "{ttl: 90}"), "alice") == (
        'alice.yaml:5:13: spec.ttl: 90 is a number; write a duration with units such as "90s" or "1h30m"'
    )
    assert refusal(tmp_path, "# nothing\n", "alice") == "alice.yaml: there is no manifest in the text; write one"


@pytest.mark.parametrize("name", ["", "../alice", "Alice", ".alice", "a b", "a" * 64, "alice.yaml", "a/b"])
def test_the_name_of_the_file_cannot_lead_elsewhere(tmp_path: Path, name: str) -> None:
    assert "cannot be the name of a manifest file" in refusal(tmp_path, session("alice"), name)


def test_a_file_that_holds_other_objects_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "alice.yaml").write_text(documents(session("alice"), session("bob")))
    assert refusal(tmp_path, session("alice"), "alice") == (
        'alice.yaml is there and holds the Session "bob" too; choose another file name'
    )


def test_a_file_that_cannot_be_read_as_manifests_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "alice.yaml").write_text("a: [")
    assert "cannot be read as manifests; mend or remove it first" in refusal(tmp_path, session("alice"), "alice")


def test_a_broken_manifest_of_the_same_session_may_be_mended(tmp_path: Path) -> None:
    (tmp_path / "alice.yaml").write_text(session("alice", "{ttl: 90}"))
    write_manifest(tmp_path, session("alice", "{ttl: 90s}"), "alice")
    assert files(tmp_path) == {"alice.yaml": session("alice", "{ttl: 90s}")}


def test_a_link_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "alice.yaml").write_text(session("alice"))
    (tmp_path / "alice.yaml").symlink_to("..data/alice.yaml")
    with pytest.raises(WriteRefused, match="is a link, so that something else manages it"):
        write_manifest(tmp_path, session("alice"), "alice")
    with pytest.raises(WriteRefused, match="is a link, so that something else manages it"):
        remove_session(tmp_path, "alice")
    assert (tmp_path / "..data" / "alice.yaml").read_text() == session("alice")


def test_a_session_that_another_file_holds_is_not_written_twice(tmp_path: Path) -> None:
    (tmp_path / "class.yaml").write_text(documents(session("bob"), session("alice")))
    assert refusal(tmp_path, session("alice"), "alice") == (
        'the Session "alice" stands in class.yaml:7 already; change it there'
    )


def test_a_session_alone_in_its_file_takes_the_file_with_it(tmp_path: Path) -> None:
    (tmp_path / "anything.yml").write_text("# mine\n" + session("alice"))
    assert remove_session(tmp_path, "alice") == tmp_path / "anything.yml"
    assert files(tmp_path) == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (documents(session("alice"), session("bob")), "---\n" + session("bob")),
        (documents(session("bob"), session("alice")), session("bob")),
        (
            documents(session("bob"), session("alice"), "# the last\n" + session("carol")),
            documents(session("bob"), "# the last\n" + session("carol")),
        ),
        (
            session("bob") + "...\n---\n" + session("alice") + "...\n" + session("carol"),
            session("bob") + "...\n...\n" + session("carol"),
        ),
        (documents("# a head\n", session("alice"), "broken: ["), documents("# a head\n", "broken: [")),
        (documents(session("alice"), session("bob", "{ttl: 5}")), "---\n" + session("bob", "{ttl: 5}")),
        (documents(session("alice", "{ttl: 5}"), session("bob")), "---\n" + session("bob")),
        (documents(session("alice"), template("alice")), "---\n" + template("alice")),
        (
            documents(session("bob"), session("alice")).replace("\n", "\r\n"),
            session("bob").replace("\n", "\r\n"),
        ),
    ],
)
def test_only_the_session_is_cut_out_and_the_rest_stays_byte_for_byte(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "class.yaml"
    path.write_bytes(before.encode())
    assert remove_session(tmp_path, "alice") == path
    assert path.read_bytes() == after.encode()


def test_a_session_in_two_files_is_removed_from_both(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(session("alice"))
    assert remove_session(tmp_path, "alice") == tmp_path / "a.yaml"
    assert files(tmp_path) == {}


def test_a_session_that_no_file_holds_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(session("alice-2"))
    (tmp_path / "b.yaml").write_text("a: [ # mentions nobody")
    (tmp_path / "c.yaml").write_text(template("alice"))
    assert remove_session(tmp_path, "alice") is None
    assert len(files(tmp_path)) == 3


def test_a_session_that_a_broken_file_may_hold_is_not_said_to_be_gone(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(session("alice", "{ttl: ["))
    with pytest.raises(WriteRefused, match='cannot be read as manifests and may hold the session "alice"'):
        remove_session(tmp_path, "alice")


def test_a_directory_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WriteRefused) as caught:
        write_manifest(tmp_path / "nowhere", session("alice"), "alice")
    assert str(caught.value) == (
        f"the manifest directory {tmp_path}/nowhere cannot be opened: No such file or directory"
    )
