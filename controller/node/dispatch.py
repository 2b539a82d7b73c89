"""From a request to its reply, in pveproxy's order: credentials, path, rights, node, parameters, then the call.

A request becomes a process of the cluster's schedule; whoever submitted it waits in his own way until it is done.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping

from controller.node.access import Identity
from controller.node.census import Census, Write
from controller.node.cluster import Cluster, Node
from controller.node.context import Context
from controller.node.errors import Refusal, died, forbidden, invalid
from controller.node.faults import Fault, FaultKind, Faults
from controller.node.handover import CHANGES_USERS, is_protected
from controller.node.locks import LockKind
from controller.node.page import page
from controller.node.programme import Programme
from controller.node.routes import Route, find
from controller.node.schedule import Completion, Schedule, Steps
from controller.node.schema import check
from controller.node.wire import BASE, IDLE_SECONDS, Ending, Reply, Request, aborted, failure, success

LOG = logging.getLogger(__name__)
PROXY_SECONDS = 30.0
"""How long pveproxy waits for pvedaemon; then it answers 596 while the work goes on."""
_NOBODY = Identity("")
_LATER = {
    FaultKind.SLOW_TASK,
    FaultKind.TASK_ERROR,
    FaultKind.WORKER_KILLED,
    FaultKind.STORAGE_FULL,
    FaultKind.SLOW_LOCK,
}
"""Faults that do not delay the call itself."""


class Dispatcher:
    """The API of a cluster. Used from one thread."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.faults = Faults(cluster.rng, now=cluster.schedule.now)
        self.programme = Programme(cluster.schedule)
        self.census = Census()
        cluster.tasks.on_start.append(self.census.task_began)
        cluster.tasks.on_end.append(self.census.task_ended)

    @property
    def schedule(self) -> Schedule:
        return self.cluster.schedule

    def submit(self, request: Request) -> Completion[Reply]:
        """Begin to serve a request. The completion is done at once where nothing has to be waited for."""
        self.schedule.settle()
        outcome = self.schedule.spawn(self._serve(request)).outcome
        self.schedule.settle()
        if outcome.done:
            return outcome
        answer: Completion[Reply] = Completion(self.schedule)
        outcome.then(lambda: answer.set(outcome.result()))
        late = Reply(status=596, reason="Connection timed out")
        self.schedule.at(self.schedule.now() + PROXY_SECONDS, lambda: answer.set(late))
        return answer

    def knows(self, request: Request) -> bool:
        """Whether the caller has proved who he is: nobody else may send a file, which is taken in before the call."""
        try:
            request.check_head()
            return bool(self._identify(request).authid)
        except Refusal:
            return False

    def _serve(self, request: Request) -> Steps[Reply]:
        if not self.cluster.nodes[self.cluster.entry].online:
            return aborted(Ending.RESET)
        if request.overlong:
            yield from self.schedule.pause(IDLE_SECONDS)
            return aborted(Ending.RESET)
        try:
            request.check_head()
        except Refusal as refusal:
            return failure(refusal)
        if (request.method, request.path) == ("GET", "/"):
            return page(self.cluster)
        if not request.path.startswith(f"{BASE}/"):
            return failure(Refusal(501, f"no such file '{request.path}'"))
        found = find(request.method, request.segments())
        try:
            who = _NOBODY if found and found[0].public else self._identify(request)
        except Refusal as refusal:
            yield from self.schedule.pause(self.cluster.profile.unauthorized)
            return failure(refusal)
        path = request.path.removeprefix(BASE)
        operation = found[0].name if found else "unknown"
        write = Write(self.schedule.wall(), request.method, path, who.authid, operation)
        self.census.call_began(write)
        status = 0
        try:
            fault = self.faults.hit(operation=operation, method=request.method, path=path, authid=who.authid)
            reply = yield from self._with_fault(request, found, who, fault)
            status = reply.status
        finally:
            self.census.call_ended(write, status)
        return reply

    def _identify(self, request: Request) -> Identity:
        now = self.schedule.wall()
        return self.cluster.authentication.identify(request.headers, method=request.method, now=now)

    def _with_fault(
        self, request: Request, found: tuple[Route, dict[str, str]] | None, who: Identity, fault: Fault | None
    ) -> Steps[Reply]:
        if fault is None:
            return (yield from self._answer(request, found, who, None))
        if fault.kind not in _LATER:
            yield from self.schedule.pause(fault.seconds)
        if fault.kind is FaultKind.ERROR:
            return failure(Refusal(fault.status, fault.text, body=fault.status < 590))
        if fault.kind is FaultKind.TIMEOUT_LOST:
            return aborted(Ending.SILENCE)
        if fault.kind is FaultKind.RESET and not fault.done:
            return aborted(Ending.RESET)
        reply = yield from self._answer(request, found, who, fault)
        endings = {FaultKind.TIMEOUT_DONE: Ending.SILENCE, FaultKind.RESET: Ending.RESET}
        return aborted(endings[fault.kind]) if fault.kind in endings else reply

    def _hold(self, fault: Fault, params: Mapping[str, str]) -> Steps[None]:
        """Somebody else has the locks before the call comes to them."""
        cluster, locks = self.cluster, self.cluster.locks
        flocks = [locks.users]
        if fault.lock is LockKind.STORAGE:
            flocks = [locks.storage(storage, node) for storage in cluster.storages.values() for node in cluster.nodes]
        elif fault.lock is LockKind.CONFIG:
            vmids = [params.get(name, "") for name in ("vmid", "newid")]
            flocks = [locks.config(int(vmid)) for vmid in vmids if vmid.isdecimal()]
        for flock in dict.fromkeys(flocks):
            locks.hold(flock, fault.seconds)
        yield self.schedule.timer(0)

    def _answer(
        self, request: Request, found: tuple[Route, dict[str, str]] | None, who: Identity, fault: Fault | None
    ) -> Steps[Reply]:
        try:
            if found is None:
                path = request.path.removeprefix(BASE)
                raise Refusal(501, f"Method '{request.method} {path}' not implemented")
            return success((yield from self._call(request, *found, who, fault)))
        except Refusal as refusal:
            if refusal.status == 401:
                yield from self.schedule.pause(self.cluster.profile.unauthorized)
            return failure(refusal)
        except Exception:
            LOG.exception("%s %s broke", request.method, request.path)
            return failure(died("internal error of the node, see its log"))

    def _call(
        self, request: Request, route: Route, in_path: dict[str, str], who: Identity, fault: Fault | None
    ) -> Steps[object]:
        params = request.parameters()
        for name, value in in_path.items():
            if params.get(name, value) != value:
                raise invalid({name: "duplicate parameter (already defined in URI) with conflicting values!"})
        context = Context(self.cluster, who, params | in_path, fault.doom if fault else None, request.upload)
        if who.token and not route.tokens:
            raise forbidden(f"URI '{request.path}' not available with API token, need proper ticket.")
        _authorize(route, context)
        if "node" in in_path:
            self._reach(in_path["node"])
        if is_protected(route.name, request.method) and not self._node(in_path).pvedaemon:
            raise Refusal(595, "Connection refused", body=False)
        if errors := check(context.params, route.schema, release=self.cluster.release.number):
            raise invalid(errors)
        if fault and fault.kind is FaultKind.SLOW_LOCK:
            yield from self._hold(fault, context.params)
        yield from self.schedule.pause(self._latency(route.name, context))
        _authorize(route, context)  # pvedaemon asks again: rights may be gone meanwhile
        if route.name in CHANGES_USERS:
            yield from self.cluster.locks.with_users(CHANGES_USERS[route.name], lambda: None)
        result = route.call(context)
        return (yield from result) if isinstance(result, Generator) else result

    def _reach(self, name: str) -> None:
        """A node that is unknown or down cannot be asked."""
        node = self.cluster.nodes.get(name)
        if node is None:
            reason = f"failed to get address info for: {name}: Name or service not known"
            raise died(f"hostname lookup '{name}' failed - {reason}")
        if not node.online:
            raise Refusal(595, "No route to host", body=False)

    def _node(self, in_path: dict[str, str]) -> Node:
        """The node that does the call's work."""
        return self.cluster.nodes[in_path.get("node", self.cluster.entry)]

    def _latency(self, operation: str, context: Context) -> float:
        profile = self.cluster.profile
        archived = operation == "tasks" and context.text("source") != "active"
        spread = profile.calls.get("tasks_archive" if archived else operation)
        seconds = spread.draw(self.cluster.rng) if spread else 0.0
        if operation == "resources":
            seconds += profile.per_guest * len(self.cluster.guests)
        elif operation == "list" and profile.per_running:
            seconds += profile.per_running * sum(guest.running for guest in self.cluster.on(context.node))
        return seconds


def _authorize(route: Route, context: Context) -> None:
    if route.check:
        route.check(context)
