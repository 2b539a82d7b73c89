"""What keys do in ``winux top``; which sessions are shown, and in what order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.cli.top_keys import Key
from controller.cli.top_rows import Order, arranged
from controller.cli.top_state import Page, State, pressed
from tests.unit.cli.toplab import ago, morning, session

NAMES = [f"s{n:02d}" for n in range(20)]


def after(*keys: str, state: State | None = None, room: int = 5) -> State:
    """The state after these keys, settled before each as a frame does."""
    found = (state or State()).settled(NAMES, room)
    for key in keys:
        found = pressed(found, key, NAMES)
        found = found.settled(NAMES, room) if found.page is Page.SESSIONS else found
    return found


MOVES = {
    "the cursor begins at the top": ([], 0),
    "the first move shows it": (["j"], 0),
    "one down": (["j", "j"], 1),
    "down and up": ([Key.DOWN, Key.DOWN, Key.DOWN, "k"], 1),
    "not above the first": (["k", "k"], 0),
    "a page is a line less than is seen": ([Key.PAGE_DOWN], 4),
    "to the end": (["G"], 19),
    "not below the last": ([Key.END, "j"], 19),
    "and back": (["G", "g"], 0),
}


@pytest.mark.parametrize(("keys", "row"), MOVES.values(), ids=MOVES.keys())
def test_the_cursor_moves(keys: list[str], row: int) -> None:
    state = after(*keys)
    assert state.cursor == row
    assert state.first <= row < state.first + 5


def test_the_cursor_follows_its_session_when_the_order_changes() -> None:
    state = after("j", "j", "j")
    assert state.selected == "s02"
    assert state.settled(list(reversed(NAMES)), 5).cursor == 17


def test_a_cursor_that_nobody_moved_stays_on_the_first_row() -> None:
    assert State().settled(NAMES, 5).settled(list(reversed(NAMES)), 5).cursor == 0


def test_when_its_session_is_gone_the_cursor_stays_near() -> None:
    state = after("j", "j", "j").settled([name for name in NAMES if name != "s02"], 5)
    assert (state.cursor, state.selected) == (2, "s03")
    assert state.settled([], 5).cursor == 0


def test_a_larger_screen_leaves_no_empty_rows() -> None:
    assert after("G").settled(NAMES, 50).first == 0


TURNS = {
    "q quits": (["q"], {"over": True}),
    "nobody there any more": ([Key.HANG_UP], {"over": True}),
    "s changes the order": (["s"], {"order": Order.TIME_LEFT}),
    "all orders, and the first again": (["s"] * 5, {"order": Order.URGENT}),
    "p pauses": (["p"], {"paused": True}),
    "a blank too, and goes on": ([" ", " "], {"paused": False}),
    "? helps": (["?"], {"page": Page.HELP}),
    "and goes back": (["?", Key.ESCAPE], {"page": Page.SESSIONS}),
    "q only leaves another page": (["?", "q"], {"page": Page.SESSIONS, "over": False}),
    "details of the session at the cursor": (["j", "j", Key.ENTER], {"page": Page.DETAILS, "selected": "s01"}),
    "of the first without a move": (["d"], {"page": Page.DETAILS, "selected": "s00"}),
    "details scroll": (["d", "j", "j", "k"], {"first": 1}),
    "not above the first line": (["d", "k"], {"first": 0}),
    "pausing works there too": (["d", "p"], {"paused": True, "page": Page.DETAILS}),
    "f filters": (["f", "a", "q", "s"], {"typing": True, "text": "aqs", "over": False}),
    "backspace": (["/", "a", "b", Key.BACKSPACE], {"text": "a"}),
    "keys that are no characters are not typed": (["f", "a", Key.DOWN, Key.PAGE_UP], {"text": "a"}),
    "enter keeps it": (["f", "a", Key.ENTER], {"typing": False, "text": "a"}),
    "escape drops it": (["f", "a", Key.ESCAPE], {"typing": False, "text": ""}),
    "later too": (["f", "a", Key.ENTER, Key.ESCAPE], {"text": ""}),
    "Ctrl-Z stops": ([Key.SUSPEND], {"suspended": True}),
    "an unknown key does nothing": (["x"], {}),
}


@pytest.mark.parametrize(("keys", "changed"), TURNS.values(), ids=TURNS.keys())
def test_keys(keys: list[str], changed: dict[str, object]) -> None:
    state = after(*keys)
    assert {name: getattr(state, name) for name in changed} == changed
    if not changed:
        assert state == after()


def test_without_sessions_no_key_stumbles() -> None:
    state = State().settled([], 5)
    for key in [*Key, "j", "k", "g", "G", "d", "s"]:
        pressed(state, key, [])
    assert pressed(state, Key.ENTER, []).page is Page.SESSIONS


ORDERS = {
    Order.URGENT: ["exam-anna", "quiet", "linux-14", "linux-15", "linux-16", "zoe", "linux-13", "linux-12"],
    Order.TIME_LEFT: ["linux-13", "linux-12"],
    Order.NEWEST: ["linux-15", "linux-16", "linux-14", "linux-00"],
    Order.NAME: ["exam-anna", "linux-00", "linux-01"],
    Order.OWNER: ["exam-anna", "linux-00", "linux-01"],
}


@pytest.mark.parametrize("order", Order)
def test_orders(order: Order) -> None:
    views = arranged(reversed(morning().picture.sessions), order=order, text="")
    assert [view.name for view in views][: len(ORDERS[order])] == ORDERS[order]
    assert len(views) == 21


def test_what_is_scheduled_and_what_is_over_come_last() -> None:
    views = arranged([*morning().picture.sessions, session("old", "Expired")], order=Order.URGENT, text="")
    assert [view.name for view in views][-2:] == ["tomorrow", "old"]


def test_a_manifest_with_a_mistake_is_a_problem_whatever_the_phase() -> None:
    wrong = session("wrong", problems=("wrong.yaml:3: spec.ttl: …",), accepted_at=ago(9), left=9_000)
    assert arranged([*morning().picture.sessions, wrong], order=Order.URGENT, text="")[0] == wrong


FILTERS = {
    "": 21,
    "failed": 1,
    "READY": 14,
    "30113": 1,
    "pve2": 8,
    "zoe@": 1,
    "linux ready pve2": 7,
    "never 3389": 1,
    "no such thing": 0,
}


@pytest.mark.parametrize(("text", "number"), FILTERS.items())
def test_filters(text: str, number: int) -> None:
    assert len(arranged(morning().picture.sessions, order=Order.NAME, text=text)) == number


def test_states_are_values() -> None:
    state = State()
    assert pressed(state, "s", NAMES) == replace(state, order=Order.TIME_LEFT)
    assert state == State()
