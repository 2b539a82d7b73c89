"""A house in the open mode, and one where people log in."""

from __future__ import annotations

import pytest

from tests.unit.web.v1.hotel import Hotel


@pytest.fixture
def hotel() -> Hotel:
    return Hotel()


@pytest.fixture
def club() -> Hotel:
    return Hotel(mode="token")
