"""An administrator at the node, with the token that may do everything: sees every container byte for byte.

The side door (``/winux/…``) is where the misfortunes come from; it is no part of Proxmox's API.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

_MARKER = re.compile(r"^winux\.dev/([a-z-]+): (\S+)$", re.MULTILINE)
_CONTROLLER_TOKEN = "winux@pve!controller"


@dataclass(frozen=True)
class Write:
    """A call of the controller's that was not a GET, as the node counted it."""

    at: float
    operation: str
    path: str

    @property
    def vmid(self) -> int | None:
        found = re.search(r"/lxc/(\d+)", self.path)
        return int(found.group(1)) if found else None


@dataclass(frozen=True)
class Container:
    """One guest as it is, whatever its owner's token may see of it."""

    vmid: int
    node: str
    running: bool
    pool: str | None
    options: Mapping[str, str]

    @property
    def hostname(self) -> str:
        return self.options.get("hostname", "")

    @property
    def marker(self) -> dict[str, str]:
        return dict(_MARKER.findall(self.options.get("description", "")))


class Administrator:
    """One thread's client."""

    def __init__(self, description: Mapping[str, object]) -> None:
        self._url = str(description["url"])
        self.node = str(description["node"])
        self.pool = str(description["pool"])
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = str(description["ca"])
        self._http.headers["Authorization"] = f"PVEAPIToken={description['token']}"
        # The node closes idle connections after 5 s: a call that meets that is sent again.
        retry = Retry(total=3, backoff_factor=0.05, allowed_methods=None, status=0)
        self._http.mount("https://", HTTPAdapter(max_retries=retry))

    def close(self) -> None:
        self._http.close()

    # -- the API -----------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, /, **parameters: str | int) -> object:
        """The ``data`` of an answer of Proxmox's API."""
        where = {"params": parameters} if method in {"GET", "DELETE"} else {"data": parameters}
        answer = self._http.request(method, f"{self._url}/api2/json{path}", timeout=30, **where)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.reason}"
        return answer.json()["data"]

    def raw_config(self, container: Container) -> bytes:
        """The configuration exactly as the API sends it, digest included."""
        kind = "lxc"
        answer = self._http.get(f"{self._url}/api2/json/nodes/{container.node}/{kind}/{container.vmid}/config")
        assert answer.ok, f"container {container.vmid}: {answer.status_code} {answer.reason}"
        return answer.content

    def raw(self, path: str) -> str:
        """The text of an answer, for those who search it."""
        return self._http.get(f"{self._url}/api2/json{path}", timeout=30).text

    def tasks(self, *kinds: str) -> list[dict[str, object]]:
        """Tasks of the controller's, running ones and ended ones, oldest first."""
        rows = self.call("GET", f"/nodes/{self.node}/tasks", source="all", limit=5000)
        found = [row for row in cast("list[dict[str, object]]", rows) if row["type"] in kinds]
        return sorted((row for row in found if "winux@pve" in str(row["user"])), key=lambda row: str(row["upid"]))

    # -- the side door -----------------------------------------------------------------------------------------

    def door(self, verb: str, place: str, **body: object) -> object:
        answer = self._http.request(verb, f"{self._url}/winux/{place}", json=body or None, timeout=30)
        assert answer.ok, f"{verb} {place}: {answer.status_code} {answer.text}"
        return answer.json()["data"]

    def containers(self) -> dict[int, Container]:
        """Every container there is, the container templates left out."""
        rows = cast("dict[str, dict[str, object]]", self.door("GET", "containers"))
        found = {}
        for vmid, row in rows.items():
            options = cast("dict[str, str]", row["config"])
            if options.get("template") != "1" and row["kind"] == "lxc":
                found[int(vmid)] = Container(
                    int(vmid), str(row["node"]), bool(row["running"]), cast("str | None", row["pool"]), options
                )
        return found

    def of(self, *, controller: str = "default") -> dict[str, list[int]]:
        """VMIDs by session of the pool's containers with a controller's marker for the VMID that they have.

        One that is just being made has no marker yet.
        """
        found: dict[str, list[int]] = {}
        for container in self.containers().values():
            marker = container.marker
            marked = marker.get("controller") == controller and marker.get("vmid") == str(container.vmid)
            if marked and "uid" in marker and container.pool == self.pool:
                found.setdefault(marker["session"], []).append(container.vmid)
        return found

    def add(
        self, vmid: int, *, pool: str | None = None, running: bool = True, kind: str = "lxc", **options: str
    ) -> None:
        """Somebody else makes a guest."""
        self.door("POST", f"containers/{vmid}", action="add", pool=pool, running=running, kind=kind, options=options)

    def act(self, vmid: int, action: str, **more: object) -> None:
        """``destroy``, ``stop``, ``start``, ``set``, ``lock``, ``unlock``, ``migrate``, ``pool``."""
        self.door("POST", f"containers/{vmid}", action=action, **more)

    def fault(self, kind: str, **more: object) -> None:
        self.door("POST", "faults", kind=kind, **more)

    def no_faults(self) -> None:
        self.door("DELETE", "faults")

    def kill_task(self, upid: str) -> None:
        self.door("POST", f"tasks/{quote(upid, safe='')}", action="kill")

    # -- what was done here ------------------------------------------------------------------------------------

    def census(self) -> dict[str, object]:
        return cast("dict[str, object]", self.door("GET", "stats"))

    def forget_census(self) -> None:
        self.door("DELETE", "stats")

    def writes(self, *operations: str, token: str = _CONTROLLER_TOKEN) -> list[Write]:
        """Calls of the controller's that were not GETs, oldest first."""
        rows = cast("Iterable[dict[str, object]]", self.census()["writes"])
        return [
            Write(cast("float", row["at"]), str(row["operation"]), str(row["path"]))
            for row in rows
            if row["token"] == token and (not operations or row["operation"] in operations)
        ]
