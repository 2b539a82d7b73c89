"""The command line put together: global options, the commands in the order of their help, and exit statuses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from controller.admin.client import NoDaemon, Refused
from controller.cli import image, orders, serving, token
from controller.cli.check import check
from controller.cli.console import complain
from controller.cli.demo import demo
from controller.cli.describe import describe
from controller.cli.events import events
from controller.cli.exits import MEANING, Ended, Failure, Status
from controller.cli.invocation import SOCKET_VARIABLE, Invocation
from controller.cli.log import log
from controller.cli.plan import plan
from controller.cli.rdp import rdp
from controller.cli.show import get
from controller.cli.streams import Unwritten, standard_streams
from controller.cli.top import top
from controller.cli.validate import schema, validate
from controller.cli.web import web

_STANDARD_USAGE_ERROR = 2
"""What the parser itself returns for a wrong command line."""


def _examples(*lines: str) -> str:
    return "\n".join(["", "[bold]Examples[/bold]", *(f"  $ {line}" for line in lines)])


def _unwrapped(docstring: str | None) -> str:
    """Paragraphs as one line each: the terminal breaks them where it must."""
    paragraphs = inspect.cleandoc(docstring or "").split("\n\n")
    return "\n\n".join(escape(" ".join(paragraph.split())) for paragraph in paragraphs)


_EXITS = "\n".join(["[bold]Exit status[/bold]", *(f"  {status.value:>3}  {said}" for status, said in MEANING.items())])

app = typer.Typer(
    name="winux",
    help="Temporary Linux desktops in Proxmox VE containers, declared as YAML files.",
    epilog=f"{_examples('winux demo', 'winux get sessions -w')}\n\n{_EXITS}",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        serving.version()
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            envvar="WINUX_CONFIG",
            metavar="FILE",
            help="The configuration.",
            show_default="winux.yaml here, or /etc/winux/winux.yaml",
        ),
    ] = None,
    socket: Annotated[
        Path | None,
        typer.Option(
            "--socket",
            metavar="PATH",
            help="Where the daemon's admin API listens.",
            show_default=f"${SOCKET_VARIABLE}, or as configured",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    _ = version  # seen to before anything else
    context.obj = Invocation(config=config, socket=socket)


def _add(command: Callable[..., None], panel: str, *examples: str, to: typer.Typer = app) -> None:
    to.command(help=_unwrapped(command.__doc__), rich_help_panel=panel, epilog=_examples(*examples))(command)


images = typer.Typer(
    help="The golden image of the desktop.",
    epilog=_examples("winux image build", "winux image show"),
    no_args_is_help=True,
    rich_markup_mode="rich",
)
tokens = typer.Typer(
    help="Tokens by which people and programs are recognised.",
    epilog=_examples("winux token new alice", "winux token new ci --role operator"),
    no_args_is_help=True,
    rich_markup_mode="rich",
)
_LOOK, _TELL, _MANIFESTS, _RUN = "Look", "Tell a running controller", "Manifests", "Run and try"
_add(get, _LOOK, "winux get sessions", "winux get sessions alice -o yaml", "winux get sessions -o wide -w",
     "winux get containers")  # fmt: skip
_add(describe, _LOOK, "winux describe alice")
_add(events, _LOOK, "winux events", "winux events alice -w", "winux events --type Warning --since 1h")
_add(top, _LOOK, "winux top", "winux top --once")
_add(rdp, _LOOK, "winux rdp alice", "winux rdp alice --show", "winux rdp alice -o /tmp/alice.rdp")
_add(orders.apply, _TELL, "winux apply -f alice.yaml", "cat class.yaml | winux apply -f -")
_add(orders.delete, _TELL, "winux delete alice", "winux delete alice bob --yes")
_add(orders.extend, _TELL, "winux extend alice 15m")
_add(orders.rotate, _TELL, "winux rotate alice")
_add(orders.pause, _TELL, "winux pause alice", "winux pause")
_add(orders.resume, _TELL, "winux resume alice", "winux resume")
_add(orders.confirm, _TELL, "winux confirm")
_add(log, _TELL, "winux log", "winux log proxmox debug --for 10m", "winux log proxmox reset")
_add(validate, _MANIFESTS, "winux validate", "winux validate manifests/", "winux validate alice.yaml")
_add(plan, _MANIFESTS, "winux plan", "winux plan alice.yaml", "winux plan ../next/manifests", "winux plan --offline")
_add(schema, _MANIFESTS, "winux schema > winux.schema.json", "winux schema -o winux.schema.json")
_add(serving.run, _RUN, "winux run --config /etc/winux/winux.yaml", "winux run --log-format console --log-level debug")
_add(web, _RUN, "winux web --config /etc/winux/web.yaml", "winux web --listen 127.0.0.1:8080")
_add(check, _RUN, "winux check", "winux check --config /etc/winux/winux.yaml")
_add(serving.node, _RUN, "winux node", "winux node --profile demo --write-config winux.yaml",
     "winux node --nodes 3 --state trial/node", "winux node --version 8.4 --faults deploy/faults.yaml",
     "sudo winux node --engine lxc --internet --write-config winux.yaml",
     "winux node --listen 127.0.0.1:0 --profile instant --json")  # fmt: skip
_add(image.build, "Commands", "winux image build", "winux image build --language fr_FR.UTF-8 --output fr.tar.zst",
     "winux image build --mirror http://deb.debian.org/debian --again", to=images)  # fmt: skip
_add(
    image.show, "Commands", "winux image show", "winux image show --packages", "winux image show fr.tar.zst", to=images
)
app.add_typer(images, name="image", rich_help_panel=_RUN)
_add(token.new, "Commands", "winux token new alice", "winux token new ci --role operator --json", to=tokens)
app.add_typer(tokens, name="token", rich_help_panel=_RUN)
_add(demo, _RUN, "winux demo", "sudo winux demo --build", "winux demo --once", "winux demo --once --engine lxc",
     "winux demo --dir /tmp/winux-demo")  # fmt: skip
_add(serving.version, _RUN, "winux version")


def run_command_line(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Only what is a bug gets through as an exception."""
    try:
        with standard_streams():
            return _run(arguments)
    except Unwritten as unwritten:
        if unwritten.nobody_reads:
            return Status.NOBODY_READS
        with suppress(Unwritten), standard_streams():  # standard error may be what is full
            complain(f"{unwritten}: {unwritten.reason}")
        return Status.UNWRITTEN


def _run(arguments: Sequence[str] | None) -> int:
    try:
        typer.main.get_command(app).main(args=list(arguments) if arguments is not None else None, prog_name="winux")
    except Ended as ended:
        return ended.status
    except Failure as failure:
        complain(str(failure), *failure.more)
        return Status.ERROR
    except Refused as refused:
        complain(str(refused), *refused.problems)
        return Status.ERROR
    except NoDaemon as nobody:
        complain(str(nobody))
        return Status.NO_DAEMON
    except SystemExit as ended:
        # Commands never end so themselves: 2 would be taken for a plan's "there are changes".
        return Status.USAGE if ended.code == _STANDARD_USAGE_ERROR else _number(ended.code)
    return Status.OK


def _number(code: object) -> int:
    return code if isinstance(code, int) else Status.OK if code is None else Status.ERROR
