"""The literal texts of Proxmox VE (8.x and 9.2), and the error that each one means."""

from __future__ import annotations

import pytest

from controller.proxmox.classify import Attempt, answered, task_failed
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

READ = Attempt(operation="config", what="read the configuration of container 777 on pve1", node="pve1", vmid=777)
WRITE = Attempt(operation="create", what="create container 777 on pve1", write=True, node="pve1", vmid=777)
UPDATE = Attempt(
    operation="update", what="change the configuration of container 777 on pve1", write=True, node="pve1", vmid=777
)

ANY_CALL: list[tuple[int, str, type[ProxmoxError]]] = [
    (500, "Configuration file 'nodes/pve1/lxc/777.conf' does not exist", NotFound),
    (403, "Permission check failed (/vms/777, VM.Audit)", Forbidden),
    (403, "Permission check failed", Forbidden),
    (403, "Permission check failed (pool 'nopool' does not exist)", Forbidden),
    (403, "Permission check failed (/vms/777, VM.Config.Disk|VM.Config.CPU|VM.Config.Memory)", Forbidden),
    (403, "Permission check failed (/, Sys.Modify for modifying tag 'baz')", Forbidden),
    (403, "URI '/api2/json/access/password' not available with API token", Forbidden),
    (401, "Authentication failed!", Unauthorized),
    (401, "No ticket", Unauthorized),
    (401, "invalid token value!", Unauthorized),
    (401, "no such token 'ctl' for user 'winux@pve'", Unauthorized),
    (401, "token 'ctl' access expired", Unauthorized),
    (401, "user 'winux@pve' is disabled", Unauthorized),
    (500, "CT 777 already exists on node 'pve1'", AlreadyExists),
    (500, "VM 777 already exists on node 'pve2'", AlreadyExists),
    (500, "unable to create CT 777 - CT 777 already exists on node 'pve1'", AlreadyExists),
    (
        500,
        "unable to create CT 777 - close (rename) atomic file '/etc/pve/nodes/pve1/lxc/777.conf' failed: File exists",
        AlreadyExists,
    ),
    (500, "CT is locked (create)", Locked),
    (500, "VM is locked (backup)", Locked),
    (500, "can't lock file '/run/lock/lxc/pve-config-777.lock' - got timeout", Locked),
    (500, "can't lock file '/var/lock/pve-manager/pve-storage-local' - got timeout", Locked),
    (500, "cfs-lock 'file-user_cfg' error: got lock request timeout", Locked),
    (500, "error with cfs lock 'storage-ceph': got lock request timeout", Locked),
    (500, "cfs-lock 'file-user_cfg' error: no quorum!", NoQuorum),
    (500, "cluster not ready - no quorum?", NoQuorum),
    (500, "unable to open file '/etc/pve/nodes/pve1/lxc/777.conf.tmp.4711' - Permission denied", NoQuorum),
    (500, "RPCEnvironment init request failed: Unable to load access control list: Connection refused", NoQuorum),
    (500, "close (rename) atomic file '/etc/pve/x' failed: Transport endpoint is not connected", NoQuorum),
    (500, "detected modified configuration - file changed by other user? Try again.", Conflict),
    (500, "can't remove CT 777 - protection mode enabled", Protected),
    (500, "CT 777 already running", AlreadyRunning),
    (500, "CT 777 not running", NotRunning),
    (500, "VM 777 not running", NotRunning),
    (500, "hostname lookup 'pve9' failed - failed to get address info for: pve9: Name or service not known", NodeDown),
    (595, "Connection refused", NodeDown),
    (595, "No route to host", NodeDown),
    (400, "Parameter verification failed.", BadRequest),
    (501, "Method 'GET /nosuchpath' not implemented", BadRequest),
    (501, "Unexpected content for method 'DELETE'", BadRequest),
    (501, "for data too large", BadRequest),
    (500, "storage 'nostore' does not exist", BadRequest),
    (500, "parameter 'storage' not allowed for linked clones", BadRequest),
    (500, "unable to modify read-only option: 'unprivileged'", BadRequest),
    (500, "unable to delete required option 'memory'", BadRequest),
    (500, "no options specified", BadRequest),
    (500, "Linked clone feature for 'local:777/base-777-disk-0.raw' is not available", BadRequest),
    (500, "Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 651.", BadRequest),
    (302, "Found", Transient),
    (404, "Not Found", Transient),
    (429, "Too Many Requests", Transient),
]

READS_AND_WRITES_DIFFER: list[tuple[int, str, type[ProxmoxError], type[ProxmoxError]]] = [
    (596, "Connection timed out", Transient, OutcomeUnknown),
    (596, "Broken pipe", Transient, OutcomeUnknown),
    (597, "Connection reset by peer", Transient, OutcomeUnknown),
    (599, "Garbled response", Transient, OutcomeUnknown),
    (595, "Connection timed out", NodeDown, OutcomeUnknown),
    (502, "Bad Gateway", Transient, OutcomeUnknown),
    (504, "Gateway Time-out", Transient, OutcomeUnknown),
    (500, "can't lock file '/var/log/pve/tasks/.active.lock' - got timeout", Transient, OutcomeUnknown),
    (500, "got no worker upid - start worker failed", Transient, OutcomeUnknown),
    (500, "'file-user_cfg'-locked command timed out - aborting", Transient, OutcomeUnknown),
    (500, "proxy loop detected", Transient, Transient),
    (500, "storage 'local' is disabled", Transient, Transient),
    (500, "unable to destroy CT 777 - container is running", Transient, Transient),
    (500, "", Transient, Transient),
]


@pytest.mark.parametrize("attempt", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize(("status", "text", "error"), ANY_CALL, ids=[text for _, text, _ in ANY_CALL])
def test_a_text_means_one_error(attempt: Attempt, status: int, text: str, error: type[ProxmoxError]) -> None:
    found = answered(attempt, status, text, {})
    assert type(found) is error
    assert (found.operation, found.node, found.vmid) == (attempt.operation, "pve1", 777)
    assert text in str(found)


@pytest.mark.parametrize(
    ("status", "text", "read", "write"),
    READS_AND_WRITES_DIFFER,
    ids=[f"{row[0]} {row[1]}" for row in READS_AND_WRITES_DIFFER],
)
def test_only_writes_can_have_an_unknown_outcome(
    status: int, text: str, read: type[ProxmoxError], write: type[ProxmoxError]
) -> None:
    assert type(answered(READ, status, text, {})) is read
    assert type(answered(WRITE, status, text, {})) is write


def test_an_update_may_have_been_written_whatever_its_unknown_error_was() -> None:
    assert type(answered(UPDATE, 500, "unable to parse value of 'arch'", {})) is OutcomeUnknown
    assert type(answered(UPDATE, 500, "detected modified configuration - file changed", {})) is Conflict


@pytest.mark.parametrize(
    ("text", "lock"),
    [
        ("CT is locked (snapshot-delete)", "snapshot-delete"),
        ("unable to create CT 777 - CT is locked (create)", "create"),
        ("can't lock file '/run/lock/lxc/pve-config-777.lock' - got timeout", "pve-config-777"),
        ("can't lock file '/var/lock/pve-manager/pve-storage-local' - got timeout", "pve-storage-local"),
        ("cfs-lock 'file-user_cfg' error: got lock request timeout", "file-user_cfg"),
    ],
)
def test_a_lock_has_its_name(text: str, lock: str) -> None:
    found = answered(WRITE, 500, text, {})
    assert isinstance(found, Locked)
    assert found.lock == lock


def test_absence_is_that_of_the_container_in_the_text() -> None:
    clone = Attempt(operation="clone", what="clone template 9000", write=True, node="pve2", vmid=30001)
    found = answered(clone, 500, "Configuration file 'nodes/pve1/lxc/9000.conf' does not exist", {})
    assert isinstance(found, NotFound)
    assert (found.node, found.vmid) == ("pve1", 9000)


@pytest.mark.parametrize(
    "text",
    [
        "Configuration file '/etc/pve/storage.cfg' does not exist",
        "Configuration file 'nodes/pve1/qemu-server/777.conf' does not exist",
        "storage 'Configuration file' does not exist",
        "pool 'x' does not exist",
        "bridge 'vmbr77' does not exist",
    ],
)
def test_what_else_does_not_exist_is_no_absence(text: str) -> None:
    assert not isinstance(answered(READ, 500, text, {}), NotFound)


def test_the_sentence_tells_what_was_tried_where_and_what_proxmox_said() -> None:
    assert str(answered(WRITE, 500, "CT 777 already exists on node 'pve1'\n", {})) == (
        "Proxmox refused to create container 777 on pve1: CT 777 already exists on node 'pve1'"
    )
    assert str(answered(WRITE, 596, "Connection timed out", {})) == (
        "The answer to the request to create container 777 on pve1 was lost (status 596: Connection timed out); "
        "it may have been carried out, or still will be"
    )
    assert str(answered(WRITE, 500, "", {})) == (
        "Proxmox refused to create container 777 on pve1: status 500 without a word"
    )


def test_bad_parameters_are_named() -> None:
    errors = {"memory": "value must have a minimum value of 16", "foo": "property is not defined in schema"}
    found = answered(WRITE, 400, "Parameter verification failed.", errors)
    assert isinstance(found, BadRequest)
    assert found.errors == errors
    assert str(found) == (
        "Proxmox refused to create container 777 on pve1: Parameter verification failed. "
        "memory: value must have a minimum value of 16; foo: property is not defined in schema"
    )


def test_a_long_text_is_one_bounded_line() -> None:
    message = str(answered(WRITE, 500, "line\n" * 1000, {}))
    assert "\n" not in message
    assert len(message) < 700


def task(exit_status: str | None, *, kind: str = "vzstart", id: str = "777") -> TaskRow:  # noqa: A002
    return TaskRow(upid="UPID:x", node="pve1", kind=kind, id=id, started=0, exit_status=exit_status)


@pytest.mark.parametrize(
    ("exit_status", "error"),
    [
        ("CT is locked (create)", Locked),
        ("Configuration file 'nodes/pve1/lxc/777.conf' does not exist", NotFound),
        ("can't lock file '/run/lock/lxc/pve-config-777.lock' - got timeout", Locked),
        ("unable to create CT 777 - tar: Unexpected EOF", Transient),
        ("startup for container '777' failed", Transient),
        ("bridge 'vmbr77' does not exist", Transient),
        ("container did not stop", Transient),
        ("unexpected status", OutcomeUnknown),
        ("interrupted by signal", OutcomeUnknown),
        ("cluster not ready - no quorum?", NoQuorum),
    ],
)
def test_a_failed_task_means_an_error_too(exit_status: str, error: type[ProxmoxError]) -> None:
    found = task_failed(task(exit_status))
    assert type(found) is error
    assert (found.operation, found.node, found.vmid) == ("vzstart", "pve1", 777)
    assert str(found).startswith(f"The task vzstart of container 777 on pve1 failed: {exit_status}")


def test_the_task_of_a_clone_can_be_said_to_be_the_clones() -> None:
    found = task_failed(task("clone failed: no space", kind="vzclone", id="9000"), vmid=30001)
    assert found.vmid == 30001
    assert "container 30001" in str(found)
