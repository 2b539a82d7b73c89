"""A ledger that cannot be written for a while: whatever was seen meanwhile is made good once it can be again."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from controller.ledger.ledger import Ledger, Note
from tests.scenarios.world import World


class Disk:
    """Where ledgers lie: with room for one more event or setting, or without."""

    def __init__(self) -> None:
        self.full = False

    def open_ledger(self, *args: object, **kwargs: object) -> Ledger:
        return LedgerOnDisk(self, *args, **kwargs)

    @contextmanager
    def without_room(self) -> Iterator[None]:
        self.full = True
        yield
        self.full = False

    def write(self) -> None:
        if self.full:
            raise OperationalError(None, None, Exception("database or disk is full"))


class LedgerOnDisk(Ledger):
    def __init__(self, disk: Disk, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # what Ledger takes
        self._disk = disk

    def note(self, session: str, uid: str, *notes: Note) -> None:
        self._disk.write()
        super().note(session, uid, *notes)

    def set_setting(self, key: str, value: str | None, *notes: Note) -> None:
        self._disk.write()
        super().set_setting(key, value, *notes)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def world(tmp_path: Path, disk: Disk) -> World:
    return World(tmp_path, open_ledger=disk.open_ledger)


def text(name: str) -> str:
    return f"apiVersion: winux.dev/v1\nkind: Session\nmetadata: {{name: {name}}}\nspec: {{ttl: 1h}}\n"


def breaks_off(round_: Callable[[], object]) -> None:
    """A thread's round fails as a whole; the thread goes on with the next."""
    with pytest.raises(OperationalError):
        round_()


def scan(world: World) -> None:
    world.controller.loops.scanned(world.controller.source.scan())


def test_a_session_that_was_first_seen_without_room_is_made_once_there_is_some(world: World, disk: Disk) -> None:
    world.write("alice.yaml", text("alice"))
    world.until("alice is ready", lambda: world.phase("alice") == "Ready")
    elsewhere = world.directory / "elsewhere"
    with disk.without_room():
        world.manifests.rename(elsewhere)
        breaks_off(lambda: scan(world))
        (elsewhere / "bob.yaml").write_text(text("bob"))
        shutil.move(elsewhere, world.manifests)
        breaks_off(lambda: scan(world))
    world.until("bob is ready", lambda: world.phase("bob") == "Ready")


def test_sessions_that_wait_for_the_first_look_at_proxmox_do_not_wait_for_ever(world: World, disk: Disk) -> None:
    world.write("alice.yaml", text("alice"))
    loops, queue = world.controller.loops, world.controller.queue
    scan(world)
    loops.work_once(queue.get_nowait() or "")
    assert (world.phase("alice"), world.reason("alice")) == ("Held", "NotSynced")
    with disk.without_room():
        breaks_off(loops.observe_once)
    world.until("alice is ready", lambda: world.phase("alice") == "Ready")


def test_people_are_told_until_it_can_be_written_again(world: World) -> None:
    world.write("alice.yaml", text("alice"))
    world.until("alice is ready", lambda: world.phase("alice") == "Ready")
    picture, ledger = world.controller.picture, world.controller.tools.ledger
    with closing(sqlite3.connect(world.directory / "ledger.db")) as other:
        other.execute("ALTER TABLE settings RENAME TO elsewhere")
        breaks_off(lambda: ledger.set_setting("paused", "yes"))
        world.run(10.0)
        assert picture.sentences() == {
            "LedgerFailing": "the ledger cannot be written (no such table: settings): nothing is made, changed or "
            "ended until it can be; look after its disk and its permissions"
        }
        other.execute("ALTER TABLE elsewhere RENAME TO settings")
    world.run(10.0)
    assert picture.sentences() == {}


def test_a_container_of_nobody_is_left_alone_though_the_first_look_could_not_be_noted(world: World, disk: Disk) -> None:
    world.write("alice.yaml", text("alice"))
    scan(world)
    with disk.without_room():
        breaks_off(world.controller.loops.observe_once)
    world.until("alice is ready", lambda: world.phase("alice") == "Ready")
    marker = str(world.cluster.guests[world.vmid("alice")].options["description"])
    copied = marker.replace("vmid: ", "vmid: 30999\nwas: ").replace("alice", "mallory").replace("uid: ", "uid: f")
    world.door.add(30999, {"hostname": "copy", "description": copied}, pool=world.pool, running=True)
    world.restart()
    world.run(60.0)
    assert 30999 in world.containers()


def test_a_ledger_whose_file_was_removed_stops_everything_until_a_restart_takes_it_up_anew(world: World) -> None:
    world.write("alice.yaml", text("alice"))
    world.until("alice is ready", lambda: world.phase("alice") == "Ready")
    vmid = world.vmid("alice")
    for file in world.directory.glob("ledger.db*"):
        file.unlink()
    world.write("bob.yaml", text("bob"))
    world.remove("alice.yaml")
    world.run(120.0)
    assert list(world.containers()) == [vmid]
    assert world.controller.picture.sentences()["LedgerFailing"].startswith(
        f"the ledger cannot be written ({world.directory}/ledger.db is gone: put that one back, or restart the daemon"
    )
    world.restart()
    world.until("bob is ready", lambda: world.phase("bob") == "Ready")
    world.until("alice is gone", lambda: vmid not in world.containers())
    assert world.controller.picture.sentences() == {}
