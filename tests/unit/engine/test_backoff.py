"""How long a failed key waits."""

from random import Random

import pytest

from controller.engine.backoff import Backoff


class Middle(Random):
    """A random source that always gives the same."""

    def __init__(self, value: float) -> None:
        super().__init__(0)
        self._value = value

    def random(self) -> float:
        return self._value


def test_delays_double_from_the_base_up_to_the_cap() -> None:
    backoff = Backoff(base=0.5, cap=10, jitter=0, random=Random(1))
    assert [backoff.failed("a") for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]


def test_keys_are_counted_apart_and_forgotten_one_by_one() -> None:
    backoff = Backoff(base=1, cap=100, jitter=0, random=Random(1))
    backoff.failed("a")
    backoff.failed("a")
    backoff.failed("b")
    backoff.forget("a")
    assert (backoff.failures("a"), backoff.failures("b"), backoff.failures("never failed")) == (0, 1, 0)
    assert backoff.failed("a") == 1


@pytest.mark.parametrize(("drawn", "expected"), [(0.0, 8.0), (0.5, 7.0), (1.0, 6.0)])
def test_the_jitter_only_shortens(drawn: float, expected: float) -> None:
    backoff = Backoff(base=8, cap=8, jitter=0.25, random=Middle(drawn))
    assert backoff.failed("a") == expected


def test_one_seed_gives_one_history() -> None:
    def history(seed: int) -> list[float]:
        backoff = Backoff(base=1, cap=60, random=Random(seed))
        return [backoff.failed("a") for _ in range(10)]

    assert history(7) == history(7) != history(8)


def test_a_key_that_fails_for_years_does_not_overflow() -> None:
    backoff = Backoff(base=1, cap=300, jitter=0, random=Random(1))
    assert {backoff.failed("a") for _ in range(5000)} >= {300}
    assert backoff.failures("a") == 5000


@pytest.mark.parametrize(("base", "cap", "jitter"), [(0, 1, 0), (2, 1, 0), (1, 1, 1), (1, 1, -0.1)])
def test_limits_that_make_no_sense_are_refused(base: float, cap: float, jitter: float) -> None:
    with pytest.raises(ValueError, match=r"must be|is a fraction"):
        Backoff(base=base, cap=cap, jitter=jitter, random=Random(1))
