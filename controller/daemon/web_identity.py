"""How people are known, as the settings say: the identity of each mode, and the doors by which one logs in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from controller.daemon.settings import SettingsError
from controller.daemon.settings_web import Mode, WebSection
from controller.engine.clock import Clock
from controller.web.asking import Identify, Part
from controller.web.identity.claims import Groups
from controller.web.identity.doors import token_doors
from controller.web.identity.logins import Logins
from controller.web.identity.open import OpenIdentity
from controller.web.identity.proxy import ProxyHeaders, ProxyIdentity
from controller.web.identity.seals import Seals
from controller.web.identity.token import TokenIdentity
from controller.web.identity.tokens import NoTokens, TokensFile


def identity_of(web: WebSection, *, key: Callable[[], bytes], clock: Clock) -> tuple[Identify, tuple[Part, ...]]:
    """``key``: 32 secret bytes that stay the same. Raises ``SettingsError`` where a file cannot be used."""
    seals = Seals(key, clock=clock)
    match web.mode:
        case Mode.OPEN:
            return OpenIdentity(), ()
        case Mode.TOKEN:
            logins = Logins(seals, kind="token")
            identity = TokenIdentity(_tokens(web.tokens_file), logins)
            return identity, (token_doors(identity, logins, clock=clock),)
        case Mode.PROXY:
            headers = ProxyHeaders(name=web.proxy.header, groups=web.proxy.roles_header)
            return ProxyIdentity(headers, groups=_groups(web), trusted=web.trusted_proxies), ()
        case Mode.OIDC:
            return _by_provider(web, seals, clock=clock)


def _by_provider(web: WebSection, seals: Seals, *, clock: Clock) -> tuple[Identify, tuple[Part, ...]]:
    # Only here: the other modes do without what it brings.
    from controller.web.identity.oidc import CALLBACK, Claims, OidcIdentity, oidc_doors  # noqa: PLC0415
    from controller.web.identity.provider import Client, Provider  # noqa: PLC0415

    oidc = web.oidc
    if web.public_url is None or oidc.issuer is None or oidc.client_id is None or oidc.client_secret_file is None:
        raise SettingsError(["web.mode is oidc; name publicUrl, oidc.issuer, oidc.clientId and oidc.clientSecretFile"])
    file = oidc.client_secret_file
    try:
        file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"web.oidc.clientSecretFile: cannot read {file}: {type(error).__name__}"]) from None
    client = Client(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        secret=lambda: file.read_text(encoding="utf-8").strip(),
        redirect_uri=f"{web.public_url}{CALLBACK}",
        scopes=oidc.scopes,
        ca_file=oidc.ca_file,
    )
    logins = Logins(seals, kind="oidc")
    doors = oidc_doors(
        Provider(client, clock=clock),
        logins,
        seals,
        claims=Claims(name=oidc.name_claim, groups=oidc.roles_claim),
        groups=_groups(web),
    )
    return OidcIdentity(logins), (doors,)


def _groups(web: WebSection) -> Groups:
    roles = web.roles
    return Groups(users=frozenset(roles.users), operators=frozenset(roles.operators), admins=frozenset(roles.admins))


def _tokens(path: Path | None) -> TokensFile:
    if path is None:
        raise SettingsError(["web.tokensFile is missing; name the file with the tokens"])
    tokens = TokensFile(path)
    try:
        tokens.holders()
    except NoTokens as problem:
        raise SettingsError([f"web.tokensFile: {problem}"]) from None
    return tokens
