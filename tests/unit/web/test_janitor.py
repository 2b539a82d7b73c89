"""Manifests of sessions that are over, and who removes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from controller.web.janitor import Janitor
from tests.unit.web.reception import VISITOR, Reception


@pytest.fixture
def hall(tmp_path: Path) -> Reception:
    return Reception(tmp_path)


def janitor(hall: Reception, *, keep: float = 600.0) -> Janitor:
    return Janitor(hall.lab.service, clock=hall.lab.world.clock, keep=keep)


def over(hall: Reception, *names: str) -> None:
    for name in names:
        hall.lab.until(f"{name} is over", lambda name=name: hall.lab.phase(name) == "Expired", within=900)  # type: ignore[misc]


def test_what_was_launched_here_goes_when_it_was_over_for_long_enough(hall: Reception) -> None:
    hall.desk.launch(VISITOR, name="short", template="small", seconds=60.0)
    hall.desk.launch(VISITOR, name="long", template="small", seconds=3600.0)
    hall.lab.ready("peoples", more="ttl: 1m")
    sweeper = janitor(hall)
    over(hall, "short", "peoples")
    assert sweeper.sweep() == []
    hall.pass_time(601.0)
    assert sweeper.sweep() == ["short"]
    assert hall.manifests == {"long", "peoples"}
    hall.lab.until("its name is free", lambda: hall.lab.gone("short"))
    assert sweeper.sweep() == []


def test_a_manifest_that_cannot_be_removed_is_said_once_and_tried_again(hall: Reception) -> None:
    hall.desk.launch(VISITOR, name="short", template="small", seconds=60.0)
    hall.lab.until("it is ready", lambda: hall.lab.phase("short") == "Ready")
    over(hall, "short")
    sweeper = janitor(hall, keep=10.0)
    hall.pass_time(11.0)
    elsewhere = hall.directory / "elsewhere"
    hall.lab.world.manifests.rename(elsewhere)
    with capture_logs() as logs:
        assert [sweeper.sweep(), sweeper.sweep()] == [[], []]
    assert [line["session"] for line in logs if line["event"] == "web.not-removed"] == ["short"]
    elsewhere.rename(hall.lab.world.manifests)
    assert sweeper.sweep() == ["short"]


def test_the_launcher_can_end_it_first(hall: Reception) -> None:
    person = replace(VISITOR, ticket=hall.desk.launch(VISITOR, name="short", template="small", seconds=60.0).ticket)
    over(hall, "short")
    hall.desk.end(person, "short")
    hall.pass_time(601.0)
    assert janitor(hall).sweep() == []
    assert hall.manifests == set()
