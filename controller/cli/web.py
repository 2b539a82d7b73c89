"""``winux web``: the page and its APIs in a process of their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.exits import Ended, Failure
from controller.cli.invocation import SOCKET_VARIABLE, Invocation, invocation, unusable


def web(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The configuration; also before the command.")
    ] = None,
    listen: Annotated[
        str | None, typer.Option("--listen", metavar="ADDRESS:PORT", help="Instead of web.listen.")
    ] = None,
) -> None:
    """Serve the page and its APIs beside the daemon, until SIGTERM or Ctrl-C. SIGHUP reads the configuration anew.

    The daemon serves them itself where `web.listen` is set. Apart from it they need no secret of Proxmox's, only the
    daemon's admin socket; quotas are exact for one of both at a time.
    """
    # Only here: it brings the server with it.
    from controller.daemon.run_web import CannotListen, SettingsError, run_web  # noqa: PLC0415

    asked = invocation(context)
    file = Invocation(config=config or asked.config).config_file()
    variable = os.environ.get(SOCKET_VARIABLE)
    socket = asked.socket or (Path(variable) if variable else None)
    try:
        status = run_web(file, {} if listen is None else {"WINUX_WEB__LISTEN": listen}, socket=socket)
    except SettingsError as error:
        raise unusable(file, error.problems) from None
    except CannotListen as error:
        raise Failure(str(error)) from None
    raise Ended(status)
