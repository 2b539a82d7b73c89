"""A crowd that presses the button of the old API at once: people with browsers and addresses of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.e2e.oldclient import OldClient
from tests.e2e.waiting import CLOCK


@dataclass(frozen=True)
class Pressed:
    """What became of one person's press, and how long the answer took."""

    client: OldClient
    answer: httpx.Response
    seconds: float

    @property
    def name(self) -> str | None:
        """Of the session that they got; None for a refusal."""
        return self.answer.json()["session"]["session_id"] if self.answer.status_code in {201, 202} else None


PATIENCE = 150.0
"""Seconds for one answer: the longest wait that settings allow, with a crowd before it."""


@contextmanager
def crowd(url: str, people: int) -> Iterator[list[OldClient]]:
    """Each from an address of 127.0.0.0/8 of its own."""
    clients = [
        OldClient(url, address=f"127.7.{number // 200}.{number % 200 + 1}", patience=PATIENCE)
        for number in range(people)
    ]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


def press_at_once(clients: list[OldClient], *, meanwhile: Callable[[], None] | None = None) -> list[Pressed]:
    """Everybody at the same moment; ``meanwhile`` is called again and again until all are answered."""
    together = threading.Barrier(len(clients))

    def press(client: OldClient) -> Pressed:
        together.wait(60)
        began = CLOCK.monotonic()
        answer = client.press()
        return Pressed(client, answer, CLOCK.monotonic() - began)

    with ThreadPoolExecutor(len(clients)) as pool:
        pressed = [pool.submit(press, client) for client in clients]
        while meanwhile is not None and not all(one.done() for one in pressed):
            meanwhile()
        return [one.result() for one in pressed]
