"""The admin API over HTTP: routes that ask the service, and errors as problem details. Served on a unix socket only.

Who may connect may do everything, passwords included: the socket's mode is the access control.
"""

from __future__ import annotations

import pwd
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from controller import __version__
from controller.admin.behalf import ON_BEHALF_OF
from controller.admin.level_models import LevelList, LevelOrder
from controller.admin.log_levels import level_list, order_level
from controller.admin.models import (
    ContainerList,
    ControllerStatus,
    CreateOrder,
    CredentialView,
    EventList,
    ExtendOrder,
    Outcome,
    PauseOrder,
    Plan,
    PlanOrder,
    ProblemDetails,
    SessionList,
    SessionView,
    TemplateList,
    TextOrder,
    WebKey,
)
from controller.admin.orders import ADMINISTRATOR
from controller.admin.refusals import Refusal
from controller.admin.service import AdminService
from controller.admin.vital_models import Vitals
from controller.ledger.events import EventType, Wanted
from controller.ledger.ledger import reason_of
from controller.telemetry.loglevels import LogLevels

_MOST_EVENTS = 10_000
_LONGEST_NAME = 300


def make_app(service: AdminService, log_levels: LogLevels) -> FastAPI:
    """The routes under ``/v1``. Each runs in a thread of the server's pool: the service may wait for the ledger."""
    app = FastAPI(title="winux admin API", version=__version__, docs_url=None, redoc_url=None)
    _add_errors(app)
    _add_questions(app, service)
    _add_orders(app, service)
    _add_log_levels(app, log_levels)
    return app


def _add_questions(app: FastAPI, service: AdminService) -> None:
    @app.get("/v1/status")
    def status() -> ControllerStatus:
        return service.status()

    @app.get("/v1/vitals")
    def vitals() -> Vitals:
        return service.vitals()

    @app.get("/v1/sessions")
    def sessions() -> SessionList:
        return SessionList(items=service.sessions())

    @app.get("/v1/sessions/{name}")
    def session(name: str) -> SessionView:
        return service.session(name)

    @app.get("/v1/sessions/{name}/credential")
    def credential(name: str) -> CredentialView:
        return service.credential(name)

    @app.get("/v1/web-key")
    def web_key() -> WebKey:
        return WebKey(key=service.web_key().hex())

    @app.get("/v1/events")
    def events(
        *,
        session: str | None = None,
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=_MOST_EVENTS)] = 500,
        type_: Annotated[EventType | None, Query(alias="type")] = None,
        reason: str | None = None,
        since: Annotated[float, Query(ge=0, allow_inf_nan=False)] = 0.0,
    ) -> EventList:
        wanted = Wanted(session=session, after=after, type=type_, reason=reason, since=since)
        return EventList(items=service.find_events(wanted, limit=limit))

    @app.get("/v1/templates")
    def templates() -> TemplateList:
        return TemplateList(items=service.templates())

    @app.get("/v1/containers")
    def containers() -> ContainerList:
        return ContainerList(items=service.containers())

    @app.get("/v1/plan")
    def plan() -> Plan:
        return service.plan()

    @app.post("/v1/plan")
    def plan_with(order: PlanOrder) -> Plan:
        return service.plan_with(order.files, instead=order.instead)


def _who(request: Request) -> str:
    """Who gives an order, for events, and on whose behalf if that is told."""
    behalf = unquote(request.headers.get(ON_BEHALF_OF, ""))[:_LONGEST_NAME]
    return f"{behalf} (through {_user(request)})" if behalf else _user(request)


def _user(request: Request) -> str:
    """The server learns it from the kernel."""
    if request.client is None or request.client.host != "uid":
        return ADMINISTRATOR
    uid = request.client.port
    try:
        return f"uid {uid} ({pwd.getpwuid(uid).pw_name})"
    except KeyError:
        return f"uid {uid}"


Who = Annotated[str, Depends(_who)]


def _add_orders(app: FastAPI, service: AdminService) -> None:
    @app.post("/v1/sessions")
    def create(order: CreateOrder, who: Who) -> Outcome:
        return service.create(order.text, name=order.name, by=who)

    @app.post("/v1/sessions/{name}/extend")
    def extend(name: str, order: ExtendOrder, who: Who) -> Outcome:
        return service.extend(name, order.seconds, by=who)

    @app.post("/v1/sessions/{name}/rotate")
    def rotate(name: str, who: Who) -> Outcome:
        return service.rotate(name, by=who)

    @app.delete("/v1/sessions/{name}")
    def delete(name: str, who: Who) -> Outcome:
        return service.delete(name, by=who)

    @app.post("/v1/pause")
    def pause(order: PauseOrder, who: Who) -> Outcome:
        return service.pause(order.session, by=who)

    @app.post("/v1/resume")
    def resume(order: PauseOrder, who: Who) -> Outcome:
        return service.resume(order.session, by=who)

    @app.post("/v1/confirm")
    def confirm(who: Who) -> Outcome:
        return service.confirm(by=who)

    @app.post("/v1/apply")
    def apply(order: TextOrder, who: Who) -> Outcome:
        return service.apply(order.text, name=order.name, by=who)


def _add_log_levels(app: FastAPI, levels: LogLevels) -> None:
    @app.get("/v1/log-levels")
    def show() -> LevelList:
        return level_list(levels)

    @app.put("/v1/log-levels/{component}")
    def order(component: str, order: LevelOrder, who: Who) -> Outcome:
        return order_level(levels, component, order, by=who)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    def refused(_request: Request, error: Refusal) -> JSONResponse:
        return _problem(error.status, error.title, str(error), problems=error.problems)

    @app.exception_handler(RequestValidationError)
    def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        said = [f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors()]
        return _problem(422, "Invalid", f"the request cannot be used: {said[0]}", problems=tuple(said))

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> JSONResponse:
        return _problem(error.status_code, "NoSuchRoute", f"{request.method} {request.url.path}: {error.detail}")

    @app.exception_handler(OperationalError)
    def ledger_failing(request: Request, error: OperationalError) -> JSONResponse:
        reading, why = request.method == "GET", reason_of(error)
        what = f"be read ({why})" if reading else f"be written ({why}), so the order was not carried out"
        said = f"the ledger cannot {what}: look after its disk and its permissions, then try again"
        return _problem(503, "LedgerFailing", said)

    @app.exception_handler(Exception)
    def failed(_request: Request, error: Exception) -> JSONResponse:
        # The server logs it too, with its traceback: it is raised again after this answer.
        return _problem(500, "Failed", f"the daemon failed to answer ({type(error).__name__}): see its log")


def _problem(status: int, title: str, detail: str, *, problems: tuple[str, ...] = ()) -> JSONResponse:
    details = ProblemDetails(title=title, status=status, detail=detail, problems=problems)
    return JSONResponse(
        details.model_dump(mode="json", by_alias=True), status_code=status, media_type="application/problem+json"
    )
