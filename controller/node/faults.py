"""Faults that tests and trials ask for: which calls they hit and what they do to them."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from controller.node.locks import LockKind
from controller.node.tasks import Doom, Fate


class FaultKind(StrEnum):
    ERROR = "error"
    """Nothing is done; the answer is ``status`` and ``text``."""
    TIMEOUT_DONE = "timeout-done"
    """The work is done, the answer never comes."""
    TIMEOUT_LOST = "timeout-lost"
    """Nothing is done, and no answer comes."""
    RESET = "reset"
    """The connection is cut without an answer; ``done`` says whether the work was done before."""
    SLOW = "slow"
    """The call waits ``seconds`` before it begins."""
    SLOW_TASK = "slow-task"
    """The call's task takes ``seconds`` longer, and holds its locks meanwhile."""
    TASK_ERROR = "task-error"
    """The call's task fails with ``text``, after ``seconds``."""
    WORKER_KILLED = "worker-killed"
    """The call's task is killed after ``seconds``: 'unexpected status', and what it had locked stays locked."""
    STORAGE_FULL = "storage-full"
    """A disk that the call's task makes or grows finds no room, after ``seconds``. Other calls do not notice."""
    SLOW_LOCK = "slow-lock"
    """Somebody else holds ``lock`` for ``seconds`` from when the call arrives. Nobody waits longer than ten."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule. All that is given has to match: operation, method, path, token."""

    kind: FaultKind
    operation: str | None = None
    """A name of ``routes``, such as ``create``."""
    method: str | None = None
    path: str | None = None
    """A regular expression that is searched in the path below ``/api2/json``."""
    token: str | None = None
    status: int = 500
    text: str = "injected fault"
    seconds: float = 0.0
    done: bool = False
    lock: LockKind = LockKind.CONFIG
    """Of a slow lock: that of the call's container (and of the one that it makes), ``user.cfg``, or every storage's."""
    count: int | None = None
    """How many calls it hits; None: all."""
    probability: float = 1.0
    skip: int = 0
    """How many matching calls it lets pass first."""
    after: float = 0.0
    """Seconds from when it was added until it begins."""
    lasting: float | None = None
    """Seconds for which it is in force then; None: for ever."""
    added: float = 0.0
    number: int = 0

    def in_force(self, now: float) -> bool:
        begin = self.added + self.after
        return begin <= now and (self.lasting is None or now < begin + self.lasting)

    def matches(self, *, operation: str, method: str, path: str, authid: str) -> bool:
        return (
            self.count != 0
            and self.operation in (None, operation)
            and self.method in (None, method)
            and self.token in (None, authid)
            and (self.path is None or re.search(self.path, path) is not None)
        )

    @property
    def doom(self) -> Doom | None:
        fates = {
            FaultKind.SLOW_TASK: Fate.DELAY,
            FaultKind.TASK_ERROR: Fate.FAIL,
            FaultKind.WORKER_KILLED: Fate.KILL,
            FaultKind.STORAGE_FULL: Fate.FULL,
        }
        fate = fates.get(self.kind)
        return Doom(fate=fate, seconds=self.seconds, text=self.text) if fate else None


class Faults:
    """The rules in force. The first one that matches and whose dice falls hits the call."""

    def __init__(self, rng: random.Random, *, now: Callable[[], float]) -> None:
        self._rng = rng
        self._now = now
        self._numbers = itertools.count(1)
        self.rules: list[Fault] = []

    def add(self, fault: Fault) -> int:
        """Returns the number under which it can be removed."""
        fault.number, fault.added = next(self._numbers), self._now()
        self.rules.append(fault)
        return fault.number

    def remove(self, number: int | None = None) -> None:
        """One rule, or all."""
        self.rules = [rule for rule in self.rules if number is not None and rule.number != number]

    def hit(self, *, operation: str, method: str, path: str, authid: str) -> Fault | None:
        for rule in self.rules:
            if not rule.in_force(self._now()):
                continue
            if not rule.matches(operation=operation, method=method, path=path, authid=authid):
                continue
            if rule.skip > 0:
                rule.skip -= 1
            elif rule.probability >= 1 or self._rng.random() < rule.probability:
                if rule.count is not None:
                    rule.count -= 1
                return rule
        return None
