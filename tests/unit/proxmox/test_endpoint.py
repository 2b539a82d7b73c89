"""Endpoints: what is accepted, what is refused in one sentence, and that the secret stays hidden."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.proxmox.endpoint import Endpoint

GOOD = Endpoint(url="https://pve.example.org:8006", token_id="winux@pve!ctl", token_secret="s3cr3t-uuid")
PIN = "ab" * 32


@pytest.mark.parametrize(
    ("url", "host", "port", "prefix"),
    [
        ("https://pve.example.org:8006", "pve.example.org", 8006, None),
        ("https://pve.example.org", "pve.example.org", 8006, None),
        ("https://10.0.0.2:443/", "10.0.0.2", 443, None),
        ("https://[2001:db8::1]:8006", "2001:db8::1", 8006, None),
        ("https://gate.example.org:443/pve/one/", "gate.example.org", 443, "pve/one"),
        ("https://pve.example.org:8006/api2/json", "pve.example.org", 8006, None),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int, prefix: str | None) -> None:
    endpoint = replace(GOOD, url=url)
    assert (endpoint.host, endpoint.port, endpoint.path_prefix) == (host, port, prefix)


@pytest.mark.parametrize(
    "url",
    [
        "pve.example.org",
        "http://pve.example.org:8006",
        "https://",
        "https://a:b@pve:8006",
        "https://pve:99999",
        "https://pve:x",
    ],
)
def test_a_url_that_is_not_https_to_a_host_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not of the form https://host:8006"):
        replace(GOOD, url=url)


@pytest.mark.parametrize(
    "token_id", ["winux@pve", "winux!ctl", "root", "a b@pve!ctl", "winux@pve!c", "a@b@pve!ctl", ""]
)
def test_a_token_id_has_user_realm_and_name(token_id: str) -> None:
    with pytest.raises(ValueError, match="is not of the form user@realm!id"):
        replace(GOOD, token_id=token_id)


@pytest.mark.parametrize("secret", ["", "uuid\n", "two words", "uuid\r\nX-Header: 1"])
def test_a_secret_is_one_word(secret: str) -> None:
    with pytest.raises(ValueError, match=r"the secret of the token winux@pve!ctl is empty or has blanks") as caught:
        replace(GOOD, token_secret=secret)
    assert "uuid" not in str(caught.value)


@pytest.mark.parametrize("fingerprint", [PIN, PIN.upper(), ":".join(["AB"] * 32), f" {PIN}\n"])
def test_a_fingerprint_is_taken_as_openssl_prints_it(fingerprint: str) -> None:
    assert replace(GOOD, fingerprint=fingerprint).pin == PIN


@pytest.mark.parametrize("fingerprint", ["", "ab" * 20, "xy" * 32, PIN + "ab"])
def test_a_fingerprint_is_a_sha256(fingerprint: str) -> None:
    with pytest.raises(ValueError, match="is not a SHA-256 in 64 hex digits"):
        replace(GOOD, fingerprint=fingerprint)


def test_the_secret_is_not_shown() -> None:
    assert "s3cr3t" not in repr(GOOD)
    assert "s3cr3t" not in str(GOOD)


def test_a_lock_wait_and_a_proxied_call_fit_into_the_time_out() -> None:
    assert GOOD.read_timeout > 30
