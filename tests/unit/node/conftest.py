"""Nodes in virtual time: one whose tasks take no time, one with the measured durations, and a cluster of three."""

from __future__ import annotations

import pytest

from tests.unit.node.lab import Lab


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture
def slow() -> Lab:
    return Lab(profile="real")


@pytest.fixture
def three() -> Lab:
    return Lab(nodes=("pve1", "pve2", "pve3"))
