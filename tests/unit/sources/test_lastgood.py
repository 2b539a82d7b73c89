"""What counts of a file: a file loses its objects only by saying so without a mistake."""

from __future__ import annotations

from controller.sources.lastgood import Remembered, read_failed, read_text
from tests.unit.sources.given import documents, session, template


def after(*contents: str | OSError) -> Remembered:
    """What is remembered of a file that had these contents, one after the other."""
    remembered: Remembered | None = None
    for content in contents:
        held = remembered.held if remembered is not None else ()
        if isinstance(content, OSError):
            remembered = read_failed("a.yaml", str(content.strerror), held=held)
        else:
            remembered = read_text("a.yaml", content.encode(), held=held)
    assert remembered is not None
    return remembered


def names(remembered: Remembered) -> list[str]:
    return [manifest.name for manifest in remembered.reading.manifests]


def said(remembered: Remembered) -> list[str]:
    return [str(problem) for problem in remembered.reading.problems]


DENIED = PermissionError(13, "Permission denied")


def test_a_good_file_says_what_it_says() -> None:
    remembered = after(session("alice"), documents(session("alice"), session("bob")), session("bob"))
    assert names(remembered) == ["bob"]
    assert remembered.reading.undecided == frozenset()


def test_a_file_that_cannot_be_parsed_keeps_what_it_held() -> None:
    remembered = after(session("alice", "{ttl: 1h}"), session("alice", "{ttl: [}"))
    assert names(remembered) == ["alice"]
    assert remembered.reading.undecided == {"alice"}
    assert len(remembered.reading.problems) == 1
    assert remembered.reading.opaque is not None


def test_what_a_file_held_survives_any_number_of_mistakes() -> None:
    assert names(after(session("alice"), "a: [", "b: [", "", "c: [")) == ["alice"]


def test_a_file_with_one_bad_document_keeps_what_it_now_lacks_and_takes_what_is_good() -> None:
    remembered = after(
        documents(session("alice"), session("bob", "{ttl: 1h}"), session("carol")),
        documents(session("bob", "{ttl: 5}"), session("carol", "{ttl: 2h}"), session("dave")),
    )
    assert sorted(names(remembered)) == ["alice", "bob", "carol", "dave"]
    assert remembered.reading.undecided == {"alice", "bob"}
    assert [problem.session for problem in remembered.reading.problems] == ["bob"]


def test_a_mended_file_says_again_what_it_says() -> None:
    remembered = after(documents(session("alice"), session("bob")), "a: [", session("bob"))
    assert names(remembered) == ["bob"]
    assert remembered.reading.problems == ()


def test_a_file_that_loses_all_its_manifests_is_a_failed_read() -> None:
    remembered = after(session("alice"), "# nothing here\n")
    assert names(remembered) == ["alice"]
    assert remembered.reading.undecided == {"alice"}
    [sentence] = said(remembered)
    assert sentence.startswith("a.yaml:1:1: holds no manifest any more; what it held last counts on")


def test_a_file_that_never_held_anything_may_have_held_what_is_known_to_come_from_it() -> None:
    remembered = after("")
    assert remembered.reading.opaque == b""
    assert "holds no manifest; write one" in said(remembered)[0]


def test_a_file_that_cannot_be_read_keeps_what_it_held() -> None:
    remembered = after(session("alice"), DENIED)
    assert names(remembered) == ["alice"]
    assert remembered.reading.unreadable is None
    assert said(remembered) == [
        "a.yaml: cannot be read: Permission denied; what it held last counts on: fix its permissions or remove it"
    ]


def test_a_file_that_never_could_be_read_makes_the_picture_incomplete() -> None:
    assert after(DENIED).reading.unreadable == (
        "a.yaml cannot be read: Permission denied; fix its permissions or remove it"
    )


def test_a_refused_session_is_undecided_by_name_and_the_file_is_not_opaque() -> None:
    remembered = after(documents(session("alice", "{ttl: 5}"), session("bob")))
    assert (names(remembered), remembered.reading.undecided, remembered.reading.opaque) == (
        ["bob"],
        frozenset({"alice"}),
        None,
    )


def test_a_broken_template_is_known_as_broken_unless_its_last_good_counts() -> None:
    broken = template("default", "{storage: 1}")
    assert after(broken).reading.broken_templates == {"default"}
    remembered = after(template("default"), broken)
    assert remembered.reading.broken_templates == frozenset()
    assert names(remembered) == ["default"]
