"""``PUT /access/users/{userid}/token/{tokenid}``: what a token may, until when, and a new secret for it."""

from __future__ import annotations

import uuid

from controller.node import parameters as p
from controller.node.calls.access import read_token
from controller.node.context import Context
from controller.node.errors import died
from controller.node.formats import split_list
from controller.node.schema import Param, Schema

UPDATE: Schema = {
    **p.TOKEN_CREATE,
    "delete": p.CONFIG_IDS,
    "regenerate": Param(kind="boolean", since=(9, 2)),
}


def update(context: Context) -> dict[str, object]:
    """The token as it is then; with ``regenerate`` also its new secret, shown here and never again.

    Only the comment can be deleted. Anything else is a 500, because what is raised under the lock of user.cfg becomes
    text (PVE::API2::User).
    """
    read_token(context)
    access, full = context.cluster.access, f"{context.text('userid')}!{context.text('tokenid')}"
    token, delete = access.tokens[full], split_list(context.text("delete"))
    for name in delete:
        if name != "comment":
            text = f"400 Parameter verification failed.\ndelete: unknown option '{name}'"
            raise died(f"updating token info failed: {text}")
    if "privsep" in context.params:
        token.privsep = context.flag("privsep")
    token.expires = context.number("expire", token.expires)
    token.comment = "" if delete else context.text("comment", token.comment)
    answer = read_token(context)
    if context.flag("regenerate"):
        token.secret = str(uuid.uuid4())
        answer |= {"value": token.secret, "full-tokenid": full}
    access.changed()
    return answer
