"""The queue under real threads: nothing is lost, nothing runs twice at once, nobody sleeps through a key."""

import threading
from collections import Counter
from random import Random

from controller.engine.backoff import Backoff
from controller.engine.clock import SystemClock, VirtualClock
from controller.engine.workqueue import WorkQueue

PATIENCE = 60.0


def make_queue() -> WorkQueue:
    """A queue that wakes by being told only: its regular look at the clock is a day away."""
    return WorkQueue(SystemClock(), Backoff(base=0.001, cap=0.01, random=Random(1)), recheck=86_400)


class Crew:
    """Workers that check they are alone with their key, and that fail a key's first two attempts."""

    def __init__(self, queue: WorkQueue, size: int) -> None:
        self.queue = queue
        self.lock = threading.Lock()
        self.working: set[str] = set()
        self.attempts: Counter[str] = Counter()
        self.succeeded: set[str] = set()
        self.faults: list[str] = []
        self.progress = threading.Condition(self.lock)
        self.threads = [threading.Thread(target=self.work) for _ in range(size)]
        for thread in self.threads:
            thread.start()

    def work(self) -> None:
        while (key := self.queue.get(None)) is not None:
            with self.lock:
                if key in self.working:
                    self.faults.append(f"{key} is worked on twice at once")
                self.working.add(key)
                self.attempts[key] += 1
                fails = self.attempts[key] <= 2
            if fails:
                self.queue.retry(key)
            else:
                self.queue.forget(key)
            with self.progress:
                self.working.discard(key)
                if not fails:
                    self.succeeded.add(key)
                    self.progress.notify_all()
            self.queue.done(key)

    def join(self) -> None:
        for thread in self.threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self.threads)


def test_many_producers_and_workers_lose_no_key() -> None:
    queue = make_queue()
    crew = Crew(queue, 8)
    keys = {f"session/{n}" for n in range(200)}

    def produce(seed: int) -> None:
        random = Random(seed)
        for key in random.sample(sorted(keys), len(keys)):
            if random.random() < 0.5:
                queue.add(key)
            else:
                queue.add_after(key, random.random() * 0.05)

    producers = [threading.Thread(target=produce, args=(seed,)) for seed in range(4)]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join(PATIENCE)
    with crew.progress:
        assert crew.progress.wait_for(lambda: crew.succeeded == keys, PATIENCE)
    queue.shutdown(drain=True)
    crew.join()
    assert crew.faults == []
    assert queue.stats().retries_total == 2 * len(keys)


def test_a_sleeping_worker_wakes_for_an_earlier_moment_than_the_one_it_waits_for() -> None:
    queue = make_queue()
    queue.add_after("tomorrow", 86_400)
    got: list[str | None] = []
    worker = threading.Thread(target=lambda: got.append(queue.get(None)), daemon=True)
    worker.start()
    queue.add_after("soon", 0.05)
    worker.join(PATIENCE)
    assert got == ["soon"]


def test_a_get_that_finds_nothing_in_time_says_so() -> None:
    queue = make_queue()
    queue.add_after("tomorrow", 86_400)
    assert queue.get(0.01) is None


def test_a_shutdown_wakes_everybody() -> None:
    queue = make_queue()
    crew = Crew(queue, 4)
    queue.shutdown(drain=False)
    crew.join()


def test_a_key_that_came_due_while_the_machine_was_suspended_is_found_by_looking_at_the_clock_again() -> None:
    clock = VirtualClock()
    queue = WorkQueue(clock, Backoff(random=Random(1)), recheck=0.01)
    queue.add_after("expires", 3600)
    got: list[str | None] = []
    worker = threading.Thread(target=lambda: got.append(queue.get(None)))
    worker.start()
    clock.advance(3600)
    worker.join(PATIENCE)
    assert got == ["expires"]
