"""What is counted while sessions live: each beginning, each Ready and each end exactly once, whatever happens."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from controller.core.incarnation import EndReason, Incarnation
from controller.core.launch import ready_after, ready_parts
from controller.ledger.ledger import Ledger
from controller.proxmox.taskboard import TaskBoard
from controller.reconcile.tools import Measures
from tests.scenarios.world import World

HEAD = "apiVersion: winux.dev/v1\nkind: "
QUICK = f"{HEAD}SessionTemplate\nmetadata: {{name: quick}}\nspec: {{readiness: {{timeout: 30s}}}}\n"
"""A template; a directory that holds it is not empty when its sessions are gone."""


def session(name: str, more: str = "ttl: 1h") -> str:
    return f"{HEAD}Session\nmetadata: {{name: {name}}}\nspec: {{{more}}}\n"


@dataclass
class Counted:
    """What one controller counted since it started."""

    accepted: list[str] = field(default_factory=list)
    ready: list[Incarnation] = field(default_factory=list)
    ended: list[EndReason] = field(default_factory=list)
    given_up: int = 0
    lag: list[float] = field(default_factory=list)

    def give_up(self) -> None:
        self.given_up += 1


def count(world: World) -> Counted:
    """To be called anew after a restart, as metrics begin anew."""
    counted = Counted()
    world.controller.tools.measures = Measures(
        accepted=lambda life: counted.accepted.append(life.session),
        ready=counted.ready.append,
        ended=counted.ended.append,
        given_up=counted.give_up,
        expiry_lag=counted.lag.append,
    )
    return counted


def until_ready(world: World, name: str) -> None:
    world.until(f"{name} is ready", lambda: world.phase(name) == "Ready")


def test_a_life_is_counted_once_at_each_turn(tmp_path: Path) -> None:
    world = World(tmp_path)
    counted = count(world)
    world.write("alice.yaml", session("alice", "ttl: 10m"))
    until_ready(world, "alice")
    vmid = world.vmid("alice")
    assert counted.accepted == ["alice"]
    (life,) = counted.ready
    assert life == world.controller.tools.ledger.life("alice")
    assert life.ready_at is not None
    assert ready_parts(life).keys() == {"waiting", "making", "starting"}
    assert sum(ready_parts(life).values()) == pytest.approx(ready_after(life))
    world.api("POST", f"/nodes/pve1/lxc/{vmid}/status/stop", {})
    world.until("it was seen to be stopped", lambda: world.phase("alice") != "Ready")
    until_ready(world, "alice")
    assert len(counted.ready) == 1, "what becomes ready again does so in the same life"
    assert (counted.ended, counted.lag) == ([], [])
    world.until("it ended", lambda: world.phase("alice") == "Expired", within=700)
    world.run(60)
    assert (counted.ended, len(counted.lag), counted.given_up) == ([EndReason.EXPIRED], 1, 0)
    assert 0 < counted.lag[0] < 10


def test_a_removed_manifest_leaves_no_tombstone_and_is_counted_all_the_same(tmp_path: Path) -> None:
    world = World(tmp_path)
    counted = count(world)
    for name in ("alice", "bob"):
        world.write(f"{name}.yaml", session(name))
        until_ready(world, name)
    world.remove("bob.yaml")
    world.until("bob is gone", lambda: world.phase("bob") == "(none)")
    assert (counted.ended, counted.lag) == ([EndReason.MANIFEST_REMOVED], [])


def test_each_container_that_is_given_up_counts_and_the_life_ends_once(tmp_path: Path) -> None:
    world = World(tmp_path, policy={"attempts": 2})
    counted = count(world)
    world.babbling = True
    world.write("quick.yaml", QUICK)
    world.write("alice.yaml", session("alice", "ttl: 1h, template: quick"))
    world.until("it failed", lambda: bool(counted.ended), within=300)
    world.run(60)
    assert (counted.given_up, counted.ended, counted.ready) == (2, [EndReason.NEVER_READY], [])
    assert counted.accepted == ["alice"]


def test_a_restart_begins_no_life_and_makes_nothing_ready_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("alice.yaml", session("alice"))
    until_ready(world, "alice")
    world.restart()
    counted = count(world)
    world.run(60)
    assert world.phase("alice") == "Ready"
    assert counted == Counted()


def test_a_container_that_is_taken_over_begins_a_life_and_was_ready_before(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("alice.yaml", session("alice"))
    until_ready(world, "alice")
    world.lose_ledger()
    counted = count(world)
    until_ready(world, "alice")
    assert (counted.accepted, counted.ready) == (["alice"], [])


class Failing(Ledger):
    """Fails to write tombstones for a while."""

    full = False

    def bury(self, *args: object, **kwargs: object) -> Incarnation:
        if self.full:
            raise OperationalError(None, None, Exception("database or disk is full"))
        return super().bury(*args, **kwargs)  # type: ignore[arg-type]  # what Ledger takes


def test_an_end_that_could_not_be_recorded_is_counted_when_it_is(tmp_path: Path) -> None:
    world = World(tmp_path, open_ledger=Failing)
    counted, ledger = count(world), world.controller.tools.ledger
    assert isinstance(ledger, Failing)
    world.write("alice.yaml", session("alice", "ttl: 10m"))
    until_ready(world, "alice")
    ledger.full = True
    world.run(700)
    assert world.containers() == {}
    assert (counted.ended, counted.lag) == ([], [])
    ledger.full = False
    world.until("it is recorded", lambda: bool(counted.ended))
    assert (counted.ended, len(counted.lag)) == ([EndReason.EXPIRED], 1)


def test_every_task_that_was_watched_is_told_once(tmp_path: Path) -> None:
    world, told = World(tmp_path), list[tuple[str, str]]()
    tools = world.controller.tools
    tools.board = TaskBoard(
        tools.port,
        ended=lambda kind, exit_, seconds: told.append((kind, exit_)) if seconds > 0 else None,
        clock=world.clock,
    )
    world.write("quick.yaml", QUICK)
    world.write("alice.yaml", session("alice"))
    until_ready(world, "alice")
    world.remove("alice.yaml")
    world.until("she is gone", lambda: not world.containers() and world.phase("alice") == "(none)")
    assert Counter(told) == Counter([("vzcreate", "OK"), ("vzstart", "OK"), ("vzdestroy", "OK")])


def test_a_container_with_our_marker_that_is_left_alone_counts_until_it_is_gone(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("alice.yaml", session("alice"))
    until_ready(world, "alice")
    foundlings = world.controller.picture.foundlings
    assert (foundlings.left_alone(), foundlings.foreign()) == (0, 0)
    marker = world.cluster.guests[world.vmid("alice")].options["description"]
    uid = world.controller.tools.ledger.life("alice").uid  # type: ignore[union-attr]  # she lives
    marker = marker.replace(uid, "f" * 32).replace(str(world.vmid("alice")), "30555")
    for vmid, description in ((30555, marker), (30556, "somebody else's")):
        world.door.add(vmid, {"hostname": "bob", "description": description}, pool="winux")
    world.run(60)
    assert (foundlings.left_alone(), foundlings.foreign()) == (1, 2)
    world.api("DELETE", "/nodes/pve1/lxc/30555")
    world.run(60)
    assert (foundlings.left_alone(), foundlings.foreign()) == (0, 1)
    assert world.phase("alice") == "Ready"
