"""``python -m tests.bench [latency] [throughput] [tick]``: all of them, or those that are named."""

from __future__ import annotations

import sys

from tests.bench import latency, throughput, tick

AIM_RATIO, AIM_TICK = 1.2, 0.2


def main(names: list[str]) -> None:
    chosen = names or ["latency", "throughput", "tick"]
    if "latency" in chosen:
        found = latency.measure()
        print(f"manifest to API: median {found.median:.2f} s, p95 {found.p95:.2f} s, longest {found.longest:.2f} s")
    if "throughput" in chosen:
        rate = throughput.measure()
        each = ", ".join(f"{one.ratio:.2f} ({one.controller:.1f} s / {one.floor:.1f} s)" for one in rate.rounds)
        print(f"sessions to Ready: {rate.controller:.2f} a second, floor {rate.floor:.2f} a second")
        print(f"ratio: {rate.ratio:.2f} (aim: at most {AIM_RATIO}); rounds: {each}")
    if "tick" in chosen:
        print("quiet tick   calls   CPU of the daemon   of which scan¹   memory   scan²   start³")
        for size in tick.SIZES:
            print(tick.measure(size).line())


if __name__ == "__main__":
    main(sys.argv[1:])
