"""A real OpenID Connect provider that nobody here wrote: Django with django-oauth-toolkit, on loopback.

``python -m tests.e2e.oidc_provider DIRECTORY REDIRECT_URI`` prints one line of JSON: issuer, client id and secret. It
knows alice, who is in the group staff, and bob, who is in none; their passwords are their names.
"""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

NAME = "tests.e2e.oidc_provider"
PEOPLE = {"alice": ("staff",), "bob": ()}


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as its parent's
        pass


def _configure(directory: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    settings.configure(
        SECRET_KEY=secrets.token_hex(32),
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=NAME,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(directory / "provider.db")}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [
                        (
                            "django.template.loaders.locmem.Loader",
                            {"login.html": "<form>{% csrf_token %}{{ form }}</form>"},
                        )
                    ]
                },
            }
        ],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LOGIN_URL="/accounts/login/",
        USE_TZ=True,
        OAUTH2_PROVIDER={
            "ALLOWED_REDIRECT_URI_SCHEMES": ["http"],
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": pem.decode(),
            "OAUTH2_VALIDATOR_CLASS": f"{NAME}.Validator",
            "SCOPES": {"openid": "who you are", "profile": "your name", "email": "your address"},
            "PKCE_REQUIRED": True,
        },
    )
    django.setup()


def _fill(redirect_uri: str) -> dict[str, str]:
    from django.contrib.auth.models import Group, User  # noqa: PLC0415 - not before it is set up
    from django.core.management import call_command  # noqa: PLC0415
    from oauth2_provider.models import Application  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    for name, groups in PEOPLE.items():
        user = User.objects.create_user(name, password=name)
        for group in groups:
            user.groups.add(Group.objects.get_or_create(name=group)[0])
    secret = secrets.token_urlsafe(32)
    client = Application.objects.create(
        name="winux",
        client_secret=secret,
        client_type="confidential",
        authorization_grant_type="authorization-code",
        algorithm="RS256",
        redirect_uris=redirect_uri,
        skip_authorization=True,
    )
    return {"client_id": client.client_id, "client_secret": secret}


def _urls() -> list[object]:
    from django.contrib.auth.views import LoginView  # noqa: PLC0415
    from django.urls import include, path  # noqa: PLC0415

    return [
        path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
        path("accounts/login/", LoginView.as_view(template_name="login.html")),
    ]


def _validator() -> type:
    from oauth2_provider.oauth2_validators import OAuth2Validator  # noqa: PLC0415

    class Validator(OAuth2Validator):
        """Says names and groups as most providers do."""

        oidc_claim_scope = None

        def get_additional_claims(self, request: object) -> dict[str, object]:
            user = request.user  # type: ignore[attr-defined]
            return {"preferred_username": user.username, "groups": [group.name for group in user.groups.all()]}

    return Validator


def __getattr__(name: str) -> object:
    """What Django asks this module for by name, and what cannot be there before Django is set up."""
    if name == "urlpatterns":
        return _urls()
    if name == "Validator":
        return _validator()
    raise AttributeError(name)


def main(directory: Path, redirect_uri: str) -> None:
    # The module is known by the name that Django's settings have for it.
    sys.modules.setdefault(NAME, sys.modules["__main__"])
    _configure(directory)
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    told = _fill(redirect_uri)
    with make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet) as server:
        told["issuer"] = f"http://127.0.0.1:{server.server_port}/o"
        print(json.dumps(told), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
