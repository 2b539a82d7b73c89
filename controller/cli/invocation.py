"""What one call of ``winux`` knows before its command runs: which configuration, and where the daemon's socket is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from controller.admin.client import AdminClient
from controller.cli.exits import Failure

if TYPE_CHECKING:
    from controller.daemon.settings import Settings

DEFAULT_SOCKET = Path("/run/winux/admin.sock")
SOCKET_VARIABLE = "WINUX_ADMIN__SOCKET"
_SECRET_VARIABLE = "WINUX_PROXMOX__TOKEN_SECRET"  # noqa: S105 - a name
_USUAL_PLACES = (Path("winux.yaml"), Path("/etc/winux/winux.yaml"))


@dataclass(frozen=True, slots=True)
class Invocation:
    """The global options. Everything is looked up when a command needs it."""

    config: Path | None = None
    socket: Path | None = None

    def config_file(self) -> Path | None:
        """The file given, else the first of the usual places that is there."""
        return self.config or next((place for place in _USUAL_PLACES if place.is_file()), None)

    def settings(self) -> Settings:
        """All settings, secrets included. Raises ``Failure`` with every mistake."""
        return _load(self.config_file(), dict(os.environ))

    def settings_without_secret(self) -> Settings | None:
        """The settings for what talks to nobody: the token's secret is neither read nor needed. None without a file."""
        file = self.config_file()
        if file is None:
            return None
        return _load(file, {**os.environ, _SECRET_VARIABLE: "not-read"})

    def socket_path(self) -> Path:
        """Where the daemon listens: the option, the variable, the configuration, the default."""
        if self.socket is not None:
            return self.socket
        if variable := os.environ.get(SOCKET_VARIABLE):
            return Path(variable)
        settings = self.settings_without_secret()
        return settings.admin.socket if settings is not None else DEFAULT_SOCKET

    def client(self) -> AdminClient:
        return AdminClient(self.socket_path())


def invocation(context: typer.Context) -> Invocation:
    """What the callback of the app put there."""
    found = context.find_object(Invocation)
    return found if found is not None else Invocation()


def _load(file: Path | None, environ: dict[str, str]) -> Settings:
    from controller.daemon.settings import SettingsError, load  # noqa: PLC0415 - only where settings are needed

    try:
        return load(file, environ)
    except SettingsError as error:
        raise unusable(file, error.problems) from None


def unusable(file: Path | None, problems: Iterable[str]) -> Failure:
    """The settings cannot be used, and why; where there is no file, that may be all there is to it."""
    none = f"no configuration was read: neither ./{_USUAL_PLACES[0]} nor {_USUAL_PLACES[1]} exists; give --config FILE"
    return Failure("the settings cannot be used", *([none] if file is None else []), *problems)
