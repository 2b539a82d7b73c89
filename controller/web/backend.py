"""What the web asks of the controller, and its refusals as the web's own.

``AdminService`` inside the daemon and ``AdminClient`` beside it are both a ``Backend``. Every call of one belongs into
``asking()``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog
from sqlalchemy.exc import OperationalError

from controller.admin.client import NoDaemon
from controller.admin.client import Refused as RefusedByDaemon
from controller.admin.models import (
    ControllerStatus,
    CredentialView,
    EventView,
    Outcome,
    SessionView,
    TemplateView,
)
from controller.admin.refusals import NotWritable, Refusal
from controller.admin.vital_models import Vitals
from controller.web.refusals import Refused

_LOG = structlog.get_logger("winux.web")
_ADVICE = re.compile(r"(: | - |; )?`winux [^`]*`.*\Z")
AGAIN_IN = 5.0
"""Seconds after which a controller that cannot answer may be able to."""


class Backend(Protocol):
    """Safe to use from several threads."""

    def sessions(self) -> tuple[SessionView, ...]: ...
    def session(self, name: str) -> SessionView: ...
    def credential(self, name: str) -> CredentialView: ...
    def events(self, *, session: str | None = None, after: int = 0, limit: int = 500) -> tuple[EventView, ...]: ...
    def templates(self) -> tuple[TemplateView, ...]: ...
    def status(self) -> ControllerStatus: ...
    def vitals(self) -> Vitals: ...
    def web_key(self) -> bytes:
        """32 secret bytes that stay the same over restarts."""
        ...

    def create(self, text: str, *, name: str, by: str) -> Outcome:
        """Write the manifest of a new session; refuses with status 409 where there is one of that name already."""
        ...

    def extend(self, name: str, seconds: float, *, by: str) -> Outcome: ...
    def delete(self, name: str, *, by: str) -> Outcome: ...


@contextmanager
def asking() -> Iterator[None]:
    """Turns what the controller refuses into ``Refused``."""
    try:
        yield
    except (Refusal, RefusedByDaemon) as refusal:
        if refusal.status >= 500 or refusal.title == NotWritable.title:
            raise _unavailable(refusal) from None
        raise Refused(refusal.status, refusal.title, for_people(str(refusal))) from None
    except (NoDaemon, OperationalError) as error:
        raise _unavailable(error) from None


def for_people(sentence: str) -> str:
    """Without the commands that it advises: they are for who has a terminal on the controller's machine."""
    return _ADVICE.sub("", sentence)


def _unavailable(error: Exception) -> Refused:
    """Why is for the administrators, who find it in the log: it may name files and hosts."""
    said = type(error).__name__ if isinstance(error, OperationalError) else str(error)
    # A daemon that is down would fill the log with what everybody asks meanwhile.
    log = _LOG.warning if isinstance(error, Refusal | RefusedByDaemon) else _LOG.debug
    log("web.controller-unavailable", error=said)
    sentence = "the controller cannot do that at the moment: try again in a few seconds"
    return Refused(503, "ControllerUnavailable", sentence, retry_after=AGAIN_IN)
