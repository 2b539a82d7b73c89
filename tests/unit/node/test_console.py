"""Tickets for consoles: for whom, for what and for how long they hold."""

from __future__ import annotations

import pytest

from tests.unit.node.lab import Lab

INVALID = (401, "permission denied - invalid PVEVNC ticket")


def test_a_ticket_with_port_and_task(lab: Lab) -> None:
    lab.create(start=1)
    offer = lab.root.post(lab.ct(100, "/termproxy")).data
    assert set(offer) == {"user", "ticket", "port", "upid"}
    assert (offer["user"], offer["port"]) == ("root@pam!winux", 5900)
    assert offer["ticket"].startswith("PVEVNC:")
    assert offer["upid"].split(":")[5:7] == ["vncproxy", "100"]
    assert "root" not in offer["ticket"]


def test_each_has_a_port_of_its_own_until_its_task_gives_up(lab: Lab) -> None:
    lab.create(start=1)
    first = lab.root.post(lab.ct(100, "/termproxy")).data
    second = lab.root.post(lab.ct(100, "/vncproxy")).data
    assert (first["port"], second["port"]) == (5900, 5901)
    began = lab.clock.monotonic()
    assert lab.wait(first["upid"]).endswith("failed: exit code 1")
    assert lab.clock.monotonic() - began == pytest.approx(10, abs=0.1)
    assert lab.root.post(lab.ct(100, "/termproxy")).data["port"] == 5900


def test_vnc_for_a_websocket_has_a_password_that_stands_in_the_ticket_too(lab: Lab) -> None:
    lab.create(start=1)
    offer = lab.root.post(lab.ct(100, "/vncproxy"), websocket=1).data
    assert offer["ticket"].startswith(f"{offer['password']}:PVEVNC:")
    assert "cert" in offer
    assert "password" not in lab.root.post(lab.ct(100, "/vncproxy")).data
    checked = lab.root.get(lab.ct(100, "/vncwebsocket"), port=5900, vncticket=offer["ticket"])
    assert checked.data == {"port": "5900"}


def test_a_ticket_holds_for_forty_seconds(lab: Lab) -> None:
    lab.create(start=1)
    ticket = lab.root.post(lab.ct(100, "/termproxy")).data["ticket"]
    lab.clock.advance(40)
    assert lab.root.get(lab.ct(100, "/vncwebsocket"), port=5900, vncticket=ticket).status == 200
    lab.clock.advance(1)
    assert lab.root.get(lab.ct(100, "/vncwebsocket"), port=5900, vncticket=ticket).refusal == INVALID


def test_a_ticket_holds_for_one_user_one_container_and_one_port(lab: Lab) -> None:
    lab.create(start=1)
    lab.create(101, start=1)
    lab.door.set_role("WinuxNetwork", frozenset({"VM.Console"}))
    lab.root.put("/access/acl", path="/vms", roles="WinuxNetwork", users="winux@pve")
    ticket = lab.root.post(lab.ct(100, "/termproxy")).data["ticket"]
    good = lab.root.get(lab.ct(100, "/vncwebsocket"), port=5900, vncticket=ticket)
    assert good.data == {"port": "5900"}
    assert lab.root.get(lab.ct(100, "/vncwebsocket"), port=5901, vncticket=ticket).refusal == INVALID
    assert lab.root.get(lab.ct(101, "/vncwebsocket"), port=5900, vncticket=ticket).refusal == INVALID
    assert lab.limited.get(lab.ct(100, "/vncwebsocket"), port=5900, vncticket=ticket).refusal == INVALID
    for text in ("nonsense", "PVEVNC:XX::00"):
        assert lab.root.get(lab.ct(100, "/vncwebsocket"), port=5900, vncticket=text).refusal == INVALID


def test_consoles_that_are_refused(lab: Lab) -> None:
    missing = lab.root.post(lab.ct(777, "/termproxy"))
    assert missing.refusal == (500, "Configuration file 'nodes/pve1/lxc/777.conf' does not exist")
    lab.create(pool="winux")
    wanted = (403, "Permission check failed (/vms/100, VM.Console)")
    assert lab.limited.post(lab.ct(100, "/vncproxy"), width=1).refusal == wanted
    bounds = lab.root.get(lab.ct(100, "/vncwebsocket"), port=80, vncticket="x")
    assert bounds.document["errors"] == {"port": "value must have a minimum value of 5900"}
