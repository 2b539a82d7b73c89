"""What parsing keeps of a file: good documents, and of bad ones their name if it is beyond doubt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.load import MAX_FILE_NODES, MAX_PROBLEMS, Parsed, parse
from controller.api.problem import Origin
from controller.api.session import Session


def session(name: str, spec: str = "{}") -> str:
    return f"apiVersion: winux.dev/v1\nkind: Session\nmetadata:\n  name: {name}\nspec: {spec}\n"


def parsed(*documents: str) -> Parsed:
    return parse("---\n".join(documents).encode(), "a.yaml")


def test_a_bad_document_leaves_the_others_standing() -> None:
    result = parsed(session("alice"), "a: [1\n", session("bob", "{ttl: 5}"), session("carol"))
    assert [manifest.name for manifest in result.manifests] == ["alice", "carol"]
    assert [(problem.line, problem.session) for problem in result.problems] == [(7, None), (13, "bob")]


def test_a_manifest_knows_where_it_stands() -> None:
    result = parse(f"# a comment\n\n{session('alice')}---\n{session('bob')}".encode(), "class.yaml")
    assert [manifest.origin for manifest in result.manifests] == [
        Origin(file="class.yaml", line=3),
        Origin(file="class.yaml", line=9),
    ]
    assert str(result.manifests[0].origin) == "class.yaml:3"


def test_a_later_mistake_can_point_at_a_field() -> None:
    manifest = parsed(session("alice"), session("bob", "{resources: {cores: 4}}")).manifests[1]
    problem = manifest.problem(("spec", "resources", "cores"), "is too much")
    assert str(problem) == "a.yaml:11:27: spec.resources.cores: is too much"
    assert problem.session == "bob"
    assert manifest.problem(("spec", "ttl"), "is missing").column == 1


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "---\n---\n# x\n", "null\n"])
def test_a_file_without_documents_has_no_manifests_and_no_problems(text: str) -> None:
    assert parsed(text) == Parsed()


def test_a_refused_document_is_known_by_kind_and_name() -> None:
    result = parsed(session("alice", "{ttl: 5}"), session("xfce", "{storage: 1}").replace("Session", "SessionTemplate"))
    assert [(refused.kind, refused.name) for refused in result.refused] == [
        ("Session", "alice"),
        ("SessionTemplate", "xfce"),
    ]
    assert result.opaque is None


@pytest.mark.parametrize(
    "document",
    [
        session("alice").replace("name: alice", "name: alice\n  name: bob"),
        session("alice") + "metadata: {name: bob}\n",
        session("alice").replace("  name: alice", "  labels: {}"),
        session("alice") + "x: 'never closed\n",
        "alice\n",
    ],
    ids=["two names", "two metadata", "no name", "syntax", "no mapping"],
)
def test_a_document_whose_name_is_in_doubt_is_opaque(document: str) -> None:
    result = parsed(session("carol"), document)
    assert result.opaque is not None
    assert document.strip() in result.opaque.decode()
    assert b"carol" not in result.opaque


def test_a_file_that_is_no_text_is_opaque_as_a_whole() -> None:
    raw = session("alice").encode() + b"\x00"
    assert parse(raw, "a.yaml").opaque == raw


def test_units_are_gone_after_parsing() -> None:
    spec = "{ttl: 1h30m, expiresAt: null, resources: {memory: 2Gi, disk: 1Ti, cores: 2}, revision: 3}"
    model = parsed(session("alice", spec.replace("expiresAt: null, ", ""))).manifests[0].model
    assert isinstance(model, Session)
    assert (model.spec.ttl, model.spec.resources.memory, model.spec.resources.disk, model.spec.revision) == (
        5400.0,
        2048,
        1024,
        "3",
    )


def test_anchors_may_repeat_values_within_a_document() -> None:
    result = parsed(session("alice").replace("name: alice", "name: &n alice\n  labels: {who: *n}"))
    assert result.manifests[0].model.metadata.labels == {"who": "alice"}


def test_windows_line_ends_are_line_ends() -> None:
    result = parse((session("alice") + "---\n" + session("bob", "{ttl: 5}")).replace("\n", "\r\n").encode(), "a.yaml")
    assert [manifest.name for manifest in result.manifests] == ["alice"]
    assert [(problem.line, problem.column) for problem in result.problems] == [(11, 13)]


def test_many_documents_with_aliases_cannot_cost_more_than_one() -> None:
    bomb = "".join(
        f"{name}: &{name} [{', '.join([inner] * 10)}]\n"
        for name, inner in [("a", "x"), ("b", "*a"), ("c", "*b"), ("d", "*c")]
    )
    result = parsed(*[bomb] * 1000)
    assert f"the file has more than {MAX_FILE_NODES} values; split it" in {
        problem.message for problem in result.problems
    }


def test_the_mistakes_of_a_file_are_told_up_to_a_number_and_none_of_its_names_is_lost() -> None:
    count = MAX_PROBLEMS + 50
    result = parsed(*[session(f"s{number}", "{ttl: 5}") for number in range(count)])
    assert len(result.problems) == MAX_PROBLEMS + 1
    assert result.problems[-1].message == f"the file has more than {MAX_PROBLEMS} mistakes; mend these first"
    assert [refused.name for refused in result.refused] == [f"s{number}" for number in range(count)]


def test_a_name_that_would_garble_a_terminal_is_no_name() -> None:
    result = parsed(session('"a\\x1b[31m"'))
    assert [problem.session for problem in result.problems] == [None]
    assert result.opaque is not None


@given(st.binary(max_size=300))
def test_no_bytes_make_parsing_fail(raw: bytes) -> None:
    result = parse(raw, "a.yaml")
    assert all(problem.line and problem.column for problem in result.problems)


PIECES = [
    *session("alice", "\n  ttl: 1h\n  resources: {cores: 2}").splitlines(keepends=True),
    "---\n",
    "...\n",
    "\t",
    "  ",
    "- ",
    "&a ",
    "*a",
    "!x ",
    "<<: ",
    "{",
    "}",
    "[",
    '"',
    "'",
    "\\ud800",
    ": ",
    "# ",
    "|\n",
    "%",
    "~",
    "\u00e9",
    "0",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_no_text_makes_parsing_fail_and_every_problem_has_a_place(text: str) -> None:
    result = parse(text.encode(), "a.yaml")
    lines = text.replace("\r", "\n").split("\n")
    for problem in result.problems:
        assert problem.line is not None
        assert 1 <= problem.line <= len(lines) + 1
        str(problem).encode()
