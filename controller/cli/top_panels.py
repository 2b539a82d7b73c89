"""The upper part of ``winux top``: who it is, what holds it back, sessions by phase, and how it is doing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from controller.admin.models import ControllerStatus
from controller.admin.vital_models import CallVitals, NodeVitals, QueueVitals, SinkVitals, Vitals, VmidVitals
from controller.cli.columns import wrapped
from controller.cli.console import PHASE_STYLES
from controller.cli.spans import age, clock, short, span
from controller.cli.top_feed import Picture, Seen
from controller.core.model import Phase

BETWEEN = "  "
LABEL = 10
TWO_COLUMNS = 150
"""Columns of a terminal from which on the vitals stand side by side."""
STUCK = 30.0
"""Seconds of work on one session from which on it stands out: no call takes longer."""
_LONG = 84
"""Columns beside a label from which on more is said."""
SOON = 14 * 86_400.0
"""Seconds before something expires from which on it is said."""
_FULL, _NEARLY_FULL = 0.95, 0.8
_BAR = {
    Phase.READY: "█",
    Phase.STARTING: "▓",
    Phase.CREATING: "▓",
    Phase.PENDING: "░",
    Phase.TERMINATING: "▒",
    Phase.HELD: "▚",
    Phase.FAILED: "×",
    Phase.EXPIRED: "·",
}
"""In the order of the bar. What the colours tell the glyphs tell too."""
_SHORTEST_BAR, _LONGEST_BAR = 16, 60
"""Characters; where there is no room for the shortest and the legend, they take a line each."""


def header(seen: Seen, *, width: int, paused: bool, silent: float) -> Text:
    """One line; what has no room is left out. ``silent``: seconds since the last good answer."""
    status, vitals = seen.picture.status, seen.picture.vitals
    right = Text.assemble(*_badge(seen, paused=paused, silent=silent), f"  {clock(status.now, status.now)}")
    left = Text.assemble(("winux top", "bold"), f"  {status.controller}")
    room = width - right.cell_len - len(BETWEEN)
    for part in _parts(status, vitals):
        if left.cell_len + len(BETWEEN) + part.cell_len <= room:
            left.append(BETWEEN).append_text(part)
    left.truncate(max(0, room), overflow="ellipsis", pad=True)
    return Text.assemble(left, BETWEEN, right, no_wrap=True)


def _parts(status: ControllerStatus, vitals: Vitals) -> Iterator[Text]:
    if vitals.url is not None:
        yield Text(vitals.url)
    yield Text(f"up {age(status.started_at, status.now)}", style="dim")
    yield Text(f"version {status.version}", style="dim")


def _badge(seen: Seen, *, paused: bool, silent: float) -> Iterator[tuple[str, str]]:
    if paused:
        yield "‖ display paused  ", "yellow"
    if seen.trouble is not None:
        yield f"● no answer for {span(silent)}", "bold red"
    elif reasons := [notice.reason for notice in seen.picture.status.notices]:
        yield f"● {reasons[0]}", "bold red"
        if len(reasons) > 1:
            yield f" +{len(reasons) - 1}", "bold red"
    else:
        yield "● ready", "bold green"


def alarms(seen: Seen, *, width: int, most: int) -> list[Text]:
    """What people have to know before all else, in ``most`` lines."""
    lines = [line for text in _sentences(seen) for line in wrapped(text, width=width, indent=2)]
    if len(lines) <= most:
        return lines
    return [*lines[: max(0, most - 1)], Text("  … enlarge the terminal to read the rest", style="dim")][:most]


def _sentences(seen: Seen) -> Iterator[Text]:
    status, vitals = seen.picture.status, seen.picture.vitals
    if seen.trouble is not None:
        yield _sentence(f"{seen.trouble}; this is what it said last, and it is asked again", "red")
    for notice in status.notices:
        yield _sentence(notice.sentence, "red")
    if status.problems:
        more = len(status.problems) - 1
        rest = f" (and {more} more: `winux validate {status.manifests}`)" if more else ""
        yield _sentence(f"{status.problems[0].sentence}{rest}", "yellow")
    yield from _expiries(vitals)


def _expiries(vitals: Vitals) -> Iterator[Text]:
    for what, when in (
        ("the API token", vitals.token_expires_at),
        ("the certificate that Proxmox shows", vitals.certificate_expires_at),
    ):
        if when is not None and (left := (when - vitals.now).total_seconds()) < SOON:
            yield _sentence(f"{what} {f'expires in {span(left)}' if left > 0 else 'has expired'}: renew it", "yellow")


def _sentence(sentence: str, style: str) -> Text:
    return Text.assemble(("! ", f"bold {style}"), (sentence, style))


# -- sessions by phase -----------------------------------------------------------------------------------------


def phase_lines(phases: Mapping[str, int], *, width: int) -> list[Text]:
    """A bar and what it is made of; on two lines where one is too short."""
    counts = {phase: phases[phase] for phase in _BAR if phases.get(phase)}
    total = sum(counts.values())
    title = Text(f"{'Sessions':<{LABEL}}", style="dim")
    if not total:
        return [Text.assemble(title, ("none", "dim"))]
    title.append(f"{total} ", style="bold not dim")
    room = width - title.cell_len
    legend = _legend(counts, glyph="{} ", between="  ")
    if (left := room - legend.cell_len - 2) >= _SHORTEST_BAR:
        return [Text.assemble(title, _bar(counts, min(left, _LONGEST_BAR)), "  ", legend)]
    if LABEL + legend.cell_len > width:
        legend = _legend(counts, glyph="{}", between=" ")
    indent = max(0, min(LABEL, width - legend.cell_len))
    return [Text.assemble(title, _bar(counts, min(room, _LONGEST_BAR))), Text.assemble(" " * indent, legend)]


def _legend(counts: Mapping[Phase, int], *, glyph: str, between: str) -> Text:
    return Text(between).join(
        Text.assemble((glyph.format(_BAR[phase]), PHASE_STYLES[phase]), (str(count), "bold"), f" {phase}")
        for phase, count in counts.items()
    )


def _bar(counts: Mapping[Phase, int], width: int) -> Text:
    """At least one cell for each phase, however few are in it."""
    total, bar = sum(counts.values()), Text()
    cells = {phase: max(1, count * width // total) for phase, count in counts.items()}
    largest = max(cells, key=lambda phase: cells[phase])
    cells[largest] = max(1, cells[largest] + width - sum(cells.values()))
    for phase, number in cells.items():
        bar.append(_BAR[phase] * number, style=PHASE_STYLES[phase])
    return bar


# -- how it is doing -------------------------------------------------------------------------------------------


def vital_lines(seen: Seen, *, width: int) -> list[Text]:
    """Labelled lines, side by side where there is room."""
    column = width if width < TWO_COLUMNS else (width - len(BETWEEN)) // 2
    cells = list(_cells(seen, column - LABEL))
    for cell in cells:
        cell.truncate(column, overflow="ellipsis")
    if column == width:
        return cells
    half = (len(cells) + 1) // 2
    lines = []
    for number, left in enumerate(cells[:half]):
        line = left.copy()
        if half + number < len(cells):
            line.truncate(column, pad=True)
            line.append(BETWEEN).append_text(cells[half + number])
        lines.append(line)
    return lines


def _cells(seen: Seen, room: int) -> Iterator[Text]:
    picture, vitals = seen.picture, seen.picture.vitals
    yield _cell("Proxmox", [_observed(seen), *_calls(vitals.calls)])
    yield _cell("Nodes", list(_nodes(vitals.nodes, room)))
    yield _cell("Work", [*_queue(vitals.queue), _ready(vitals)])
    yield _cell("Room", [_vmids(vitals.vmids, long=room >= _LONG), _manifests(picture)])
    if vitals.sinks:
        yield _cell("Events", [_sink(sink) for sink in vitals.sinks])


def _cell(label: str, parts: Sequence[Text]) -> Text:
    return Text.assemble((f"{label:<{LABEL}}", "dim"), Text(BETWEEN).join(parts), no_wrap=True)


def _observed(seen: Seen) -> Text:
    seconds = seen.picture.vitals.observed_seconds
    if seen.trouble is not None:
        return Text("○ not known now", style="dim")
    if seconds is None:
        return Text("● not seen yet", style="red")
    blind = any(notice.reason == "NotObserved" for notice in seen.picture.status.notices)
    return Text.assemble(("● ", "red" if blind else "green"), (f"seen {span(seconds)} ago", "red" if blind else ""))


def _calls(calls: CallVitals) -> Iterator[Text]:
    rate = calls.ended / calls.window_seconds if calls.window_seconds else 0.0
    yield Text(f"{rate:.1f} calls/s")
    if calls.errors:
        share = 100 * calls.errors / calls.ended
        percent = f"{share:.0f}%" if share >= 1 else "<1%"
        yield Text(f"{percent} fail ({calls.last_error})", style="yellow" if share < 10 else "red")
    elif calls.ended:
        yield Text("none fails", style="dim")
    if calls.ended:
        yield Text(f"{short(calls.median_seconds)}, 95% {short(calls.slow_seconds)}")
    waiting = f", {calls.waiting} waiting" if calls.waiting else ""
    yield Text(f"{calls.in_flight} in flight{waiting}", style="" if calls.in_flight or calls.waiting else "dim")


def _nodes(nodes: Sequence[NodeVitals], room: int) -> Iterator[Text]:
    """Those that are down first; as many as there is room for."""
    if not nodes:
        yield Text("not known yet", style="dim")
        return
    used = 0
    ordered = sorted(nodes, key=lambda node: (node.online is not False, node.name))
    for number, node in enumerate(ordered):
        part = _node(node)
        left = len(ordered) - number
        more = Text(f"and {left} more", style="dim")
        needed = part.cell_len + (len(BETWEEN) + more.cell_len if left > 1 else 0)
        if number and used + needed > room:
            yield more
            return
        used += part.cell_len + len(BETWEEN)
        yield part


def _node(node: NodeVitals) -> Text:
    if node.online is False:
        return Text(f"× {node.name} is down", style="bold red")
    dot = ("● ", "green") if node.online else ("○ ", "dim")
    busy = f"{node.operations}/{node.operations_limit}"
    return Text.assemble(dot, node.name, " ", (busy, "cyan" if node.operations else "dim"))


def _queue(queue: QueueVitals) -> Iterator[Text]:
    yield Text.assemble("queue ", (f"{queue.depth} due", "bold" if queue.depth else ""), f", {queue.delayed} later")
    if queue.processing:
        stuck = queue.longest_seconds >= STUCK
        since = f" for {span(queue.longest_seconds)}" if queue.longest_seconds >= 1 else ""
        yield Text(f"{queue.processing} worked on{since}", style="yellow" if stuck else "")


def _ready(vitals: Vitals) -> Text:
    if vitals.ready_median_seconds is None:
        return Text("none was ready yet", style="dim")
    of = "the last one" if vitals.ready_counted == 1 else f"median of {vitals.ready_counted}"
    return Text.assemble(f"ready in {short(vitals.ready_median_seconds)}", (f" ({of})", "dim"))


def _vmids(vmids: VmidVitals, *, long: bool) -> Text:
    share = vmids.taken / vmids.size
    style = "red" if share >= _FULL else "yellow" if share >= _NEARLY_FULL else ""
    aside = ", ".join(f"{n} {what}" for n, what in ((vmids.resting, "resting"), (vmids.foreign, "foreign")) if n)
    cells = 12
    full = min(cells, max(1 if vmids.taken else 0, round(share * cells)))
    return Text.assemble(
        "VMIDs ",
        ("█" * full, style or "cyan"),
        ("░" * (cells - full), "dim"),
        (f" {vmids.taken} of {vmids.size}", style),
        (f" ({aside})" if aside and long else "", "dim"),
    )


def _manifests(picture: Picture) -> Text:
    files, seconds = picture.status.files, picture.vitals.scanned_seconds
    read = "not read yet" if seconds is None else f"read {span(seconds)} ago"
    return Text.assemble(f"{files} {'file' if files == 1 else 'files'} ", (read, "dim"))


def _sink(sink: SinkVitals) -> Text:
    if not sink.waiting:
        return Text.assemble(f"{sink.name} ", ("all sent", "dim"))
    return Text(f"{sink.name} {sink.waiting} not sent, the oldest for {span(sink.oldest_seconds)}", style="yellow")
