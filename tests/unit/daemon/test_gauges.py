"""The state that a scrape shows, read off a real controller in virtual time."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.event import listens_for

from controller.core.guards import Brakes
from controller.node.faults import FaultKind
from controller.reconcile.picture import Picture
from controller.reconcile.reconciler import WHOLE_PICTURE
from controller.telemetry.families import GUARDS
from tests.scenarios.measured import Measured
from tests.scenarios.memory import memory
from tests.scenarios.people import Administrators, Authors, FaultSpec, Made

RANGED = {"network": {"addresses": {"range": "10.0.0.10-10.0.0.19", "prefix": 24}}}


@pytest.fixture
def directory() -> Iterator[Path]:
    with memory() as directory:
        yield directory


@pytest.fixture
def lab(directory: Path) -> Measured:
    return Measured(directory, nodes=("pve1", "pve2"), policy={"vmid_last": 30010, "vmid_rest": 60.0})


@pytest.fixture
def authors(lab: Measured) -> Authors:
    authors = Authors(lab.world)
    authors.templates({"spare": {}})  # an empty directory would be taken for one that is not mounted
    return authors


@pytest.fixture
def proxmox(lab: Measured) -> Administrators:
    return Administrators(lab.world)


def until_ready(lab: Measured, *sessions: str) -> None:
    lab.world.until(f"{sessions} are ready", lambda: all(lab.world.phase(name) == "Ready" for name in sessions))


# -- sessions --------------------------------------------------------------------------------------------------


def test_sessions_are_counted_by_phase_template_and_launch(lab: Measured, authors: Authors) -> None:
    source = {"source": {"clone": {"templates": [{"vmid": 9000, "node": "pve1"}]}}, "credentials": "template"}
    authors.templates({"cloned": source})
    authors.sessions({"alice": {"ttl": "1h"}, "bob": {"ttl": "1h"}, "carol": {"ttl": "1h", "template": "cloned"}})
    until_ready(lab, "alice", "bob", "carol")
    lab.world.run(20)  # Proxmox's statistics lag
    assert lab.value("winux_sessions", phase="Ready", template="default", launch="archive") == 2
    assert lab.value("winux_sessions", phase="Ready", template="cloned", launch="clone") == 1
    assert lab.value("winux_sessions", phase="Failed", template="cloned", launch="clone") == 0
    assert lab.value("winux_sessions_desired") == 3
    assert lab.values("winux_containers", "status") == {"running": 3}
    assert lab.value("winux_session_ready_seconds_count", launch="clone", template="cloned") == 1
    assert lab.values("winux_events_total", "reason", type="Normal")["Accepted"] == 3


def test_a_template_that_nobody_used_yet_is_there_too(lab: Measured, authors: Authors) -> None:
    authors.templates({"unused": {"ttl": {"default": "1h"}}})
    lab.world.run(3)
    assert lab.value("winux_sessions", phase="Ready", template="unused", launch="archive") == 0
    assert lab.value("winux_sessions_accepted_total", template="unused", launch="archive") == 0


def test_those_that_wait_are_counted_by_reason(lab: Measured, authors: Authors) -> None:
    authors.templates({"nowhere": {"nodes": ["pve9"]}})
    authors.sessions({"alice": {"template": "nowhere"}, "bob": {"paused": True}})
    lab.world.run(10)
    assert lab.values("winux_sessions_held", "reason") == {"NoRoom": 1, "PausedByManifest": 1}
    assert lab.value("winux_sessions_failing") == 1


def test_a_tombstone_is_a_session_but_no_life(lab: Measured, authors: Authors) -> None:
    authors.sessions({"alice": {"ttl": "1m"}})
    until_ready(lab, "alice")
    assert lab.values("winux_ledger_incarnations", "state") == {"living": 1}
    lab.world.until("it is over", lambda: lab.world.phase("alice") == "Expired")
    assert lab.values("winux_sessions", "phase") == {"Expired": 1}
    assert lab.values("winux_ledger_incarnations", "state") == {"ended": 1}
    assert lab.values("winux_sessions_ended_total", "reason") == {"Expired": 1}
    assert lab.value("winux_session_expiry_lag_seconds_count") == 1


def test_a_container_without_a_manifest_is_an_orphan_until_it_is_gone(lab: Measured, authors: Authors) -> None:
    authors.sessions({"alice": {"ttl": "1h"}})
    until_ready(lab, "alice")
    authors.remove(["alice"])
    lab.world.until("it is noticed", lambda: lab.value("winux_sessions_orphaned") == 1)
    lab.world.until("it is gone", lambda: not lab.world.containers())
    lab.world.run(1)
    assert lab.value("winux_sessions_orphaned") == 0


def test_a_container_that_cannot_be_destroyed_is_overdue(
    lab: Measured, authors: Authors, proxmox: Administrators
) -> None:
    authors.sessions({"alice": {"ttl": "1m"}})
    until_ready(lab, "alice")
    assert lab.value("winux_session_expiry_overdue_seconds") == 0
    proxmox.fault(FaultSpec(kind=FaultKind.ERROR, operation="delete", status=500))
    lab.world.run(90)
    assert lab.value("winux_destroys_failing") == 1
    assert lab.value("winux_session_expiry_overdue_seconds") == pytest.approx(30, abs=3)
    proxmox.heal(True)
    lab.world.until("it is gone", lambda: not lab.world.containers(), within=300)
    lab.world.run(1)
    assert lab.value("winux_destroys_failing") == 0
    assert lab.value("winux_session_expiry_overdue_seconds") == 0


def test_the_oldest_that_is_to_become_ready_is_told(lab: Measured, authors: Authors, proxmox: Administrators) -> None:
    authors.sessions({"alice": {"ttl": "1h"}})
    until_ready(lab, "alice")
    assert lab.value("winux_session_oldest_unready_seconds") == 0
    proxmox.silence("all")
    authors.sessions({"bob": {"ttl": "1h"}, "carol": {"paused": True}})
    lab.world.run(100)
    assert lab.value("winux_session_oldest_unready_seconds") == pytest.approx(100, abs=3)
    proxmox.let_speak("all")
    until_ready(lab, "bob")
    assert lab.value("winux_session_oldest_unready_seconds") == 0


def test_one_that_lost_its_desktop_counts_from_then_on(
    lab: Measured, authors: Authors, proxmox: Administrators
) -> None:
    authors.sessions({"alice": {"ttl": "1h"}})
    until_ready(lab, "alice")
    lab.world.run(600)
    proxmox.silence("all")
    proxmox.destroy("alice")
    lab.world.run(60)
    assert lab.value("winux_session_oldest_unready_seconds") == pytest.approx(60, abs=5)


def test_nobody_waits_while_an_administrator_holds_everything(
    lab: Measured, authors: Authors, proxmox: Administrators
) -> None:
    proxmox.silence("all")
    authors.sessions({"alice": {"ttl": "1h"}})
    lab.world.run(30)
    lab.world.controller.picture.pause(True)
    assert lab.value("winux_session_oldest_unready_seconds") == 0
    assert lab.value("winux_guard_engaged", guard="Paused") == 1
    assert lab.value("winux_ready") == 0


def test_containers_that_are_left_alone_are_counted(lab: Measured, authors: Authors, proxmox: Administrators) -> None:
    authors.sessions({"alice": {"ttl": "1h"}})
    until_ready(lab, "alice")
    proxmox.copy({30009: "alice"})
    marked = lab.world.cluster.guests[30009].options
    known = lab.world.controller.tools.ledger.life("alice")
    assert known is not None
    uid, vmid = known.uid, lab.world.vmid("alice")
    description = marked["description"].replace(uid, "f" * 32).replace(str(vmid), "30009")
    proxmox.set({30009: {"description": description}})
    lab.world.run(5)
    assert lab.value("winux_containers_unaccounted") == 1
    assert lab.values("winux_vmids", "state") == {"used": 1, "foreign": 1, "free": 8}


def test_sessions_are_named_only_where_that_was_asked_for(directory: Path) -> None:
    named = Measured(directory, session_info=True)
    authors = Authors(named.world)
    authors.templates({"spare": {}})
    authors.sessions({"alice": {"ttl": "1h"}})
    until_ready(named, "alice")
    labels = {"session": "alice", "phase": "Ready", "template": "default", "node": "pve1"}
    assert named.value("winux_session_info", **labels, vmid=str(named.world.vmid("alice"))) == 1
    authors.remove(["alice"])
    named.world.until("it is gone", lambda: not named.world.containers())
    named.world.run(5)
    assert "alice" not in named.scrape()


def test_no_session_is_named_else(lab: Measured, authors: Authors) -> None:
    authors.sessions({"alice": {"ttl": "1h"}})
    until_ready(lab, "alice")
    assert "alice" not in lab.scrape()


# -- Proxmox and capacity --------------------------------------------------------------------------------------


def test_a_cluster_without_quorum_is_told_while_somebody_waits_for_it(
    lab: Measured, authors: Authors, proxmox: Administrators
) -> None:
    lab.world.run(3)
    assert lab.value("winux_proxmox_quorate") == 1
    proxmox.quorum(False)
    authors.sessions({"alice": {"ttl": "1h"}})
    lab.world.run(10)
    assert lab.value("winux_proxmox_quorate") == 0
    proxmox.quorum(True)
    until_ready(lab, "alice")
    assert lab.value("winux_proxmox_quorate") == 1


def test_vmids_of_the_range_are_used_resting_foreign_or_free(
    lab: Measured, authors: Authors, proxmox: Administrators
) -> None:
    authors.sessions({"alice": {"ttl": "1h"}, "bob": {"ttl": "1m"}})
    until_ready(lab, "alice", "bob")
    free = next(vmid for vmid in range(30001, 30011) if vmid not in lab.world.cluster.guests)
    proxmox.add({free: Made(config={"hostname": "theirs"}, pool="winux")})
    lab.world.until("bob is over", lambda: lab.world.phase("bob") == "Expired")
    lab.world.run(5)
    assert lab.values("winux_vmids", "state") == {"used": 1, "resting": 1, "foreign": 1, "free": 7}
    lab.world.run(60)
    assert lab.values("winux_vmids", "state") == {"used": 1, "foreign": 1, "free": 8}


def test_addresses_count_for_every_template_in_whose_range_they_are(lab: Measured, authors: Authors) -> None:
    wider = {"network": {"addresses": {"first": "10.0.0.1", "last": "10.0.0.100", "prefix": 24}}}
    authors.templates({"narrow": RANGED, "wide": wider, "dynamic": {}})
    authors.sessions({"alice": {"template": "narrow"}, "bob": {"template": "narrow"}})
    until_ready(lab, "alice", "bob")
    assert lab.values("winux_addresses", "template", state="used") == {"narrow": 2, "wide": 2}
    assert lab.values("winux_addresses", "template", state="free") == {"narrow": 8, "wide": 98}
    assert lab.value("winux_addresses", template="dynamic", state="free") is None


def test_operations_are_counted_by_node_with_their_limit(lab: Measured, authors: Authors) -> None:
    authors.crowd({"guest": 4})
    lab.world.until("some are being made", lambda: "Creating" in {lab.world.phase(f"guest-0{n}") for n in (1, 2, 3, 4)})
    assert sum(lab.values("winux_proxmox_operations_in_flight", "node").values()) == 4
    assert lab.values("winux_proxmox_operations_limit", "node") == {"pve1": 4, "pve2": 4}


def test_times_are_those_of_the_clock(lab: Measured) -> None:
    assert lab.value("winux_proxmox_last_observation_timestamp_seconds") == 0
    lab.world.run(10)
    seen = lab.value("winux_proxmox_last_observation_timestamp_seconds")
    assert seen == pytest.approx(lab.world.clock.now(), abs=3)


def test_mistakes_in_manifests_are_counted(lab: Measured, authors: Authors) -> None:
    authors.write({"bad.yaml": "kind: [\n"})
    lab.world.run(3)
    assert lab.value("winux_manifests_files") == 2
    assert lab.value("winux_manifests_problems") == 1


def test_the_ledger_has_a_size(lab: Measured) -> None:
    assert (lab.value("winux_ledger_size_bytes") or 0) > 4096


# -- the cost of looking ---------------------------------------------------------------------------------------


def test_a_scrape_makes_no_call_and_asks_no_database(lab: Measured, authors: Authors) -> None:
    authors.sessions({"alice": {"ttl": "1h"}})
    until_ready(lab, "alice")
    calls = lab.calls.count
    assert calls > 5, "the calls are counted"
    queries: list[str] = []

    @listens_for(lab.world.controller.tools.ledger._engine, "before_cursor_execute")
    def executed(*arguments: object) -> None:
        queries.append(str(arguments[2]))

    assert lab.values("winux_sessions", "phase") == {"Ready": 1}
    assert lab.calls.count == calls
    assert queries == []
    lab.world.controller.tools.ledger.newest()
    assert len(queries) == 1, "queries are counted"


def test_as_many_series_after_many_sessions_as_before(lab: Measured, authors: Authors) -> None:
    """The first round brings the templates, nodes and reasons of events; from then on nothing is added."""

    def churn(first: int) -> None:
        names = [f"s{number}" for number in range(first, first + 5)]
        authors.sessions({name: {"ttl": "1m"} for name in names})
        until_ready(lab, *names)
        lab.world.until("all are over", lambda: all(lab.world.phase(name) == "Expired" for name in names))
        authors.remove(names)
        lab.world.until("all are forgotten", lambda: not lab.world.controller.tools.ledger.lives())
        lab.world.run(60)

    churn(0)
    before = lab.series()
    for first in range(5, 60, 5):
        churn(first)
    assert lab.series() == before
    assert lab.values("winux_sessions_accepted_total", "template") == {"default": 60.0}


# -- what holds it back ----------------------------------------------------------------------------------------


def syntax(function: Callable[..., object]) -> list[ast.AST]:
    return list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))))


def said_by_the_picture() -> set[str]:
    """The reason codes in ``Picture.sentences``: the keys of its literal and of every entry added to it."""
    keys: list[ast.expr | None] = []
    for node in syntax(Picture.sentences):
        keys += node.keys if isinstance(node, ast.Dict) else [node.slice] if isinstance(node, ast.Subscript) else []
    return {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def raised_by_the_brakes() -> set[str]:
    """The reason codes that ``Brakes`` gives for what it holds."""
    against = (Brakes.against_expiry, Brakes.against_orphan, Brakes.against_creation)
    calls = [node for function in against for node in syntax(function) if isinstance(node, ast.Call)]
    return {keyword.arg for call in calls for keyword in call.keywords if keyword.arg is not None}


def test_the_metric_has_every_reason_that_people_can_be_told() -> None:
    assert {"Paused", "NoQuorum", "NotSynced"} < said_by_the_picture(), "the source is not read right any more"
    assert sorted(GUARDS) == list(GUARDS) == sorted(said_by_the_picture())


def test_whatever_brakes_a_session_is_one_of_them() -> None:
    assert len(raised_by_the_brakes()) >= 5, "the source is not read right any more"
    assert raised_by_the_brakes() <= set(GUARDS)
    assert set(GUARDS) >= WHOLE_PICTURE
