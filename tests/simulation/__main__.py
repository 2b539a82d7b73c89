"""Plays histories: ``python -m tests.simulation --seed 1 --histories 1000``; one alone is told in full with ``-v``."""

from __future__ import annotations

import argparse
import sys

from tests.simulation.run import play, replay_line


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first history")
    parser.add_argument("--histories", type=int, default=1, help="how many, with seeds from there on")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first broken promise")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell histories that went well too")
    given = parser.parse_args()
    broken = 0
    for seed in range(given.seed, given.seed + given.histories):
        lines, why = play(seed)
        if why is not None or given.verbose:
            print("\n".join(lines))
        if why is not None:
            broken += 1
            print(f"\nseed {seed}: {why}\nreplay: {replay_line(seed)}\n", flush=True)
            if not given.keep_going:
                break
    print(f"{given.histories} histories from seed {given.seed}, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
