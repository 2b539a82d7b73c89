"""Operations in flight per node: who may, who is next, and how the limit adapts."""

import threading

import pytest

from controller.engine.clock import VirtualClock
from controller.engine.slots import Slots

CREATE, DESTROY = 0, 1


class Called(list[str]):
    """Keys whose turn came, in that order."""


@pytest.fixture
def called() -> Called:
    return Called()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def slots(called: Called, clock: VirtualClock) -> Slots:
    return Slots(2, called.append, clock=clock, lapse=60)


def fill(slots: Slots, node: str = "pve1") -> None:
    for key in ("a", "b"):
        assert slots.try_acquire(node, key)


def test_as_many_as_the_limit_get_a_slot_at_once_and_asking_again_changes_nothing(slots: Slots) -> None:
    asked = {key: slots.try_acquire("pve1", key) for key in ("a", "b", "c")}
    assert asked == {"a": True, "b": True, "c": False}
    assert {key: slots.try_acquire("pve1", key) for key in asked} == asked
    assert slots.holders("pve1") == {"a", "b"}
    assert (slots.in_use("pve1"), slots.waiting("pve1")) == (2, 1)


def test_nodes_do_not_share_slots(slots: Slots) -> None:
    fill(slots)
    assert slots.try_acquire("pve2", "c")
    assert slots.in_use_by_node() == {"pve1": 2, "pve2": 1}


def test_a_freed_slot_belongs_to_the_one_that_waited_longest_and_cannot_be_stolen(slots: Slots, called: Called) -> None:
    fill(slots)
    slots.try_acquire("pve1", "first")
    slots.try_acquire("pve1", "second")
    slots.release("pve1", "a")
    assert called == ["first"]
    assert not slots.try_acquire("pve1", "thief")
    assert slots.holders("pve1") == {"b", "first"}
    assert slots.try_acquire("pve1", "first")
    slots.release("pve1", "b")
    slots.release("pve1", "first")
    assert called == ["first", "second", "thief"]


def test_a_higher_priority_goes_first_and_equals_in_order_of_arrival(slots: Slots, called: Called) -> None:
    fill(slots)
    for key, priority in [("c1", CREATE), ("d1", DESTROY), ("c2", CREATE), ("d2", DESTROY)]:
        slots.try_acquire("pve1", key, priority=priority)
    for key in ("a", "b", "d1", "d2", "c1"):
        slots.release("pve1", key)
    assert called == ["d1", "d2", "c1", "c2"]


def test_a_waiting_create_that_became_a_destroy_moves_forward_and_keeps_its_arrival(
    slots: Slots, called: Called
) -> None:
    fill(slots)
    slots.try_acquire("pve1", "turned", priority=CREATE)
    slots.try_acquire("pve1", "other", priority=DESTROY)
    slots.try_acquire("pve1", "turned", priority=DESTROY)
    slots.release("pve1", "a")
    slots.release("pve1", "b")
    assert called == ["turned", "other"]
    assert slots.waiting("pve1") == 0


def test_release_is_harmless_for_a_key_that_holds_nothing(slots: Slots, called: Called) -> None:
    fill(slots)
    slots.try_acquire("pve1", "c")
    slots.release("pve1", "never seen")
    slots.release("pve2", "a")
    assert called == []
    assert slots.waiting("pve1") == 1


def test_a_cancelled_key_gives_its_place_and_its_unclaimed_slot_to_the_next(slots: Slots, called: Called) -> None:
    fill(slots)
    for key in ("gone", "handed", "next"):
        slots.try_acquire("pve1", key)
    slots.cancel("gone")
    slots.release("pve1", "a")
    assert called == ["handed"]
    slots.cancel("handed")
    assert called == ["handed", "next"]
    assert slots.holders("pve1") == {"b", "next"}


def test_cancel_does_not_take_a_slot_from_an_operation_that_runs(slots: Slots) -> None:
    fill(slots)
    slots.cancel("a")
    assert slots.holders("pve1") == {"a", "b"}


def test_a_key_that_asks_elsewhere_gives_up_what_it_did_not_come_for(slots: Slots, called: Called) -> None:
    fill(slots)
    slots.try_acquire("pve1", "moved")
    slots.try_acquire("pve1", "next")
    slots.release("pve1", "a")
    assert slots.try_acquire("pve2", "moved")
    assert called == ["moved", "next"]
    assert slots.holders("pve1") == {"b", "next"}


def test_a_key_that_never_comes_back_blocks_nobody(slots: Slots, called: Called, clock: VirtualClock) -> None:
    fill(slots)
    slots.try_acquire("pve1", "lost")
    slots.try_acquire("pve1", "next")
    slots.release("pve1", "a")
    clock.advance(59)
    slots.sweep()
    assert called == ["lost"]
    clock.advance(1)
    slots.sweep()
    assert called == ["lost", "next"]
    assert not slots.try_acquire("pve1", "lost"), "it waits again, at the end"


def test_a_key_that_comes_late_is_in_time_while_nobody_noticed(slots: Slots, clock: VirtualClock) -> None:
    fill(slots)
    slots.try_acquire("pve1", "late")
    slots.try_acquire("pve1", "next")
    slots.release("pve1", "a")
    clock.advance(600)
    assert slots.try_acquire("pve1", "late")
    slots.sweep()
    assert slots.holders("pve1") == {"b", "late"}


def test_a_newcomer_finds_out_that_a_turn_lapsed_without_a_sweep(
    slots: Slots, called: Called, clock: VirtualClock
) -> None:
    fill(slots)
    slots.try_acquire("pve1", "lost")
    slots.release("pve1", "a")
    clock.advance(60)
    assert slots.try_acquire("pve1", "newcomer")
    assert called == ["lost"]


def test_operations_from_before_a_restart_count_even_above_the_limit(slots: Slots, called: Called) -> None:
    for key in ("a", "b", "c"):
        slots.adopt("pve1", key)
    assert slots.in_use("pve1") == 3
    assert not slots.try_acquire("pve1", "d")
    slots.release("pve1", "a")
    assert called == []
    slots.release("pve1", "b")
    assert called == ["d"]


def test_a_lock_wait_halves_the_limit_and_never_below_one(called: Called, clock: VirtualClock) -> None:
    slots = Slots(9, called.append, clock=clock)
    limits = []
    for _ in range(5):
        slots.lock_wait("pve1")
        limits.append(slots.limit("pve1"))
    assert limits == [4, 2, 1, 1, 1]
    assert slots.limit("pve2") == 9


def test_runs_of_success_raise_the_limit_by_one_up_to_what_is_configured(called: Called, clock: VirtualClock) -> None:
    slots = Slots(3, called.append, clock=clock)
    slots.lock_wait("pve1")
    limits = []
    for _ in range(8):
        slots.success("pve1")
        limits.append(slots.limit("pve1"))
    assert limits == [1, 2, 2, 2, 2, 3, 3, 3]


def test_a_lock_wait_ends_the_run(called: Called, clock: VirtualClock) -> None:
    slots = Slots(4, called.append, clock=clock)
    slots.lock_wait("pve1")
    for _ in range(3):
        slots.success("pve1")
    slots.lock_wait("pve1")
    slots.success("pve1")
    assert slots.limit("pve1") == 1


def test_a_lowered_limit_ends_nothing_that_runs_and_a_raised_one_calls_who_waits(slots: Slots, called: Called) -> None:
    fill(slots)
    slots.try_acquire("pve1", "c")
    slots.try_acquire("pve1", "d")
    slots.lock_wait("pve1")
    assert slots.in_use("pve1") == 2
    slots.release("pve1", "a")
    assert called == []
    slots.release("pve1", "b")
    assert called == ["c"]
    slots.success("pve1")
    slots.success("pve1")
    assert called == ["c", "d"]


@pytest.mark.parametrize(
    ("lock_waits", "new_limit", "expected"),
    [(0, 8, 8), (0, 1, 1), (1, 8, 2), (1, 1, 1)],
    ids=["raised", "lowered", "raised: an adapted node grows by itself", "lowered below an adapted node"],
)
def test_the_configured_limit_can_be_changed(
    called: Called, clock: VirtualClock, lock_waits: int, new_limit: int, expected: int
) -> None:
    slots = Slots(4, called.append, clock=clock)
    slots.try_acquire("pve1", "a")
    for _ in range(lock_waits):
        slots.lock_wait("pve1")
    slots.set_limit(new_limit)
    assert slots.limit("pve1") == expected
    assert slots.limit("a new node") == new_limit


def test_raising_the_configured_limit_calls_who_waits(slots: Slots, called: Called) -> None:
    fill(slots)
    slots.try_acquire("pve1", "c")
    slots.set_limit(3)
    assert called == ["c"]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(called: Called, clock: VirtualClock, limit: int) -> None:
    with pytest.raises(ValueError, match="at least one operation"):
        Slots(limit, called.append, clock=clock)


def test_under_threads_the_limit_holds_and_everybody_gets_a_turn(clock: VirtualClock) -> None:
    turns: dict[str, threading.Event] = {f"session/{n}": threading.Event() for n in range(60)}
    slots = Slots(4, lambda key: turns[key].set(), clock=clock)
    lock = threading.Lock()
    running: set[str] = set()
    most = 0
    finished: list[str] = []

    def live(key: str) -> None:
        nonlocal most
        for _ in range(20):
            turns[key].clear()
            if not slots.try_acquire("pve1", key, priority=len(key) % 2):
                assert turns[key].wait(60)
                assert slots.try_acquire("pve1", key), "the slot that was handed over is gone"
            with lock:
                running.add(key)
                most = max(most, len(running))
            with lock:
                running.remove(key)
            slots.success("pve1")
            slots.release("pve1", key)
        finished.append(key)

    threads = [threading.Thread(target=live, args=(key,)) for key in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(finished) == sorted(turns)
    assert 1 <= most <= 4
    assert slots.in_use("pve1") == slots.waiting("pve1") == 0
