"""What a call that waits for nothing takes while a crowd presses the button, against an application that does nothing.

The empty application is served in the same way by a process of its own, and asked in turn with the web: both meet the
same busy machine. Who asks is a process of its own too.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import httpx

from tests.e2e.oldclient import OPEN, OldClient
from tests.e2e.site import Site
from tests.e2e.waiting import CLOCK

EMPTY = "an empty application"
PAUSE = 0.005
"""Seconds between two calls: somebody who asks without end would measure themselves."""
CALM = 200
"""Rounds without a crowd, to compare."""
_NEVER = threading.Event()


@dataclass(frozen=True)
class Call:
    """Milliseconds."""

    title: str
    calm_p95: float
    median: float
    p95: float
    worst: float
    ratio: float
    """Of the 95th percentile to the empty application's."""
    calls: int


@dataclass(frozen=True)
class Press:
    calls: list[Call]
    answers: dict[str, int]
    """How many people got which status."""
    median: float
    """Seconds until a person had an answer."""
    p95: float


def measure(*, people: int) -> Press:
    site = Site(profile="instant", settings=OPEN)
    try:
        daemon = site.daemon().in_sync()
        with (
            OldClient(daemon.web) as owner,
            OldClient(daemon.web) as stranger,
            _empty() as empty,
            _crowd(daemon.web, people) as pressing,
        ):
            one = f"/sessions/{owner.launched()['session_id']}"
            questions = {
                "GET health": (stranger, "/health"),
                "GET somebody's session": (stranger, one),
                "GET one's own session": (owner, one),
                "GET sessions": (owner, "/sessions"),
            }
            calm = _Times(empty, questions)
            for _ in range(CALM):
                calm.ask_round()
            busy = _Times(empty, questions)
            pressing.stdin.write("press\n")
            pressing.stdin.flush()
            while pressing.process.poll() is None and not pressing.answered():
                busy.ask_round()
            said = json.loads(pressing.said)
        return Press(
            calls=_calls(calm.seconds, busy.seconds),
            answers=said["answers"],
            median=statistics.median(said["seconds"]),
            p95=_p95(said["seconds"]),
        )
    finally:
        site.end()


class _Times:
    """How long each call took, in seconds, by title."""

    def __init__(self, empty: httpx.Client, questions: dict[str, tuple[OldClient, str]]) -> None:
        self._empty, self._questions = empty, questions
        self.seconds: dict[str, list[float]] = {title: [] for title in (EMPTY, *questions)}

    def ask_round(self) -> None:
        began = CLOCK.monotonic()
        assert self._empty.get("/").status_code == 200
        self.seconds[EMPTY].append(CLOCK.monotonic() - began)
        for title, (client, path) in self._questions.items():
            CLOCK.wait(_NEVER, PAUSE)
            began = CLOCK.monotonic()
            answer = client.call("GET", path)
            self.seconds[title].append(CLOCK.monotonic() - began)
            assert answer.status_code == 200, answer.text
        CLOCK.wait(_NEVER, PAUSE)


def _calls(calm: dict[str, list[float]], busy: dict[str, list[float]]) -> list[Call]:
    floor = _p95(busy[EMPTY])
    return [
        Call(
            title=title,
            calm_p95=1000 * _p95(calm[title]),
            median=1000 * statistics.median(seconds),
            p95=1000 * _p95(seconds),
            worst=1000 * max(seconds),
            ratio=_p95(seconds) / floor,
            calls=len(seconds),
        )
        for title, seconds in busy.items()
    ]


def _p95(seconds: list[float]) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]


class _Pressing:
    """The crowd's process, and the line that it says at its end."""

    def __init__(self, process: subprocess.Popen[str], stdin: IO[str], stdout: IO[str]) -> None:
        self.process, self.stdin = process, stdin
        self.said = ""
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(stdout,), daemon=True)
        self._reader.start()

    def answered(self) -> bool:
        return self._ended.is_set()

    def _read(self, stdout: IO[str]) -> None:
        self.said = stdout.readline()
        self._ended.set()


@contextmanager
def _module(*command: str) -> Iterator[tuple[subprocess.Popen[str], IO[str], IO[str]]]:
    """A module of this package as a process that ends with its standard input."""
    with subprocess.Popen(
        [sys.executable, "-m", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process, process.stdin, process.stdout
            process.stdin.close()
            process.wait(30)
        finally:
            process.kill()


@contextmanager
def _empty() -> Iterator[httpx.Client]:
    with (
        _module("tests.bench.emptyapp") as (_, _, stdout),
        httpx.Client(base_url=stdout.readline().strip(), trust_env=False) as http,
    ):
        yield http


@contextmanager
def _crowd(url: str, people: int) -> Iterator[_Pressing]:
    with _module("tests.bench.pressing", url, str(people)) as (process, stdin, stdout):
        assert stdout.readline() == "ready\n"
        yield _Pressing(process, stdin, stdout)
