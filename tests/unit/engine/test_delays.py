"""Keys that wait for a moment."""

from hypothesis import given
from hypothesis import strategies as st

from controller.engine.delays import DelayHeap


def test_keys_come_out_by_their_moment_and_equals_in_order_of_arrival() -> None:
    heap = DelayHeap()
    for key, when in [("late", 5), ("first", 1), ("second", 1), ("future", 9)]:
        heap.add(key, when)
    assert list(heap.pop_due(5)) == [("first", 1), ("second", 1), ("late", 5)]
    assert heap.next_due() == 9
    assert "future" in heap
    assert "late" not in heap


def test_an_earlier_moment_replaces_a_later_one_and_a_later_one_is_ignored() -> None:
    heap = DelayHeap()
    heap.add("a", 5)
    heap.add("a", 3)
    heap.add("a", 8)
    assert len(heap) == 1
    assert list(heap.pop_due(10)) == [("a", 3)]
    assert heap.next_due() is None


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 50))), st.integers(0, 50))
def test_exactly_the_earliest_moments_up_to_now_come_out(adds: list[tuple[str, int]], now: int) -> None:
    heap = DelayHeap()
    earliest: dict[str, int] = {}
    for key, when in adds:
        heap.add(key, when)
        earliest[key] = min(when, earliest.get(key, when))
    popped = list(heap.pop_due(now))
    assert dict(popped) == {key: when for key, when in earliest.items() if when <= now}
    assert [when for _, when in popped] == sorted(when for _, when in popped)
    assert heap.next_due() == min((when for when in earliest.values() if when > now), default=None)


def test_a_key_that_moves_forward_for_ever_does_not_grow_the_heap() -> None:
    heap = DelayHeap()
    for n in range(100_000):
        heap.add("a", -n)
    assert len(heap) == 1
    assert len(heap._heap) < 200
