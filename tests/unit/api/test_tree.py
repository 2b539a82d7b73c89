"""Trees of nodes: places, caps, aliases and syntax errors in plain words, with libyaml and without."""

from __future__ import annotations

import pytest
import yaml

from controller.api.reading import read
from controller.api.tree import MAX_DEPTH, MAX_NODES, Loader, Unreadable, compose

LOADERS = [yaml.SafeLoader] + ([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])

# Text, and "line:column sentence". Both parsers must agree.
SYNTAX = {
    "a: b: c": '1:5 found a ":" where none can stand; indent the line like its neighbours or quote the text',
    "a: 1\n  b: 2": '2:4 found a ":" where none can stand; indent the line like its neighbours or quote the text',
    "a:\n\tb: 1": "2:1 found a tab; YAML is indented with spaces only",
    "a:\n  b: 1\n\tc: 2": "3:1 found a tab; YAML is indented with spaces only",
    "a: 'x": "1:4 this quote is never closed",
    "a: 1\nb: [1, 2": "2:4 this bracket is never closed, or a comma is missing in it",
    "a: {b: 1": "1:4 this bracket is never closed, or a comma is missing in it",
    "a: - 1": '1:4 found a list item ("- …") where none can stand; put it on a line of its own',
    "a: @x": '1:4 "@" cannot start a value; put the value in quotes',
    "a: `x`": '1:4 "`" cannot start a value; put the value in quotes',
    "%YAML 1.2\n---\na: 1": "1:1 directives such as %YAML are not supported; remove the line",
    "a: *x": "1:4 the alias *x repeats nothing: there is no such anchor",
    "a: &x [*x]": "1:8 the alias *x stands inside the value that it repeats",
    "a: !x!y z": "1:4 found a tag that nothing defines; remove it",
    "{a: 1}}": "1:7 only one value can stand here; is the line indented wrongly, or a bracket too many?",
    "a: ]": "1:4 found a bracket or comma where a value belongs; write or quote the value",
    "a: !!python/tuple [1]": '1:4 the tag "!!python/tuple" is not supported; remove it',
}


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__)
def loader(request: pytest.FixtureRequest) -> Loader:
    chosen: Loader = request.param
    return chosen


def refusal(text: str, loader: Loader, first_line: int = 1) -> str:
    with pytest.raises(Unreadable) as caught:
        compose(text, first_line=first_line, loader=loader)
    return f"{caught.value.at.line}:{caught.value.at.column} {caught.value}"


@pytest.mark.parametrize(("text", "sentence"), SYNTAX.items())
def test_a_syntax_error_is_one_sentence_at_its_place(text: str, sentence: str, loader: Loader) -> None:
    assert refusal(text, loader) == sentence


def test_lines_count_on_from_the_first_line_of_the_document(loader: Loader) -> None:
    assert refusal("a: 1\nb: @x", loader, first_line=41).startswith("42:4 ")


def test_every_field_has_its_place(loader: Loader) -> None:
    node = compose("a: 1\nb:\n  - x\n  - y: 2\n", loader=loader)
    assert node is not None
    assert {path: tuple(place) for path, place in read(node).places.items()} == {
        (): (1, 1),
        ("a",): (1, 4),
        ("b",): (2, 1),
        ("b", 0): (3, 5),
        ("b", 1): (4, 5),
        ("b", 1, "y"): (4, 8),
    }


def test_an_alias_repeats_its_anchor(loader: Loader) -> None:
    node = compose("a: &x {k: [1, 2]}\nb: *x\nc: &s text\nd: *s\n", loader=loader)
    assert node is not None
    assert read(node).value == {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}, "c": "text", "d": "text"}


def test_aliases_cannot_multiply_without_end(loader: Loader) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    assert f"more than {MAX_NODES} values" in refusal(bomb, loader)


def test_aliases_cannot_nest_without_end(loader: Loader) -> None:
    ladder = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, MAX_DEPTH + 1))
    assert f"nests more than {MAX_DEPTH} levels deep" in refusal(ladder, loader)


@pytest.mark.parametrize("text", ["[" * 500_000, "a: " + "{b: " * 5_000, "- " * 5_000])
def test_brackets_cannot_nest_without_end(text: str, loader: Loader) -> None:
    assert f"nested more than {MAX_DEPTH} levels deep" in refusal(text, loader)


def test_half_a_surrogate_pair_is_refused() -> None:
    assert "surrogate" in refusal('a: "\\ud83e"', yaml.SafeLoader)


def test_no_value_is_no_tree(loader: Loader) -> None:
    assert compose("# nothing\n", loader=loader) is None
