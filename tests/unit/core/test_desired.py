"""From what the files say to all that is wanted: owners of names, templates that break, what stays."""

from __future__ import annotations

from controller.api.load import parse
from controller.core.desired import FileReading, Resolver, build_snapshot
from controller.core.model import DesiredSnapshot
from controller.core.offer import TemplateDefaults

DEFAULTS = TemplateDefaults(archive="local:vztmpl/winux.tar.zst", storage="local-lvm")


def session(name: str, spec: str = "{}") -> str:
    return f"apiVersion: winux.dev/v1\nkind: Session\nmetadata:\n  name: {name}\nspec: {spec}\n"


def template(name: str, spec: str = "{}") -> str:
    return session(name, spec).replace("Session", "SessionTemplate")


def reading(file: str, *documents: str, **rest: object) -> FileReading:
    parsed = parse("---\n".join(documents).encode(), file)
    assert parsed.problems == ()
    return FileReading(file=file, manifests=parsed.manifests, **rest)  # type: ignore[arg-type]


def snapshot(*files: FileReading, previous: DesiredSnapshot | None = None, **rest: str) -> DesiredSnapshot:
    return build_snapshot(files, resolver=Resolver(DEFAULTS), previous=previous, **rest)  # type: ignore[arg-type]


def said(snapshot: DesiredSnapshot) -> list[str]:
    return [str(problem) for problem in snapshot.problems]


def test_sessions_carry_their_origin_generation_revision_and_labels() -> None:
    text = session("alice", "{revision: 3}").replace("name: alice", "name: alice\n  labels: {a: b}")
    alice = snapshot(reading("a.yaml", text)).sessions["alice"]
    assert (str(alice.origin), alice.revision, dict(alice.labels)) == ("a.yaml:1", "3", {"a": "b"})
    assert alice.generation.startswith("v1-")


def test_the_first_by_file_and_line_owns_a_name_and_the_others_are_told_so() -> None:
    result = snapshot(
        reading("b.yaml", session("alice", "{ttl: 2h}")),
        reading("a.yaml", session("alice", "{ttl: 1h}"), session("alice", "{ttl: 3h}")),
    )
    assert result.sessions["alice"].spec.ttl == 3600
    taken = 'the Session "alice" stands in a.yaml:1 already, and that one counts; rename or remove one of the two'
    assert said(result) == [f"a.yaml:10:9: metadata.name: {taken}", f"b.yaml:4:9: metadata.name: {taken}"]
    assert result.complete


def test_the_file_that_held_a_name_keeps_it_against_newcomers() -> None:
    before = snapshot(reading("b.yaml", session("alice", "{ttl: 2h}")))
    both = snapshot(
        reading("a.yaml", session("alice", "{ttl: 1h}")),
        reading("b.yaml", session("alice", "{ttl: 2h}")),
        previous=before,
    )
    assert (both.sessions["alice"].spec.ttl, both.problems[0].file) == (7200, "a.yaml")
    after = snapshot(reading("a.yaml", session("alice", "{ttl: 1h}")), previous=both)
    assert after.sessions["alice"].spec.ttl == 3600
    assert after.problems == ()


def test_a_session_and_a_template_may_have_one_name() -> None:
    result = snapshot(reading("a.yaml", session("xfce"), template("xfce")))
    assert result.problems == ()
    assert set(result.templates) == {"default", "xfce"}


def test_a_template_that_two_files_declare_stays_with_its_first_owner() -> None:
    result = snapshot(
        reading("a.yaml", template("xfce", "{ttl: {default: 1h}}")),
        reading("b.yaml", template("xfce", "{ttl: {default: 2h}}"), session("alice", "{template: xfce}")),
    )
    assert result.sessions["alice"].spec.ttl == 3600
    assert [problem.file for problem in result.problems] == ["b.yaml"]


def test_a_template_named_default_takes_the_place_of_the_built_in_one() -> None:
    result = snapshot(reading("a.yaml", template("default", "{ttl: {default: 2h}}"), session("alice")))
    assert result.sessions["alice"].spec.ttl == 7200


def test_the_built_in_template_does_not_stand_in_for_a_broken_one() -> None:
    broken = FileReading(file="t.yaml", broken_templates=frozenset({"default"}))
    result = snapshot(broken, reading("a.yaml", session("alice")))
    assert result.sessions == {}
    assert result.may_hold("alice", None)


def test_a_session_without_its_template_is_undecided_and_stays_as_it_was() -> None:
    before = snapshot(reading("a.yaml", session("alice", "{template: xfce}")), reading("t.yaml", template("xfce")))
    after = snapshot(
        reading("a.yaml", session("alice", "{template: xfce}"), session("bob", "{template: xfce}")), previous=before
    )
    assert after.sessions["alice"] is before.sessions["alice"]
    assert "bob" not in after.sessions
    assert after.undecided == {"alice", "bob"}
    assert [problem.session for problem in after.problems] == ["alice", "bob"]
    assert after.complete


def test_a_session_that_asks_for_too_much_stays_as_it_was() -> None:
    before = snapshot(reading("a.yaml", session("alice")))
    after = snapshot(reading("a.yaml", session("alice", "{resources: {cores: 64}}")), previous=before)
    assert after.sessions["alice"].spec.resources.cores == 2
    assert after.may_hold("alice", "a.yaml")


def test_a_session_whose_manifest_is_gone_is_gone() -> None:
    before = snapshot(reading("a.yaml", session("alice")), reading("b.yaml", session("bob")))
    after = snapshot(reading("b.yaml", session("bob")), previous=before)
    assert set(after.sessions) == {"bob"}
    assert not after.may_hold("alice", "a.yaml")


def test_while_the_picture_is_incomplete_nothing_goes_and_what_is_new_counts() -> None:
    before = snapshot(reading("a.yaml", session("alice")), reading("b.yaml", session("bob")))
    unreadable = FileReading(file="x.yaml", unreadable="x.yaml cannot be read: Permission denied")
    after = snapshot(reading("b.yaml", session("bob", "{ttl: 1h}"), session("carol")), unreadable, previous=before)
    assert set(after.sessions) == {"alice", "bob", "carol"}
    assert after.sessions["bob"].spec.ttl == 3600
    assert (after.complete, after.incomplete_because) == (False, "x.yaml cannot be read: Permission denied")


def test_a_file_of_unknown_content_may_hold_any_name_that_it_mentions() -> None:
    result = snapshot(FileReading(file="x.yaml", opaque=b"name: alice\n  ttl: ["))
    assert result.complete
    assert result.may_hold("alice", None)
    assert not result.may_hold("bob", "b.yaml")
    assert result.may_hold("bob", "x.yaml")


def test_a_template_from_which_nothing_can_be_made_is_told_once_with_its_place() -> None:
    result = build_snapshot([reading("t.yaml", template("xfce"))], resolver=Resolver(TemplateDefaults(storage="local")))
    assert said(result) == [
        "t.yaml:5:1: spec.source: is left out, and the settings have no defaults.archive either; set one of the two"
    ]


def test_remembering_results_changes_none_of_them() -> None:
    resolver = Resolver(DEFAULTS)
    alice, bob = reading("a.yaml", session("alice", "{template: xfce}")), reading("b.yaml", session("bob"))
    one_hour = reading("t.yaml", template("xfce", "{ttl: {default: 1h}}"))
    two_hours = reading("t.yaml", template("xfce", "{ttl: {default: 2h}}"))
    first = build_snapshot([alice, bob, one_hour], resolver=resolver)
    second = build_snapshot([alice, bob, two_hours], resolver=resolver, previous=first)
    third = build_snapshot([alice, bob, two_hours], resolver=resolver, previous=second)
    assert [result.sessions["alice"].spec.ttl for result in (first, second, third)] == [3600, 7200, 7200]
    assert second.sessions["bob"] is first.sessions["bob"]
    assert third == snapshot(alice, bob, two_hours)
