"""A crowd that presses the button, as a process: ``python -m tests.bench.pressing URL PEOPLE`` prints what it got.

It is ready when it says so, and presses when a line comes.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

from tests.e2e.crowd import crowd, press_at_once


def main() -> int:
    url, people = sys.argv[1], int(sys.argv[2])
    with crowd(url, people) as clients:
        print("ready", flush=True)
        sys.stdin.readline()
        pressed = press_at_once(clients)
        answers = Counter(str(one.answer.status_code) for one in pressed)
        print(json.dumps({"answers": answers, "seconds": sorted(one.seconds for one in pressed)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
