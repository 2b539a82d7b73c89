"""What a person chose in ``winux top``, and what a key changes about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from controller.cli.top_keys import Key
from controller.cli.top_rows import Order


class Page(StrEnum):
    SESSIONS = "sessions"
    DETAILS = "details"
    HELP = "help"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    page: Page = Page.SESSIONS
    order: Order = Order.URGENT
    text: str = ""
    """The filter."""
    typing: bool = False
    """Keys go into the filter."""
    paused: bool = False
    selected: str | None = None
    """A session that the cursor follows; None while nobody moved it: it is not shown, on the first row."""
    cursor: int = 0
    """The row it was seen in last."""
    first: int = 0
    """The first row that is shown; on other pages, the first line."""
    room: int = 1
    """Rows that were shown last."""
    over: bool = False
    """It is time to end."""
    suspended: bool = False
    """It is time to stop until the shell goes on."""

    def settled(self, names: Sequence[str], room: int) -> State:
        """The cursor on its session, or near where that was, and within the rows that are shown."""
        cursor = self.cursor
        if self.selected is None:
            cursor = 0
        elif self.selected in names:
            cursor = names.index(self.selected)
        cursor = max(0, min(cursor, len(names) - 1))
        selected = names[cursor] if self.selected is not None and names else self.selected
        last = max(0, len(names) - room)
        first = max(min(self.first, last, cursor), cursor - room + 1, 0)
        return replace(self, selected=selected, cursor=cursor, first=first, room=room)

    def scrolled(self, lines: int, room: int) -> State:
        """The same for a page of lines without a cursor."""
        return replace(self, first=max(0, min(self.first, lines - room)), room=room)


def pressed(state: State, key: str, names: Sequence[str]) -> State:
    """``names``: of the sessions in the order of their rows."""
    if key == Key.HANG_UP:
        return replace(state, over=True)
    if key == Key.SUSPEND:
        return replace(state, suspended=True)
    if state.typing:
        return _typed(state, key)
    if key in {"q", "Q"} and state.page is Page.SESSIONS:
        return replace(state, over=True)
    if key in {"p", "P", " "}:
        return replace(state, paused=not state.paused)
    if (steps := _steps(key, state.room)) is not None:
        return _moved(state, steps, names) if state.page is Page.SESSIONS else _shifted(state, steps)
    return _turned(state, key, names) if state.page is Page.SESSIONS else _left(state, key)


_FAR = 1_000_000


def _steps(key: str, room: int) -> int | None:
    page = max(1, room - 1)
    return {
        Key.UP: -1,
        "k": -1,
        Key.DOWN: 1,
        "j": 1,
        Key.PAGE_UP: -page,
        Key.PAGE_DOWN: page,
        Key.HOME: -_FAR,
        "g": -_FAR,
        Key.END: _FAR,
        "G": _FAR,
    }.get(key)


def _moved(state: State, steps: int, names: Sequence[str]) -> State:
    if not names:
        return state
    shown = state.selected is not None or abs(steps) > 1
    row = max(0, min(state.cursor + steps, len(names) - 1)) if shown else 0
    return replace(state, cursor=row, selected=names[row])


def _shifted(state: State, steps: int) -> State:
    return replace(state, first=max(0, state.first + steps))


def _turned(state: State, key: str, names: Sequence[str]) -> State:
    """On the page of sessions."""
    match key:
        case "s" | "S":
            return replace(state, order=state.order.following)
        case "f" | "F" | "/":
            return replace(state, typing=True)
        case "?" | "h":
            return replace(state, page=Page.HELP, first=0)
        case Key.ENTER | "d" if names:
            chosen = names[max(0, min(state.cursor, len(names) - 1))]
            return replace(state, page=Page.DETAILS, selected=chosen, first=0)
        case Key.ESCAPE:
            return replace(state, text="")
    return state


def _left(state: State, key: str) -> State:
    """On another page: whatever ends it leads back."""
    if key in {Key.ESCAPE, Key.ENTER, Key.BACKSPACE, "q", "Q", "d", "h", "?"}:
        return replace(state, page=Page.SESSIONS, first=0)
    return state


def _typed(state: State, key: str) -> State:
    if key == Key.ENTER:
        return replace(state, typing=False)
    if key == Key.ESCAPE:
        return replace(state, typing=False, text="")
    if key == Key.BACKSPACE:
        return replace(state, text=state.text[:-1])
    return replace(state, text=state.text + key) if len(key) == 1 else state
