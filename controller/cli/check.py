"""``winux check``: can a controller with these settings work with that Proxmox? Nothing is changed there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.exits import Ended, Status
from controller.cli.invocation import Invocation, invocation


def check(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The configuration; also before the command.")
    ] = None,
) -> None:
    """Check connection, certificate, token, rights and what the templates need, right by right.

    What the templates of the manifest directory use is looked for too. For every right that is missing the lines are
    shown that grant it, to be run on a Proxmox node. Ends with 1 where something needed is missing.
    """
    from controller.cli.preflight import check_site  # noqa: PLC0415 - brings the Proxmox client with it

    called = invocation(context)
    settings = Invocation(config=config or called.config, socket=called.socket).settings()
    if not check_site(settings):
        raise Ended(Status.ERROR)
