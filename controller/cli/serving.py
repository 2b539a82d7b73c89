"""``winux run``, ``winux node`` and ``winux version``: what goes on until it is told to stop, and what this is."""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from controller import __version__
from controller.cli.console import say
from controller.cli.exits import Ended, Failure
from controller.cli.invocation import Invocation, invocation, unusable


def run(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The configuration; also before the command.")
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option("--log-format", metavar="json|console|auto", help="Instead of log.format; auto: by the terminal."),
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option("--log-level", metavar="LEVEL", help="Instead of log.level: debug, info, warning, error."),
    ] = None,
) -> None:
    """Run the controller in the foreground, until SIGTERM or Ctrl-C. SIGHUP reads the configuration anew.

    Every setting of the file can be given as a variable too: `WINUX_PROXMOX__URL` is `proxmox.url`.
    """
    # Only here: the daemon brings everything else with it.
    from controller.daemon.run import CannotListen, LedgerError, SettingsError, run_daemon  # noqa: PLC0415
    from controller.telemetry.loglevels import LogLevel  # noqa: PLC0415
    from controller.telemetry.logs import LogFormat  # noqa: PLC0415

    overrides = {
        "WINUX_LOG__FORMAT": _one_of(log_format, LogFormat, "--log-format"),
        "WINUX_LOG__LEVEL": _one_of(log_level, LogLevel, "--log-level"),
    }

    file = Invocation(config=config or invocation(context).config).config_file()
    try:
        status = run_daemon(file, {name: value for name, value in overrides.items() if value is not None})
    except SettingsError as error:
        raise unusable(file, error.problems) from None
    except (LedgerError, CannotListen) as error:
        raise Failure(str(error)) from None
    raise Ended(status)


def _one_of(value: str | None, allowed: type[StrEnum], option: str) -> str | None:
    if value is None or value.lower() in set(allowed):
        return value
    raise typer.BadParameter(f"{value!r} is none of {', '.join(allowed)}", param_hint=option)


def node(
    *,
    listen: Annotated[str, typer.Option(metavar="ADDRESS:PORT", help="Loopback only; port 0 takes a free one.")] = (
        "127.0.0.1:8006"
    ),
    nodes: Annotated[int, typer.Option(min=1, max=32, help="How many nodes the cluster has.")] = 1,
    engine: Annotated[
        str, typer.Option(metavar="memory|lxc", help="What containers are: simulated, or real ones on this machine.")
    ] = "memory",
    image: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="lxc: what containers are made from.", show_default="the one that was built"),
    ] = None,
    home: Annotated[
        Path | None, typer.Option(metavar="DIR", help="lxc: where containers are.", show_default="/var/lib/winux")
    ] = None,
    internet: Annotated[bool, typer.Option("--internet", help="lxc: let containers reach the internet.")] = False,
    profile: Annotated[
        str | None,
        typer.Option(help="How long things take: real, demo or instant.", show_default="real; with lxc instant"),
    ] = None,
    version: Annotated[str, typer.Option(metavar="8.4|9.2", help="Which Proxmox VE it answers like.")] = "9.2",
    seed: Annotated[int, typer.Option(help="Of durations and faults.")] = 0,
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the cluster, its tokens and its CA there over restarts.")
    ] = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Play a script of faults over time; deploy/faults.yaml is one.")
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="For its CA and tokens.", show_default="that of the state, or .winux-node"),
    ] = None,
    json_line: Annotated[bool, typer.Option("--json", help="Print one JSON line when it serves.")] = False,
    write_config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a winux.yaml that a controller can start with.")
    ] = None,
) -> None:
    """Serve a Proxmox-compatible API on this machine, for trials, tests and small classes.

    Its containers exist in memory only, or, with --engine lxc, are real desktops: that takes root, LXC and an image
    (`winux image build`). Open its URL in a browser for a page of containers and tasks. It says at the start where its
    CA and its tokens are.
    """
    from controller.image.cache import cached_image  # noqa: PLC0415 - only where a node is wanted
    from controller.node.config import USUAL_PROFILE, NodeConfig, named  # noqa: PLC0415
    from controller.node.serve import serve  # noqa: PLC0415

    if engine == "memory" and (image or home or internet):
        raise Failure("--image, --home and --internet are about real containers: give --engine lxc too")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    config = NodeConfig(
        listen=listen,
        nodes=named(nodes),
        profile=profile or USUAL_PROFILE.get(engine, "real"),
        version=version,
        seed=seed,
        directory=directory or state or Path(".winux-node"),
        state=state,
        faults=faults,
        engine=engine,
        image=image or (cached_image() if engine == "lxc" else None),
        home=home,
        internet=internet,
    )
    try:
        config.check()
    except ValueError as error:
        raise Failure(str(error)) from None
    raise Ended(serve(config, json_line=json_line, write_config=write_config))


def version() -> None:
    """Print the version."""
    say(f"winux {__version__}")
