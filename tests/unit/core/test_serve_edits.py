"""serve(): an edited manifest. What a living container can follow applies; the rest is said and needs a new life."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from controller.core.decide import decide
from controller.core.edits import merge
from controller.core.guards import Brakes
from controller.core.incarnation import Incarnation
from controller.core.lifecycle import deadline
from controller.core.model import Network, Phase, Resources, RestartPolicy, SessionSpec
from controller.core.steps import End, Place, Rest, Revise
from tests.unit.core.given import (
    BLIND,
    CLOCK,
    CLONE,
    DESIRED,
    END,
    MASS,
    NOW,
    READY_AT,
    SPEC,
    UNSYNCED,
    accepted,
    created,
    creating,
    edited,
    listed,
    ready,
    spec,
    told,
    view,
    wanted,
    which,
)

BIGGER = Resources(cores=4, memory_mib=4096, disk_gib=20)
SHRUNK = Resources(cores=1, memory_mib=512, disk_gib=5)

APPLIES = {
    "a longer time to live": {"ttl": 3600.0},
    "a shorter time to live": {"ttl": 600.0},
    "a fixed end": {"expires_at": NOW + 60},
    "another owner": {"owner": "bob@example.org"},
    "more of everything": {"resources": BIGGER},
    "less cores and memory": {"resources": replace(SHRUNK, disk_gib=10)},
    "another restart policy": {"restart_policy": RestartPolicy.NEVER},
}


@pytest.mark.parametrize("change", APPLIES.values(), ids=APPLIES.keys())
@pytest.mark.parametrize("life", [creating(), created(), ready()], ids=lambda life: life.stage)
def test_an_edit_that_applies_to_a_living_container(life: Incarnation, change: dict[str, object]) -> None:
    decision = decide(view(life, desired=edited(**change)))
    assert decision.step == Revise(spec(**change), "v1-b", ())
    assert decision.reason == "Revised"


@pytest.mark.parametrize(
    ("change", "applied", "refused"),
    [
        ({"resources": SHRUNK}, {"resources": replace(SHRUNK, disk_gib=10)}, ("spec.resources.disk",)),
        ({"template": "gpu", "ttl": 600.0}, {"ttl": 600.0}, ("spec.template",)),
        ({"template": "gpu", "resources": BIGGER, "source": CLONE, "storage": "zfs"}, {}, ("spec.template",)),
        ({"template": "gpu", "resources": SHRUNK}, {}, ("spec.template", "spec.resources.disk")),
    ],
    ids=["a smaller disk", "another template", "another template with all that it brings", "both"],
)
def test_an_edit_that_needs_a_new_life(
    change: dict[str, object], applied: dict[str, object], refused: tuple[str, ...]
) -> None:
    decision = decide(view(ready(), desired=edited(**change)))
    assert decision.step == Revise(spec(**applied), "v1-b", refused)
    assert (decision.phase, decision.reason) == (Phase.READY, "NeedsNewLife")
    assert all(name in decision.message for name in (*refused, "alice.yaml:3", "spec.revision"))


BEGUN = [creating(), created(), ready(), accepted(ready_at=READY_AT)]


@pytest.mark.parametrize("life", BEGUN, ids=["creating", "created", "ready", "ready, and its container lost since"])
def test_a_start_that_is_moved_ahead_of_a_life_that_has_begun_needs_a_new_life(life: Incarnation) -> None:
    decision = decide(view(life, desired=edited(start_at=NOW + 1, ttl=3600.0)))
    assert isinstance(decision.step, Revise)
    assert (decision.step.refused, decision.step.spec.ttl) == (("spec.startAt",), 3600.0)
    assert (decision.reason, "spec.startAt cannot change while it lives" in decision.message) == ("NeedsNewLife", True)


@pytest.mark.parametrize("start_at", [None, NOW - 1, NOW], ids=["none", "past", "now"])
@pytest.mark.parametrize("life", BEGUN, ids=["creating", "created", "ready", "ready, and its container lost since"])
def test_a_start_that_has_come_is_none_that_a_life_missed(life: Incarnation, start_at: float | None) -> None:
    life = replace(life, spec=spec(start_at=NOW - 600))
    decision = decide(view(life, desired=edited(start_at=start_at)))
    assert isinstance(decision.step, Revise)
    assert (decision.reason, decision.step.refused) == ("Revised", ())


@pytest.mark.parametrize("start_at", [None, NOW + 60, NOW + 6000], ids=["taken away", "earlier", "later"])
def test_a_start_can_be_moved_as_long_as_nothing_was_made(start_at: float | None) -> None:
    life, desired = accepted(spec=spec(start_at=NOW + 600)), edited(start_at=start_at)
    assert decide(view(life, desired=desired)).step == Revise(desired.spec, "v1-b", ())
    life = replace(life, spec=desired.spec, generation="v1-b")
    assert decide(view(life, desired=desired)).step == (Place() if start_at is None else Rest())


def test_an_edit_moves_the_end_at_once() -> None:
    decision = decide(view(ready(), desired=edited(ttl=60.5)))
    assert isinstance(decision.step, Revise)
    life = ready(spec=decision.step.spec, generation=decision.step.generation)
    assert deadline(life) == READY_AT + 60.5
    assert decide(view(life, desired=edited(ttl=60.5))).again_at == READY_AT + 60.5
    assert isinstance(decide(view(life, desired=edited(ttl=60.5), now=READY_AT + 60.5)).step, End)


@pytest.mark.parametrize("brakes", [UNSYNCED, BLIND, CLOCK, MASS], ids=which)
def test_an_edit_is_taken_over_under_every_brake(brakes: Brakes) -> None:
    assert isinstance(decide(view(ready(), desired=edited(ttl=600.0), brakes=brakes)).step, Revise)


@pytest.mark.parametrize("life", [creating(), created(), ready()], ids=lambda life: life.stage)
def test_an_edited_template_changes_no_container_that_is_there(life: Incarnation) -> None:
    template = wanted(max_ttl=60.0, storage="zfs", source=CLONE, network=Network(bridge="vmbr1"), nesting=False)
    assert not isinstance(decide(view(life, desired=template)).step, Revise)


def test_without_a_container_every_edit_applies_that_of_the_template_too() -> None:
    template = wanted(max_ttl=60.0, storage="zfs", source=CLONE, template="default")
    assert decide(view(accepted(), desired=template)).step == Revise(template.spec, "v1-a", ())
    another = edited(template="gpu", resources=SHRUNK)
    assert decide(view(accepted(), desired=another)).step == Revise(another.spec, "v1-b", ())


@pytest.mark.parametrize(
    "desired", [edited(ttl=60_000.0), edited(template="gpu", resources=SHRUNK), edited(owner=None)]
)
@pytest.mark.parametrize("life", [accepted(), creating(), created(), ready()], ids=lambda life: life.stage)
def test_an_edit_is_taken_over_once(life: Incarnation, desired: object) -> None:
    step = decide(view(life, desired=desired)).step
    assert isinstance(step, Revise)
    revised = replace(life, spec=step.spec, generation=step.generation)
    assert not isinstance(decide(view(revised, desired=desired)).step, Revise)


def test_a_paused_life_takes_no_edit_until_it_goes_on() -> None:
    assert told(view(ready(paused=True), desired=edited(ttl=60_000.0)))[2:] == ("Paused", END)


def test_edited_resources_are_set_on_the_container() -> None:
    life = ready(spec=spec(resources=BIGGER), generation="v1-b")
    assert decide(view(life, desired=edited(resources=BIGGER), listed=listed())).reason == "Drifted"
    assert decide(view(life, desired=edited(resources=BIGGER), observed_at=NOW - 70)).reason == "Resizing"


def test_an_accepted_life_is_placed_by_its_newest_spec() -> None:
    assert decide(view(accepted(), desired=DESIRED)).step == Place()


FOLLOWED = {"owner", "resources", "ttl", "expires_at", "paused", "restart_policy"}


def test_every_field_of_a_spec_is_either_followed_or_kept() -> None:
    """A field that is added to specs has to be thought about here."""
    new = SessionSpec(
        template="default",
        owner=None,
        source=CLONE,
        storage="zfs",
        pool="other",
        nodes=("pve2",),
        resources=BIGGER,
        network=Network(bridge="vmbr1"),
        desktop_user="student",
        nesting=False,
        ttl=60.0,
        max_ttl=61.0,
        expires_at=NOW + 1,
        start_at=NOW,
        paused=True,
        restart_policy=RestartPolicy.NEVER,
        readiness=replace(SPEC.readiness, port=3390),
    )
    merged, refused = merge(SPEC, replace(DESIRED, spec=new))
    changed = {field.name for field in fields(SPEC) if getattr(merged, field.name) != getattr(SPEC, field.name)}
    assert (changed, refused) == (FOLLOWED, ())
