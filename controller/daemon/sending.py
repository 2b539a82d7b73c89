"""Where events are to be sent on to, made from the settings: the sinks and their secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from controller.daemon.settings import Settings, SettingsError
from controller.deliveries.deliveries import Plan
from controller.deliveries.file import FileSink
from controller.deliveries.signing import Keys, NoSecret, read_keys
from controller.deliveries.sink import Sink
from controller.deliveries.webhook import WebhookSink
from controller.engine.clock import Clock
from controller.telemetry import redact

SECRET_FILE = "events.webhook.secretFile"  # noqa: S105 - a name
_OTHERS_MAY_READ = 0o004


def delivery_plan(settings: Settings, *, clock: Clock) -> Plan:
    """Reads the webhook's secret, which nothing will show from then on.

    Raises:
        SettingsError: it cannot be used; one sentence.
    """
    events = settings.events
    return Plan(keep=events.keep, at_most=events.at_most, sinks=tuple(_sinks(settings, clock)))


def _sinks(settings: Settings, clock: Clock) -> Iterator[Sink]:
    events, webhook = settings.events, settings.events.webhook
    if events.file is not None:
        yield FileSink(events.file)
    if webhook.url is not None and webhook.secret_file is not None:
        yield WebhookSink(
            url=webhook.url,
            keys=_keys(webhook.secret_file),
            controller=settings.controller.id,
            clock=clock,
            types=webhook.types,
            timeout=webhook.timeout,
            ca_file=webhook.ca_file,
        )


def _keys(path: Path) -> Keys:
    try:
        text = path.read_text(encoding="utf-8")
        exposed = path.stat().st_mode & _OTHERS_MAY_READ
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SettingsError([f"{SECRET_FILE}: cannot read {path}: {why}"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{SECRET_FILE}: {path} is no text file"]) from None
    if exposed:
        raise SettingsError([f"{SECRET_FILE}: everybody may read {path}; run `chmod o-r {path}`"])
    try:
        keys = read_keys(text)
    except NoSecret as error:
        raise SettingsError([f"{SECRET_FILE}: {path}: {error}"]) from None
    for secret in keys.secrets:
        redact.register(secret)
    return keys
