"""``winux rdp``: a file that an RDP client opens. The password is in no file; ``--show`` prints it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from controller.admin.models import CredentialView
from controller.admin.rdpfile import address, rdp_text
from controller.cli import completion
from controller.cli.console import out, say
from controller.cli.exits import Failure
from controller.cli.invocation import invocation

NOT_OURS = {"template": "as in its container template", "none": "as in the site's directory"}
"""Passwords that only others know, by the credentials of a template."""


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
            ("Password", credential.password or NOT_OURS.get(credential.credentials, "unknown")),
            *((("Or", credential.next_password),) if credential.next_password is not None else ()),
        ):
            out.print(Text.assemble((f"{title + ':':<10}", "dim"), value))
        if credential.fingerprint is not None:
            for title, value in (("Sha256", credential.fingerprint), ("FreeRDP", freerdp_command(credential))):
                # on one line whatever the width: it is to be copied
                out.print(Text.assemble((f"{title + ':':<10}", "dim"), value), soft_wrap=True)
        return
    path = output if output is not None else Path(f"{name}.rdp")
    write_private(path, rdp_text(credential))
    known = credential.password is not None
    password = f"`winux rdp {name} --show`" if known else NOT_OURS.get(credential.credentials, "unknown")
    say(f"wrote {path}; the password: {password}")


def freerdp_command(credential: CredentialView) -> str:
    """A command line that asks for the password, and connects only where this certificate is shown.

    No .rdp file can say that: mstsc has no setting for it, and shows the certificate to the person instead.
    """
    fingerprint = f"/cert:deny,fingerprint:sha256:{credential.fingerprint}"
    return f"xfreerdp /v:{address(credential)} /u:{credential.username} {fingerprint}"


def write_private(path: Path, text: str) -> None:
    """A file that only its owner reads, whatever was there before."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
    except OSError as error:
        raise Failure(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from None
