"""How many histories are played, and from which seed on."""

from __future__ import annotations

import pytest

HISTORIES, SEED = 40, 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--histories", type=int, help=f"how many histories to play; {HISTORIES} unless told")
    parser.addoption("--seed", type=int, help=f"the seed of the first history; {SEED} unless told")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" not in metafunc.fixturenames:
        return
    # the options are unknown to a run that was not told of this directory when it began
    first = metafunc.config.getoption("--seed", default=None) or SEED
    count = metafunc.config.getoption("--histories", default=None) or HISTORIES
    metafunc.parametrize("seed", range(first, first + count), ids=lambda seed: f"seed {seed}")
