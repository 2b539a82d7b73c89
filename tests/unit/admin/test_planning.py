"""Plans: what is pending now, and what manifests that are not in force yet would change."""

from __future__ import annotations

from controller.admin.models import Plan
from tests.unit.admin.lab import Lab, file, session


def words(plan: Plan) -> dict[str, str]:
    """The action for each session."""
    return {change.session: str(change.action) for change in plan.changes}


def test_where_all_is_done_nothing_is_pending(lab: Lab) -> None:
    lab.ready("alice")
    plan = lab.service.plan()
    assert words(plan) == {"alice": "keep"}
    assert not plan.pending


def test_a_manifest_that_was_scanned_and_not_served_yet_is_pending(lab: Lab) -> None:
    lab.ready("alice")
    lab.service.pause(None)
    lab.write("bob")
    lab.world.run(1)
    assert words(lab.service.plan()) == {"alice": "hold", "bob": "hold"}


def test_a_plan_changes_nothing(lab: Lab) -> None:
    lab.ready("alice")
    lab.service.plan_with([file(session("bob"))], instead=True)
    lab.world.run(60)
    assert lab.phase("alice") == "Ready"
    assert lab.gone("bob")


# -- on top ----------------------------------------------------------------------------------------------------


def test_manifests_on_top_concern_only_the_sessions_that_they_name(lab: Lab) -> None:
    lab.ready("alice", "bob")
    plan = lab.service.plan_with([file(f"{session('bob', more='ttl: 1h')}---\n{session('carol')}")], instead=False)
    assert words(plan) == {"bob": "change", "carol": "create"}
    assert plan.pending


def test_a_template_in_the_same_text_counts(lab: Lab) -> None:
    lab.ready("alice")
    template = "apiVersion: winux.dev/v1\nkind: SessionTemplate\nmetadata: {name: tiny}\nspec: {ttl: {default: 1m}}\n"
    plan = lab.service.plan_with([file(f"{template}---\n{session('carol', more='template: tiny')}")], instead=False)
    assert (words(plan), plan.problems) == ({"carol": "create"}, ())


def test_mistakes_are_those_of_the_new_manifests_alone(lab: Lab) -> None:
    lab.ready("alice")
    lab.world.write("old.yaml", session("old", more="ttl: 1:30"))
    lab.world.run(1)
    text = f"{session('carol', more='template: nosuch')}---\n{session('dave', more='ttl: 5')}"
    plan = lab.service.plan_with([file(text)], instead=False)
    assert plan.changes == ()
    assert [(one.file, one.line, one.field) for one in plan.problems] == [
        ("new.yaml", 9, "spec.ttl"),
        ("new.yaml", 4, "spec.template"),
    ]


def test_a_name_that_stands_twice_in_the_text_is_a_mistake(lab: Lab) -> None:
    lab.ready("alice")
    plan = lab.service.plan_with([file(session("carol"), "a.yaml"), file(session("carol"), "b.yaml")], instead=False)
    assert [one.sentence for one in plan.problems] == [
        "b.yaml:3:18: metadata.name: the Session carol stands in a.yaml:1 already; keep one"
    ]


def test_what_an_empty_directory_holds_is_planned_as_if_it_had_manifests(lab: Lab) -> None:
    lab.world.run(5)
    assert lab.world.controller.picture.brakes().unscanned
    assert words(lab.service.plan_with([file(session("carol"))], instead=False)) == {"carol": "create"}


def test_what_is_held_for_proxmox_stays_held_though_the_directory_is_empty_by_now(lab: Lab) -> None:
    """Whatever the sentences are: only what the manifests hold is released by manifests."""
    lab.write("alice")
    control = lab.world.controller
    control.loops.scanned(control.source.scan())
    lab.world.remove("alice.yaml")
    control.loops.scanned(control.source.scan())
    brakes = control.picture.brakes()
    assert (brakes.unsynced is not None, brakes.unscanned) == (True, False)
    assert words(lab.service.plan_with([file(session("carol"))], instead=False)) == {"carol": "hold"}


# -- instead of all --------------------------------------------------------------------------------------------


def test_what_another_directory_lacks_would_be_destroyed(lab: Lab) -> None:
    lab.ready("alice", "bob")
    plan = lab.service.plan_with([file(session("alice"), "alice.yaml"), file(session("carol"), "c.yaml")], instead=True)
    assert words(plan) == {"alice": "keep", "bob": "destroy", "carol": "create"}
    bob = next(change for change in plan.changes if change.session == "bob")
    assert bob.reason == "ManifestRemoved"
    assert bob.container == f"{lab.world.vmid('bob')} on pve1"


def test_the_brake_on_mass_deletion_is_part_of_the_plan(lab: Lab) -> None:
    lab.ready("a", "b", "c", "d", "e")
    plan = lab.service.plan_with([file(session("e"), "e.yaml")], instead=True)
    assert words(plan) == {"a": "hold", "b": "hold", "c": "hold", "d": "hold", "e": "keep"}
    assert plan.changes[0].message.startswith("4 of 5 containers lost their manifest at once (allowed: 3)")
    assert plan.pending


def test_what_a_broken_file_may_hold_is_not_planned_to_be_destroyed(lab: Lab) -> None:
    lab.ready("alice", "bob")
    broken = [file("kind: [", "alice.yaml"), file(session("bob"), "bob.yaml")]
    plan = lab.service.plan_with(broken, instead=True)
    assert words(plan) == {"alice": "keep", "bob": "keep"}
    assert [one.file for one in plan.problems] == ["alice.yaml"]


def test_what_ended_is_not_planned_to_come_back(lab: Lab) -> None:
    lab.ready("alice", more="template: small, ttl: 20s")
    lab.until("it expired", lambda: lab.phase("alice") == "Expired")
    plan = lab.service.plan()
    assert words(plan) == {"alice": "ended"}
    assert not plan.pending
