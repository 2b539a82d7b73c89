"""What is written to the wire and read from it: parameters, messages, and never a secret. Over real TLS."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from controller.engine.clock import VirtualClock
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.port import (
    CloneRequest,
    CreateRequest,
    OutcomeUnknown,
    Proxmox,
    ProxmoxError,
    Transient,
    Unauthorized,
)

TOKEN = "op@pve!t1"
SECRET = "6e1f0c5a-not-to-be-seen"
UPID = "UPID:pve1:00003F8B:00024612:6B02F28D:vzstart:200:op@pve!t1:"
REQUEST = CreateRequest(
    vmid=30007,
    archive="local:vztmpl/winux.tar.zst",
    storage="local",
    disk_gib=10,
    cores=2,
    memory_mib=1024,
    hostname="alice",
    description="owner: alice\n100 %",
    net0="name=eth0,bridge=vmbr0,ip=dhcp",
    nameservers=("1.1.1.1", "9.9.9.9"),
    pool="winux",
    nesting=True,
    password="hunter-two",
    start=True,
)
CLONE = CloneRequest(
    vmid=30008, hostname="bob", description="x", pool="winux", full=False, storage="local", target=None
)
Stub = Any
"""The stub server of conftest.py, which tests cannot import."""


def endpoint(stub: Stub, **more: Any) -> Endpoint:
    how = {"url": stub.url, "token_id": TOKEN, "token_secret": SECRET, "ca_file": stub.ca_file, "read_timeout": 20.0}
    return Endpoint(**{**how, **more})


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def port(stub: Stub, clock: VirtualClock) -> Proxmox:
    return ProxmoxAdapter(endpoint(stub), clock=clock)


# answers


def test_the_message_of_the_body_counts_and_the_reason_phrase_where_old_versions_have_none(
    stub: Stub, port: Proxmox
) -> None:
    body = json.dumps({"data": None, "message": "first\nsecond \N{GREEK SMALL LETTER ALPHA}\n"}).encode()
    head = "HTTP/1.1 500 first\r\nContent-Length: {}\r\n\r\n"
    stub.answer_with(head.format(len(body)).encode() + body, head.format(13).encode() + b'{"data":null}')
    with pytest.raises(Transient, match="first second α"):
        port.version()
    with pytest.raises(Transient, match=r"Proxmox refused to read the version: first$"):
        port.version()


def test_a_refused_token_has_no_body(stub: Stub, port: Proxmox) -> None:
    stub.answer_with(b"HTTP/1.1 401 Authentication failed!\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    with pytest.raises(Unauthorized, match=r"Authentication failed! \(the token is wrong, expired"):
        port.version()


def test_a_gateway_without_a_reason_phrase_is_understood(stub: Stub, port: Proxmox) -> None:
    stub.answer_with(b"HTTP/1.1 596\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(OutcomeUnknown, match="status 596"):
        port.start("pve1", 200)


# requests


def form(text: str) -> dict[str, str]:
    return {key: value for key, (value,) in parse_qs(text, keep_blank_values=True, strict_parsing=True).items()}


def test_a_create_says_all_of_it_in_the_body(stub: Stub, port: Proxmox) -> None:
    stub.give(UPID)
    assert port.create("pve1", REQUEST) == UPID
    (request,) = stub.requests
    assert (request.method, request.target) == ("POST", "/api2/json/nodes/pve1/lxc")
    assert form(request.body) == {
        "vmid": "30007",
        "ostemplate": "local:vztmpl/winux.tar.zst",
        "rootfs": "local:10",
        "cores": "2",
        "memory": "1024",
        "hostname": "alice",
        "description": "owner: alice\n100 %",
        "net0": "name=eth0,bridge=vmbr0,ip=dhcp",
        "nameserver": "1.1.1.1 9.9.9.9",
        "pool": "winux",
        "unprivileged": "1",
        "protection": "1",
        "features": "nesting=1",
        "password": "hunter-two",
        "start": "1",
    }


def test_a_clone_is_linked_without_a_storage_and_full_with_it(stub: Stub, port: Proxmox) -> None:
    stub.give(UPID)
    port.clone("pve1", 9000, CLONE)
    full = CloneRequest(
        vmid=30008, hostname="bob", description="x", pool="winux", full=True, storage="local", target="pve2"
    )
    port.clone("pve1", 9000, full)
    base = {"newid": "30008", "hostname": "bob", "description": "x", "pool": "winux"}
    assert [request.target for request in stub.requests] == ["/api2/json/nodes/pve1/lxc/9000/clone"] * 2
    assert form(stub.requests[0].body) == {**base, "full": "0"}
    assert form(stub.requests[1].body) == {**base, "full": "1", "storage": "local", "target": "pve2"}


def test_a_delete_has_its_parameters_in_the_query_and_no_body(stub: Stub, port: Proxmox) -> None:
    stub.give(UPID)
    assert port.delete("pve1", 200) == UPID
    (request,) = stub.requests
    parts = urlsplit(request.target)
    assert (request.method, parts.path, form(parts.query)) == (
        "DELETE",
        "/api2/json/nodes/pve1/lxc/200",
        {"force": "1", "purge": "1"},
    )
    assert request.headers.get("content-length", "0") == "0"


def test_booleans_are_0_and_1(stub: Stub, port: Proxmox) -> None:
    stub.give(None)
    port.update("pve1", 200, {"protection": False, "onboot": True, "description": "", "delete": "tags"}, digest="abc")
    assert stub.requests[0].method == "PUT"
    assert form(stub.requests[0].body) == {
        "protection": "0", "onboot": "1", "description": "", "delete": "tags", "digest": "abc",
    }  # fmt: skip


def test_a_upid_is_quoted_in_the_path(stub: Stub, port: Proxmox) -> None:
    stub.give({"upid": UPID, "status": "running"})
    task = port.task_status(UPID)
    assert task is not None
    assert task.running
    quoted = "UPID%3Apve1%3A00003F8B%3A00024612%3A6B02F28D%3Avzstart%3A200%3Aop%40pve%21t1%3A"
    assert stub.requests[0].target == f"/api2/json/nodes/pve1/tasks/{quoted}/status"


def test_a_path_in_front_of_the_api_is_kept(stub: Stub) -> None:
    ProxmoxAdapter(endpoint(stub, url=f"{stub.url}/pve/one/")).version()
    assert stub.requests[0].target == "/pve/one/api2/json/version"


# secrets


REFUSALS: dict[str, Callable[[Stub], None]] = {
    "in the reason": lambda stub: stub.refuse(500, f"password hunter-two and {SECRET} were refused"),
    "in the errors": lambda stub: stub.refuse(400, "Parameter verification failed.", {"password": "not hunter-two"}),
    "lost": lambda stub: stub.answer_with(None),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_no_error_shows_a_secret(
    stub: Stub, port: Proxmox, refusal: Callable[[Stub], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refusal(stub)
    with pytest.raises(ProxmoxError) as caught:
        port.create("pve1", REQUEST)
    error = caught.value
    assert error.__traceback__ is not None
    below_here = error.__traceback__.tb_next
    as_a_debugger_shows_it = traceback.TracebackException(type(error), error, below_here, capture_locals=True)
    shown = [*as_a_debugger_shows_it.format(), repr(vars(error)), caplog.text]
    assert any("parameters = " in text for text in shown)
    assert not [text for text in shown if "hunter" in text or SECRET in text]
    assert error.__context__ is None
    assert error.__cause__ is None


def test_proxmoxer_logs_no_bodies_even_if_everything_is_logged(
    stub: Stub, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("proxmoxer", "proxmoxer.core", ""):
        logging.getLogger(name).setLevel(logging.DEBUG)
    stub.give(UPID)
    ProxmoxAdapter(endpoint(stub), clock=clock).create("pve1", REQUEST)
    logging.getLogger("").setLevel(logging.WARNING)
    assert "hunter" not in caplog.text
    assert SECRET not in caplog.text
    assert "alice" not in caplog.text
