"""How every answer looks: envelope, reason phrase, credentials, parameters in forms, queries and JSON."""

from __future__ import annotations

import pytest
import requests

from tests.unit.node.lab import NOT_IN_SCHEMA, Client, Lab

UNKNOWN = "Configuration file 'nodes/pve1/lxc/777.conf' does not exist"


def test_a_result_is_wrapped_in_data(lab: Lab) -> None:
    answer = lab.root.get("/version")
    assert answer.refusal == (200, "OK")
    assert list(answer.document) == ["data"]
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"


def test_an_error_says_the_same_as_reason_phrase_and_with_a_newline_as_message(lab: Lab) -> None:
    answer = lab.root.get(lab.ct(777, "/config"))
    assert answer.refusal == (500, UNKNOWN)
    assert answer.document == {"data": None, "message": UNKNOWN + "\n"}


def test_bad_parameters_are_all_named_at_once(lab: Lab) -> None:
    answer = lab.root.post("/nodes/pve1/lxc", **lab.spec(foo=1, hostname="a_b", memory=15))
    assert answer.refusal == (400, "Parameter verification failed.")
    assert answer.document["errors"] == {
        "foo": NOT_IN_SCHEMA,
        "hostname": "invalid format - value does not look like a valid DNS name\n",
        "memory": "value must have a minimum value of 16",
    }


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "No ticket"),
        ({"Authorization": "Bearer abc"}, "No ticket"),
        ({"Authorization": "PVEAPIToken=root@pam!winux=wrong"}, "Authentication failed!"),
        ({"Authorization": "PVEAPIToken=ghost@pve!x=wrong"}, "Authentication failed!"),
        ({"Authorization": "PVEAPIToken=garbage"}, "Authentication failed!"),
        ({"Cookie": "PVEAuthCookie=PVE:root@pam:6B02F28D::forged"}, "Authentication failed!"),
    ],
)
def test_bad_credentials_get_an_empty_401_after_three_seconds(headers: dict[str, str], reason: str) -> None:
    lab = Lab(profile="real")
    answer = Client(lab.node, headers).get("/version")
    assert (answer.status, answer.reason, answer.text) == (401, reason, "")
    assert lab.clock.monotonic() == 3.0


def test_a_disabled_user_and_an_expired_token_are_refused_like_an_unknown_one(lab: Lab) -> None:
    lab.door.disable_user("winux@pve", disabled=True)
    assert lab.limited.get("/version").refusal == (401, "Authentication failed!")
    lab.door.disable_user("winux@pve", disabled=False)
    lab.node.cluster.access.tokens["winux@pve!controller"].expires = int(lab.clock.now()) - 1
    assert lab.limited.get("/version").refusal == (401, "Authentication failed!")


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/nosuchpath", (501, "Method 'GET /nosuchpath' not implemented")),
        ("PATCH", "/version", (501, "method 'PATCH' not available")),
        ("PUT", "/version", (501, "Method 'PUT /version' not implemented")),
        ("GET", "/nodes/nosuchnode/lxc", (500, ("hostname lookup 'nosuchnode' failed - failed to get address info for:"
         " nosuchnode: Name or service not known"))),
        ("GET", "/nodes/pve1/lxc/abc/config", (400, "Parameter verification failed.")),
    ],
)  # fmt: skip
def test_paths_that_lead_nowhere(lab: Lab, method: str, path: str, refusal: tuple[int, str]) -> None:
    assert lab.root.call(method, path).refusal == refusal


def test_the_message_of_a_501_has_no_newline(lab: Lab) -> None:
    assert lab.root.get("/x").document == {"data": None, "message": "Method 'GET /x' not implemented"}


def test_parameters_of_a_delete_stand_in_the_query(lab: Lab) -> None:
    vmid = lab.create()
    refused = lab.root.call("DELETE", lab.ct(vmid), data={"force": 1})
    assert refused.refusal == (501, "Unexpected content for method 'DELETE'")
    assert lab.current(vmid)["status"] == "stopped"


@pytest.mark.parametrize("word", ["true", "True", "yes", "on", ""])
def test_only_0_and_1_are_booleans_in_forms(lab: Lab, word: str) -> None:
    answer = lab.root.put(lab.ct(lab.create(), "/config"), onboot=word)
    assert answer.document["errors"] == {"onboot": f"type check ('boolean') failed - got '{word}'"}


def test_a_json_body_has_booleans_numbers_and_lists(lab: Lab) -> None:
    path = lab.ct(lab.create(), "/config")
    body = {"onboot": True, "memory": 128, "tags": ["b", "a"], "description": None}
    assert lab.root.call("PUT", path, json=body).status == 200
    config = lab.config(100)
    assert (config["onboot"], config["memory"], config["tags"]) == (1, 128, "a;b")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "text"),
    [
        (b"{broken", "application/json", 500, "malformed JSON string"),
        (b"[1]", "application/json", 500, "malformed JSON string"),
        (b"a=1", "text/plain", 506, "upload 'Content-Type 'text/plain' not implemented"),
        (b"x" * 600_000, "application/x-www-form-urlencoded", 501, "for data too large"),
    ],
)
def test_bodies_that_cannot_be_read(lab: Lab, body: bytes, content_type: str, status: int, text: str) -> None:
    answer = lab.root.call("POST", "/nodes/pve1/lxc", data=body, headers={"Content-Type": content_type})
    assert answer.status == status
    assert answer.reason.startswith(text)


def test_a_repeated_key_is_a_list(lab: Lab) -> None:
    lab.create()
    lab.root.call("PUT", lab.ct(100, "/config"), data={"tags": ["zeta", "alpha"]})
    assert lab.config(100)["tags"] == "alpha;zeta"


def test_a_parameter_may_not_contradict_the_path(lab: Lab) -> None:
    answer = lab.root.put(lab.ct(lab.create(), "/config"), vmid=101, onboot=1)
    text = "duplicate parameter (already defined in URI) with conflicting values!"
    assert answer.document["errors"] == {"vmid": text}


def test_a_path_outside_the_api_is_no_file(lab: Lab) -> None:
    outside = lab.root.call("GET", "/../../elsewhere")
    assert outside.refusal == (501, "no such file '/elsewhere'")


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Transfer-Encoding": "chunked"}, "chunked transfer encoding not supported"),
        ({"Transfer-Encoding": "gzip"}, "Unknown transfer encoding 'gzip'"),
    ],
)
def test_a_transfer_encoding_is_refused_before_credentials_are_asked_for(headers: dict[str, str], reason: str) -> None:
    lab = Lab(profile="real")
    answer = Client(lab.node, headers).post("/nodes/pve1/lxc")
    assert (answer.status, answer.reason, answer.text) == (501, reason, "")
    assert lab.clock.monotonic() == 0.0


@pytest.mark.parametrize(("lines", "length"), [(64, 10), (1, 8200)])
def test_a_head_that_is_too_long_gets_no_answer(lab: Lab, lines: int, length: int) -> None:
    headers = {f"X-Line-{n}": "x" * length for n in range(lines)}
    with pytest.raises(requests.ConnectionError):
        lab.root.call("GET", "/version", headers=headers)
    assert lab.clock.monotonic() == 5.0
    assert lab.root.call("GET", "/version", headers={"X-Line": "x" * 7000}).status == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_neither_a_get_nor_a_delete_may_have_a_body(lab: Lab, method: str) -> None:
    answer = lab.root.call(method, lab.ct(9000), data={"a": 1})
    assert answer.refusal == (501, f"Unexpected content for method '{method}'")


def test_a_user_who_expired_is_refused_and_one_who_did_not_is_not(lab: Lab) -> None:
    user = lab.node.cluster.access.users["winux@pve"]
    user.expires = int(lab.clock.now()) + 10
    assert lab.limited.get("/version").status == 200
    lab.clock.advance(11)
    assert lab.limited.get("/version").refusal == (401, "Authentication failed!")


@pytest.mark.parametrize("separator", ["=", " "])
def test_the_token_stands_behind_an_equals_sign_or_a_blank(lab: Lab, separator: str) -> None:
    client = Client(lab.node, {"Authorization": f"PVEAPIToken{separator}{lab.node.description.token}"})
    assert client.get("/version").status == 200


@pytest.mark.parametrize("path", ["/version", "/nodes", "/cluster/nextid", "/access/permissions"])
def test_what_any_token_may_ask(lab: Lab, path: str) -> None:
    made = lab.root.post("/access/users/winux@pve/token/empty", privsep=1).data
    assert lab.client(f"{made['full-tokenid']}={made['value']}").get(path).status == 200


def test_a_controller_is_not_told_the_status_of_its_node(lab: Lab) -> None:
    assert lab.limited.get("/nodes/pve1/status").refusal == (403, "Permission check failed (/nodes/pve1, Sys.Audit)")


def test_parameters_come_before_rights_at_a_create_and_after_them_elsewhere(lab: Lab) -> None:
    assert lab.limited.post("/nodes/pve1/lxc", vmid=100).status == 400
    assert lab.limited.put(lab.ct(100, "/config"), memory=15).status == 403
    assert lab.limited.post(lab.ct(9000, "/clone"), newid=99).status == 403
