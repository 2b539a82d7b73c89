"""``prometheus-pve-exporter`` as a process: what Prometheus would scrape of a node."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.process import Process
from tests.e2e.waiting import until

Samples: TypeAlias = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""(name, labels) → value."""
COMMAND = Path(sys.executable).parent / "pve_exporter"
_LISTENING = re.compile(r"Listening at: (http://127\.0\.0\.1:\d+)")


class Exporter:
    """Listens when it was made. ``modules`` is its configuration file: how to log in, by name."""

    def __init__(self, directory: Path, modules: Mapping[str, Mapping[str, object]], *, ca: str) -> None:
        """``ca`` is trusted by the variable that the requests library reads."""
        config = directory / "pve.yml"
        config.touch(mode=0o600)
        config.write_text(yaml.safe_dump({name: dict(module) for name, module in modules.items()}), encoding="utf-8")
        command = [str(COMMAND), "--config.file", str(config), "--web.listen-address", "127.0.0.1:0"]
        environment = {"REQUESTS_CA_BUNDLE": ca, "NO_PROXY": "*"}
        self.process = Process(command, name="exporter", directory=directory, environment=environment)
        try:
            found = until(self._listens, what="the exporter listens", show=self.process.tail)
        except BaseException:
            self.process.end()
            raise
        self.url = found.group(1)

    def _listens(self) -> re.Match[str] | None:
        assert self.process.status is None, self.process.tail()
        return _LISTENING.search(self.process.output())

    def scrape(self, target: str, *, module: str = "default", cluster: int = 0, node: int = 0) -> Samples:
        """What it tells of ``host:port``, as Prometheus asks for it."""
        parameters: dict[str, str | int] = {"target": target, "module": module, "cluster": cluster, "node": node}
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{self.url}/pve", params=parameters, timeout=60)
        assert answer.status_code == 200, self.process.tail()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    def end(self) -> None:
        """By SIGTERM: its worker is a process of its own, which SIGKILL would leave behind."""
        try:
            if self.process.status is None:
                self.process.signal(signal.SIGTERM)
                self.process.wait()
        finally:
            self.process.end()


def sample(name: str, /, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())
