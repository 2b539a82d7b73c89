"""``winux rdp``: a file that an RDP client opens. The password is in no file; ``--show`` prints it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from controller.admin.models import CredentialView
from controller.cli import completion
from controller.cli.console import out, say
from controller.cli.exits import Failure
from controller.cli.invocation import invocation

STANDARD_PORT = 3389
OF_THE_TEMPLATE = "as in its container template"
"""The password of a clone, which only those know who made the template."""


def rdp(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The session.", autocompletion=completion.session_names)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.", show_default="NAME.rdp")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print address, user and password; write no file.")] = False,
) -> None:
    """Write a file that Remote Desktop clients open (Remmina, mstsc, FreeRDP)."""
    with invocation(context).client() as client:
        credential = client.credential(name)
    if show:
        for title, value in (
            ("Address", address(credential)),
            ("User", credential.username),
            ("Password", OF_THE_TEMPLATE if credential.password is None else credential.password),
        ):
            out.print(Text.assemble((f"{title + ':':<10}", "dim"), value))
        return
    path = output if output is not None else Path(f"{name}.rdp")
    write_private(path, rdp_text(credential))
    password = OF_THE_TEMPLATE if credential.password is None else f"`winux rdp {name} --show`"
    say(f"wrote {path}; the password: {password}")


def address(credential: CredentialView) -> str:
    host = f"[{credential.address}]" if ":" in credential.address else credential.address
    return host if credential.port == STANDARD_PORT else f"{host}:{credential.port}"


def rdp_text(credential: CredentialView) -> str:
    """``name:type:value`` lines, as mstsc writes them."""
    lines = [
        f"full address:s:{address(credential)}",
        f"username:s:{credential.username}",
        "prompt for credentials:i:1",
        "authentication level:i:2",
        "screen mode id:i:1",
        "dynamic resolution:i:1",
        "redirectclipboard:i:1",
    ]
    return "\r\n".join(lines) + "\r\n"


def write_private(path: Path, text: str) -> None:
    """A file that only its owner reads, whatever was there before."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
    except OSError as error:
        raise Failure(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from None
