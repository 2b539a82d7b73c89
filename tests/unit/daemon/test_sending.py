"""The settings of events: what they mean, what is wrong with them in a sentence, and the webhook's secret."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.daemon.sending import delivery_plan
from controller.daemon.settings import Settings, SettingsError, load
from controller.deliveries.file import FileSink
from controller.deliveries.webhook import WebhookSink
from controller.engine.clock import VirtualClock
from controller.ledger.events import EventType
from controller.telemetry import redact

BASE = {
    "WINUX_PROXMOX__URL": "https://pve1:8006",
    "WINUX_PROXMOX__TOKEN_ID": "sessions@pve!controller",
    "WINUX_PROXMOX__TOKEN_SECRET": "5ec4e700-0000-4000-8000-000000000001",
}
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
URL = "https://hooks.example.org/winux"
Configured = Callable[[str], Settings]


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    """Settings with this section of events."""

    def read(section: str) -> Settings:
        file = tmp_path / "winux.yaml"
        file.write_text(f"events: {section}\n", encoding="utf-8")
        return load(file, BASE)

    return read


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "webhook-secret"
    path.touch(mode=0o600)
    path.write_text(f"{SECRET}\n", encoding="utf-8")
    return path


def test_events_are_kept_for_ninety_days_and_sent_nowhere_unless_it_is_asked_for() -> None:
    plan = delivery_plan(load(None, BASE), clock=VirtualClock())
    assert (plan.keep, plan.at_most, plan.sinks) == (90 * 86_400.0, 50_000, ())


@pytest.mark.usefixtures("secret")
def test_a_file_and_a_webhook_beside_the_configuration(configured: Configured, tmp_path: Path) -> None:
    section = (
        "{keep: 7d, atMost: 500, file: out/events.jsonl, webhook: "
        f"{{url: '{URL}', secretFile: webhook-secret, types: [warning], timeout: 3s, caFile: ca.pem}}}}"
    )
    clock = VirtualClock()
    plan = delivery_plan(configured(section), clock=clock)
    file, webhook = plan.sinks
    assert (plan.keep, plan.at_most) == (7 * 86_400.0, 500)
    assert file == FileSink(tmp_path / "out" / "events.jsonl")
    assert isinstance(webhook, WebhookSink)
    assert (webhook.url, webhook.types, webhook.timeout) == (URL, (EventType.WARNING,), 3.0)
    assert (webhook.ca_file, webhook.controller) == (tmp_path / "ca.pem", "default")
    assert delivery_plan(configured(section), clock=clock) == plan


def test_variables_say_it_too(secret: Path) -> None:
    settings = load(
        None,
        BASE
        | {
            "WINUX_EVENTS__AT_MOST": "200",
            "WINUX_EVENTS__WEBHOOK__URL": "http://10.0.0.5:8080/in",
            "WINUX_EVENTS__WEBHOOK__SECRET_FILE": str(secret),
            "WINUX_EVENTS__WEBHOOK__TYPES": "Normal, Warning",
            "WINUX_EVENTS__WEBHOOK__ALLOW_HTTP": "true",
        },
    )
    assert settings.events.at_most == 200
    assert settings.events.webhook.types == tuple(EventType)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{webhook: {url: ftp://x/y, secretFile: s}}", "events.webhook.url: not a URL that events can be posted to"),
        ("{webhook: {url: hooks, secretFile: s}}", "events.webhook.url: not a URL"),
        ("{webhook: {url: 'https://h:99999/', secretFile: s}}", "events.webhook.url: not a URL"),
        ("{webhook: {url: 'https://h/a b', secretFile: s}}", "events.webhook.url: not a URL"),
        ("{webhook: {url: 'https://u:hunter2@h/', secretFile: s}}", "a user or a password is in the URL"),
        ("{webhook: {url: 'https://h/#hunter2', secretFile: s}}", "no part behind a #"),
        ("{webhook: {url: 5, secretFile: s}}", "found a value, which is no text"),
        ("{webhook: {url: 'http://h/hunter2', secretFile: s}}", "url is http, which everybody on the way can read"),
        ("{webhook: {url: 'https://h/hunter2'}}", "url is given without secretFile"),
        ("{webhook: {secretFile: s}}", "secretFile is given without url"),
        (f"{{webhook: {{url: '{URL}', secretFile: s, types: [Error]}}}}", "write [Warning], or [Warning, Normal]"),
        (f"{{webhook: {{url: '{URL}', secretFile: s, types: []}}}}", "write [Warning], or [Warning, Normal]"),
        (f"{{webhook: {{url: '{URL}', secretFile: s, timeout: 5m}}}}", "write a duration from 100ms to 30s"),
        ("{keep: 30}", "30 is a number; write a duration"),
        ("{keep: 1m}", "write a duration from 1h to 3650d"),
        ("{atMost: 5}", "write a whole number from 100 to 10000000"),
        ("{file: 5}", "5 is not a path"),
        ("{fiel: x}", "did you mean events.file?"),
    ],
)
def test_a_mistake_is_one_sentence_that_shows_no_url(configured: Configured, section: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        configured(section)
    (only,) = caught.value.problems
    assert said in only
    assert "hunter2" not in only


def test_the_secret_is_hidden_from_then_on(configured: Configured, secret: Path) -> None:
    assert secret.exists()
    plan = delivery_plan(configured(f"{{webhook: {{url: '{URL}', secretFile: webhook-secret}}}}"), clock=VirtualClock())
    assert redact.clean(f"it is {SECRET}") == "it is [hidden]"
    assert SECRET not in repr(plan)


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (None, 0o600, "cannot read {path}: no such file or directory"),
        ("hunter2", 0o600, "{path}: a line of it is no secret; write whsec_"),
        ("", 0o600, "{path}: it is empty; make a secret with"),
        (SECRET, 0o604, "everybody may read {path}; run `chmod o-r {path}`"),
    ],
)
def test_a_secret_that_cannot_be_used_is_one_sentence(
    configured: Configured, tmp_path: Path, text: str | None, mode: int, said: str
) -> None:
    path = tmp_path / "webhook-secret"
    if text is not None:
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
    settings = configured(f"{{webhook: {{url: '{URL}', secretFile: webhook-secret}}}}")
    with pytest.raises(SettingsError) as caught:
        delivery_plan(settings, clock=VirtualClock())
    assert str(caught.value).startswith(f"events.webhook.secretFile: {said.format(path=path)}")
    assert "hunter2" not in str(caught.value)
