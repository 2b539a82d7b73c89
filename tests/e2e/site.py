"""A site: a node, one or more controllers with their directories, and everything that was started in them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from tests.e2e.daemon import Daemon
from tests.e2e.foreign import Foreigners
from tests.e2e.manifests import Manifests
from tests.e2e.node import Node
from tests.e2e.process import Process
from tests.e2e.waiting import PATIENCE

Section = Mapping[str, object]
QUICK: Mapping[str, Section] = {"manifests": {"grace": "1s"}, "proxmox": {"tick": "500ms"}}
"""A shorter grace and tick than the defaults, where the test is not about them."""


class Site:
    """Made whole, with foreign containers that are checked at the end; ``end`` leaves nothing behind."""

    def __init__(
        self,
        *,
        profile: str = "demo",
        nodes: int = 1,
        settings: Mapping[str, Section] | None = None,
        node: Sequence[str] = (),
        kept: bool = False,
        listen: str = "127.0.0.1:0",
        within: float = PATIENCE,
    ) -> None:
        """``node`` are further options of the node's command line; it is ``kept``: it has a state for restarts.

        It has to serve ``within`` so many seconds.
        """
        # Sockets have paths of 107 bytes at most: pytest's own directories are too deep for them.
        self.directory = Path(tempfile.mkdtemp(prefix="wx"))
        self.processes: list[Process] = []
        self._daemons: list[Daemon] = []
        try:
            self.kept, self.kept_at = kept, self.directory / "node"
            self.node_options = ["--state" if kept else "--directory", str(self.kept_at), *node]
            self.node = Node(
                self.directory, profile=profile, nodes=nodes, listen=listen, more=self.node_options, within=within
            )
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise
        self.processes.append(self.node.process)
        self.admin = self.node.admin
        self._settings = QUICK if settings is None else settings
        self._written: dict[str, object] = yaml.safe_load(self.node.config.read_text(encoding="utf-8"))
        self.manifests = Manifests(self.directory / "manifests")
        self.foreigners = Foreigners(self.admin)

    # -- controllers -------------------------------------------------------------------------------------------

    def configure(self, *, name: str = "default", settings: Mapping[str, Section] | None = None) -> Path:
        """Write the configuration of a controller; another name than ``default`` has everything of its own."""
        document: dict[str, object] = {key: dict(value) for key, value in self._written.items()}  # type: ignore[call-overload]
        if name != "default":
            document["controller"] = {"id": name}
            document["manifests"] = {"path": f"./{name}"}
            document["ledger"] = {"url": f"sqlite:///{self.directory / name}.db"}
            document["admin"] = {"socket": str(self.directory / f"{name}.sock")}
        for section, values in [*self._settings.items(), *(settings or {}).items()]:
            document[section] = {**document.get(section, {}), **values}  # type: ignore[dict-item]
        path = self.directory / f"{name}.yaml"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    def daemon(
        self,
        *,
        name: str = "default",
        settings: Mapping[str, Section] | None = None,
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        mortal: bool = False,
    ) -> Daemon:
        """Start a controller; it is not waited for."""
        config = self.configure(name=name, settings=settings)
        number = sum(daemon.config == config for daemon in self._daemons) + 1
        daemon = Daemon(config, name=f"{name}-{number}", environment=environment, options=options, mortal=mortal)
        self._daemons.append(daemon)
        self.processes.append(daemon.process)
        return daemon

    # -- the end -----------------------------------------------------------------------------------------------

    def logs(self) -> list[tuple[str, str]]:
        """For people who look at a failure."""
        return [(process.name, process.tail(120)) for process in self.processes]

    def end(self) -> None:
        for daemon in self._daemons:
            daemon.end()
        self.node.end()
        shutil.rmtree(self.directory, ignore_errors=True)
