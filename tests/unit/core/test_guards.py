"""The brakes: when they engage, what they hold, and what releases them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.guards import Brakes, ClockJump, MassDelete


def uids(count: int, first: int = 0) -> frozenset[str]:
    return frozenset(f"uid-{number}" for number in range(first, first + count))


# -- mass deletion ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("orphans", "ours", "engaged"),
    [
        (0, 0, False),
        (3, 3, False),
        (4, 4, True),
        (3, 100, False),
        (20, 100, False),
        (21, 100, True),
        (4, 20, False),
        (5, 20, True),
    ],
)
def test_more_than_three_or_a_fifth_of_ours_at_once_is_too_many(orphans: int, ours: int, engaged: bool) -> None:
    assert MassDelete().observe(orphans=uids(orphans), ours=ours).engaged is engaged


@given(
    st.integers(0, 30),
    st.integers(0, 200),
    st.integers(0, 10),
    st.floats(0, 100),
    st.frozensets(st.integers(0, 29)),
)
def test_it_is_engaged_if_and_only_if_the_unconfirmed_are_over_the_limit(
    count: int, ours: int, minimum: int, percent: float, confirmed: frozenset[int]
) -> None:
    orphans, said = uids(count), frozenset(f"uid-{number}" for number in confirmed)
    guard = MassDelete(minimum=minimum, percent=percent, confirmed=said).observe(orphans=orphans, ours=ours)
    assert guard.engaged is (len(orphans - said) > max(minimum, ours * percent / 100))
    assert (guard.sentence is not None) is guard.engaged
    assert all(guard.holds(uid) is (guard.engaged and uid not in said) for uid in orphans)


def test_it_holds_all_orphans_alike_while_it_is_engaged() -> None:
    guard = MassDelete().observe(orphans=uids(6), ours=10)
    assert all(guard.holds(uid) for uid in uids(6))
    assert not any(MassDelete().observe(orphans=uids(2), ours=10).holds(uid) for uid in uids(2))


def test_it_lets_go_when_the_manifests_are_back() -> None:
    guard = MassDelete().observe(orphans=uids(6), ours=10).observe(orphans=uids(1), ours=10)
    assert not guard.engaged
    assert not guard.holds("uid-0")


def test_a_confirmation_is_for_the_orphans_of_that_moment() -> None:
    guard = MassDelete().observe(orphans=uids(6), ours=20).confirm()
    assert not guard.engaged
    later = guard.observe(orphans=uids(12), ours=20)
    assert later.engaged
    assert not any(later.holds(uid) for uid in uids(6))
    assert all(later.holds(uid) for uid in uids(6, first=6))


def test_those_that_were_confirmed_do_not_count_again() -> None:
    guard = MassDelete().observe(orphans=uids(6), ours=20).confirm()
    for destroyed in range(6):
        left = uids(6 - destroyed, first=destroyed) | uids(3, first=100)
        guard = guard.observe(orphans=left, ours=20 - destroyed)
        assert not guard.engaged


def test_a_confirmation_is_over_for_one_whose_manifest_came_back() -> None:
    guard = MassDelete().observe(orphans=uids(6), ours=6).confirm()
    back = guard.observe(orphans=frozenset(), ours=6)
    assert back.confirmed == frozenset()
    assert back.observe(orphans=uids(6), ours=6).engaged


def test_a_confirmation_while_it_is_not_engaged_holds_for_those_few_only() -> None:
    guard = MassDelete().observe(orphans=uids(2), ours=10).confirm()
    assert guard.observe(orphans=uids(6), ours=10).holds("uid-5")
    assert not guard.observe(orphans=uids(6), ours=10).holds("uid-0")


def test_the_sentence_says_how_many_how_many_are_allowed_and_what_to_do() -> None:
    sentence = MassDelete().observe(orphans=uids(60), ours=100).sentence
    assert sentence is not None
    assert "60 of 100 containers" in sentence
    assert "(allowed: 20)" in sentence
    assert "`winux confirm`" in sentence


# -- the clock -------------------------------------------------------------------------------------------------


def clock(*drifts: float) -> ClockJump:
    """A guard that saw the wall clock at these distances from the monotonic one."""
    guard = ClockJump(tolerance=60.0)
    for seconds, drift in enumerate(drifts):
        guard = guard.observe(now=1_800_000_000 + seconds + drift, monotonic=float(seconds))
    return guard


@pytest.mark.parametrize(
    ("drifts", "jumped"),
    [
        ([0], 0),
        ([5000], 0),
        ([0, 60], 0),
        ([0, 61], 61),
        ([0, -61], -61),
        ([0, 3600, 3600], 3600),
        ([0, 3600, 0], 0),
        ([0, 3600, 59, 0], 0),
        ([0, 3600, 59, 90], 90),
        ([0, 40, 80, 120], 0),
        ([0, 40, 101], 61),
    ],
    ids=[
        "the first look is believed",
        "whatever it shows",
        "a small step is believed",
        "a jump forwards",
        "a jump back",
        "it stays until it is right again",
        "it is right again",
        "it is about right again",
        "what was believed before the jump is what it is held against",
        "small steps do not add up",
        "a jump after small steps",
    ],
)
def test_the_wall_clock_is_held_against_the_monotonic_one(drifts: list[float], jumped: float) -> None:
    guard = clock(*drifts)
    assert guard.jumped == pytest.approx(jumped)
    assert (guard.sentence is None) is (jumped == 0)


@given(st.lists(st.integers(-60, 60), max_size=20))
def test_steps_within_the_tolerance_never_add_up_to_a_jump(steps: list[int]) -> None:
    drifts = [sum(steps[:count]) for count in range(len(steps) + 1)]
    assert clock(*drifts).jumped == 0


@given(st.integers(61, 10**9) | st.integers(-(10**9), -61), st.lists(st.integers(-30, 30), min_size=1, max_size=5))
def test_a_jump_holds_until_it_is_confirmed(jump: int, wobble: list[int]) -> None:
    drifts = [0, *(jump + (30 if jump > 0 else -30) + step for step in wobble)]
    guard = clock(*drifts)
    assert guard.sentence is not None
    at, now = float(len(drifts)), 1_800_000_000 + len(drifts) + drifts[-1]
    confirmed = guard.confirm(now=now, monotonic=at)
    assert confirmed.sentence is None
    assert confirmed.observe(now=now + 1, monotonic=at + 1).sentence is None


@pytest.mark.parametrize(("drift", "words"), [(3600, "forwards by 3600 s"), (-90, "back by 90 s")])
def test_the_sentence_says_which_way_and_what_to_do(drift: float, words: str) -> None:
    sentence = clock(0, drift).sentence
    assert sentence is not None
    assert words in sentence
    assert "`winux confirm`" in sentence


# -- together --------------------------------------------------------------------------------------------------

ENGAGED = MassDelete().observe(orphans=uids(6), ours=6)
ALONE = {
    "none": Brakes(),
    "paused": Brakes(paused="p"),
    "unsynced": Brakes(unsynced="u"),
    "clock": Brakes(clock="c"),
    "blind": Brakes(blind="b"),
    "mass delete": Brakes(mass_delete=ENGAGED),
}


@pytest.mark.parametrize(
    ("brake", "expiry", "orphan", "creation"),
    [
        ("none", None, None, None),
        ("paused", "Paused", "Paused", "Paused"),
        ("unsynced", "NotSynced", "NotSynced", "NotSynced"),
        ("clock", "ClockJumped", "ClockJumped", None),
        ("blind", None, "NotObserved", "NotObserved"),
        ("mass delete", None, "MassDelete", None),
    ],
)
def test_what_each_brake_holds(brake: str, expiry: str | None, orphan: str | None, creation: str | None) -> None:
    brakes = ALONE[brake]
    held = (brakes.against_expiry(), brakes.against_orphan("uid-0"), brakes.against_creation())
    assert tuple(reason and reason[0] for reason in held) == (expiry, orphan, creation)


def test_the_mass_delete_brake_lets_go_of_those_that_were_confirmed() -> None:
    brakes = Brakes(mass_delete=ENGAGED.confirm().observe(orphans=uids(12), ours=12))
    assert brakes.against_orphan("uid-0") is None
    assert brakes.against_orphan("uid-11") is not None


def test_the_first_brake_says_why() -> None:
    brakes = Brakes(paused="p", unsynced="u", blind="b", clock="c", mass_delete=ENGAGED)
    assert brakes.against_orphan("uid-0") == ("Paused", "p")
    assert brakes.against_creation() == ("Paused", "p")
