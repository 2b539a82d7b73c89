"""The side door over HTTP: JSON under ``/winux/``, for the full-rights token only; no part of Proxmox's API.

================================ ===================================================================================
``GET|POST|DELETE …/faults``     rules for calls: POST takes the fields of ``Fault`` and answers the rule's number
``DELETE …/faults/N``            one rule
``POST …/script``                a script of faults over time, YAML or JSON (``script``); answers how many steps it has
``GET …/script``                 all steps and how far they are; ``DELETE`` calls off what waits and takes back the rest
``POST …/quorum``                ``{quorate}``
``POST …/nodes/NAME``            ``{online?, pvedaemon?, pvestatd?}``
``POST …/storages/NAME``         ``{free?, total?, node?}`` in bytes; ``free: null`` clears what filled it
``POST …/locks``                 ``{lock: config|user.cfg|storage, seconds, vmid?, storage?, node?}``: somebody holds it
``POST …/tasks/UPID``            ``{action: kill}``
``DELETE …/tasks[/NODE]``        forget what ended
``GET …/containers``             every guest as it is
``POST …/containers/VMID``       ``{action: add|destroy|stop|start|set|lock|unlock|migrate|pool, …}``
``POST …/rdp``                   ``{answer, vmid?}``
``POST …/users/NAME``            ``{enabled}``
``POST …/roles/NAME``            ``{privileges}``
``GET|DELETE …/stats``           counts of what clients did
================================ ===================================================================================
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from controller.node.dispatch import Dispatcher
from controller.node.errors import Refusal
from controller.node.faults import Fault
from controller.node.locks import LockKind
from controller.node.script import ScriptError, parse, play
from controller.node.sidedoor import SideDoor
from controller.node.steps import FaultFields
from controller.node.wire import Reply, Request, failure, success

PREFIX = "/winux/"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _FaultBody(FaultFields):
    after: float = 0.0
    lasting: float | None = None


class _Quorum(_Body):
    quorate: bool


class _Node(_Body):
    online: bool | None = None
    pvedaemon: bool | None = None
    pvestatd: bool | None = None


class _Storage(_Body):
    free: int | None = None
    total: int | None = Field(default=None, gt=0)
    node: str | None = None


class _Lock(_Body):
    lock: LockKind
    seconds: float = Field(gt=0)
    vmid: int | None = None
    storage: str | None = None
    node: str | None = None


class _Kill(_Body):
    action: Literal["kill"] = "kill"


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
            if (request.method, parts) == ("POST", ("script",)):
                result: object = self._play(request.body)
            else:
                body: Mapping[str, object] = TypeAdapter(dict[str, object]).validate_json(request.body or b"{}")
                result = self._act(request.method, parts, body)
        except Refusal as refusal:
            return failure(refusal)
        except ScriptError as error:
            return failure(Refusal(400, f"side door: {error}"))
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

    def _play(self, body: bytes) -> int:
        script = parse(body.decode("utf-8", "replace"), source="the script", door=self.door)
        play(script, self.door)
        return len(script.steps)

    def _act(self, method: str, parts: tuple[str, ...], body: Mapping[str, object]) -> object:
        match method, *parts:
            case "POST", "faults":
                return self.door.add_fault(Fault(**_FaultBody.model_validate(body).model_dump()))
            case "GET", "faults":
                return [dataclasses.asdict(rule) for rule in self._dispatcher.faults.rules]
            case "GET", "script":
                return [entry.as_json() for entry in self.door.programme.entries]
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
                self.door.remove_faults(_number(number))
            case ["script"]:
                self.door.programme.call_off()
            case ["tasks"]:
                self.door.prune_tasks()
            case ["tasks", node]:
                self.door.prune_tasks(node=node)
            case ["stats"]:
                self.door.forget_stats()
            case _:
                raise _unknown("DELETE", parts)

    def _set(self, parts: list[str], body: Mapping[str, object]) -> None:
        match parts:
            case ["containers", vmid]:
                self._act_on(_number(vmid), _Action.model_validate(body))
            case ["quorum"]:
                self.door.set_quorum(quorate=_Quorum.model_validate(body).quorate)
            case ["nodes", name]:
                self._set_node(name, _Node.model_validate(body))
            case ["storages", name]:
                self._set_storage(name, _Storage.model_validate(body))
            case ["locks"]:
                self._hold(_Lock.model_validate(body))
            case ["tasks", upid]:
                _Kill.model_validate(body)
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

    def _set_node(self, name: str, body: _Node) -> None:
        for service, running in (("pvedaemon", body.pvedaemon), ("pvestatd", body.pvestatd)):
            if running is not None:
                self.door.set_service(name, service, running=running)
        if body.online is not None:
            self.door.set_online(name, online=body.online)

    def _set_storage(self, name: str, body: _Storage) -> None:
        if body.total is not None:
            self.door.set_capacity(name, body.total)
        if "free" in body.model_fields_set:
            self.door.fill_storage(name, node=body.node, free=body.free)

    def _hold(self, body: _Lock) -> None:
        match body.lock:
            case LockKind.USERS:
                self.door.hold_users(seconds=body.seconds)
            case LockKind.STORAGE if body.storage is not None:
                self.door.hold_storage(body.storage, node=body.node, seconds=body.seconds)
            case LockKind.CONFIG if body.vmid is not None:
                self.door.hold_config(body.vmid, seconds=body.seconds)
            case _:
                raise LookupError(f"a lock {body.lock.value!r} needs a {_OWNER[body.lock]}")

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


_OWNER = {LockKind.CONFIG: "vmid", LockKind.STORAGE: "storage"}


def _number(text: str) -> int:
    if not text.isdecimal():
        raise LookupError(f"{text!r} is no number")
    return int(text)


def _unknown(method: str, parts: Sequence[str]) -> Refusal:
    return Refusal(404, f"side door: there is no {method} {PREFIX}{'/'.join(parts)}")


def _sentences(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors())
