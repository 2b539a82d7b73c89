"""What people may ask for at the desk, and who gets what of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from controller.web.people import Person
from controller.web.progress import Step
from controller.web.refusals import Refused
from tests.unit.web.reception import ADMIN, ALICE, BOB, GUEST, OPERATOR, OTHER, VISITOR, Reception


@pytest.fixture
def hall(tmp_path: Path) -> Reception:
    return Reception(tmp_path)


def refused(order: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        order()
    return caught.value.status, caught.value.title


def holding(person: Person, ticket: str) -> Person:
    return replace(person, ticket=ticket)


# -- launching ---------------------------------------------------------------------------------------------------


def test_a_launch_is_a_manifest_and_at_once_a_session(hall: Reception) -> None:
    launched = hall.desk.launch(VISITOR, template="small", seconds=900.0, name="demo", language="fr")
    assert (launched.session.view.phase, launched.session.mine) == ("Pending", True)
    assert launched.session.progress.step is Step.QUEUED
    written = yaml.safe_load((hall.lab.world.manifests / "demo.yaml").read_text())
    assert written["spec"] == {"template": "small", "ttl": "15m"}
    assert written["metadata"]["labels"] == {"winux.dev/made-by": "web"}
    notes = written["metadata"]["annotations"]
    assert notes["winux.dev/language"] == "fr"
    assert re.fullmatch("[0-9a-f]{64}", notes["winux.dev/ticket"])
    assert "192.0.2.1" not in str(written), "the address is kept as a keyed hash only"
    assert launched.ticket not in str(written)
    assert launched.ticket not in repr(launched)


def test_it_becomes_a_desktop_that_its_launcher_logs_in_to(hall: Reception) -> None:
    launched = hall.desk.launch(VISITOR, name="demo")
    person = holding(VISITOR, launched.ticket)
    desktop = hall.ready(person, "demo")
    assert (desktop.mine, desktop.may_control, desktop.may_log_in) == (True, True, True)
    assert desktop.progress.step is Step.READY
    credential = hall.desk.credential(person, "demo")
    assert credential.address == desktop.view.address
    assert credential.password


def test_a_name_is_made_up_where_none_is_given(hall: Reception) -> None:
    names = {hall.desk.launch(VISITOR).session.view.name for _ in range(5)}
    assert len(names) == 5
    assert hall.manifests == names


def test_who_has_a_name_owns_what_they_launch_from_wherever(hall: Reception) -> None:
    hall.desk.launch(ALICE, name="demo")
    assert hall.lab.service.session("demo").owner == ALICE.name
    assert hall.desk.look(replace(ALICE, client="198.51.100.1"), "demo").mine
    assert not hall.desk.look(BOB, "demo").mine


@pytest.mark.parametrize("person", [GUEST, replace(GUEST, name="gus")], ids=["nobody", "somebody without the role"])
def test_guests_launch_nothing(hall: Reception, person: Person) -> None:
    expected = (401, "NotLoggedIn") if person.name is None else (403, "Forbidden")
    assert refused(lambda: hall.desk.launch(person)) == expected
    assert hall.manifests == set()


WRONG = [
    ({"name": "../x"}, (400, "BadName")),
    ({"name": "Alice"}, (400, "BadName")),
    ({"template": "nope"}, (422, "NoSuchTemplate")),
    ({"template": "<b>"}, (422, "NoSuchTemplate")),
    ({"seconds": 0.0}, (422, "BadDuration")),
    ({"seconds": -60.0}, (422, "BadDuration")),
    ({"seconds": float("nan")}, (422, "BadDuration")),
    ({"seconds": float("inf")}, (422, "BadDuration")),
    ({"seconds": 1e300}, (422, "TooLong")),
    ({"template": "small", "seconds": 3601.0}, (422, "TooLong")),
    ({"language": "xx"}, (422, "BadLanguage")),
    ({"idempotency": "short"}, (400, "BadIdempotencyKey")),
    ({"idempotency": "x" * 999}, (400, "BadIdempotencyKey")),
    ({"idempotency": "new\nline-and-so-on-and-so-on"}, (400, "BadIdempotencyKey")),
]


@pytest.mark.parametrize(("order", "expected"), WRONG, ids=[str(order)[:40] for order, _ in WRONG])
def test_a_wrong_order_leaves_nothing_behind(
    hall: Reception, order: dict[str, object], expected: tuple[int, str]
) -> None:
    assert refused(lambda: hall.desk.launch(VISITOR, **order)) == expected  # type: ignore[arg-type]
    assert hall.manifests == set()
    assert hall.lab.service.sessions() == ()


def test_only_what_is_offered_can_be_launched_and_the_first_is_the_usual_one(tmp_path: Path) -> None:
    hall = Reception(tmp_path, templates=("small",))
    assert hall.desk.launch(VISITOR).session.view.template == "small"
    assert refused(lambda: hall.desk.launch(VISITOR, template="default")) == (422, "NoSuchTemplate")
    assert [one.name for one in hall.desk.templates(VISITOR)] == ["small"]
    assert {one.name for one in hall.desk.templates(OPERATOR)} == {"default", "small"}


def test_templates_say_to_people_nothing_of_the_site(hall: Reception) -> None:
    (small,) = [one for one in hall.desk.templates(VISITOR) if one.name == "small"]
    assert (small.ttl, small.max_ttl) == ("10m", "1h")
    assert (small.source, small.storage, small.pool, small.bridge, small.origin) == (None, None, None, None, "")


def test_the_rules_shorten_what_a_template_gives_without_being_asked(tmp_path: Path) -> None:
    hall = Reception(tmp_path, max_duration=300.0)
    hall.desk.launch(VISITOR, template="small", name="demo")
    assert hall.lab.service.session("demo").ttl == "5m"


@pytest.mark.parametrize("state", ["of a manifest", "just launched", "of a broken manifest", "over"])
def test_a_name_that_is_taken_stays_whose_it_is(hall: Reception, state: str) -> None:
    if state == "just launched":
        hall.desk.launch(OTHER, name="demo")
    elif state == "of a broken manifest":
        hall.lab.world.write("demo2.yaml", "apiVersion: winux.dev/v1\nkind: Session\nmetadata: {name: demo}\nspec: 3\n")
        hall.lab.until("it is read", lambda: bool(hall.lab.service.status().problems))
    else:
        hall.lab.ready("demo", more="ttl: 1m")
        if state == "over":
            hall.lab.until("it is over", lambda: hall.lab.phase("demo") == "Expired", within=120)
    before = hall.manifests
    assert refused(lambda: hall.desk.launch(VISITOR, name="demo")) == (409, "Exists")
    assert hall.manifests == before


def test_who_launches_too_often_is_told_when_to_come_again(tmp_path: Path) -> None:
    from controller.web.limits import Rate  # noqa: PLC0415

    hall = Reception(tmp_path, rate=Rate(times=2, per=60.0))
    for _ in range(2):
        hall.desk.launch(VISITOR)
    with pytest.raises(Refused, match="try again in 30 s") as caught:
        hall.desk.launch(VISITOR)
    assert (caught.value.status, caught.value.retry_after) == (429, 30)
    hall.desk.launch(OTHER)
    hall.desk.launch(replace(ALICE, client=VISITOR.client))


# -- the same launch again ---------------------------------------------------------------------------------------

KEY = "0d5f5c5e-6a5e-4a3e-9f53-6f7c1f2a9d11"


@pytest.mark.parametrize("restart", [False, True], ids=["at once", "after a restart"])
def test_the_same_launch_again_gives_the_same_session_and_ticket(hall: Reception, restart: bool) -> None:
    first = hall.desk.launch(VISITOR, idempotency=KEY)
    if restart:
        hall.open()
    again = hall.desk.launch(VISITOR, idempotency=KEY)
    assert (first.repeated, again.repeated) == (False, True)
    assert again.session.view.name == first.session.view.name
    assert (again.ticket, again.session.mine) == (first.ticket, True)
    assert len(hall.manifests) == 1


def test_the_same_key_of_somebody_else_is_another_launch(hall: Reception) -> None:
    first, other = (hall.desk.launch(person, idempotency=KEY) for person in (VISITOR, OTHER))
    assert not other.repeated
    assert other.ticket != first.ticket
    assert len(hall.manifests) == 2


def test_a_key_is_for_one_name(hall: Reception) -> None:
    hall.desk.launch(VISITOR, name="demo", idempotency=KEY)
    assert refused(lambda: hall.desk.launch(VISITOR, name="other", idempotency=KEY)) == (422, "IdempotencyKeyReused")


def test_a_browser_keeps_its_ticket_for_all_its_desktops(hall: Reception) -> None:
    first = hall.desk.launch(VISITOR)
    person = holding(VISITOR, first.ticket)
    second = hall.desk.launch(person)
    assert second.ticket == first.ticket
    assert {one.view.name for one in hall.desk.list(person)} == hall.manifests
    assert hall.desk.launch(holding(VISITOR, "nonsense")).ticket != "nonsense"


# -- others ------------------------------------------------------------------------------------------------------


def test_others_see_that_it_is_there_and_nothing_more(hall: Reception) -> None:
    launched = hall.desk.launch(ALICE, name="demo")
    hall.ready(ALICE, "demo")
    for person in (VISITOR, BOB, holding(OTHER, "wxt_" + "A" * 43)):
        seen = hall.desk.look(person, "demo")
        assert (seen.mine, seen.may_control, seen.may_log_in) == (False, False, False)
        view = seen.view
        assert (view.phase, view.owner, view.address, view.vmid, view.node) == ("Ready", None, None, None, None)
        assert (view.message, view.annotations, view.uid, view.fingerprint) == ("", {}, None, None)
        assert hall.desk.list(person) == ()
        for order in (
            lambda person=person: hall.desk.credential(person, "demo"),
            lambda person=person: hall.desk.extend(person, "demo", 60),
            lambda person=person: hall.desk.end(person, "demo"),
            lambda person=person: hall.desk.events(person, "demo"),
        ):
            assert refused(order) == (403, "NotYours")
    assert hall.lab.phase("demo") == "Ready"
    assert launched.ticket


@pytest.mark.parametrize("name", ["demo", "nobodys"])
def test_what_was_not_launched_here_is_as_good_as_absent(hall: Reception, name: str) -> None:
    hall.lab.ready("demo")
    for order in (
        lambda: hall.desk.look(VISITOR, name),
        lambda: hall.desk.credential(VISITOR, name),
        lambda: hall.desk.extend(VISITOR, name, 60),
        lambda: hall.desk.end(VISITOR, name),
        lambda: hall.desk.events(VISITOR, name),
    ):
        assert refused(order) == (404, "NotFound")
    assert hall.desk.look(OPERATOR, "demo").view.owner == "demo@example.org"
    assert hall.desk.look(replace(VISITOR, name="demo@example.org"), "demo").mine


def test_operators_see_and_end_everything_and_only_administrators_log_in(hall: Reception) -> None:
    hall.desk.launch(ALICE, name="demo")
    hall.ready(ALICE, "demo")
    for person in (OPERATOR, ADMIN):
        seen = hall.desk.look(person, "demo")
        assert (seen.mine, seen.may_control, seen.view.owner) == (False, True, ALICE.name)
        assert seen.view.annotations == {}, "hashes of tickets are nobody's business"
        assert [one.view.name for one in hall.desk.list(person, everybody=True)] == ["demo"]
        assert hall.desk.list(person) == ()
        assert any(event.reason == "Ready" for event in hall.desk.events(person, None))
    assert refused(lambda: hall.desk.credential(OPERATOR, "demo")) == (403, "NotYours")
    assert hall.desk.credential(ADMIN, "demo").password
    assert hall.desk.end(OPERATOR, "demo").progress.step in {Step.READY, Step.ENDING}


@pytest.mark.parametrize("person", [VISITOR, ALICE])
def test_lists_and_events_of_everybody_are_for_operators(hall: Reception, person: Person) -> None:
    status = 401 if person.name is None else 403
    assert refused(lambda: hall.desk.list(person, everybody=True)) == (status, "Forbidden")
    assert refused(lambda: hall.desk.events(person, None)) == (status, "Forbidden")


def test_status_says_to_people_only_what_helps_to_wait(hall: Reception) -> None:
    hall.lab.service.pause(None)
    said = hall.desk.status(VISITOR)
    assert (said.manifests, said.controller, said.problems) == ("", "", ())
    assert [notice.reason for notice in said.notices] == ["Paused"]
    assert "winux resume" not in said.notices[0].sentence
    assert hall.desk.status(OPERATOR).manifests == str(hall.lab.world.manifests)


# -- the rest of a life ------------------------------------------------------------------------------------------


def test_extending_moves_the_end_as_far_as_the_rules_allow(tmp_path: Path) -> None:
    hall = Reception(tmp_path, max_duration=1200.0)
    person = holding(VISITOR, hall.desk.launch(VISITOR, template="small", name="demo").ticket)
    assert refused(lambda: hall.desk.extend(person, "demo", 60))[0] == 409, "it is not ready"
    before = hall.ready(person, "demo").view.expires_at
    after = hall.desk.extend(person, "demo", 300).view.expires_at
    assert before is not None
    assert after is not None
    assert (after - before).total_seconds() == pytest.approx(300, abs=0.1)
    assert hall.desk.look(person, "demo").view.expires_at == after
    assert refused(lambda: hall.desk.extend(person, "demo", 310)) == (409, "TooLong")
    for nonsense in (0.0, -5.0, float("nan"), float("inf")):
        assert refused(lambda nonsense=nonsense: hall.desk.extend(person, "demo", nonsense)) == (400, "BadDuration")


def test_who_ends_a_session_sees_it_going_and_it_is_gone_with_its_manifest(hall: Reception) -> None:
    person = holding(VISITOR, hall.desk.launch(VISITOR, name="demo").ticket)
    hall.ready(person, "demo")
    hall.desk.end(person, "demo")
    assert hall.manifests == set()
    hall.lab.until("it is seen to be going", lambda: hall.lab.phase("demo") != "Ready")
    hall.pass_time(1.0)
    if hall.lab.phase("demo") != "(none)":
        assert hall.desk.look(person, "demo").mine, "its manifest is gone, and it is theirs all the same"
    hall.lab.until("it is gone", lambda: hall.lab.gone("demo"))
    hall.pass_time(1.0)
    assert refused(lambda: hall.desk.look(person, "demo")) == (404, "NotFound")


def test_what_nobody_has_looked_at_yet_can_be_ended(hall: Reception) -> None:
    person = holding(VISITOR, hall.desk.launch(VISITOR, name="demo").ticket)
    assert hall.desk.end(person, "demo").progress.step is Step.ENDED
    assert hall.manifests == set()
    assert hall.lab.gone("demo")
    hall.desk.launch(VISITOR, name="demo")


def test_events_of_an_earlier_life_under_the_same_name_stay_hidden(hall: Reception) -> None:
    first = holding(VISITOR, hall.desk.launch(VISITOR, name="demo").ticket)
    hall.ready(first, "demo")
    assert any(event.reason == "Ready" for event in hall.desk.events(first, "demo"))
    hall.desk.end(first, "demo")
    hall.lab.until("it is gone", lambda: hall.lab.gone("demo"))
    second = holding(OTHER, hall.desk.launch(OTHER, name="demo").ticket)
    assert hall.desk.events(second, "demo") == ()
    hall.ready(second, "demo")
    uids = {event.uid for event in hall.desk.events(second, "demo")}
    assert uids == {hall.lab.service.session("demo").uid}
    assert refused(lambda: hall.desk.credential(first, "demo")) == (403, "NotYours")


def test_events_name_who_ordered_and_never_an_address(hall: Reception) -> None:
    hall.desk.launch(ALICE, name="of-alice")
    hall.desk.launch(VISITOR, name="of-nobody")
    said = {event.session: event.message for event in hall.lab.service.events() if event.reason == "Launched"}
    assert said["of-alice"] == f"{ALICE.name} launched it: of-alice.yaml was written"
    assert re.fullmatch(r"a visitor \([0-9a-f]{8}\) launched it: of-nobody.yaml was written", said["of-nobody"])
