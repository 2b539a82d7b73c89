"""Tickets: log in with a password, write with the CSRF token, renew."""

from __future__ import annotations

import pytest

from controller.node.authentication import TICKET_SECONDS
from tests.unit.node.lab import Client, Lab

PASSWORD = {"username": "root@pam", "password": "correct horse"}


def log_in(lab: Lab, **more: str) -> dict[str, str]:
    answer = Client(lab.node, {}).post("/access/ticket", **(PASSWORD | more))
    assert answer.status == 200, answer
    return dict(answer.data)


def with_ticket(lab: Lab, given: dict[str, str], *, csrf: bool = True) -> Client:
    headers = {"Cookie": f"PVEAuthCookie={given['ticket']}"}
    return Client(lab.node, headers | ({"CSRFPreventionToken": given["CSRFPreventionToken"]} if csrf else {}))


def test_a_password_gives_a_ticket_a_csrf_token_and_the_rights(lab: Lab) -> None:
    given = log_in(lab)
    assert set(given) == {"username", "ticket", "CSRFPreventionToken", "cap"}
    assert given["ticket"].startswith("PVE:root@pam:")


def test_a_realm_may_stand_apart(lab: Lab) -> None:
    assert log_in(lab, username="root", realm="pam")["username"] == "root@pam"


def test_a_wrong_password_is_an_authentication_failure_after_three_seconds() -> None:
    lab = Lab(profile="real")
    answer = Client(lab.node, {}).post("/access/ticket", **(PASSWORD | {"password": "wrong"}))
    assert (answer.status, answer.reason, answer.text) == (401, "authentication failure", "")
    assert lab.clock.monotonic() >= 3


def test_a_ticket_reads_and_writes(lab: Lab) -> None:
    client = with_ticket(lab, log_in(lab))
    assert client.get("/version").status == 200
    upid = client.post("/nodes/pve1/lxc", **lab.spec()).data
    assert upid.endswith(":root@pam:")
    assert lab.wait(upid) == "OK"


def test_a_write_needs_the_csrf_token(lab: Lab) -> None:
    client = with_ticket(lab, log_in(lab), csrf=False)
    assert client.get("/version").status == 200
    refused = client.post("/nodes/pve1/lxc", **lab.spec())
    assert refused.refusal == (401, "Permission denied - invalid csrf token")


def test_the_old_ticket_renews_in_place_of_the_password(lab: Lab) -> None:
    given = log_in(lab)
    lab.clock.advance(TICKET_SECONDS - 60)
    renewed = log_in(lab, password=given["ticket"])
    lab.clock.advance(120)
    assert with_ticket(lab, given).get("/version").refusal == (401, "Authentication failed!")
    assert with_ticket(lab, renewed).get("/version").status == 200


@pytest.mark.parametrize("path", ["/nodes/pve1/lxc/100/status/start"])
def test_root_by_ticket_may_what_no_token_may(lab: Lab, path: str) -> None:
    lab.create()
    assert with_ticket(lab, log_in(lab)).post(path, skiplock=1).status == 200


def test_roots_ticket_makes_tickets_for_everybody_and_nobody_elses_does(lab: Lab) -> None:
    lab.root.post("/access/users", userid="anna@pve", password="a long password")
    root = log_in(lab)
    anna = log_in(lab, username="anna@pve", password=root["ticket"])
    assert anna["ticket"].startswith("PVE:anna@pve:")
    refused = Client(lab.node, {}).post("/access/ticket", username="root@pam", password=anna["ticket"])
    assert refused.refusal == (401, "authentication failure")


def test_a_user_sees_the_tasks_of_its_tokens_once_they_ended(slow: Lab) -> None:
    slow.root.post("/access/users", userid="anna@pve", password="a long password")
    slow.root.put("/access/acl", path="/pool/winux", roles="WinuxController", users="anna@pve")
    slow.root.put("/access/acl", path="/storage/local", roles="WinuxStorage", users="anna@pve")
    made = slow.root.post("/access/users/anna@pve/token/desk", privsep=0).data
    anna = with_ticket(slow, log_in(slow, username="anna@pve", password="a long password"))
    upid = slow.begin(client=slow.client(f"{made['full-tokenid']}={made['value']}"), pool="winux")
    assert anna.get("/nodes/pve1/tasks", source="active").data == []
    assert slow.status(upid, client=anna).data["status"] == "running"
    slow.wait(upid)
    assert [row["upid"] for row in anna.get("/nodes/pve1/tasks").data] == [upid]


def test_a_disabled_user_does_not_log_in(lab: Lab) -> None:
    lab.door.disable_user("root@pam", disabled=True)
    assert Client(lab.node, {}).post("/access/ticket", **PASSWORD).refusal == (401, "authentication failure")


def test_a_user_who_logged_in_is_himself_and_no_token_of_his_is(lab: Lab) -> None:
    root = log_in(lab)
    lab.root.post("/access/users", userid="anna@pve")
    made = lab.root.post("/access/users/anna@pve/token/desk", privsep=0).data
    anna = with_ticket(lab, log_in(lab, username="anna@pve", password=root["ticket"]))
    assert anna.get("/access/users/anna@pve/token/desk").data == {"privsep": 0, "expire": 0}
    assert [row["userid"] for row in anna.get("/access/users").data] == ["anna@pve"]
    token = lab.client(f"{made['full-tokenid']}={made['value']}")
    assert token.get("/access/users/anna@pve/token/desk").refusal == (403, "Permission check failed")
    assert token.get("/access/users").data == []
