"""``winux rotate``: an order that is noted with who gave it, and one sentence where it cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.admin.orders import Orders
from controller.admin.refusals import Impossible
from controller.api.quantities import parse_duration
from tests.scenarios.people import Authors
from tests.scenarios.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, guests=True)
    yield made
    made.stop()


def ready(world: World, **spec: object) -> None:
    Authors(world).sessions({"alice": {"ttl": "1h", **spec}})
    world.until("alice is ready", lambda: world.phase("alice") == "Ready")
    world.run(5)


def rotate(world: World) -> None:
    world.controller.order(lambda orders: Orders.rotate(orders, "alice", by="uid 7 (ann)"))


def said(world: World) -> list[str]:
    return [f"{event.reason}: {event.message}" for event in world.controller.tools.ledger.events(session="alice")]


def test_a_new_password_is_set_and_who_ordered_it_is_noted(world: World) -> None:
    ready(world)
    before = world.controller.tools.ledger.credential("alice")
    rotate(world)
    world.run(5)
    after = world.controller.tools.ledger.credential("alice")
    assert after is not None
    assert after != before
    assert world.inside.of(world.vmid("alice")).passwords == {"winux": after.password}
    assert "RotationOrdered: uid 7 (ann) ordered a new password" in said(world)
    assert "Rotated: a new password was set, as ordered by uid 7 (ann)" in said(world)
    assert not any(password in "".join(said(world)) for password in world.secrets)


def test_while_it_cannot_be_set_both_are_known(world: World) -> None:
    ready(world)
    world.inside.of(world.vmid("alice")).down = True
    before = world.controller.tools.ledger.credential("alice")
    rotate(world)
    world.run(parse_duration("30s"))
    ledger = world.controller.tools.ledger
    assert ledger.credential("alice") == before
    assert ledger.candidate("alice") in world.secrets
    life = ledger.life("alice")
    assert life is not None
    assert str(getattr(life.condition("GuestReachable"), "status", None)) == "False"


def test_without_a_key_and_without_a_password_of_its_own_one_sentence_says_why(tmp_path: Path) -> None:
    for directory, guests, template, part in (
        ("a", False, {}, "set guest.sshKeyFile in the settings"),
        ("b", True, {"credentials": "none"}, "has credentials: none"),
    ):
        (tmp_path / directory).mkdir()
        world = World(tmp_path / directory, guests=guests)
        Authors(world).templates({"t": template})
        ready(world, template="t")
        with pytest.raises(Impossible, match=part):
            rotate(world)
        world.stop()


def test_the_last_words_of_a_guest_hold_no_password(world: World) -> None:
    Authors(world).templates({"quick": {"readiness": {"timeout": "30s"}}})
    Authors(world).sessions({"alice": {"ttl": "1h", "template": "quick"}})
    world.door.silence_rdp(silent=True, vmid=None)
    world.until("it has a container", lambda: bool(world.containers()))
    credential = world.controller.tools.ledger.credential("alice")
    assert credential is not None
    world.until("it runs", lambda: world.cluster.guests[world.vmid("alice")].running)
    world.inside.of(world.vmid("alice")).log = f"chpasswd: {credential.password} was bad"
    world.until("it is given up", lambda: any("NeverReady" in one for one in said(world)))
    assert any("its last log lines: chpasswd: [hidden] was bad" in one for one in said(world))
