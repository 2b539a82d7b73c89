"""One call of the API while it is served: who asks for what, and the typed parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from controller.node.access import Identity
from controller.node.cluster import Cluster
from controller.node.errors import forbidden
from controller.node.guest import Guest
from controller.node.schedule import Completion, Steps
from controller.node.tasks import Body, Doom, Task
from controller.node.upload import Upload

T = TypeVar("T")


@dataclass(slots=True)
class Context:
    cluster: Cluster
    who: Identity
    params: Mapping[str, str]
    """Those of path, query and body; checked against the schema before the call runs."""
    doom: Doom | None = field(default=None)
    """The fault that waits for the next task of this call."""
    upload: Upload | None = None
    """The file that came with the call."""

    @property
    def node(self) -> str:
        return self.params["node"]

    @property
    def vmid(self) -> int:
        return int(self.params["vmid"])

    @property
    def guest(self) -> Guest:
        """The container of the path; raises Proxmox's 500 if there is none."""
        return self.cluster.guest(self.node, self.vmid)

    def text(self, name: str, default: str = "") -> str:
        return self.params.get(name, default)

    def flag(self, name: str) -> bool:
        return self.params.get(name) == "1"

    def number(self, name: str, default: int) -> int:
        return int(self.params.get(name, default))

    # rights

    def may(self, path: str, *names: str, anyone: bool = False) -> bool:
        return self.cluster.access.has(self.who, path, *names, anyone=anyone)

    def need(self, path: str, *names: str, anyone: bool = False) -> None:
        self.cluster.access.need(self.who, path, *names, anyone=anyone)

    @property
    def is_root(self) -> bool:
        """The user root@pam itself; none of its tokens is."""
        return self.who.authid == "root@pam"

    def root_only(self, what: str) -> None:
        if not self.is_root:
            raise forbidden(f"{what} is only allowed for root@pam")

    # tasks

    def fork(self, kind: str, subject: int | str, body: Body) -> Task:
        """Start a worker; its UPID is the call's answer."""
        doom, self.doom = self.doom, None
        return self.cluster.tasks.start(
            body, node=self.node, kind=kind, subject=str(subject), owner=self.who, doom=doom
        )

    def work(self, task: Task, operation: Callable[[], Completion[T]]) -> Steps[T]:
        """The heavy part of a task."""
        return self.cluster.tasks.work(task, operation)
