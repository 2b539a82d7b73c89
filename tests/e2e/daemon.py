"""The daemon as a process of its own, with its log, its admin API and its metrics."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import yaml

from controller.admin.client import AdminClient, NoDaemon, Refused
from controller.admin.models import SessionView
from tests.e2e.process import Process
from tests.e2e.waiting import PATIENCE, until

_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def winux(*arguments: str) -> list[str]:
    """The command line of ``winux`` with the interpreter that runs the tests."""
    return [sys.executable, "-m", "controller.cli", *arguments]


def call_winux(*arguments: str) -> subprocess.CompletedProcess[str]:
    """As a person would, but not on a terminal."""
    return subprocess.run(winux(*arguments), capture_output=True, text=True, check=False, timeout=60)


class Daemon:
    """One life of the process."""

    def __init__(
        self,
        config: Path,
        *,
        name: str,
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        mortal: bool = False,
    ) -> None:
        """``options`` are those of ``winux run``."""
        self.config = config
        settings = yaml.safe_load(config.read_text(encoding="utf-8"))
        self.socket = Path(settings["admin"]["socket"])
        given = {"WINUX_TELEMETRY__LISTEN": "127.0.0.1:0"} | dict(environment or {})
        self.process = Process(
            winux("run", "--config", str(config), *options),
            name=name,
            directory=config.parent,
            environment=given,
            mortal=mortal,
        )
        self.admin = AdminClient(self.socket)

    # -- life --------------------------------------------------------------------------------------------------

    def started(self, *, within: float = PATIENCE) -> Daemon:
        """Returns when it said that it started."""
        until(lambda: self._died() or self.telemetry, within=within, what="the daemon starts", show=self.process.tail)
        assert self.process.status is None, self.process.tail()
        return self

    def in_sync(self, *, within: float = PATIENCE) -> Daemon:
        """Returns when it saw manifests and Proxmox whole."""
        self.started(within=within)
        until(lambda: self.ready()[0] == 200, within=within, what="the daemon is ready", show=self.process.tail)
        return self

    def _died(self) -> bool:
        return self.process.status is not None

    def kill(self) -> None:
        self.process.kill()
        self.admin.close()

    def stop(self, *, within: float = PATIENCE) -> int:
        """SIGTERM, then the exit status."""
        self.process.signal(signal.SIGTERM)
        return self.process.wait(within=within)

    def frozen(self) -> AbstractContextManager[None]:
        """It sees what happens meanwhile at once and whole, however long the steps of a test take."""
        return self.process.frozen()

    def end(self) -> None:
        self.process.end()
        self.admin.close()

    # -- what it says ------------------------------------------------------------------------------------------

    def log(self, event: str | None = None) -> list[dict[str, object]]:
        """Lines of the log, all or those of one event; one that is being written does not count yet."""
        text = self.process.err.read_text(encoding="utf-8", errors="replace").rpartition("\n")[0]
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if event is None or line["event"] == event]

    @property
    def telemetry(self) -> str:
        """Where ``/metrics`` is; empty before it said so."""
        said = self.log("winux.started") if self.process.err.exists() else []
        return str(said[-1]["telemetry"]) if said else ""

    @property
    def web(self) -> str:
        """Where the page and its APIs are, once it has started."""
        return str(self.log("winux.started")[-1]["web"])

    def page(self, path: str) -> tuple[int, str]:
        """Status and text of a page of the telemetry server."""
        try:
            with _NO_PROXY.open(f"{self.telemetry}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ready(self) -> tuple[int, str]:
        return self.page("/readyz")

    def metric(self, sample: str) -> float:
        """The value of one sample, as ``winux_sessions{phase="Ready"}``; NaN where there is none."""
        for line in self.page("/metrics")[1].splitlines():
            name, _, value = line.rpartition(" ")
            if name == sample:
                return float(value)
        return float("nan")

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``winux`` on this daemon."""
        return call_winux("--config", str(self.config), *arguments)

    # -- sessions ----------------------------------------------------------------------------------------------

    def session(self, name: str) -> SessionView | None:
        """None for one that it does not know."""
        try:
            return self.admin.session(name)
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    def phases(self) -> dict[str, str]:
        return {session.name: session.phase for session in self.admin.sessions()}

    def wait_for(self, name: str, phase: str, *, within: float = PATIENCE) -> SessionView:
        """The session as soon as it is in that phase."""

        def there() -> SessionView | None:
            session = self.session(name)
            return session if session is not None and session.phase == phase else None

        found = until(there, within=within, what=f"session {name} is {phase}", show=lambda: self.session(name))
        assert found is not None
        return found

    def wait_gone(self, name: str, *, within: float = PATIENCE) -> None:
        until(lambda: self.session(name) is None, within=within, what=f"session {name} is forgotten")

    def wait_ready(self, *names: str, within: float = PATIENCE) -> dict[str, SessionView]:
        return {name: self.wait_for(name, "Ready", within=within) for name in names}

    def notices(self) -> dict[str, str]:
        """What is wrong with the picture: sentences by reason."""
        return {notice.reason: notice.sentence for notice in self.admin.status().notices}

    def wait_notice(self, reason: str, *, within: float = PATIENCE) -> str:
        return (
            until(lambda: self.notices().get(reason), within=within, what=f"notice {reason}", show=self.notices) or ""
        )

    def wait_no_notices(self, *, within: float = PATIENCE) -> None:
        until(lambda: not self.notices(), within=within, what="all notices are gone", show=self.notices)

    def wait_ticks(self, ticks: int, *, within: float = PATIENCE) -> None:
        """Until Proxmox was looked at so many more times."""
        for _ in range(ticks):
            before = self.admin.status().observed_at
            until(lambda before=before: self.admin.status().observed_at != before, within=within, what="one more tick")

    def wait_scans(self, scans: int, *, within: float = PATIENCE) -> None:
        """Until the manifests were looked at so many more times."""
        for _ in range(scans):
            before = self.admin.status().scanned_at
            until(lambda before=before: self.admin.status().scanned_at != before, within=within, what="one more scan")


__all__ = ["Daemon", "NoDaemon", "Refused", "call_winux", "winux"]
