"""What a frame of ``winux top`` shows, as text, at the sizes that terminals have."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from rich.console import Console

from controller.admin.models import EventView, SessionView
from controller.admin.vital_models import CallVitals, QueueVitals, SinkVitals, VmidVitals
from controller.cli.top import draw
from controller.cli.top_feed import Seen
from controller.cli.top_frame import Frame, frame, once
from controller.cli.top_state import Page, State
from tests.unit.cli.toplab import NOW, brakes, mistake, morning, ready, seen, session

SIZES = [(80, 24), (200, 60), (120, 34), (60, 12), (40, 8), (20, 4), (3, 1), (300, 100)]


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times are shown in the zone of the machine."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def shown(seen: Seen, state: State | None = None, *, size: tuple[int, int] = (80, 24), silent: float = 0.0) -> Frame:
    return frame(seen, state or State(), width=size[0], height=size[1], silent=silent)


def text(drawn: Frame) -> list[str]:
    return [line.plain.rstrip() for line in drawn.lines]


def line_of(drawn: Frame, word: str) -> str:
    (found,) = (line for line in text(drawn) if line.startswith(word))
    return found


def troubled() -> Seen:
    """Everything at once."""
    mistakes = (mistake("ines.yaml:3:5: spec.ttl: soon is no duration"),) * 3
    picture = morning().picture
    return seen(*picture.sessions, events=picture.events, notices=brakes(), problems=mistakes, trouble="nobody answers")


def test_a_morning_at_80_by_24() -> None:
    assert text(shown(morning())) == [
        "winux top  default  https://pve1.example.org:8006  up 3h12m    ● ready  08:00:00",
        "",
        "Sessions  21 █████████████████████████████████████████████▓▓▓▓░░░░░▒▒▚▚××",
        "   █14 Ready ▓1 Starting ▓1 Creating ░2 Pending ▒1 Terminating ▚1 Held ×1 Failed",
        "Proxmox   ● seen 1s ago  5.2 calls/s  none fails  12ms, 95% 84ms  3 in flight",
        "Nodes     × pve3 is down  ● pve1 2/4  ● pve2 0/4",
        "Work      queue 2 due, 31 later  1 worked on  ready in 4.2s (median of 20)",
        "Room      VMIDs █░░░░░░░░░░░ 45 of 1000  24 files read 12s ago",
        "",
        "NAME        PHASE         LEFT     AGE      MESSAGE",
        "exam-anna   Failed        -        31m40s   3 containers were made and none bec…",
        "quiet       Held          (45m)    -        spec.paused is true: nothing is cre…",
        "linux-14    Starting      (45m)    4s       container 30114 starts on pve1",
        "linux-15    Creating      (45m)    2s       container 30115 is being made on pv…",
        "linux-16    Pending       (45m)    2s       other operations run on the node: i…",
        "zoe         Terminating   -        10m00s   its time is up",
        "linux-13    Ready         38m29s   10m00s   desktop at 10.77.0.113",
        "linux-12    Ready         38m36s   10m00s   desktop at 10.77.0.112",
        "",
        "TIME       TYPE      REASON            SESSION    MESSAGE",
        "07:59:57   Normal    Expired           zoe        its time is up",
        "07:59:58   Normal    Creating          linux-15   container 30115 is made on pv…",
        "07:59:59   Normal    Created           linux-14   container 30114 was made",
        "q quit  s problems first  f filter  p pause  enter details  ? help     1–8 of 21",
    ]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("page", Page)
@pytest.mark.parametrize("seen", [morning(), troubled(), seen()], ids=["morning", "trouble", "empty"])
def test_a_frame_fills_the_screen_and_never_more(seen: Seen, page: Page, size: tuple[int, int]) -> None:
    drawn = shown(seen, State(page=page, selected="exam-anna"), size=size)
    assert len(drawn.lines) == size[1]
    assert [line.plain for line in drawn.lines if line.cell_len > size[0] or "\n" in line.plain] == []


@pytest.mark.parametrize("size", [size for size in SIZES if size[1] >= 4], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_most_urgent_session_is_seen_at_any_size(size: tuple[int, int]) -> None:
    assert any(line.startswith("exam-anna") for line in text(shown(troubled(), size=size)))


def test_a_wide_terminal_has_all_columns_and_the_vitals_side_by_side() -> None:
    drawn = shown(morning(), size=(200, 60))
    assert line_of(drawn, "NAME").split() == [
        "NAME", "PHASE", "LEFT", "AGE", "OWNER", "ADDRESS", "VMID", "NODE", "TEMPLATE", "MESSAGE",
    ]  # fmt: skip
    assert "30113   pve2   office     the desktop answers" in line_of(drawn, "linux-13")
    assert "Work      queue 2 due" in line_of(drawn, "Proxmox")
    assert "(3 resting, 1 foreign)" in line_of(drawn, "Nodes")
    assert line_of(drawn, "tomorrow")
    assert text(drawn)[-1].endswith(" 21"), "all rows are seen"


def test_what_holds_it_back_is_said_in_sentences_and_in_red() -> None:
    drawn = shown(seen(notices=brakes()))
    assert "● NotObserved +1" in text(drawn)[0]
    assert text(drawn)[1:6] == [
        "! Proxmox cannot be observed: https://pve1.example.org:8006 does not answer",
        "  (Connection refused)",
        "! 14 of 17 containers lost their manifest at once (allowed: 3): none is",
        "  destroyed until the manifests are back or an administrator runs `winux",
        "  confirm`",
    ]
    assert "bold red" in [str(span.style) for span in drawn.lines[0].spans]
    assert "red" in [str(span.style) for span in drawn.lines[1].spans]


def test_mistakes_in_manifests_are_counted_and_the_first_is_told() -> None:
    mistakes = (mistake("ines.yaml:3:5: spec.ttl: soon is no duration"), mistake("another"))
    drawn = shown(seen(problems=mistakes), size=(140, 24))
    assert text(drawn)[1] == (
        "! ines.yaml:3:5: spec.ttl: soon is no duration (and 1 more: `winux validate /etc/winux/manifests`)"
    )
    assert "● ready" in text(drawn)[0], "the others are served"


def test_more_alarms_than_fit_leave_the_sessions_on_the_screen() -> None:
    drawn = shown(troubled(), size=(60, 18))
    assert "  … enlarge the terminal to read the rest" in text(drawn)
    assert line_of(drawn, "exam-anna")


def test_a_daemon_that_went_away_is_said_with_the_time_since() -> None:
    drawn = shown(seen(ready("a", 30_001), trouble="no daemon answers at /run/winux/admin.sock"), silent=72.0)
    assert "● no answer for 1m12s" in text(drawn)[0]
    assert text(drawn)[1].startswith("! no daemon answers at /run/winux/admin.sock; this is what it said last")
    assert line_of(drawn, "Proxmox").startswith("Proxmox   ○ not known now")
    assert line_of(drawn, "a ")


def test_an_empty_site_says_what_to_do() -> None:
    drawn = shown(seen(calls=CallVitals(
        window_seconds=0.0, ended=0, errors=0, median_seconds=None, slow_seconds=None, last_error=None,
        in_flight=0, waiting=0), observed_seconds=None, ready_median_seconds=None, nodes=()))  # fmt: skip
    assert line_of(drawn, "there are no sessions") == "there are no sessions: put a manifest into /etc/winux/manifests"
    assert line_of(drawn, "Sessions") == "Sessions  none"
    assert line_of(drawn, "Proxmox") == "Proxmox   ● not seen yet  0.0 calls/s  0 in flight"
    assert line_of(drawn, "Nodes") == "Nodes     not known yet"


VITALS = {
    "calls that fail": (
        {"calls": CallVitals(window_seconds=60, ended=300, errors=30, median_seconds=0.5, slow_seconds=12.0,
                             last_error="create: Timeout", in_flight=4, waiting=9)},
        "Proxmox   ● seen 1s ago  5.0 calls/s  10% fail (create: Timeout)  500ms, 95% 12s  4 in flight, 9 waiting",
    ),
    "few calls that fail": (
        {"calls": CallVitals(window_seconds=60, ended=600, errors=1, median_seconds=0.01, slow_seconds=0.02,
                             last_error="config: Transient", in_flight=0, waiting=0)},
        "Proxmox   ● seen 1s ago  10.0 calls/s  <1% fail (config: Transient)  10ms, 95% 20ms  0 in flight",
    ),
    "work that does not end": (
        {"queue": QueueVitals(depth=0, delayed=0, processing=2, retries=0, longest_seconds=75.0), "ready_counted": 1},
        "Work      queue 0 due, 0 later  2 worked on for 1m15s  ready in 4.2s (the last one)",
    ),
    "a range that is nearly full": (
        {"vmids": VmidVitals(first=100, last=199, used=90, resting=8, foreign=0)},
        "Room      VMIDs ████████████ 98 of 100 (8 resting)  24 files read 12s ago",
    ),
    "events that are not sent on": (
        {"sinks": (SinkVitals(name="file", waiting=0, oldest_seconds=0),
                   SinkVitals(name="webhook", waiting=12, oldest_seconds=190))},
        "Events    file all sent  webhook 12 not sent, the oldest for 3m10s",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("more", "line"), VITALS.values(), ids=VITALS.keys())
def test_vitals(more: dict[str, object], line: str) -> None:
    drawn = shown(seen(**more), size=(130, 24))  # type: ignore[arg-type]
    assert line_of(drawn, line.split(maxsplit=1)[0]) == line


def test_of_many_nodes_those_that_are_down_come_first() -> None:
    nodes = [
        {"name": f"node-{n:02d}", "online": n != 17, "calls": 0, "operations": 0, "operations_limit": 4}
        for n in range(20)
    ]
    assert line_of(shown(seen(nodes=nodes)), "Nodes") == (
        "Nodes     × node-17 is down  ● node-00 0/4  ● node-01 0/4  and 17 more"
    )


@pytest.mark.parametrize(
    ("days", "said"),
    [(3, "! the API token expires in 3d: renew it"), (-1, "! the API token has expired: renew it"), (30, "")],
)
def test_a_token_that_expires_soon_is_said(days: int, said: str) -> None:
    drawn = shown(seen(token_expires_at=NOW + timedelta(days=days)))
    assert text(drawn)[1] == said


def test_the_cursor_is_seen_without_colours() -> None:
    drawn = shown(morning(), State(selected="linux-14", cursor=2))
    (row,) = (line for line in drawn.lines if line.plain.startswith("linux-14"))
    assert str(row.style) == "reverse"
    assert row.cell_len == 80
    assert not [line for line in shown(morning()).lines if str(line.style) == "reverse"], "until somebody moves it"


def test_rows_scroll_with_the_cursor_and_columns_stay() -> None:
    drawn = shown(morning(), State(selected="tomorrow", cursor=20))
    assert line_of(drawn, "tomorrow")
    assert text(drawn)[-1].endswith("14–21 of 21")
    assert line_of(drawn, "NAME") == line_of(shown(morning()), "NAME")


def test_a_filter_that_nothing_matches_says_how_to_see_all() -> None:
    drawn = shown(morning(), State(text="nobody"))
    assert line_of(drawn, "no session") == "no session has “nobody” in it: esc shows all"
    assert "f “nobody”" in text(drawn)[-1]
    assert drawn.names == []


def test_the_filter_is_seen_while_it_is_typed() -> None:
    assert text(shown(morning(), State(typing=True, text="lin")))[-1].startswith("filter: lin▏  enter keeps it")


def test_a_display_that_is_paused_says_so() -> None:
    assert "‖ display paused" in text(shown(morning(), State(paused=True)))[0]


def test_the_details_are_those_of_describe() -> None:
    drawn = shown(morning(), State(page=Page.DETAILS, selected="exam-anna"))
    assert line_of(drawn, "Phase:") == "Phase:       Failed (NeverReady)"
    assert any("3 containers were made and none became" in line for line in text(drawn))
    assert text(drawn)[-1] == "esc back  up down scroll"
    gone = shown(morning(), State(page=Page.DETAILS, selected="nobody"))
    assert line_of(gone, "session") == "session nobody is gone"


def test_the_help_can_be_scrolled_to_its_end() -> None:
    first = shown(morning(), State(page=Page.HELP))
    assert line_of(first, "Keys")
    last = shown(morning(), State(page=Page.HELP, first=1_000))
    assert text(last)[-2].startswith("  Events")
    assert last.state.first > 0


def test_what_others_wrote_neither_breaks_a_line_nor_steers_the_terminal() -> None:
    evil = session("evil", "Pending", reason="CreateFailed", failing=True, message="a\x1b[2Jb\r\nc")
    drawn = shown(seen(evil))
    assert "a [2Jb c" in line_of(drawn, "evil")
    assert not [line for line in drawn.lines if any(ord(char) < 32 for char in line.plain)]


def test_all_of_it_once_is_cut_nowhere() -> None:
    lines = [line.plain for line in once(morning(), width=None)]
    assert sum("desktop answers" in line or line.startswith("linux-") for line in lines) >= 17
    assert any(line.endswith("nothing listens on port 3389") for line in lines)
    assert not [line for line in lines if "…" in line]
    assert "q quit" not in "\n".join(lines)


@pytest.mark.parametrize("colours", [True, False], ids=["colours", "none"])
def test_a_frame_is_written_at_once_from_the_corner_and_fills_every_line(colours: bool) -> None:
    file = io.StringIO()
    console = Console(
        file=file, width=80, height=24, force_terminal=True, no_color=not colours, highlight=False, soft_wrap=True
    )
    draw(console, morning(), State())
    written = file.getvalue()
    assert written.startswith("\x1b[H")
    assert written.count("\n") == 23
    assert ("\x1b[32m" in written or "\x1b[1;32m" in written) is colours


def events_of(number: int) -> tuple[EventView, ...]:
    return tuple(event for event in morning().picture.events for _ in range(number))


def test_few_sessions_leave_the_room_to_events() -> None:
    views: tuple[SessionView, ...] = (ready("alice", 30_001),)
    drawn = shown(seen(*views, events=events_of(9)), size=(80, 24))
    titles = text(drawn).index(line_of(drawn, "TIME"))
    assert 24 - titles - 2 >= 10
