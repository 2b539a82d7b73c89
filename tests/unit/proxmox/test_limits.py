"""The decorators: never more calls at once than allowed, and one report per call."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from controller.engine.clock import VirtualClock
from controller.proxmox.around import Around
from controller.proxmox.limits import CLUSTER, Call, Instrumented, Limited
from controller.proxmox.port import NodeRow, NotFound, Proxmox

PATIENT = 20.0
UPID = "UPID:pve2:00003F8B:00024612:6B02F28D:vzcreate:200:op@pve!t1:"


class Gate:
    """A port whose calls wait until they are let through, and that knows how many were inside at once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = False
        self.inside: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.calls: list[tuple[str, tuple[object, ...], Mapping[str, object]]] = []

    def open(self) -> None:
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def close(self) -> None:
        """Those that come from now on wait again, and are counted anew."""
        with self._changed:
            self._open = False
            self.most = {}

    def wait_until_inside(self, node: str, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.inside.get(node, 0) >= count, timeout=PATIENT)

    def _pass(self, node: str) -> None:
        with self._changed:
            self.inside[node] = self.inside.get(node, 0) + 1
            self.most[node] = max(self.most.get(node, 0), self.inside[node])
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._open, timeout=PATIENT)
            self.inside[node] -= 1

    def start(self, node: str, vmid: int) -> str:
        self._pass(node)
        return f"{node}/{vmid}"

    def nodes(self) -> tuple[NodeRow, ...]:
        self._pass(CLUSTER)
        return ()


def test_no_more_calls_at_once_than_allowed_and_each_node_has_its_own() -> None:
    gate = Gate()
    port = Limited(gate, 3, cluster=2)  # type: ignore[arg-type]
    with ThreadPoolExecutor(20) as threads:
        on_pve1 = [threads.submit(port.start, "pve1", vmid) for vmid in range(8)]
        on_pve2 = [threads.submit(port.start, "pve2", vmid) for vmid in range(8)]
        cluster = [threads.submit(port.nodes) for _ in range(4)]
        for node, places in (("pve1", 3), ("pve2", 3), (CLUSTER, 2)):
            gate.wait_until_inside(node, places)
        assert port.in_flight == {"pve1": 3, "pve2": 3, CLUSTER: 2}
        gate.open()
        assert [future.result() for future in on_pve1] == [f"pve1/{vmid}" for vmid in range(8)]
        assert all(future.result() is not None for future in (*on_pve2, *cluster))
    assert gate.most == {"pve1": 3, "pve2": 3, CLUSTER: 2}
    assert port.most_in_flight == gate.most
    assert set(port.in_flight.values()) == {0}
    assert set(port.waiting.values()) == {0}


def test_with_a_single_node_the_limit_is_the_most_in_all() -> None:
    gate = Gate()
    port = Limited(gate, 3, cluster=2)  # type: ignore[arg-type]
    with ThreadPoolExecutor(12) as threads:
        calls = [threads.submit(port.start, "pve1", vmid) for vmid in range(2)]
        gate.wait_until_inside("pve1", 2)
        calls += [threads.submit(port.nodes) for _ in range(4)]  # type: ignore[misc]
        gate.wait_until_inside(CLUSTER, 1)
        gate.open()
        assert all(call.result() is not None for call in calls)
    assert port.most_in_flight == {"pve1": 3}


def test_a_higher_limit_lets_those_in_at_once_that_wait() -> None:
    gate = Gate()
    port = Limited(gate, 1)  # type: ignore[arg-type]
    with ThreadPoolExecutor(6) as threads:
        calls = [threads.submit(port.start, "pve1", vmid) for vmid in range(6)]
        gate.wait_until_inside("pve1", 1)
        port.set_limit(3)
        gate.wait_until_inside("pve1", 3)
        gate.open()
        assert all(call.result() for call in calls)
    assert gate.most == {"pve1": 3}


def test_a_lower_limit_stops_no_call_and_holds_for_the_next() -> None:
    gate = Gate()
    port = Limited(gate, 3)  # type: ignore[arg-type]
    with ThreadPoolExecutor(7) as threads:
        calls = [threads.submit(port.start, "pve1", vmid) for vmid in range(3)]
        gate.wait_until_inside("pve1", 3)
        port.set_limit(2)
        assert port.in_flight == {"pve1": 3}
        gate.open()
        assert [call.result() for call in calls] == ["pve1/0", "pve1/1", "pve1/2"]
        gate.close()
        calls = [threads.submit(port.start, "pve1", vmid) for vmid in range(4)]
        gate.wait_until_inside("pve1", 2)
        gate.open()
        assert all(call.result() for call in calls)
    assert gate.most == {"pve1": 2}


def test_who_waits_for_a_turn_gives_signs_of_life() -> None:
    gate, waited = Gate(), threading.Event()
    port = Limited(gate, 1, waits=waited.set)  # type: ignore[arg-type]
    with ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(port.start, "pve1", vmid) for vmid in range(2)]
        assert waited.wait(PATIENT)
        gate.open()
        assert all(call.result() for call in calls)


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def config(self, *_: object) -> object:
        raise self.error


def test_a_call_that_fails_gives_its_place_back() -> None:
    port = Limited(Failing(NotFound("gone")), 1)  # type: ignore[arg-type]
    for _ in range(3):
        with pytest.raises(NotFound):
            port.config("pve1", 200)
    assert port.in_flight == {"pve1": 0}


@pytest.mark.parametrize("limits", [{"per_node": 0}, {"cluster": 0}])
def test_a_limit_below_one_would_stop_everything(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one call"):
        Limited(Gate(), **limits)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one call"):
        Limited(Gate()).set_limit(0)  # type: ignore[arg-type]


class Slow:
    """Each call takes as many virtual seconds as the container's number."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def start(self, node: str, vmid: int) -> str:
        self._clock.advance(vmid)
        return node

    def config(self, _node: str, vmid: int) -> object:
        self._clock.advance(vmid)
        raise NotFound("gone") if vmid == 2 else RuntimeError("a bug")

    def task_log(self, upid: str, *, lines: int = 20) -> tuple[str, ...]:
        return (upid, str(lines))

    def permissions(self, paths: Sequence[str] = ()) -> Mapping[str, frozenset[str]]:
        return {path: frozenset() for path in paths}


def test_every_call_is_reported_with_its_outcome_and_duration() -> None:
    clock, calls = VirtualClock(), list[Call]()
    port = Instrumented(Slow(clock), calls.append, clock=clock)  # type: ignore[arg-type]
    assert port.start("pve1", 3) == "pve1"
    with pytest.raises(NotFound):
        port.config("pve1", 2)
    with pytest.raises(RuntimeError):
        port.config("pve1", 1)
    assert port.task_log(UPID, lines=5) == (UPID, "5")
    assert port.permissions(("/pool/x",)) == {"/pool/x": frozenset()}
    assert calls == [
        Call("start", "pve1", "ok", 3.0, 3),
        Call("config", "pve1", "NotFound", 2.0, 2),
        Call("config", "pve1", "Bug", 1.0, 1),
        Call("task_log", "pve2", "ok", 0.0, 200),
        Call("permissions", None, "ok", 0.0),
    ]


METHODS = sorted(name for name, _ in inspect.getmembers(Proxmox, inspect.isfunction) if not name.startswith("_"))


class Echo:
    """Answers every call with its name and arguments."""

    def __getattr__(self, name: str) -> object:
        return lambda *positional, **named: (name, positional, named)


SILENT = {"update", "set_firewall_options", "add_firewall_rule", "remove_firewall_rule"}
"""Methods whose success says it all."""


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_the_port_is_passed_on_as_it_is(method: str) -> None:
    signature = inspect.signature(getattr(Proxmox, method))
    assert inspect.signature(getattr(Around, method)) == signature
    parameters = [parameter for parameter in signature.parameters.values() if parameter.name != "self"]
    special = {"upid": UPID, "request": SimpleNamespace(vmid=200)}
    positional = [special.get(p.name, f"<{p.name}>") for p in parameters if p.kind is not p.KEYWORD_ONLY]
    named = {p.name: f"<{p.name}>" for p in parameters if p.kind is p.KEYWORD_ONLY}
    calls: list[Call] = []
    port = Instrumented(Limited(Echo()), calls.append, clock=VirtualClock())  # type: ignore[arg-type]
    answer = getattr(port, method)(*positional, **named)
    assert answer == (None if method in SILENT else (method, tuple(positional), named))
    (call,) = calls
    node = "<node>" if "node" in signature.parameters else "pve2" if "upid" in signature.parameters else None
    assert (call.operation, call.node, call.outcome) == (method, node, "ok")
    about = (
        200 if special.keys() & signature.parameters.keys() else "<vmid>" if "vmid" in signature.parameters else None
    )
    assert call.vmid == about
