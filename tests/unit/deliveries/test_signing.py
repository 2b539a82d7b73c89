"""Signatures of webhooks, against the worked example of the Standard Webhooks convention's own text and libraries."""

from __future__ import annotations

import base64

import pytest

from controller.deliveries.signing import Keys, NoSecret, read_keys

GOOD = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 24).decode()


def test_the_signature_is_the_one_that_receivers_expect() -> None:
    """The values stand in the tests of the convention's reference libraries."""
    headers = read_keys("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").headers(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", seconds=1614265330, body=b'{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_line_signs_so_that_receivers_can_change_over() -> None:
    both = read_keys(f"{GOOD}\n\n  {OTHER}  \n").headers(message_id="msg_1", seconds=1, body=b"{}")
    alone = [read_keys(secret).headers(message_id="msg_1", seconds=1, body=b"{}") for secret in (GOOD, OTHER)]
    assert both["webhook-signature"] == " ".join(one["webhook-signature"] for one in alone)


def test_the_prefix_may_be_left_out() -> None:
    headers = {"message_id": "msg_1", "seconds": 1, "body": b"{}"}
    assert read_keys(GOOD.removeprefix("whsec_")).headers(**headers) == read_keys(GOOD).headers(**headers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty; make a secret with `echo whsec_"),
        ("  \n", "it is empty"),
        ("hunter2", "a line of it is no secret; write whsec_ and the base64 of 24 to 64 random bytes"),
        ("whsec_" + base64.b64encode(b"k" * 23).decode(), "24 to 64"),
        ("whsec_" + base64.b64encode(b"k" * 65).decode(), "24 to 64"),
        ("whsec_ünïcode", "is no secret"),
        (f"{GOOD}\nwhsec_short", "is no secret"),
        ("\n".join([GOOD] * 5), "it has 5 lines; write one secret a line, 4 at most"),
    ],
)
def test_what_is_no_secret_is_said_without_showing_it(text: str, said: str) -> None:
    with pytest.raises(NoSecret) as caught:
        read_keys(text)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_keys_do_not_show_themselves() -> None:
    assert GOOD not in repr(Keys((GOOD,)))
