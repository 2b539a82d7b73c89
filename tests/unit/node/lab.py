"""A node in this process and in virtual time, and a client that shows answers as Proxmox gave them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import requests

from controller.engine.clock import VirtualClock
from controller.node.inprocess import InProcessNode
from controller.node.profile import Profile
from controller.node.wire import Request

NOT_IN_SCHEMA = "property is not defined in schema and the schema does not allow additional properties"


@dataclass(frozen=True)
class Answer:
    status: int
    reason: str
    text: str
    document: Any
    headers: Mapping[str, str]

    @property
    def data(self) -> Any:
        return self.document["data"]

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, self.reason


class Client:
    """Calls with one token, or with other headers."""

    def __init__(self, node: InProcessNode, headers: Mapping[str, str], *, timeout: float = 60.0) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("https://", node.transport)
        self._session.headers.update(headers)
        self._base = node.description.url + "/api2/json"
        self._timeout = timeout

    def call(self, method: str, path: str, **more: Any) -> Answer:
        reply = self._session.request(method, self._base + path, timeout=self._timeout, **more)
        document = reply.json() if reply.text else None
        return Answer(reply.status_code, reply.reason, reply.text, document, reply.headers)

    def get(self, path: str, /, **params: object) -> Answer:
        return self.call("GET", path, params=_dashed(params))

    def post(self, path: str, /, **data: object) -> Answer:
        return self.call("POST", path, data=_dashed(data))

    def put(self, path: str, /, **data: object) -> Answer:
        return self.call("PUT", path, data=_dashed(data))

    def delete(self, path: str, /, **params: object) -> Answer:
        return self.call("DELETE", path, params=_dashed(params))


def _dashed(values: Mapping[str, object]) -> dict[str, object]:
    return {name.replace("_", "-"): value for name, value in values.items()}


class Lab:
    """The node, its two tokens' clients, and shorthands of a container's life on the first node."""

    def __init__(
        self,
        *,
        profile: Profile | str = "instant",
        nodes: tuple[str, ...] = ("pve1",),
        seed: int = 0,
        version: str = "9.2",
    ) -> None:
        self.clock = VirtualClock()
        self.node = InProcessNode(
            self.clock, nodes=nodes, profile=profile, seed=seed, root_password="correct horse", version=version
        )
        self.door = self.node.door
        self.root = self.client(self.node.description.token)
        self.limited = self.client(self.node.description.pool_token)

    def client(self, token: str, *, timeout: float = 60.0) -> Client:
        return Client(self.node, {"Authorization": f"PVEAPIToken={token}"}, timeout=timeout)

    def ct(self, vmid: int, tail: str = "") -> str:
        return f"/nodes/pve1/lxc/{vmid}{tail}"

    def at_once(self, calls: Iterable[tuple[str, str, Mapping[str, object]]], *, token: str = "") -> list[Answer]:
        """Answers to calls that arrive at the same moment: each is method, path and parameters of the body."""
        waiting = [self.node.dispatcher.submit(self._request(*call, token=token)) for call in calls]
        for _ in range(1000):
            if all(one.done for one in waiting):
                break
            self.clock.advance(0.05)
            self.node.settle()
        replies = [one.result() for one in waiting]
        return [
            Answer(one.status, one.reason, one.body.decode(), json.loads(one.body or b"null"), {}) for one in replies
        ]

    def _request(self, method: str, path: str, params: Mapping[str, object], *, token: str) -> Request:
        body = urlencode(_dashed(params)).encode()
        return Request(
            method=method,
            path=f"/api2/json{path}",
            headers={"authorization": f"PVEAPIToken={token or self.node.description.token}"},
            body=body,
            content_length=len(body),
        )

    def spec(self, vmid: int = 100, **more: object) -> dict[str, object]:
        """A small container; None leaves an option out."""
        spec: dict[str, object] = {
            "vmid": vmid,
            "ostemplate": self.node.description.ostemplate,
            "rootfs": "local:1",
            "memory": 64,
            "swap": 0,
            "cores": 1,
        } | more
        return {name: value for name, value in spec.items() if value is not None}

    def begin(self, vmid: int = 100, *, client: Client | None = None, **more: object) -> str:
        answer = (client or self.root).post("/nodes/pve1/lxc", **self.spec(vmid, **more))
        assert answer.status == 200, answer
        return str(answer.data)

    def create(self, vmid: int = 100, *, client: Client | None = None, **more: object) -> int:
        """A new container, stopped unless ``start`` is given."""
        assert self.wait(self.begin(vmid, client=client, **more)) == "OK"
        return vmid

    def start(self, vmid: int) -> None:
        assert self.done(self.root.post(self.ct(vmid, "/status/start"))) == "OK"

    def status(self, upid: str, *, client: Client | None = None) -> Answer:
        node = upid.split(":")[1]
        return (client or self.root).get(f"/nodes/{node}/tasks/{quote(upid, safe='')}/status")

    def log(self, upid: str) -> list[str]:
        node = upid.split(":")[1]
        return [row["t"] for row in self.root.get(f"/nodes/{node}/tasks/{quote(upid, safe='')}/log").data]

    def wait(self, upid: str) -> str:
        """Turn the clock until the task has ended; returns its exit status."""
        for _ in range(2000):
            task = self.status(upid).data
            if task["status"] == "stopped":
                return str(task["exitstatus"])
            self.clock.advance(0.05)
        raise AssertionError(f"{upid} does not end")

    def done(self, answer: Answer) -> str:
        assert answer.status == 200, answer
        return self.wait(answer.data)

    def config(self, vmid: int) -> dict[str, Any]:
        return dict(self.root.get(self.ct(vmid, "/config")).data)

    def current(self, vmid: int) -> dict[str, Any]:
        return dict(self.root.get(self.ct(vmid, "/status/current")).data)

    def row(self, vmid: int, client: Client | None = None) -> dict[str, Any] | None:
        rows = (client or self.root).get("/cluster/resources", type="vm").data
        return next((row for row in rows if row["vmid"] == vmid), None)

    def refresh(self) -> None:
        """Let pvestatd go round once."""
        self.clock.advance(10)
        self.node.settle()
