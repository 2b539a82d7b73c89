"""One daemon per ledger: two that write the same SQLite file would each believe in their own memory of it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sqlalchemy.engine import make_url

from controller.ledger.database import LedgerError


class LedgerLock:
    """An flock beside a SQLite ledger, held until ``release`` or the end of the process, however it ends.

    PostgreSQL ledgers are not locked here.
    """

    def __init__(self, url: str) -> None:
        """Take the lock.

        Raises:
            LedgerError: another process has it.
        """
        self._descriptor: int | None = None
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
            return
        path = Path(parsed.database + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LedgerError(f"the ledger's directory {path.parent} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise LedgerError(
                f"the ledger {parsed.database} is in use by another winux daemon: stop it, or give this one its own "
                f"ledger.url and controller.id"
            ) from error
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
