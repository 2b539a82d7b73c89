"""One frame of ``winux top``: what goes where, and how many lines each part gets. Pure: lines out of what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from controller.admin.models import SessionView
from controller.cli import tables
from controller.cli.columns import wrapped
from controller.cli.description import description
from controller.cli.top_feed import Picture, Seen
from controller.cli.top_panels import alarms, header, phase_lines, vital_lines
from controller.cli.top_rows import arranged
from controller.cli.top_state import Page, State
from controller.cli.top_table import session_lines

_MOST_EVENTS = 16
_WIDE = 100
"""Columns of an answer that is for no terminal, where something has to have a width."""
_LOW = 8
"""Lines of a terminal below which there is but the table."""
_ROWS, _EVENTS = 5, 3
"""Lines of sessions that come before everything else, and the fewest of events."""

_KEYS = (
    ("up down j k", "move the cursor; page up, page down, home, end as well"),
    ("enter d", "all about the session at the cursor"),
    ("s", "another order: problems first, time left, newest first, name, owner"),
    ("f /", "show only sessions with these words, such as failed, an owner or a node; esc shows all"),
    ("p space", "stop the display, to read or to copy; once more goes on"),
    ("q Ctrl-C", "quit"),
)
_MEANINGS = (
    ("Sessions", "the bar has a part for each phase: █ Ready, ▓ being made, ░ waits, ▒ goes, ▚ held, × failed, · over"),
    ("Proxmox", "when all containers were last seen; calls of the last minute: how many, median and 95% of seconds"),
    (
        "Nodes",
        "creates, starts and destroys in progress / how many there may be now; lock waits lower that for a while",
    ),
    ("Work", "sessions to be looked at now and later; how long the last sessions took from acceptance to Ready"),
    ("Room", "VMIDs of the range in use, those that rest after use and those of others included; manifest files"),
    ("Events", "where events are sent on to"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The lines of a screen, no wider and no more than it has; and where the cursor is now."""

    lines: list[Text]
    state: State
    names: list[str]
    """Of the sessions in the order of their rows."""


def frame(seen: Seen, state: State, *, width: int, height: int, silent: float = 0.0) -> Frame:
    """``silent``: seconds since the last good answer."""
    views = arranged(seen.picture.sessions, order=state.order, text=state.text)
    names = [view.name for view in views]
    top = [header(seen, width=width, paused=state.paused, silent=silent)]
    top += alarms(seen, width=width, most=height // 3 if height >= _LOW else 0)
    room = max(1, height - len(top) - 1)
    if state.page is Page.SESSIONS:
        body, state = _sessions(seen, views, state, width=width, room=room)
    else:
        text = _help(width) if state.page is Page.HELP else _details(seen.picture, state, width)
        text = [Text(), *text] if height >= _LOW else text
        state = state.scrolled(len(text), room)
        body = text[state.first : state.first + room]
    lines = [*top, *body][: max(0, height - 1)]
    lines += [Text()] * (height - 1 - len(lines))
    lines = [*lines, _footer(state, names, width)][-height:]
    return Frame(lines=[_harmless(line, width) for line in lines], state=state, names=names)


def once(seen: Seen, *, width: int | None) -> list[Text]:
    """All of it, for whoever reads it later. ``width`` None: as wide as it comes."""
    fits, picture = width or _WIDE, seen.picture
    views = arranged(picture.sessions, order=State().order, text="")
    lines = [
        header(seen, width=fits, paused=False, silent=0.0),
        *alarms(seen, width=width or 1_000_000, most=1_000),
        Text(),
        *phase_lines(picture.status.phases, width=fits),
        *vital_lines(seen, width=width or 2 * _WIDE),
        Text(),
        *_table(picture, views, views, width),
        Text(),
        *_events(picture, _MOST_EVENTS, width),
    ]
    return [_harmless(line, width) for line in lines]


_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")


def _harmless(line: Text, width: int | None) -> Text:
    """Messages quote others: what they say may neither break a line nor steer the terminal."""
    line.plain = line.plain.translate(_CONTROLS)
    if width is not None:
        line.truncate(width, overflow="ellipsis")
    return line


# -- the page of sessions --------------------------------------------------------------------------------------


def _sessions(
    seen: Seen, views: Sequence[SessionView], state: State, *, width: int, room: int
) -> tuple[list[Text], State]:
    """Some sessions before all; then how it is doing, events, and blank lines, each as far as there is room."""
    picture = seen.picture
    left = room - 1 - min(len(views), _ROWS)
    phases, left = _as_far_as(left, phase_lines(picture.status.phases, width=width))
    vitals, left = _as_far_as(left, vital_lines(seen, width=width))
    wanted = min(len(picture.events), max(_EVENTS, room // 6)) + 1
    newest, left = (wanted, left - wanted) if left >= wanted and picture.events else (0, left)
    first, second, third = (blanks := min(3, max(0, left))) >= 3, blanks >= 1, blanks >= 2 and newest > 0
    lines = [*([Text()] if first else []), *phases, *vitals, *([Text()] if second else [])]
    rows = max(1, min(len(views), room - len(lines) - 1 - newest - third))
    state = state.settled([view.name for view in views], rows)
    shown = views[state.first : state.first + rows]
    table = _table(picture, shown, views, width, narrowed=state.text)
    cursor = 1 + state.cursor - state.first
    if views and state.selected is not None and 0 < cursor < len(table):
        table[cursor] = _marked(table[cursor], width)
    lines += table
    if newest:
        more = min(_MOST_EVENTS, room - len(lines) - third - 1)
        lines += [*([Text()] if third else []), *_events(picture, more, width)]
    return lines, state


def _as_far_as(left: int, lines: list[Text]) -> tuple[list[Text], int]:
    """All of them, or none; and the lines that are left then."""
    return (lines, left - len(lines)) if len(lines) <= left else ([], left)


def _table(
    picture: Picture, shown: Sequence[SessionView], every: Sequence[SessionView], width: int | None, narrowed: str = ""
) -> list[Text]:
    if every:
        return session_lines(shown, every, now=picture.status.now, width=width)
    if narrowed:
        return [Text(f"no session has “{narrowed}” in it: esc shows all", style="dim")]
    return [Text(f"there are no sessions: put a manifest into {picture.status.manifests}", style="dim")]


def _marked(line: Text, width: int) -> Text:
    """Where the cursor is: seen without colours too, and of one piece."""
    marked = Text(line.plain, style="reverse")
    marked.truncate(width, overflow="ellipsis", pad=True)
    return marked


def _events(picture: Picture, number: int, width: int | None) -> list[Text]:
    if not picture.events:
        return [Text("no events yet", style="dim")]
    return tables.events(picture.events[-number:], now=picture.status.now, width=width, one_line=True)


# -- other pages -----------------------------------------------------------------------------------------------


def _details(picture: Picture, state: State, width: int) -> list[Text]:
    session = next((view for view in picture.sessions if view.name == state.selected), None)
    if session is None:
        return [Text(f"session {state.selected} is gone", style="yellow")]
    details = picture.details
    if details is not None and details.session == session.name:
        events = details.events
    else:  # they are on their way
        events = tuple(event for event in picture.events if event.session == session.name)
    lines = description(session, events, now=picture.status.now, room=width - 2)
    return [part for line in lines for part in line.split("\n", allow_blank=True)]


def _help(width: int) -> list[Text]:
    lines = [Text("Keys", style="bold")]
    for pairs in (_KEYS, _MEANINGS):
        if pairs is _MEANINGS:
            lines += [Text(), Text("What is shown", style="bold")]
        for title, said in pairs:
            first, *rest = _folded(said, width - 16)
            lines.append(Text.assemble((f"  {title:<13} ", "cyan"), first))
            lines += [Text.assemble(" " * 16, line) for line in rest]
    return lines


def _folded(said: str, width: int) -> list[Text]:
    return wrapped(Text(said), width=max(20, width), indent=0)


def _footer(state: State, names: Sequence[str], width: int) -> Text:
    """What the keys do here; on the right which rows are seen."""
    if state.typing:
        left = Text.assemble(
            ("filter: ", "bold"), state.text, ("▏", "blink"), ("  enter keeps it, esc shows all", "dim")
        )
    elif state.page is Page.SESSIONS:
        left = _hints(q="quit", s=state.order, f=f"“{state.text}”" if state.text else "filter", p="pause")
        left.append_text(_hints(enter="details")).append_text(Text.assemble(("?", "bold cyan"), (" help", "")))
    else:
        left = _hints(esc="back", **{"up down": "scroll"})
    right = Text(style="dim")
    if state.page is Page.SESSIONS and names:
        last = min(len(names), state.first + state.room)
        right.append(
            f"{len(names)}" if last - state.first == len(names) else f"{state.first + 1}–{last} of {len(names)}"
        )
    left.truncate(max(0, width - right.cell_len - 1), overflow="ellipsis", pad=True)
    return Text.assemble(left, " ", right, no_wrap=True)


def _hints(**keys: str) -> Text:
    text = Text()
    for key, does in keys.items():
        text.append(key, style="bold cyan").append(f" {does}  ")
    return text
