"""The page and its APIs as a daemon serves them, or ``winux web`` beside it; visitors, and a house for them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

from tests.e2e.daemon import Daemon, winux
from tests.e2e.process import Process
from tests.e2e.site import QUICK, Site
from tests.e2e.waiting import until

V1, OLD = "/api/v1/sessions", "/api/winux/sessions"
LISTEN = "127.0.0.1:0"
MALLORY = "127.0.0.66"
"""An address of loopback that the attacker has for themselves."""
RATE = {"launches": 8, "per": "1m"}
POOL = 48
"""Threads that a server may keep for a while: what its library has at most, and some."""


def web_of(daemon: Daemon) -> str:
    """Where a started daemon serves it."""
    return str(daemon.log("winux.started")[-1]["web"])


class Visitor(httpx.Client):
    """A browser, as far as cookies go; ``address`` is the one on loopback that it comes from."""

    def __init__(self, url: str, *, address: str = "127.0.0.1", headers: Mapping[str, str] | None = None) -> None:
        transport = httpx.HTTPTransport(local_address=address)
        super().__init__(base_url=url, transport=transport, trust_env=False, timeout=60, headers=headers)


class Beside:
    """``winux web`` with settings of its own."""

    def __init__(self, daemon: Daemon, *, name: str, web: Mapping[str, object]) -> None:
        document = yaml.safe_load(daemon.config.read_text(encoding="utf-8"))
        document["web"] = {"listen": LISTEN, **web}
        path = daemon.config.with_name(f"{name}.yaml")
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        self.process = Process(winux("web", "--config", str(path)), name=name, directory=path.parent)
        until(lambda: self.process.status is not None or self.log("web.started"), what="winux web serves")
        assert self.process.status is None, self.process.tail()
        self.url = str(self.log("web.started")[-1]["url"])

    def log(self, event: str) -> list[dict[str, object]]:
        text = self.process.err.read_text(encoding="utf-8", errors="replace")
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if line["event"] == event]


def threads_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - the kernel's own table


def files_of(pid: int) -> int:
    """Open ones, connections included."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208


def manifests_of(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


class House:
    """A site with a daemon that anybody may ask for desktops."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.daemon: Daemon = site.daemon(
            settings={"web": {"listen": LISTEN, "rate": RATE, "wait": "5s", "quotas": {"total": 20, "perAddress": 6}}}
        ).in_sync()
        self.url = web_of(self.daemon)
        self.pid = self.daemon.process.pid
        self._calm = self.state()

    def state(self) -> tuple[set[str], set[str], frozenset[str]]:
        """Manifests, sessions that are not over, and containers."""
        names = {container.hostname for container in self.site.admin.containers().values()}
        living = {name for name, phase in self.daemon.phases().items() if phase != "Expired"}
        return manifests_of(self.site.manifests.path), living, frozenset(names)

    def calm(self) -> None:
        """Returns when all is as before everything; what is left behind is put away for the next test."""
        try:
            until(lambda: self.state() == self._calm, what="nothing is left behind", show=self.state)
        finally:
            for name in self.state()[1] - self._calm[1]:
                self.daemon.admin.delete(name)

    def visitor(self, address: str = "127.0.0.1") -> Visitor:
        return Visitor(self.url, address=address)


@contextmanager
def open_house() -> Iterator[House]:
    site = Site(profile="instant", settings=QUICK)
    try:
        site.foreigners.settle_in()
        made = House(site)
        yield made
        site.foreigners.check_untouched()
        assert not [line for line in made.daemon.log() if line.get("level") == "error"], made.daemon.process.tail()
    finally:
        site.end()


@contextmanager
def nothing_left_behind(house: House) -> Iterator[None]:
    threads = threads_of(house.pid)
    yield
    house.calm()
    assert threads_of(house.pid) <= max(threads, POOL)


def launch(visitor: Visitor, **wish: object) -> dict[str, object]:
    answer = visitor.post(V1, json=wish)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())
