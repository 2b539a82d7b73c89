"""The option that writes down what a changed controller says, and logs that can be judged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.logs import Log, recorded
from tests.scenarios.memory import memory


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-expected",
        action="store_true",
        help="write each story's expected.log anew; read the difference before committing it",
    )


@pytest.fixture
def rewrite_expected(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--rewrite-expected", default=False))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, as a relative path: sentences with paths are then the same everywhere."""
    with memory() as directory:
        monkeypatch.chdir(directory)
        yield Path()
        monkeypatch.undo()


@pytest.fixture
def log() -> Iterator[Log]:
    with recorded() as log:
        yield log
