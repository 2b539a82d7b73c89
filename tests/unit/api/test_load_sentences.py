"""Every mistake in a manifest is one sentence: file, line, column, field, what was found, what to do."""

from __future__ import annotations

import pytest

from controller.api.load import parse
from tests.unit.api.mistakes import HEAD, SESSIONS, SPEC, TEMPLATES


@pytest.mark.parametrize(("text", "sentence"), (SESSIONS | TEMPLATES).items(), ids=range(len(SESSIONS | TEMPLATES)))
def test_a_mistake_is_one_sentence_at_its_place(text: str, sentence: str) -> None:
    parsed = parse(text.encode(), "a.yaml")
    assert [str(problem) for problem in parsed.problems] == [f"a.yaml:{sentence}"]
    assert parsed.manifests == ()


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (HEAD.encode() + b"spec:\n\tttl: 1h", "6:1: found a tab; YAML is indented with spaces only"),
        (b"\x7fELF\x00", "1:1: found the control character U+007F; a manifest is plain text"),
        (b"a\x00", "1:2: found a NUL byte: this is a binary file; a manifest is plain text"),
        (
            b"x" * (5 * 1024 * 1024),
            "1:1: the file is larger than 1 MiB, which no manifest needs; split it or move it elsewhere",
        ),
        (HEAD.encode("utf-16"), "1:1: the file is UTF-16 text; save it as UTF-8"),
    ],
    ids=["tab", "binary", "nul", "5 MB", "utf-16"],
)
def test_a_file_that_is_no_text_is_one_sentence(raw: bytes, sentence: str) -> None:
    assert [str(problem) for problem in parse(raw, "a.yaml").problems] == [f"a.yaml:{sentence}"]


def test_all_mistakes_of_a_document_are_found_in_one_run() -> None:
    parsed = parse((SPEC + "ttl: 30\n  paused: no\n  tmplate: x\n").encode(), "a.yaml")
    assert [(problem.line, problem.field) for problem in parsed.problems] == [
        (6, "spec.ttl"),
        (7, "spec.paused"),
        (8, "spec.tmplate"),
    ]
