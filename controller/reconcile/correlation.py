"""What ties log lines together: everything that is logged during a pass carries its session, its number, its life.

Also what adapters and libraries log, and what is asked in other threads: the keys are bound to the context.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars, unbind_contextvars

from controller.core.incarnation import Incarnation

TRACE = "trace_id"
"""The uid of the session's life, which is the id of its trace too."""


@contextmanager
def during_pass(session: str, number: int) -> Iterator[None]:
    """``session`` and ``reconcile``, the number of the pass in this process; afterwards all is as before."""
    before = get_contextvars().get(TRACE)
    with bound_contextvars(session=session, reconcile=number):
        try:
            unbind_contextvars(TRACE)
            yield
        finally:
            _bind(before)


def about(life: Incarnation | None) -> None:
    """From here on the pass is about this life: a pass may end one and begin the next."""
    _bind(life.uid if life is not None else None)


def _bind(trace: str | None) -> None:
    if trace is None:
        unbind_contextvars(TRACE)
    else:
        bind_contextvars(**{TRACE: trace})
