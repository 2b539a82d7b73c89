"""Nothing is changed in Proxmox while no record of it could be kept; questions are asked all the same."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest

from controller.daemon.recorded import CHANGES, Recorded, Unrecordable
from controller.proxmox.port import Proxmox

METHODS = {name for name, _ in inspect.getmembers(Proxmox, inspect.isfunction) if not name.startswith("_")}
QUESTIONS = {
    "version", "permissions", "nodes", "token_expiry", "storages", "archives", "pools", "bridges", "resources",
    "active_tasks", "task_status", "task_log", "find_tasks", "vmid_is_free", "config", "status", "addresses",
    "firewall",
}  # fmt: skip


class Counting:
    """Answers every call, and knows which there were."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> object:
        return lambda *_positional, **_named: self.calls.append(name)


class Ledger:
    def __init__(self) -> None:
        self.trouble: str | None = None

    def problem(self) -> str | None:
        return self.trouble


def call(port: Recorded, method: str) -> None:
    upid = "UPID:pve1:00003F8B:00024612:6B02F28D:vzcreate:200:op@pve!t1:"
    signature = inspect.signature(getattr(Proxmox, method)).parameters.values()
    required = [one for one in signature if one.name != "self" and one.default is one.empty]
    special = {"upid": upid, "request": SimpleNamespace(vmid=200)}
    positional = [special.get(one.name, "pve1") for one in required if one.kind is not one.KEYWORD_ONLY]
    getattr(port, method)(*positional, **{one.name: "x" for one in required if one.kind is one.KEYWORD_ONLY})


def test_every_call_either_changes_something_or_is_a_question() -> None:
    assert CHANGES | QUESTIONS == METHODS
    assert not CHANGES & QUESTIONS


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_change_waits_for_the_ledger_and_a_question_does_not(method: str) -> None:
    proxmox, ledger = Counting(), Ledger()
    port = Recorded(proxmox, ledger.problem)  # type: ignore[arg-type]
    call(port, method)
    ledger.trouble = "database or disk is full"
    if method in CHANGES:
        with pytest.raises(Unrecordable, match=r"^the ledger cannot be written: database or disk is full$"):
            call(port, method)
    else:
        call(port, method)
    ledger.trouble = None
    call(port, method)
    assert len(proxmox.calls) == (2 if method in CHANGES else 3)
