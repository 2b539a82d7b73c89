"""The node as a process of its own."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.process import Process
from tests.e2e.pve import Administrator
from tests.e2e.waiting import PATIENCE, until


class Node:
    """Serves when it was made; ``admin`` sees and may do everything there."""

    def __init__(
        self,
        directory: Path,
        *,
        profile: str = "demo",
        nodes: int = 1,
        listen: str = "127.0.0.1:0",
        more: Sequence[str] = (),
        name: str = "node",
        within: float = PATIENCE,
    ) -> None:
        """``more`` are further options of its command line; ``name`` is that of its output files.

        It has to serve ``within`` so many seconds.
        """
        self.directory = directory
        self.config = directory / "winux.yaml"
        command = [sys.executable, "-m", "controller.node", "--listen", listen, "--json"]
        command += ["--profile", profile, "--nodes", str(nodes), "--write-config", str(self.config)]
        command += more or ["--directory", str(directory / "node")]
        self.process = Process(command, name=name, directory=directory)
        try:
            until(self._said, what="the node serves", within=within, show=self.process.tail)
            self.description: dict[str, object] = json.loads(self._said())
            self.admin = Administrator(self.description)
        except BaseException:
            self.process.end()
            raise

    def _said(self) -> str:
        assert self.process.status is None, self.process.tail()
        said = self.process.out.read_text(encoding="utf-8")
        return said if said.endswith("\n") else ""

    @property
    def url(self) -> str:
        return str(self.description["url"])

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It hangs: connections are taken and nothing is answered."""
        self.process.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.signal(signal.SIGCONT)

    def end(self) -> None:
        self.admin.close()
        self.process.end()
