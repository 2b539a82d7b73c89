"""A file is cut into documents at its markers, and the pieces put together are the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.documents import split

CUTS = {
    "a: 1\n": ["a: 1\n"],
    "a: 1\n---\nb: 2\n": ["a: 1\n", "---\nb: 2\n"],
    "---\na: 1\n---\nb: 2": ["---\na: 1\n", "---\nb: 2"],
    "# top\n---\na: 1\n": ["# top\n", "---\na: 1\n"],
    "a: 1\n...\nb: 2\n": ["a: 1\n", "b: 2\n"],
    "--- {a: 1}\n--- # two\nb: 2\n": ["--- {a: 1}\n", "--- # two\nb: 2\n"],
    "a: |\n  text\n  ---\nb: x---\n----\n": ["a: |\n  text\n  ---\nb: x---\n----\n"],
    "a: 1\r\n---\r\nb: 2\r\n": ["a: 1\r\n", "---\r\nb: 2\r\n"],
    "": [],
}


@pytest.mark.parametrize(("text", "pieces"), CUTS.items())
def test_documents_are_cut_at_markers_in_column_one(text: str, pieces: list[str]) -> None:
    assert [document.text for document in split(text)] == pieces


@pytest.mark.parametrize("text", ["---\n", "# only a comment\n", "---\n# c\n\n", "   \n\n", "--- # c\n"])
def test_a_document_without_a_value_is_blank(text: str) -> None:
    assert all(document.blank for document in split(text))


def test_a_document_knows_its_first_line() -> None:
    documents = split("a: 1\r\n...\r\n---\r\nb: 2\n---\nc: 3\n")
    assert [(document.line, document.text.strip("-\r\n")) for document in documents] == [
        (1, "a: 1"),
        (3, "b: 2"),
        (5, "c: 3"),
    ]


@given(st.lists(st.sampled_from(["a: 1\n", "---\n", "...\n", "# c\n", "\n", "--- x\r\n", " ---\n", "x"])).map("".join))
def test_cutting_a_document_out_leaves_the_others_byte_for_byte(text: str) -> None:
    documents = split(text)
    for cut in documents:
        rest = text[: cut.start] + text[cut.end :]
        assert [d.text for d in split(rest)] == [d.text for d in documents if d is not cut]


@given(st.text(alphabet="a-.: \r\n#", max_size=60))
def test_lines_are_counted_as_an_editor_does(text: str) -> None:
    for document in split(text):
        before = text[: document.start].replace("\r\n", "\n").replace("\r", "\n")
        assert document.line == before.count("\n") + 1
