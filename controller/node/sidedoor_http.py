"""The side door over HTTP: JSON under ``/winux/``, for the full-rights token only; no part of Proxmox's API.

``POST /winux/faults`` (the fields of ``Fault``), ``DELETE /winux/faults[/N]``, ``GET /winux/faults``;
``POST /winux/quorum`` {quorate}; ``POST /winux/nodes/NAME`` {online}; ``GET /winux/containers``;
``POST /winux/containers/VMID`` {action, …}; ``POST /winux/rdp`` {answer, vmid?}; ``POST /winux/users/NAME`` {enabled};
``POST /winux/roles/NAME`` {privileges}; ``POST /winux/tasks/UPID`` {action: kill}; ``GET|DELETE /winux/stats``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from controller.node.dispatch import Dispatcher
from controller.node.errors import Refusal
from controller.node.faults import Fault, FaultKind
from controller.node.sidedoor import SideDoor
from controller.node.wire import Reply, Request, failure, success

PREFIX = "/winux/"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _FaultBody(_Body):
    kind: FaultKind
    operation: str | None = None
    method: str | None = None
    path: str | None = None
    token: str | None = None
    status: int = 500
    text: str = "injected fault"
    seconds: float = 0.0
    done: bool = False
    count: int | None = None
    probability: float = 1.0
    skip: int = 0
    after: float = 0.0
    lasting: float | None = None


class _Quorum(_Body):
    quorate: bool


class _Online(_Body):
    online: bool


class _Rdp(_Body):
    answer: bool
    vmid: int | None = None


class _Enabled(_Body):
    enabled: bool


class _Privileges(_Body):
    privileges: list[str]


class _Action(_Body):
    action: str
    options: dict[str, str | int | None] = {}
    """For ``set`` and ``add``; null removes a key."""
    lock: str = "disk"
    node: str | None = None
    kind: str = "lxc"
    pool: str | None = None
    running: bool = False


class SideDoorHttp:
    """Answers at once."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self.door = SideDoor(dispatcher)

    def answer(self, request: Request) -> Reply:
        schedule = self._dispatcher.schedule
        schedule.settle()
        try:
            self._check(request)
            parts = tuple(unquote(part) for part in request.path.removeprefix(PREFIX).split("/") if part)
            body: Mapping[str, object] = TypeAdapter(dict[str, object]).validate_json(request.body or b"{}")
            result = self._act(request.method, parts, body)
        except Refusal as refusal:
            return failure(refusal)
        except ValidationError as error:
            return failure(Refusal(400, f"side door: {_sentences(error)}"))
        except LookupError as error:
            return failure(Refusal(404, f"side door: {error.args[0] if error.args else error}"))
        schedule.settle()
        return success(result)

    def _check(self, request: Request) -> None:
        authentication = self._dispatcher.cluster.authentication
        now = self._dispatcher.schedule.wall()
        who = authentication.identify(request.headers, method=request.method, now=now)
        if not self.door.may_use(who):
            raise Refusal(403, "side door: only a token with all rights may use it")

    def _act(self, method: str, parts: tuple[str, ...], body: Mapping[str, object]) -> object:
        match method, *parts:
            case "POST", "faults":
                return self.door.add_fault(Fault(**_FaultBody.model_validate(body).model_dump()))
            case "GET", "faults":
                return [dataclasses.asdict(rule) for rule in self._dispatcher.faults.rules]
            case "GET", "containers":
                return {str(vmid): row for vmid, row in self.door.containers().items()}
            case "GET", "stats":
                return self.door.stats()
            case "DELETE", *what:
                self._remove(what)
            case "POST", *what:
                self._set(what, body)
            case _:
                raise _unknown(method, parts)
        return None

    def _remove(self, parts: list[str]) -> None:
        match parts:
            case ["faults"]:
                self.door.remove_faults()
            case ["faults", number]:
                self.door.remove_faults(int(number))
            case ["stats"]:
                self.door.forget_stats()
            case _:
                raise _unknown("DELETE", parts)

    def _set(self, parts: list[str], body: Mapping[str, object]) -> None:
        match parts:
            case ["containers", vmid]:
                self._act_on(int(vmid), _Action.model_validate(body))
            case ["quorum"]:
                self.door.set_quorum(quorate=_Quorum.model_validate(body).quorate)
            case ["nodes", name]:
                self.door.set_online(name, online=_Online.model_validate(body).online)
            case ["tasks", upid]:
                self.door.kill_task(upid)
            case ["rdp"]:
                rdp = _Rdp.model_validate(body)
                self.door.silence_rdp(silent=not rdp.answer, vmid=rdp.vmid)
            case ["users", name]:
                self.door.disable_user(name, disabled=not _Enabled.model_validate(body).enabled)
            case ["roles", name]:
                self.door.set_role(name, frozenset(_Privileges.model_validate(body).privileges))
            case _:
                raise _unknown("POST", parts)

    def _act_on(self, vmid: int, body: _Action) -> None:
        options = {name: None if value is None else str(value) for name, value in body.options.items()}
        match body.action:
            case "add":
                given = {name: value for name, value in options.items() if value is not None}
                self.door.add(vmid, given, node=body.node, kind=body.kind, pool=body.pool, running=body.running)
            case "destroy":
                self.door.destroy(vmid)
            case "stop":
                self.door.stop(vmid)
            case "start":
                self.door.start(vmid)
            case "set":
                self.door.set(vmid, options)
            case "lock":
                self.door.lock(vmid, body.lock)
            case "unlock":
                self.door.unlock(vmid)
            case "migrate":
                self.door.migrate(vmid, body.node or "")
            case "pool":
                self.door.join_pool(vmid, body.pool)
            case _:
                known = "add, destroy, stop, start, set, lock, unlock, migrate, pool"
                raise LookupError(f"there is no action {body.action!r}; choose one of: {known}")


def _unknown(method: str, parts: Sequence[str]) -> Refusal:
    return Refusal(404, f"side door: there is no {method} {PREFIX}{'/'.join(parts)}")


def _sentences(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors())
