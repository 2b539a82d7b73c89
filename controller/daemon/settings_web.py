"""The settings of the page and its APIs: the section ``web``. Without ``web.listen`` there is neither."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from controller.api.fields import Matches, Name, refusal
from controller.api.quantities import shown
from controller.daemon.settings_fields import Flag, Listen, PathText, one_of, span, whole
from controller.daemon.settings_section import Section
from controller.telemetry.listen import UnixAddress, parse_listen

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MOST = 1_000_000
_TEMPLATE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")


class Mode(StrEnum):
    """How people are known."""

    OPEN = "open"
    """Not at all: anybody may launch, within the quotas; a session is its launcher's by a ticket."""
    TOKEN = "token"  # noqa: S105 - a word of settings
    """By tokens of the file ``web.tokensFile``."""
    PROXY = "proxy"
    """By a header of a proxy that asked them."""
    OIDC = "oidc"
    """By an OpenID Connect provider."""


def _listed(value: object, what: str) -> list[str]:
    """A list of texts; in a variable separated by commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return list(value)
    raise refusal(f"{shown(value)} is not a list of {what}")


def _networks(value: object) -> tuple[Network, ...]:
    found: list[Network] = []
    for text in _listed(value, "networks, such as [10.0.0.0/8, 192.0.2.7]"):
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError:
            raise refusal(f"{shown(text)} is not a network, such as 10.0.0.0/8, or an address") from None
    return tuple(found)


def _names(value: object) -> tuple[str, ...]:
    return tuple(_listed(value, "names of templates, such as [default, xfce]"))


def _groups(value: object) -> tuple[str, ...]:
    return tuple(_listed(value, "groups, such as [staff]"))


def _most(value: object) -> int | None:
    if isinstance(value, str) and value.lower() == "unlimited":
        return None
    number = int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,7}", value) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= _MOST:
        raise refusal(f"{shown(value)} is not allowed; write a whole number from 1 to {_MOST}, or unlimited")
    return number


def _per_template(value: object) -> dict[str, int]:
    if isinstance(value, str):
        pairs = (part.partition("=")[::2] for part in value.replace(" ", "").split(",") if part)
        value = {name: int(most) if re.fullmatch(r"[0-9]{1,7}", most) else most for name, most in pairs}
    if not isinstance(value, dict):
        raise refusal(f"{shown(value)} is not a mapping of templates to numbers, such as {{xfce: 20}}")
    for name, most in value.items():
        if not isinstance(name, str) or not _TEMPLATE_NAME.match(name):
            raise refusal(f"{shown(name)} is not the name of a template")
        if isinstance(most, bool) or not isinstance(most, int) or not 0 <= most <= _MOST:
            raise refusal(f"{shown(most)} is not allowed for {name}; write a whole number from 0 to {_MOST}")
    return {str(name): int(most) for name, most in value.items()}


def _site_url(*, example: str, path: bool) -> AfterValidator:
    """Validator of the address of a web site, with a path or without; the slash at its end is dropped."""

    def check(text: str) -> str:
        try:
            parts = urlsplit(text)
            usable = parts.port != 0 and bool(parts.hostname) and parts.username is None
        except ValueError:
            usable = False
        if not usable or parts.scheme not in {"https", "http"} or parts.query or parts.fragment or not text.isascii():
            raise refusal(f"{shown(text)} is not the address of a site; write one such as {example}")
        if parts.path.strip("/") and not path:
            raise refusal(f"{shown(text)} has a path; write only scheme and host, such as {example}")
        return text.rstrip("/")

    return AfterValidator(check)


SiteUrl = Annotated[str, _site_url(example="https://desktops.example.org", path=False)]
ProviderUrl = Annotated[str, _site_url(example="https://login.example.org/realms/main", path=True)]
VerifierUrl = Annotated[str, _site_url(example="https://captcha.example.org/siteverify", path=True)]
HeaderName = Annotated[str, Matches(r"^[A-Za-z][-A-Za-z0-9]*$", "the name of a header", 64, "X-Remote-User")]
Word = Annotated[str, Matches(r"^[!-~]+$", "a word without blanks", 255, "winux")]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]
Groups = Annotated[tuple[str, ...], BeforeValidator(_groups)]
Counts = Annotated[dict[str, int], BeforeValidator(_per_template)]
Most = Annotated[int | None, BeforeValidator(_most)]


class QuotasSection(Section):
    """Sessions at once of those that are launched here. None, in the file ``unlimited``: as many as there is room."""

    total: Most = 50
    per_person: Most = 3
    """By name; who has none counts by browser."""
    per_address: Most = 10
    """Of people without a name: a class that logs in may sit behind one address."""
    per_template: Counts = Field(default_factory=dict)


class RateSection(Section):
    """Launches, of one person or of one address without a name: so many at once, and so many in that time."""

    launches: Annotated[int, whole(1, 10_000)] = 10
    per: Annotated[float, *span("1s", "1d")] = 60.0


class RolesSection(Section):
    """Which groups have which role, where proofs of identity name groups."""

    users: Groups = ()
    """Empty: everybody who proves a name."""
    operators: Groups = ()
    admins: Groups = ()


class ProxySection(Section):
    """Headers of the proxies that are trusted; from anywhere else they count for nothing."""

    header: HeaderName = "X-Remote-User"
    roles_header: HeaderName | None = None
    """Groups, separated by commas."""


class OidcSection(Section):
    issuer: ProviderUrl | None = None
    client_id: Word | None = None
    client_secret_file: Annotated[Path, PathText] | None = None
    name_claim: Word = "preferred_username"
    roles_claim: Word = "groups"
    scopes: Groups = ("openid", "profile", "email")
    ca_file: Annotated[Path, PathText] | None = None
    """Who vouches for the provider. Left out: those whom this machine trusts."""
    allow_http: Flag = False
    """For a provider on this machine, in trials."""


class CaptchaSection(Section):
    """A puzzle before each launch by a person without a name, checked as reCAPTCHA and its likes do.

    The page imports the module ``captcha.js`` from beside itself, which the proxy in front serves and whose policy it
    widens: nothing here loads anything from elsewhere.
    """

    url: VerifierUrl | None = None
    """Where answers are checked."""
    site_key: Word | None = None
    secret_file: Annotated[Path, PathText] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = [self.url, self.site_key, self.secret_file]
        if any(one is not None for one in given) and None in given:
            raise ValueError("url, siteKey and secretFile belong together; give all of them, or none")
        return self


class WebSection(Section):
    listen: Listen | None = None
    """Left out: there is no page."""
    mode: Annotated[Mode, one_of(Mode)] = Mode.OPEN
    public_url: SiteUrl | None = None
    """As browsers see it. Left out: as each request says."""
    trusted_proxies: Networks = ()
    """Whose X-Forwarded-For, X-Forwarded-Proto and identity headers are believed."""
    quotas: QuotasSection = QuotasSection()
    rate: RateSection = RateSection()
    max_duration: Annotated[float, *span("10s", "3650d")] = 86_400.0
    """The longest life that people may ask for, extensions included; templates may allow less."""
    templates: Annotated[tuple[Name, ...], BeforeValidator(_names)] | None = None
    """Those that are offered, the usual one first. Left out: all."""
    wait: Annotated[float, *span("0s", "55s")] = 25.0
    """How long a launch by the old API waits for its desktop."""
    keep: Annotated[float, *span("10s", "30d")] = 600.0
    """How long a session that is over is shown before its manifest is removed."""
    tokens_file: Annotated[Path, PathText] | None = None
    roles: RolesSection = RolesSection()
    proxy: ProxySection = ProxySection()
    oidc: OidcSection = OidcSection()
    captcha: CaptchaSection = CaptchaSection()

    @model_validator(mode="after")
    def _what_the_mode_needs(self) -> Self:
        if self.mode is Mode.TOKEN and self.tokens_file is None:
            raise ValueError("mode is token and tokensFile is missing; name the file with the tokens")
        if self.mode is Mode.PROXY and not self.trusted_proxies and not self._on_socket():
            raise ValueError("mode is proxy and trustedProxies is empty; name the addresses of the proxies")
        if self.mode is Mode.OIDC:
            oidc = self.oidc
            missing = [
                name
                for name, value in (
                    ("publicUrl", self.public_url),
                    ("oidc.issuer", oidc.issuer),
                    ("oidc.clientId", oidc.client_id),
                    ("oidc.clientSecretFile", oidc.client_secret_file),
                )
                if value is None
            ]
            if missing:
                raise ValueError(f"mode is oidc; give {' and '.join(missing)} too")
            if oidc.issuer is not None and oidc.issuer.startswith("http:") and not oidc.allow_http:
                raise ValueError("oidc.issuer is http, which everybody on the way can read; write https")
        return self

    def _on_socket(self) -> bool:
        return self.listen is not None and isinstance(parse_listen(self.listen), UnixAddress)
