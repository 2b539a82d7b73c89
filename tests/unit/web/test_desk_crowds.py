"""Many people at once: quotas stay exact, and nobody gets what is somebody else's."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from controller.web.desktops import Launched
from controller.web.people import Person
from controller.web.quotas import Quotas
from controller.web.refusals import Refused
from tests.unit.web.reception import ALICE, OTHER, VISITOR, Reception

PEOPLE = [Person(client=f"192.0.2.{number}", role=VISITOR.role) for number in range(200)]


def together(orders: Sequence[Callable[[], Launched]]) -> list[Launched | str]:
    """What comes of orders that are given at the same time: what was launched, or the title of the refusal."""
    barrier = threading.Barrier(len(orders))
    outcomes: list[Launched | str] = []

    def give(order: Callable[[], Launched]) -> None:
        barrier.wait(60)
        try:
            outcomes.append(order())
        except Refused as refused:
            outcomes.append(refused.title)

    threads = [threading.Thread(target=give, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(outcomes) == len(orders), "everybody has an answer"
    return outcomes


def titles(outcomes: Sequence[Launched | str]) -> Counter[str]:
    return Counter(outcome if isinstance(outcome, str) else "launched" for outcome in outcomes)


def test_of_two_hundred_at_once_exactly_as_many_get_one_as_there_is_room_for(tmp_path: Path) -> None:
    hall = Reception(tmp_path, quotas=Quotas(total=50))
    outcomes = together([lambda person=person: hall.desk.launch(person) for person in PEOPLE])  # type: ignore[misc]
    assert titles(outcomes) == {"launched": 50, "Full": 150}
    names = {one.session.view.name for one in outcomes if isinstance(one, Launched)}
    assert hall.manifests == names
    assert len(names) == 50
    hall.open()
    with pytest.raises(Refused, match="all 50 desktops are taken"):
        hall.desk.launch(OTHER)


def test_a_made_up_name_that_somebody_just_got_is_drawn_anew(tmp_path: Path) -> None:
    hall = Reception(tmp_path)
    before = hall.random.getstate()
    first = hall.desk.launch(VISITOR)
    hall.random.setstate(before)
    second = hall.desk.launch(OTHER)
    assert first.session.view.name != second.session.view.name


@pytest.mark.parametrize(
    ("quotas", "title"),
    [
        (Quotas(per_address=7), "TooManyFromYourAddress"),
        (Quotas(per_template={"default": 7}), "TemplateFull"),
    ],
    ids=["of an address", "of a template"],
)
def test_the_other_quotas_are_as_exact(tmp_path: Path, quotas: Quotas, title: str) -> None:
    hall = Reception(tmp_path, quotas=quotas)
    assert titles(together([lambda: hall.desk.launch(VISITOR)] * 40)) == {"launched": 7, title: 33}
    assert len(hall.manifests) == 7


def test_a_person_has_no_more_than_allowed_from_however_many_places(tmp_path: Path) -> None:
    hall = Reception(tmp_path, quotas=Quotas(per_person=3))
    orders = [lambda one=one: hall.desk.launch(replace(ALICE, client=one.client)) for one in PEOPLE[:40]]
    assert titles(together(orders)) == {"launched": 3, "TooManyOfYours": 37}  # type: ignore[arg-type]


def test_one_name_is_given_once(tmp_path: Path) -> None:
    hall = Reception(tmp_path)
    orders = [lambda person=person: hall.desk.launch(person, name="demo") for person in PEOPLE[:40]]
    outcomes = together(orders)  # type: ignore[arg-type]
    assert titles(outcomes) == {"launched": 1, "Exists": 39}
    (won,) = [one for one in outcomes if isinstance(one, Launched)]
    assert hall.desk.look(replace(VISITOR, ticket=won.ticket), "demo").mine


def test_the_same_launch_many_times_at_once_is_one(tmp_path: Path) -> None:
    hall = Reception(tmp_path, quotas=Quotas(per_address=1))
    # In virtual time nobody waits: who asks while the first is under way is told so.
    outcomes = together([lambda: hall.desk.launch(VISITOR, idempotency="0123456789abcdef")] * 40)
    launched = [one for one in outcomes if isinstance(one, Launched)]
    assert len(hall.manifests) == 1
    assert len({(one.session.view.name, one.ticket) for one in launched}) == 1
    assert sum(not one.repeated for one in launched) == 1
    assert set(titles(outcomes)) <= {"launched", "InProgress"}


def test_a_place_is_free_again_when_a_launch_fails(tmp_path: Path) -> None:
    hall = Reception(tmp_path, quotas=Quotas(total=1))
    elsewhere = tmp_path / "elsewhere"
    hall.lab.world.manifests.rename(elsewhere)
    for _ in range(3):
        with pytest.raises(Refused) as caught:
            hall.desk.launch(VISITOR)
        assert str(tmp_path) not in str(caught.value)
        assert (caught.value.status, caught.value.title) == (503, "ControllerUnavailable")
    elsewhere.rename(hall.lab.world.manifests)
    hall.desk.launch(VISITOR)


def test_a_place_is_free_again_when_a_session_is_over(tmp_path: Path) -> None:
    hall = Reception(tmp_path, quotas=Quotas(total=1))
    person = replace(VISITOR, ticket=hall.desk.launch(VISITOR, name="demo").ticket)
    hall.ready(person, "demo")
    hall.desk.end(person, "demo")
    hall.lab.until("it is gone", lambda: hall.lab.gone("demo"))
    hall.pass_time(1.0)
    hall.desk.launch(VISITOR)
