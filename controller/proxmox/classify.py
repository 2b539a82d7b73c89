"""Which typed error an answer of Proxmox's means: the only place that knows its status codes and texts.

Proxmox answers most refusals with status 500 and a text, so texts have to be read: those of the sources of Proxmox VE
7.4 to 9.2, and those measured on a running 9.2. What cannot be told stays ``Transient`` for reads; for a write that
may have been carried out all the same it is ``OutcomeUnknown``. Calls are sent by ``controller.proxmox.transport``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from controller.proxmox.port import (
    AlreadyExists,
    AlreadyRunning,
    BadRequest,
    Conflict,
    Forbidden,
    Locked,
    NodeDown,
    NoQuorum,
    NotFound,
    NotRunning,
    OutcomeUnknown,
    Protected,
    ProxmoxError,
    TaskRow,
    Transient,
    Unauthorized,
)

_LONGEST_TEXT = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call, as its errors speak of it."""

    operation: str
    """The method of the port, such as ``create``."""
    what: str
    """What was to be done, such as ``create container 30007 on pve1``."""
    write: bool = False
    node: str | None = None
    vmid: int | None = None


def error_of(kind: type[ProxmoxError], message: str, attempt: Attempt) -> ProxmoxError:
    """An error that knows its call; not for ``Locked`` and ``BadRequest``, which have more to tell."""
    return kind(message, operation=attempt.operation, node=attempt.node, vmid=attempt.vmid)


def bad_request(message: str, attempt: Attempt, errors: Mapping[str, str]) -> ProxmoxError:
    return BadRequest(message, errors=errors, operation=attempt.operation, node=attempt.node, vmid=attempt.vmid)


def lost(message: str, attempt: Attempt) -> ProxmoxError:
    """Nobody can tell what became of the call: harmless for a read only."""
    if not attempt.write:
        return error_of(Transient, message, attempt)
    return error_of(OutcomeUnknown, f"{message}; it may have been carried out, or still will be", attempt)


_Make = Callable[[str, Attempt, re.Match[str]], ProxmoxError]


def _a(kind: type[ProxmoxError]) -> _Make:
    return lambda message, attempt, _: error_of(kind, message, attempt)


def _bad(parameter: str) -> _Make:
    return lambda message, attempt, found: bad_request(message, attempt, {parameter: found.string.strip()})


def _bad_named(message: str, attempt: Attempt, found: re.Match[str]) -> ProxmoxError:
    return bad_request(message, attempt, {found["parameter"]: found.string.strip()})


def _lost(message: str, attempt: Attempt, _: re.Match[str]) -> ProxmoxError:
    return lost(message, attempt)


def _locked(message: str, attempt: Attempt, found: re.Match[str]) -> ProxmoxError:
    lock = found["lock"].removesuffix(".lock")
    return Locked(message, lock=lock, operation=attempt.operation, node=attempt.node, vmid=attempt.vmid)


def _not_found(message: str, attempt: Attempt, found: re.Match[str]) -> ProxmoxError:
    # the text says which container: for a clone it is the template
    return NotFound(message, operation=attempt.operation, node=found["node"], vmid=int(found["vmid"]))


_TEXTS: tuple[tuple[re.Pattern[str], _Make], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"Configuration file 'nodes/(?P<node>[^/']+)/lxc/(?P<vmid>\d+)\.conf' does not exist", _not_found),
        (r"(?:CT|VM) \d+ already exists on node '", _a(AlreadyExists)),
        # a create that lost the race against another node of the cluster (PVE::File, pmxcfs/memdb.c)
        (r"atomic file '/etc/pve/.*' failed: File exists", _a(AlreadyExists)),
        (r"(?:CT|VM) is locked \((?P<lock>[^)]+)\)", _locked),
        # the list of running tasks is written after the worker was let go (PVE::RESTEnvironment::fork_worker)
        (r"can't lock file '/var/log/pve/tasks/\.active\.lock'", _lost),
        (r"got no worker upid", _lost),
        (r"-locked command timed out - aborting", _lost),
        (r"can't lock file '(?:[^']*/)?(?P<lock>[^'/]+)' - got timeout", _locked),
        (r"cfs[- ]lock '(?P<lock>[^']+)'(?: error)?: got lock request timeout", _locked),
        (r"no quorum", _a(NoQuorum)),
        (r"'/etc/pve/[^']*' - Permission denied", _a(NoQuorum)),
        (r"Unable to load access control list: Connection refused", _a(NoQuorum)),
        (r"Transport endpoint is not connected", _a(NoQuorum)),
        (r"detected modified configuration", _a(Conflict)),
        (r"protection mode enabled", _a(Protected)),
        (r"(?:CT|VM) \d+ already running", _a(AlreadyRunning)),
        (r"(?:CT|VM) \d+ not running", _a(NotRunning)),
        (r"hostname lookup '[^']*' failed", _a(NodeDown)),
        (r"storage '[^']*' does not exist", _bad("storage")),
        (r"^parameter '(?P<parameter>[\w-]+)' not allowed", _bad_named),
        (r"unable to modify read-only option: '(?P<parameter>[\w-]+)'", _bad_named),
        (r"unable to delete required option '(?P<parameter>[\w-]+)'", _bad_named),
        (r"Linked clone feature for '.*' is not available", _bad("full")),
        (r"unable to clone mountpoint", _bad("full")),
        (r"^no options specified", _bad("options")),
        (r"Only root can pass arbitrary filesystem paths", _bad("rootfs")),
    )
)

_NEVER_PASSED_ON = re.compile(r"Connection refused|No route to host|Network is unreachable")
_CUT_SHORT = re.compile(r"unexpected status|interrupted by signal|received interrupt")


def answered(attempt: Attempt, status: int, text: str, errors: Mapping[str, str]) -> ProxmoxError:
    """The error for an answer that is not a success; ``errors`` are its texts by parameter (status 400)."""
    told = _sentence(text, errors) or f"status {status} without a word"
    refused = f"Proxmox refused to {attempt.what}: {told}"
    match status:
        case 400 | 501 | 506:
            return bad_request(refused, attempt, errors)
        case 401:
            return error_of(Unauthorized, f"{refused} (the token is wrong, expired, disabled or deleted)", attempt)
        case 403:
            return error_of(Forbidden, refused, attempt)
        case 500:
            return _by_text(text, refused, attempt)
        case 595 if _NEVER_PASSED_ON.search(text) or not attempt.write:
            return error_of(NodeDown, f"Could not {attempt.what}: the node cannot be reached ({told})", attempt)
        case _ if status >= 502:
            return lost(f"The answer to the request to {attempt.what} was lost (status {status}: {told})", attempt)
        case _:
            return error_of(Transient, f"{refused} (status {status})", attempt)


def task_failed(task: TaskRow, *, vmid: int | None = None) -> ProxmoxError:
    """The error that the exit status of a failed task means. The work of a killed task is ``OutcomeUnknown``."""
    whose = task.id if vmid is None else str(vmid)
    exit_status = task.exit_status or "it still runs"
    number = int(whose) if whose.isdecimal() else None
    attempt = Attempt(operation=task.kind, what="", write=True, node=task.node, vmid=number)
    message = f"The task {task.kind} of container {whose} on {task.node} failed: {_sentence(exit_status, {})}"
    if _CUT_SHORT.search(exit_status):
        return lost(message, attempt)
    return _by_text(exit_status, message, attempt)


def _by_text(text: str, message: str, attempt: Attempt) -> ProxmoxError:
    for pattern, make in _TEXTS:
        if found := pattern.search(text):
            return make(message, attempt, found)
    if attempt.operation == "update":
        # a PUT of a configuration can answer 500 after it has written (measured on PVE 9.2 with delete=arch)
        return lost(message, attempt)
    return error_of(Transient, message, attempt)


def _sentence(text: str, errors: Mapping[str, str]) -> str:
    """Proxmox's text and its texts by parameter on one line of bounded length."""
    details = "; ".join(f"{name}: {why}" for name, why in errors.items())
    line = " ".join(f"{text} {details}".split())
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}…"
