"""What changes slowly: how often it is asked for, what is told of it, and for how long where it cannot be had."""

from __future__ import annotations

import threading

import pytest

from controller.engine.clock import VirtualClock
from controller.proxmox.outlook import ENDS_EVERY, NODES_EVERY, NODES_LAST, Outlook
from controller.proxmox.port import Forbidden, NodeDown, NodeRow, ProxmoxError, Unauthorized, Untrusted

TOKEN_ENDS, CERTIFICATE_ENDS = 1_900_000_000.0, 1_950_000_000.0


class Cluster:
    """What is asked, and what is answered or raised."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.up = {"pve1": True, "pve2": False}
        self.token: float | None = TOKEN_ENDS
        self.errors: dict[str, Exception] = {}
        self.asked: list[tuple[float, str]] = []

    def nodes(self) -> tuple[NodeRow, ...]:
        self._ask("nodes")
        return tuple(NodeRow(name, online) for name, online in self.up.items())

    def token_expiry(self) -> float | None:
        self._ask("token")
        return self.token

    def certificate(self) -> float:
        self._ask("certificate")
        return CERTIFICATE_ENDS

    def times(self, what: str) -> list[float]:
        return [at for at, asked in self.asked if asked == what]

    def _ask(self, what: str) -> None:
        self.asked.append((self._clock.monotonic(), what))
        if what in self.errors:
            raise self.errors[what]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def cluster(clock: VirtualClock) -> Cluster:
    return Cluster(clock)


@pytest.fixture
def outlook(cluster: Cluster, clock: VirtualClock) -> Outlook:
    return Outlook(cluster, clock=clock, certificate=cluster.certificate)  # type: ignore[arg-type]


def run(outlook: Outlook, clock: VirtualClock, seconds: float) -> None:
    """What ``run`` does, for so long."""
    end = clock.monotonic() + seconds
    while clock.monotonic() < end:
        outlook.look()
        clock.advance(NODES_EVERY)


def test_nothing_is_known_before_it_was_asked(outlook: Outlook, cluster: Cluster) -> None:
    assert (outlook.nodes, outlook.token_expires, outlook.certificate_expires) == ({}, None, None)
    assert cluster.asked == []


def test_all_is_known_after_one_look(outlook: Outlook) -> None:
    outlook.look()
    assert outlook.nodes == {"pve1": True, "pve2": False}
    assert (outlook.token_expires, outlook.certificate_expires) == (TOKEN_ENDS, CERTIFICATE_ENDS)


def test_nodes_are_asked_for_twice_a_minute_and_ends_once_an_hour(
    outlook: Outlook, cluster: Cluster, clock: VirtualClock
) -> None:
    run(outlook, clock, 2 * ENDS_EVERY)
    assert cluster.times("nodes") == [NODES_EVERY * n for n in range(240)]
    assert cluster.times("token") == cluster.times("certificate") == [0.0, ENDS_EVERY]


def test_a_node_that_goes_down_is_seen_by_the_next_look(outlook: Outlook, cluster: Cluster) -> None:
    outlook.look()
    cluster.up = {"pve1": False, "pve3": True}
    outlook.look()
    assert outlook.nodes == {"pve1": False, "pve3": True}


def test_the_last_answer_about_nodes_lasts_for_a_while(outlook: Outlook, cluster: Cluster, clock: VirtualClock) -> None:
    outlook.look()
    cluster.errors["nodes"] = NodeDown("no connection")
    run(outlook, clock, NODES_LAST + NODES_EVERY)
    assert outlook.nodes == {"pve1": True, "pve2": False}
    outlook.look()
    assert outlook.nodes == {}
    del cluster.errors["nodes"]
    outlook.look()
    assert outlook.nodes == {"pve1": True, "pve2": False}


@pytest.mark.parametrize("what", ["token", "certificate"])
def test_an_end_that_could_not_be_had_is_asked_for_again_soon_and_the_last_one_stays(
    outlook: Outlook, cluster: Cluster, clock: VirtualClock, what: str
) -> None:
    outlook.look()
    cluster.errors[what] = Untrusted("another fingerprint")
    clock.advance(ENDS_EVERY)
    run(outlook, clock, 3 * NODES_EVERY)
    assert cluster.times(what) == [0.0, ENDS_EVERY, ENDS_EVERY + 30, ENDS_EVERY + 60]
    assert (outlook.token_expires, outlook.certificate_expires) == (TOKEN_ENDS, CERTIFICATE_ENDS)
    assert cluster.times("certificate" if what == "token" else "token") == [0.0, ENDS_EVERY]


def test_a_refusal_is_not_known_and_asked_for_again_in_an_hour(
    outlook: Outlook, cluster: Cluster, clock: VirtualClock
) -> None:
    outlook.look()
    cluster.errors["token"] = Forbidden("it needs Sys.Audit")
    clock.advance(ENDS_EVERY)
    run(outlook, clock, ENDS_EVERY)
    assert cluster.times("token") == [0.0, ENDS_EVERY]
    assert outlook.token_expires is None


def test_a_token_that_never_expires_has_no_end(outlook: Outlook, cluster: Cluster) -> None:
    cluster.token = None
    outlook.look()
    assert outlook.token_expires is None


@pytest.mark.parametrize("error", [NodeDown("x"), Unauthorized("x"), Forbidden("x")])
def test_one_that_fails_keeps_nobody_from_being_asked(outlook: Outlook, cluster: Cluster, error: ProxmoxError) -> None:
    cluster.errors = dict.fromkeys(("nodes", "token", "certificate"), error)
    outlook.look()
    assert [what for _, what in cluster.asked] == ["nodes", "token", "certificate"]


class Stopping(VirtualClock):
    """Ends the loop after so many waits."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self._rounds = rounds

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        self._rounds -= 1
        if self._rounds == 0:
            event.set()
        return super().wait(event, timeout)


def test_its_thread_gives_a_sign_of_life_before_every_question_and_every_second_and_ends_when_told() -> None:
    clock = Stopping(rounds=2 * int(NODES_EVERY) + 10)
    cluster, order = Cluster(clock), list[str]()
    outlook = Outlook(
        cluster,  # type: ignore[arg-type]
        clock=clock,
        certificate=cluster.certificate,
        beat=lambda: order.append(f"beat after {len(cluster.asked)}"),
    )
    outlook.run(threading.Event())
    assert [what for _, what in cluster.asked] == ["nodes", "token", "certificate", "nodes", "nodes"]
    assert order[:4] == ["beat after 0", "beat after 1", "beat after 2", "beat after 3"]
    assert "beat after 5" in order
    assert order.count("beat after 4") >= NODES_EVERY
