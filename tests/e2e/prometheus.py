"""A real Prometheus as a process: Debian's package, on loopback, with the rules that a test gives it."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.e2e.process import Process
from tests.e2e.waiting import PATIENCE, until

REQUIRED_VARIABLE = "MONITORING_TESTS"
"""``required``: where Prometheus is not installed that is a failure and no reason to skip."""
JOB = "winux"
"""The job under which the rules and the dashboards expect the controller."""
SCRAPES, EVALUATIONS = "1s", "500ms"
"""Between two of them. A scrape may take no longer than that: much shorter, and a busy machine looks like a controller
that is down."""
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_COUNT = itertools.count()


def need_prometheus() -> None:
    """Skips where it is not installed, or fails where it is required."""
    if shutil.which("prometheus") is None:
        why = "prometheus is not installed: `apt-get install prometheus`"
        if os.environ.get(REQUIRED_VARIABLE) == "required":
            pytest.fail(f"monitoring cannot be tested here: {why}")
        pytest.skip(why)


def own_address() -> str:
    """``host:port`` on loopback that nobody else takes, whoever runs beside: a restart finds it free again."""
    pid = os.getpid()
    return f"127.{64 + (pid >> 16 & 63)}.{pid >> 8 & 255}.{pid & 255}:{19_000 + next(_COUNT)}"


@dataclass(frozen=True)
class Sample:
    labels: Mapping[str, str]
    value: float

    @property
    def name(self) -> str:
        return self.labels.get("__name__", "")


@dataclass(frozen=True)
class Alert:
    """As Prometheus would send it. ``state`` is ``pending`` or ``firing``."""

    name: str
    state: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Prometheus:
    """Answers queries when it was made; ``end`` leaves nothing behind."""

    def __init__(self, target: str, *, rules: Mapping[str, object] | None = None) -> None:
        """``target`` is the ``host:port`` of a controller's telemetry; ``rules`` is the document of a rules file."""
        self.directory = Path(tempfile.mkdtemp(prefix="wxp"))
        self.url = f"http://{own_address()}"
        config: dict[str, object] = {
            "global": {"scrape_interval": SCRAPES, "scrape_timeout": SCRAPES, "evaluation_interval": EVALUATIONS},
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [target]}]}],
        }
        if rules is not None:
            (self.directory / "rules.yaml").write_text(yaml.safe_dump(dict(rules), sort_keys=False), encoding="utf-8")
            config["rule_files"] = ["rules.yaml"]
        written = self.directory / "prometheus.yaml"
        written.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        command = ["prometheus", f"--config.file={written}", f"--storage.tsdb.path={self.directory / 'data'}"]
        command += [f"--web.listen-address={self.url.removeprefix('http://')}", "--log.level=warn"]
        self.process = Process(command, name="prometheus", directory=self.directory, environment={"NO_PROXY": "*"})
        try:
            until(self._ready, what="Prometheus is ready", show=self.process.tail)
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        try:
            if self.process.status is None:
                self.process.signal(signal.SIGTERM)
                self.process.wait()
        finally:
            self.process.end()
            shutil.rmtree(self.directory, ignore_errors=True)

    # -- its API -----------------------------------------------------------------------------------------------

    def _ready(self) -> bool:
        assert self.process.status is None, self.process.tail()
        try:
            with _NO_PROXY.open(f"{self.url}/-/ready", timeout=10):
                return True
        except OSError:  # nobody listens yet, or it answers 503
            return False

    def _ask(self, path: str, /, **parameters: str) -> dict[str, object]:
        """The ``data`` of an answer; a refusal fails with Prometheus's own words."""
        question = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with _NO_PROXY.open(question, timeout=30) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                body = json.load(error)
        assert body["status"] == "success", f"{parameters or path}: {body.get('errorType')}: {body.get('error')}"
        data: dict[str, object] = body["data"]
        return data

    def query(self, expression: str, *, at: float | None = None) -> list[Sample]:
        """As of now, or of a moment in Unix seconds. A scalar is one sample without labels."""
        data = self._ask("query", query=expression, **({} if at is None else {"time": f"{at:.3f}"}))
        result: list[dict[str, object]] = data["result"]  # type: ignore[assignment]
        if data["resultType"] in {"scalar", "string"}:
            return [Sample({}, float(result[1]))]  # type: ignore[arg-type]
        return [Sample(row["metric"], float(row["value"][1])) for row in result]  # type: ignore[arg-type,index]

    def alerts(self) -> list[Alert]:
        """Those that are pending or firing now."""
        rows: list[dict[str, dict[str, str]]] = self._ask("alerts")["alerts"]  # type: ignore[assignment]
        return [Alert(row["labels"]["alertname"], str(row["state"]), row["labels"], row["annotations"]) for row in rows]

    def rules(self) -> list[dict[str, object]]:
        """Every rule with its ``health`` and ``lastError``."""
        groups: list[dict[str, list[dict[str, object]]]] = self._ask("rules")["groups"]  # type: ignore[assignment]
        return [rule for group in groups for rule in group["rules"]]

    def targets(self) -> list[dict[str, object]]:
        """Every target with its ``health`` and ``lastError``."""
        found: list[dict[str, object]] = self._ask("targets")["activeTargets"]  # type: ignore[assignment]
        return found

    # -- what tests wait for -----------------------------------------------------------------------------------

    def scraped(self, *, within: float = PATIENCE) -> Prometheus:
        """Returns when the controller was scraped."""
        until(lambda: self.query(f'up{{job="{JOB}"}} == 1'), what="it is scraped", within=within, show=self.targets)
        return self

    def moment(self, *, within: float = PATIENCE) -> float:
        """When a scrape was done that some before it went as well as. A busy machine loses one now and then."""
        steady = f'timestamp(up{{job="{JOB}"}}) and on () min_over_time(up{{job="{JOB}"}}[5s]) == 1'
        found = until(lambda: self.query(steady), what="several scrapes in a row", within=within, show=self.targets)
        return found[0].value

    def evaluated(self, *, within: float = PATIENCE) -> Prometheus:
        """Returns when every rule was evaluated; one with an error fails."""

        def all_were() -> bool:
            wrong = {str(rule["name"]): rule["lastError"] for rule in self.rules() if rule["health"] == "err"}
            assert wrong == {}, wrong
            return all(rule["health"] == "ok" for rule in self.rules())

        until(all_were, what="every rule was evaluated", within=within, show=self.rules)
        return self

    def firing(self) -> dict[str, Alert]:
        """By name; of several with one name, one."""
        return {alert.name: alert for alert in self.alerts() if alert.state == "firing"}

    def wait_firing(self, *names: str, within: float = PATIENCE) -> dict[str, Alert]:
        """Each as it was seen last. Some fire for seconds only, and a scrape that is lost interrupts them all."""
        seen: dict[str, Alert] = {}

        def all_did() -> bool:
            seen.update(self.firing())
            return seen.keys() >= set(names)

        until(
            all_did,
            within=within,
            what=f"these alerts fire: {', '.join(names)}",
            show=lambda: {alert.name: (alert.state, alert.annotations.get("summary")) for alert in self.alerts()},
        )
        return {name: seen[name] for name in names}

    def wait_quiet(self, *names: str, within: float = PATIENCE) -> None:
        """Until none of them fires; without names, until none at all does."""
        until(
            lambda: not {name for name in self.firing() if name in names or not names},
            within=within,
            what=f"these alerts resolve: {', '.join(names) or 'all'}",
            show=lambda: {name: alert.annotations.get("summary") for name, alert in self.firing().items()},
        )

    def ever_fired(self) -> set[str]:
        """The names of all alerts that fired since it was started."""
        seen = self.query('count by (alertname) (max_over_time(ALERTS{alertstate="firing"}[1h]))')
        return {sample.labels["alertname"] for sample in seen}


@contextmanager
def watching(target: str, *, rules: Mapping[str, object] | None = None) -> Iterator[Prometheus]:
    """A Prometheus that scrapes a controller meanwhile."""
    prometheus = Prometheus(target, rules=rules)
    try:
        yield prometheus
    finally:
        prometheus.end()
