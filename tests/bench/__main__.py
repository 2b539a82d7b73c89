"""``python -m tests.bench``: the figures of the README, on loopback, with an end. Takes about twelve minutes.

Ratios are against a floor in the same run; absolute figures say as much about the machine as about the controller.
"""

from __future__ import annotations

import argparse
import statistics

from rich.console import Console
from rich.table import Table

from tests.bench import desktops, latency, listing, quiet, scrape, throughput, web
from tests.e2e.desktop import lacking


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of sessions per second (default 3)")
    parser.add_argument("--sessions", type=int, default=40, help="in each round (default 40)")
    parser.add_argument("--samples", type=int, default=20, help="of the latency (default 20)")
    parser.add_argument("--crowds", type=int, nargs="*", default=[0, 1_000, 10_000], help="sessions of a quiet tick")
    parser.add_argument("--seconds", type=float, default=40.0, help="to watch each crowd (default 40)")
    parser.add_argument("--containers", type=int, nargs="*", default=[500, 5_000], help="that a node lists")
    parser.add_argument("--desktops", type=int, default=20, help="real ones, where this machine can (default 20)")
    parser.add_argument("--scraped", type=int, nargs="*", default=[0, 1_000, 10_000], help="sessions of a scrape")
    parser.add_argument("--churned", type=int, default=5_000, help="sessions that come and go (default 5000; 0: none)")
    parser.add_argument("--people", type=int, default=200, help="who press the button at once (default 200)")
    parser.add_argument("--only-web", action="store_true", help="measure nothing else")
    parser.add_argument("--only-scrapes", action="store_true", help="measure nothing else")
    parser.add_argument("--only-desktops", action="store_true", help="measure nothing else")
    arguments = parser.parse_args()
    console = Console()

    if arguments.only_web:
        show_web(console, people=arguments.people)
        return
    if arguments.only_scrapes:
        show_scrapes(console, crowds=arguments.scraped, churned=arguments.churned)
        return
    if arguments.desktops:
        show_desktops(console, samples=arguments.desktops)
    if arguments.only_desktops:
        return

    seconds = sorted(latency.measure(samples=arguments.samples))
    p95, middle = percentile95(seconds), statistics.median(seconds)
    console.print(f"manifest to create call: median {middle:.3f} s, p95 {p95:.3f} s")

    table = Table(
        "sessions", "floor s", "ours s", "ratio", title="until all are Ready, 4 in flight, measured latencies"
    )
    rounds = [throughput.measure(sessions=arguments.sessions) for _ in range(arguments.rounds)]
    for one in rounds:
        table.add_row(str(one.sessions), f"{one.floor:.1f}", f"{one.ours:.1f}", f"{one.ratio:.2f}")
    console.print(table)
    console.print(f"median ratio {statistics.median(one.ratio for one in rounds):.2f} (aim: at most 1.2)")

    table = Table("sessions", "ticks", "calls/tick", "CPU ms/tick", "RSS MiB", title="a quiet tick every 2 s")
    for crowd in arguments.crowds:
        cost = quiet.measure(sessions=crowd, seconds=arguments.seconds)
        table.add_row(
            str(cost.sessions),
            f"{cost.ticks:.0f}",
            f"{cost.calls_per_tick:.2f}",
            f"{cost.cpu_ms_per_tick:.0f}",
            f"{cost.rss_mib:.0f}",
        )
    console.print(table)

    table = Table(
        "profile", "containers", "floor ms", "list ms", "ratio", "KiB", "RSS MiB", title="the node's own list"
    )
    for profile in ("instant", "real"):
        for containers in arguments.containers:
            one = listing.measure(profile=profile, containers=containers)
            figures = (one.floor_ms, one.ms, one.ratio)
            table.add_row(
                profile,
                str(containers),
                *(f"{figure:.1f}" for figure in figures),
                f"{one.kib:.0f}",
                f"{one.rss_mib:.0f}",
            )
    console.print(table)
    console.print("(aim with 500 on 3 nodes: under 50 ms, under 200 MB)")

    show_scrapes(console, crowds=arguments.scraped, churned=arguments.churned)
    show_web(console, people=arguments.people)


def show_web(console: Console, *, people: int) -> None:
    found = web.measure(people=people)
    table = Table("call", "calm p95 ms", "median ms", "p95 ms", "worst ms", "ratio", "calls", title="calls meanwhile")
    for one in found.calls:
        figures = (one.calm_p95, one.median, one.p95, one.worst, one.ratio)
        table.add_row(one.title, *(f"{figure:.1f}" for figure in figures), str(one.calls))
    console.print(table)
    answers = ", ".join(f"{count} with {status}" for status, count in sorted(found.answers.items()))
    console.print(
        f"{people} people pressed the button at once and were answered after {found.median:.1f} s (p95 "
        f"{found.p95:.1f} s): {answers}"
    )
    console.print("(aim: p95 of calls that wait for nothing under 100 ms)")


def show_scrapes(console: Console, *, crowds: list[int], churned: int) -> None:
    table = Table("sessions", "series", "KiB", "floor ms", "CPU ms", "ratio", "worst ms", "calls", title="a scrape")
    for crowd in crowds:
        one = scrape.measure(sessions=crowd)
        figures = (one.kib, one.floor_ms, one.ms, one.ratio, one.worst_ms)
        shown = (f"{figure:.1f}" for figure in figures)
        table.add_row(str(one.sessions), str(one.series), *shown, str(one.calls))
    console.print(table)
    console.print("(aim with 10,000: under 50 ms of CPU, no call)")
    if churned:
        all_ = scrape.churn(sessions=churned)
        console.print(
            f"{all_.sessions} sessions came and went: {all_.before} series after the first {scrape.AT_ONCE}, "
            f"{all_.most} at most, {all_.after} in the end (aim: as many)"
        )


def show_desktops(console: Console, *, samples: int) -> None:
    if why := lacking():
        console.print(f"no real desktops here: {why}")
        return
    found = desktops.measure(samples=samples)
    table = Table("part", "median s", "p95 s", title=f"from a manifest to a desktop, {samples} cold sessions")
    for title, part in (
        ("manifest to create call (API)", "api"),
        ("create, with its password", "create"),
        ("boot until RDP answers", "boot"),
        ("until the controller calls it Ready", "ready"),
        ("all", "whole"),
    ):
        seconds = sorted(getattr(one, part) for one in found)
        table.add_row(title, f"{statistics.median(seconds):.2f}", f"{percentile95(seconds):.2f}")
    console.print(table)
    console.print("(aim: under 4 s)")


def percentile95(seconds: list[float]) -> float:
    """Of sorted values."""
    return seconds[min(len(seconds) - 1, round(0.95 * len(seconds)))]


if __name__ == "__main__":
    main()
