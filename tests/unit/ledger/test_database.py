"""The database file: only its owner reads it, a newer one is left alone, and trouble is told without secrets."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import stat
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.engine.clock import VirtualClock
from controller.ledger.database import LedgerError, open_database
from controller.ledger.ledger import Ledger
from controller.ledger.passwords import Credential
from controller.ledger.schema import SCHEMA_VERSION
from tests.unit.core.given import NOW, accepted

Opened = Callable[[], Ledger]


@pytest.fixture
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(directory: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}


@pytest.mark.usefixtures("_open_umask")
def test_only_the_owner_can_read_the_file_and_its_journals(ledger: Ledger, file: Path) -> None:
    ledger.begin(accepted(), Credential("user", "s3cret"))
    assert modes(file.parent) == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}


@pytest.mark.usefixtures("_open_umask")
def test_a_file_that_others_could_read_is_closed_to_them(opened: Opened, file: Path) -> None:
    file.touch(mode=0o644)
    opened().begin(accepted(), None)
    assert set(modes(file.parent).values()) == {0o600}


def test_the_directory_is_made(tmp_path: Path) -> None:
    Ledger(f"sqlite:///{tmp_path}/var/lib/winux/ledger.db", clock=VirtualClock(NOW)).close()
    assert (tmp_path / "var/lib/winux/ledger.db").exists()


def test_it_survives_a_power_cut_and_erases_what_it_deletes(ledger: Ledger) -> None:
    with ledger._engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_ledger_in_memory_makes_no_file(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_database(url).dispose()
    assert list(tmp_path.iterdir()) == []


# -- what cannot be opened -------------------------------------------------------------------------------------


def newer(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        connection.execute("INSERT INTO settings VALUES ('schema', ?)", (str(SCHEMA_VERSION + 1),))
    connection.close()


def test_a_ledger_of_a_newer_version_is_refused_and_left_as_it_is(opened: Opened, file: Path) -> None:
    newer(file)
    sentence = rf"written by a newer winux-controller \(schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION}\)"
    with pytest.raises(LedgerError, match=sentence):
        opened()
    with sqlite3.connect(file) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    assert tables == [("settings",)]


def test_a_ledger_of_this_version_is_opened_again(opened: Opened) -> None:
    opened()
    assert opened().setting("schema") == str(SCHEMA_VERSION)


@pytest.mark.parametrize("what", ["a directory", "no database", "below a file"])
def test_a_file_that_cannot_be_opened_is_named_with_the_reason(tmp_path: Path, what: str) -> None:
    path = tmp_path / "ledger.db"
    if what == "a directory":
        path.mkdir()
    else:
        path.write_bytes(b"not a database at all, whatever its name says" * 100)
    if what == "below a file":
        path /= "ledger.db"
    with pytest.raises(LedgerError) as caught:
        open_database(f"sqlite:///{path}")
    assert str(path) in str(caught.value)
    assert "cannot be opened: " in str(caught.value)
    assert "\n" not in str(caught.value)


SECRET = "s3cret"
UNUSABLE = [
    f"postgresql://winux:{SECRET}@127.0.0.1:1/winux",
    f"postgresql+psycopg://winux:{SECRET}@127.0.0.1:1/winux",
    f"postgresql://127.0.0.1:1/winux?user=winux&password={SECRET}",
    f"postgresql+nosuchdriver://winux:{SECRET}@127.0.0.1/winux",
    f"nosuchdatabase://winux:{SECRET}@127.0.0.1/winux",
    f"postgresql://winux:{SECRET}/with-a-slash@127.0.0.1/winux",
    f"postgresql://winux:x@127.0.0.1:{SECRET}/winux",
    f"postgresql:/winux:{SECRET}@127.0.0.1/winux",
    f"winux:{SECRET}@127.0.0.1",
]


@pytest.mark.parametrize("url", UNUSABLE, ids=lambda url: url.replace(SECRET, "…"))
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(LedgerError) as caught:
        open_database(url)
    assert "\n" not in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_a_driver_that_is_not_installed_is_named_with_the_line_that_installs_it(scheme: str) -> None:
    if importlib.util.find_spec("psycopg") is not None:
        pytest.skip("the driver is installed here")
    with pytest.raises(LedgerError) as caught:
        open_database(f"{scheme}://winux:{SECRET}@127.0.0.1:1/winux")
    assert str(caught.value) == (
        "the ledger postgresql+psycopg://winux:***@127.0.0.1:1/winux needs a driver that cannot be loaded "
        "(No module named 'psycopg'): run `pip install 'psycopg[binary]'`"
    )


def test_another_driver_that_is_not_installed_is_no_reason_to_install_it() -> None:
    with pytest.raises(
        LedgerError, match=r"write postgresql\+psycopg:// instead, and run `pip install 'psycopg\[binary\]'`$"
    ):
        open_database(f"mysql://winux:{SECRET}@127.0.0.1:1/winux")
