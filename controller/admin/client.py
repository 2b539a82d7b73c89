"""The CLI's side of the admin API: questions and orders over the daemon's unix socket."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from controller.admin.behalf import ON_BEHALF_OF
from controller.admin.level_models import LevelList, LevelOrder, LevelView
from controller.admin.models import (
    ContainerList,
    ContainerView,
    ControllerStatus,
    CreateOrder,
    CredentialView,
    EventList,
    EventView,
    ExtendOrder,
    ManifestFile,
    Outcome,
    PauseOrder,
    Plan,
    PlanOrder,
    ProblemDetails,
    SessionList,
    SessionView,
    TemplateList,
    TemplateView,
    TextOrder,
    WebKey,
)
from controller.admin.vital_models import Vitals

_Answer = TypeVar("_Answer", bound=BaseModel)
CONNECT_TIMEOUT, READ_TIMEOUT = 2.0, 60.0
"""Seconds; the daemon is on this machine and answers from memory."""


class NoDaemon(Exception):
    """Nobody answers; ``str()`` says where and what to do."""


class Refused(Exception):
    """The daemon refused; ``str()`` is its sentence, ``problems`` one more for every mistake in what was sent."""

    def __init__(self, details: ProblemDetails) -> None:
        super().__init__(details.detail)
        self.status = details.status
        self.title = details.title
        self.problems = details.problems


_ANY_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?", re.ASCII)
"""Names of sessions; with a dot, those of containers that no manifest asks for."""


def _path(session: str) -> str:
    """Raises ``Refused`` for what no session can be called: such text may lead to another route."""
    if not _ANY_NAME.fullmatch(session):
        detail = f"there is no session {session!a}: `winux get sessions` lists all"
        raise Refused(ProblemDetails(title="NotFound", status=404, detail=detail))
    return f"/sessions/{quote(session, safe='')}"


class AdminClient:
    """A context manager. Every method raises ``NoDaemon`` or ``Refused``."""

    def __init__(self, socket: Path, *, read_timeout: float = READ_TIMEOUT) -> None:
        self._socket = socket
        # trust_env: a proxy of the environment has no business between here and a unix socket.
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(socket)),
            base_url="http://winux/v1",
            trust_env=False,
            timeout=httpx.Timeout(read_timeout, connect=CONNECT_TIMEOUT),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # -- questions ---------------------------------------------------------------------------------------------

    def status(self) -> ControllerStatus:
        return self._ask(ControllerStatus, "GET", "/status")

    def vitals(self) -> Vitals:
        return self._ask(Vitals, "GET", "/vitals")

    def sessions(self) -> tuple[SessionView, ...]:
        return self._ask(SessionList, "GET", "/sessions").items

    def session(self, name: str) -> SessionView:
        return self._ask(SessionView, "GET", _path(name))

    def events(
        self,
        *,
        session: str | None = None,
        after: int = 0,
        limit: int = 500,
        event_type: str | None = None,
        reason: str | None = None,
        since: float = 0.0,
    ) -> tuple[EventView, ...]:
        """Oldest first; the newest ``limit`` of those with an id above ``after``, and of that session, type and reason.

        ``since``: only what happened then or later, in Unix seconds. An event that is counted once more has a new id.
        """
        query = {"after": str(after), "limit": str(limit), "since": str(since)}
        given = {"session": session, "type": event_type, "reason": reason}
        query |= {name: value for name, value in given.items() if value is not None}
        return self._ask(EventList, "GET", "/events", query=query).items

    def web_key(self) -> bytes:
        """32 secret bytes that stay the same."""
        return bytes.fromhex(self._ask(WebKey, "GET", "/web-key").key)

    def templates(self) -> tuple[TemplateView, ...]:
        return self._ask(TemplateList, "GET", "/templates").items

    def containers(self) -> tuple[ContainerView, ...]:
        return self._ask(ContainerList, "GET", "/containers").items

    def credential(self, name: str) -> CredentialView:
        return self._ask(CredentialView, "GET", f"{_path(name)}/credential")

    def plan(self, files: Sequence[ManifestFile] | None = None, *, instead: bool = False) -> Plan:
        """What is pending now; with ``files``, what they would change on top, or ``instead``, of what is in force."""
        if files is None:
            return self._ask(Plan, "GET", "/plan")
        return self._ask(Plan, "POST", "/plan", body=PlanOrder(files=tuple(files), instead=instead))

    def log_levels(self) -> tuple[LevelView, ...]:
        return self._ask(LevelList, "GET", "/log-levels").items

    # -- orders ------------------------------------------------------------------------------------------------

    # ``by``: on whose behalf, for the events.

    def create(self, text: str, *, name: str, by: str | None = None) -> Outcome:
        """A session that is not there yet; ``text`` is its manifest."""
        return self._ask(Outcome, "POST", "/sessions", body=CreateOrder(text=text, name=name), by=by)

    def extend(self, name: str, seconds: float, *, by: str | None = None) -> Outcome:
        return self._ask(Outcome, "POST", f"{_path(name)}/extend", body=ExtendOrder(seconds=seconds), by=by)

    def rotate(self, name: str) -> Outcome:
        return self._ask(Outcome, "POST", f"{_path(name)}/rotate")

    def delete(self, name: str, *, by: str | None = None) -> Outcome:
        return self._ask(Outcome, "DELETE", _path(name), by=by)

    def pause(self, name: str | None) -> Outcome:
        return self._ask(Outcome, "POST", "/pause", body=PauseOrder(session=name))

    def resume(self, name: str | None) -> Outcome:
        return self._ask(Outcome, "POST", "/resume", body=PauseOrder(session=name))

    def log_level(self, component: str, level: str | None, *, seconds: float | None = None) -> Outcome:
        """``level`` None: as the settings say; ``seconds`` None: until the daemon restarts."""
        return self._ask(
            Outcome, "PUT", f"/log-levels/{quote(component, safe='')}", body=LevelOrder(level=level, seconds=seconds)
        )

    def confirm(self) -> Outcome:
        return self._ask(Outcome, "POST", "/confirm")

    def apply(self, text: str, *, name: str) -> Outcome:
        return self._ask(Outcome, "POST", "/apply", body=TextOrder(text=text, name=name))

    # -- inside ------------------------------------------------------------------------------------------------

    def _ask(
        self,
        answer: type[_Answer],
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: BaseModel | None = None,
        by: str | None = None,
    ) -> _Answer:
        content = body.model_dump_json(by_alias=True).encode() if body is not None else None
        headers = {"content-type": "application/json"} if content is not None else {}
        if by is not None:
            headers[ON_BEHALF_OF] = quote(by)
        try:
            response = self._http.request(method, path, params=query, content=content, headers=headers)
        except httpx.ConnectError as error:
            raise NoDaemon(self._unreachable(error)) from None
        except httpx.TransportError as error:
            raise NoDaemon(f"the daemon at {self._socket} stopped answering ({type(error).__name__})") from None
        try:
            if response.is_success:
                return answer.model_validate_json(response.content)
            raise Refused(ProblemDetails.model_validate_json(response.content))
        except ValidationError:
            raise NoDaemon(
                f"what answers at {self._socket} is not a winux daemon of this version (status {response.status_code})"
            ) from None

    def _unreachable(self, error: httpx.ConnectError) -> str:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__ or cause.__context__
        if isinstance(cause, OSError) and cause.errno in {errno.EACCES, errno.EPERM}:
            return f"the daemon's socket {self._socket} may not be opened by this user: run this as the daemon's user"
        return f"no daemon answers at {self._socket}: start it with `winux run`"
