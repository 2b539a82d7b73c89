"""The old API as the tests of it stand before it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.unit.web.oldworld import MakeWorld, OldWorld


@pytest.fixture
def make_world() -> Iterator[MakeWorld]:
    worlds: list[OldWorld] = []

    def make(**arguments: object) -> OldWorld:
        worlds.append(OldWorld(**arguments))  # type: ignore[arg-type]
        return worlds[-1]

    yield make
    for world in worlds:
        world.end()


@pytest.fixture
def world(make_world: MakeWorld) -> OldWorld:
    return make_world()


@pytest.fixture(scope="module")
def empty() -> Iterator[OldWorld]:
    """For what is refused: nothing ever comes of it."""
    world = OldWorld()
    yield world
    assert world.controller.sessions_there == {}
    world.end()


@pytest.fixture
def alice(world: OldWorld) -> httpx.Client:
    """A browser that launched a session ``alice``, which is ready."""
    browser = world.browser()
    assert browser.post("/sessions", json={"session_id": "alice", "duration_minutes": 45}).status_code == 201
    return browser
