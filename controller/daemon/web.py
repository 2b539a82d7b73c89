"""The web as the settings want it: the desk, who may come to it, what is served, and who cleans up. In the daemon, or
beside it over the admin socket.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from controller.daemon.settings import Settings
from controller.daemon.settings_web import WebSection
from controller.daemon.web_identity import identity_of
from controller.engine.clock import Clock
from controller.web.app import make_app
from controller.web.asking import Options
from controller.web.backend import Backend
from controller.web.captcha import Captcha
from controller.web.desk import Desk
from controller.web.janitor import Janitor
from controller.web.launching import no_puzzle
from controller.web.limits import Rate
from controller.web.parts import all_parts
from controller.web.quotas import Quotas
from controller.web.rules import Rules
from controller.web.server import WebServer


class Web:
    """Serves between ``start`` and ``stop``; ``janitor.run`` is for a thread of its owner's."""

    def __init__(
        self,
        settings: Settings,
        listen: str,
        backend: Backend,
        *,
        clock: Clock,
        random: Random,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """Raises ``SettingsError`` where a file that they name cannot be used."""
        web = settings.web
        self._options = options_of(web)
        self._captcha = _captcha(web)
        self.desk = Desk(
            backend,
            rules=rules_of(web),
            clock=clock,
            random=random,
            puzzle=self._captcha.check if self._captcha is not None else no_puzzle,
        )
        self.janitor = Janitor(backend, clock=clock, keep=web.keep, beat=beat)
        identity, doors = identity_of(web, key=self.desk.key, clock=clock)
        self.server = WebServer(
            make_app(
                self.desk,
                identity,
                parts=(*doors, *all_parts(clock=clock)),
                options=lambda: self._options,
                trusted=web.trusted_proxies,
            ),
            listen=listen,
            trusted=web.trusted_proxies,
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.server.url

    def start(self) -> None:
        """Raises ``CannotListen``."""
        self.server.start()

    def stop(self) -> None:
        self.server.stop()
        if self._captcha is not None:
            self._captcha.close()

    def follow(self, settings: Settings) -> None:
        """Settings that were loaded anew: what may change while it runs."""
        self._options = options_of(settings.web)
        self.desk.set_rules(rules_of(settings.web))
        self.janitor.keep = settings.web.keep


def rules_of(web: WebSection) -> Rules:
    quotas = web.quotas
    return Rules(
        rate=Rate(times=web.rate.launches, per=web.rate.per),
        quotas=Quotas(
            total=quotas.total,
            per_person=quotas.per_person,
            per_address=quotas.per_address,
            per_template=quotas.per_template,
        ),
        max_duration=web.max_duration,
        templates=web.templates,
    )


def options_of(web: WebSection) -> Options:
    return Options(
        mode=web.mode.value,
        public_url=web.public_url,
        wait=web.wait,
        captcha_site_key=web.captcha.site_key,
    )


def _captcha(web: WebSection) -> Captcha | None:
    url, file = web.captcha.url, web.captcha.secret_file
    if url is None or file is None:
        return None
    return Captcha(url=url, secret=lambda: file.read_text(encoding="utf-8").strip())
