"""``/cluster/options``: read and change the options of the cluster (PVE::API2::Cluster)."""

from __future__ import annotations

from controller.node.calls.tags import allowed_to
from controller.node.context import Context
from controller.node.errors import died
from controller.node.formats import split_list
from controller.node.schema import split_properties

_OPEN = ("console", "tag-style")
"""What is shown without Sys.Audit on /."""


def read(context: Context) -> dict[str, object]:
    auditor = context.may("/", "Sys.Audit")
    options = context.cluster.datacenter.options
    shown: dict[str, object] = {name: _parsed(name, options[name]) for name in options if auditor or name in _OPEN}
    return shown | {"allowed-tags": sorted(allowed_to(context))}


def update(context: Context) -> None:
    cluster = context.cluster
    if not cluster.quorate:
        raise died("cfs-lock 'file-datacenter_cfg' error: no quorum!")
    options = cluster.datacenter.options
    options |= {name: value for name, value in context.params.items() if name != "delete"}
    for name in split_list(context.text("delete")):
        options.pop(name, None)
    cluster.journal.others()


def _parsed(name: str, text: str) -> object:
    if name == "registered-tags":
        return text.split(";")
    parts: dict[str, object] = {
        key: int(value) if value.isdecimal() else value for key, value in split_properties(text).items()
    }
    if "user-allow-list" in parts:
        parts["user-allow-list"] = str(parts["user-allow-list"]).split(";")
    return parts
