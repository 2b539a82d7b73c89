"""The way of a session to Ready, as spans: one trace a life, told once, from what was recorded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from controller.core.incarnation import Ending, EndReason, Incarnation, Placement, Stage
from controller.engine.clock import VirtualClock
from controller.telemetry.traces import MOST_CALLS, Span, Traces
from tests.unit.core.given import SPEC

UID = "5f1d3c0a9b7e4d2f8a6c0e1b2d3f4a5b"
OTHER_UID = "00000000000000000000000000000001"


@dataclass
class Way:
    """Traces of one session whose life the test changes as passes would."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    life: Incarnation | None = None
    told: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.traces = Traces(self.told.append, life_of=lambda _name: self.life, clock=self.clock)
        self.began = self.clock.now()

    def accepted(self, uid: str = UID) -> Incarnation:
        return Incarnation(
            uid=uid,
            session="alice",
            spec=SPEC,
            generation="v1-a",
            revision="",
            origin_file="alice.yaml",
            accepted_at=self.clock.now(),
        )

    def call(self, operation: str, seconds: float = 0.1, *, outcome: str = "ok") -> None:
        self.clock.advance(seconds)
        self.traces.called(operation, "pve1", outcome, seconds)

    def to_ready(self) -> None:
        """Three passes: accepted and asked for after 1 s, made after 2 s more, ready 4 s later."""
        with self.traces.around("alice"):
            self.life = self.accepted()
            self.clock.advance(1.0)
            placement = Placement(node="pve1", vmid=30101, intended_at=self.clock.now())
            self.life = replace(self.life, stage=Stage.CREATING, placement=placement)
            self.call("create")
        self.clock.advance(1.9)
        with self.traces.around("alice"):
            self.life = replace(self.life, stage=Stage.CREATED, started_at=self.clock.now())
        self.clock.advance(4.0)
        with self.traces.around("alice"):
            self.life = replace(self.life, stage=Stage.READY, ready_at=self.clock.now())

    def named(self, name: str) -> Span:
        (span,) = (span for span in self.told if span.name == name)
        return span


@pytest.fixture
def way() -> Way:
    return Way()


def test_the_whole_way_is_one_trace_whose_id_is_the_uid(way: Way) -> None:
    way.to_ready()
    whole = way.named("session to Ready")
    assert {span.trace for span in way.told} == {UID}
    assert (whole.parent, whole.began - way.began, whole.ended - way.began) == (None, 0.0, pytest.approx(7.0))
    assert whole.attributes == {
        "winux.session": "alice",
        "winux.template": "default",
        "winux.launch": "archive",
        "winux.attempts": 0,
        "proxmox.node": "pve1",
        "proxmox.vmid": 30101,
    }


def test_its_parts_follow_each_other_and_fill_it(way: Way) -> None:
    way.to_ready()
    whole, parts = way.named("session to Ready"), [way.named(name) for name in ("waiting", "making", "starting")]
    assert [span.parent for span in parts] == [whole.id] * 3
    assert [span.ended - span.began for span in parts] == [pytest.approx(seconds) for seconds in (1.0, 2.0, 4.0)]
    assert [span.began for span in parts] == pytest.approx([whole.began, parts[0].ended, parts[1].ended])
    assert parts[-1].ended == pytest.approx(whole.ended)


def test_calls_stand_below_their_pass_and_the_pass_below_the_whole(way: Way) -> None:
    way.to_ready()
    call, passed = way.named("proxmox create"), way.named("reconcile")
    assert (call.parent, passed.parent) == (passed.id, way.named("session to Ready").id)
    assert passed.began <= call.began < call.ended <= passed.ended
    assert call.attributes == {"proxmox.node": "pve1", "proxmox.outcome": "ok"}


def test_a_call_that_failed_is_an_error(way: Way) -> None:
    with way.traces.around("alice"):
        way.life = way.accepted()
        way.call("create", outcome="Locked")
    assert way.named("proxmox create").error == "Locked"


def test_a_pass_that_calls_nothing_is_no_span(way: Way) -> None:
    with way.traces.around("alice"):
        way.life = way.accepted()
    assert way.told == []


def test_nothing_is_told_of_a_session_that_is_ready(way: Way) -> None:
    way.to_ready()
    way.told.clear()
    with way.traces.around("alice"):
        way.call("status")
    assert way.told == []


def test_a_life_that_ends_without_having_been_ready_is_told_as_an_error(way: Way) -> None:
    with way.traces.around("alice"):
        way.life = way.accepted()
    way.clock.advance(3.0)
    with way.traces.around("alice"):
        ending = Ending(reason=EndReason.NEVER_READY, message="three containers never answered", since=way.clock.now())
        way.life = replace(way.accepted(), accepted_at=way.began, ending=ending)
    assert way.told == []
    way.clock.advance(2.0)
    with way.traces.around("alice"):
        way.life = replace(way.life, stage=Stage.ENDED, ended_at=way.clock.now())
    (whole,) = way.told
    assert (whole.error, whole.ended - whole.began) == ("three containers never answered", pytest.approx(5.0))
    with way.traces.around("alice"):
        way.call("vmid_is_free")
    assert way.told == [whole]


def test_a_new_life_after_a_tombstone_is_another_trace(way: Way) -> None:
    way.life = replace(way.accepted(OTHER_UID), stage=Stage.ENDED)
    way.to_ready()
    assert {span.trace for span in way.told} == {UID}


def test_an_exception_in_a_pass_leaves_what_was_called_and_goes_on(way: Way) -> None:
    def fails() -> None:
        with way.traces.around("alice"):
            way.life = way.accepted()
            way.call("create")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert [span.name for span in way.told] == ["reconcile", "proxmox create"]
    way.traces.called("resources", None, "ok", 0.1)
    assert len(way.told) == 2


def test_a_pass_tells_of_a_bounded_number_of_calls(way: Way) -> None:
    with way.traces.around("alice"):
        way.life = way.accepted()
        for _ in range(MOST_CALLS + 50):
            way.call("status", 0.001)
    assert len([span for span in way.told if span.name == "proxmox status"]) == MOST_CALLS


@pytest.mark.parametrize("uid", ["", "made-by-hand", "0" * 32, UID.upper()])
def test_a_uid_that_is_no_trace_id_is_passed_over(way: Way, uid: str) -> None:
    with way.traces.around("alice"):
        way.life = way.accepted(uid)
        way.call("create")
    assert way.told == []


def test_without_a_life_there_is_nothing_to_tell(way: Way) -> None:
    with way.traces.around("alice"):
        way.call("resources")
    assert way.told == []
