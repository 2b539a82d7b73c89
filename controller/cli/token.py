"""``winux token``: makes tokens by which people and programs are recognised, in the mode ``token`` of the page."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.text import Text

from controller.api.fields import Owner
from controller.cli.console import out, say
from controller.cli.exits import Failure
from controller.web.identity.tokens import ROLES, new_token, token_digest
from controller.web.people import Role

_OWNER: TypeAdapter[str] = TypeAdapter(Owner)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who gets it: the owner of what is launched with it.")],
    role: Annotated[str, typer.Option(metavar="ROLE", help=f"What they may do: {', '.join(ROLES)}.")] = Role.USER,
    as_json: Annotated[bool, typer.Option("--json", help="One line for scripts.")] = False,
) -> None:
    """Make a token, show it once, and what to write into the file that `web.tokensFile` names.

    A user launches desktops and has their own; an operator sees, extends and ends those of all; an admin may log in to
    them, too. The file has the token's SHA-256 only, so that nobody can use what they read there. It is read anew when
    it changes: who is removed from it is out at once.
    """
    try:
        _OWNER.validate_python(name)
    except ValidationError as error:
        raise Failure(f"NAME: {error.errors()[0]['msg']}") from None
    if role not in ROLES:
        raise Failure(f"--role is {role!r}; choose one of: {', '.join(ROLES)}")
    token = new_token()
    entry = {"name": name, "role": str(role), "sha256": token_digest(token)}
    if as_json:
        say(json.dumps({"token": token, **entry}))
        return
    out.print(Text.assemble(("the token, which nobody can show again: ", "dim"), (token, "bold")))
    out.print(Text("to add below `tokens:` in the file that web.tokensFile names:", "dim"))
    # A string of JSON is one of YAML, whatever is in it.
    for mark, (key, value) in zip(("-", " ", " "), entry.items(), strict=True):
        say(f"  {mark} {key}: {json.dumps(value) if key == 'name' else value}")
