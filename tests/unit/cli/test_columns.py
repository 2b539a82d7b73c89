"""Tables fit the terminal; pipes get everything."""

from __future__ import annotations

from rich.text import Text

from controller.cli.columns import Column, table, wrapped

COLUMNS = [Column("NAME", shrinks=True), Column("PHASE"), Column("OWNER", shrinks=True)]
LONG = "a-name-that-goes-on-and-on-and-on"


def plain(lines: list[Text]) -> list[str]:
    return [line.plain for line in lines]


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    lines = table(COLUMNS, [["alice", "Ready", "a"], ["bob", "Terminating", "b"]], width=None)
    assert plain(lines) == [
        "NAME    PHASE         OWNER",
        "alice   Ready         a",
        "bob     Terminating   b",
    ]


def test_a_pipe_gets_long_cells_whole() -> None:
    assert LONG in table(COLUMNS, [[LONG, "Ready", LONG]], width=None)[1].plain


def test_a_narrow_terminal_gets_the_widest_cells_shortened_and_the_others_whole() -> None:
    lines = plain(table(COLUMNS, [[LONG, "Ready", "alice@example.org"]], width=40))
    assert lines == ["NAME             PHASE   OWNER", "a-name-that-g…   Ready   alice@example.…"]


def test_nothing_is_shortened_beyond_recognition() -> None:
    line = table(COLUMNS, [[LONG, "Ready", LONG]], width=5)[1].plain
    assert line == "a-name-…   Ready   a-name-…"


def test_a_message_goes_on_below_itself() -> None:
    columns = [Column("REASON"), Column("MESSAGE", wraps=True)]
    lines = plain(table(columns, [["Held", "one two three four five six seven eight nine ten"]], width=40))
    assert lines == [
        "REASON   MESSAGE",
        "Held     one two three four five six",
        "         seven eight nine ten",
    ]


def test_wide_characters_count_double() -> None:
    lines = plain(table([Column("NAME"), Column("X")], [["日本", "x"], ["ab", "y"]], width=None))
    assert lines[1:] == ["日本   x", "ab     y"]


def test_a_sentence_is_broken_between_words_and_indented() -> None:
    assert plain(wrapped(Text("! one two three four"), width=12, indent=2)) == ["! one two", "  three four"]
    assert plain(wrapped(Text("! one two three four"), width=None, indent=2)) == ["! one two three four"]


def test_some_columns_are_shortened_before_others() -> None:
    columns = [Column("NAME", shrinks=True), Column("OWNER", shrinks=True, yields=True)]
    lines = plain(table(columns, [[LONG, "alice@example.org"]], width=len(LONG) + 3 + 10))
    assert lines[1] == f"{LONG}   alice@exa…"


def test_rows_can_be_written_below_titles_that_were_printed_before() -> None:
    titles = table(COLUMNS, [["alice", "Ready", "a"]], width=None)[0]
    lines = plain(table(COLUMNS, [["bob", "Held", "b"], [LONG, "Held", "c"]], width=None, below=titles))
    assert lines == ["NAME    PHASE   OWNER", "bob     Held    b", f"{LONG}   Held    c"]
