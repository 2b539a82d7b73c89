"""Templates from Proxmox's list, and files from a URL, as tasks ``download``. Nothing is ever fetched.

The task takes its time and then the file is there, of a size that is made up; a checksum is believed.
Sources: PVE::API2::Nodes (aplinfo), PVE::API2::Storage::Status (download-url).
"""

from __future__ import annotations

from controller.node import formats
from controller.node.calls import filenames
from controller.node.context import Context
from controller.node.errors import died, forbidden, invalid
from controller.node.guest import MIB
from controller.node.parameters import BOOLEAN, ON_NODE, TEXT
from controller.node.schedule import Steps
from controller.node.schema import Param, Schema
from controller.node.storage import Storage, Volume
from controller.node.tasks import Task
from controller.node.upload import ALGORITHMS

_STORAGE = Param(required=True, format=formats.storage_id)
FROM_LIST: Schema = {**ON_NODE, "storage": _STORAGE, "template": Param(required=True, max_length=255)}
FROM_URL: Schema = {
    **ON_NODE,
    "storage": _STORAGE,
    "checksum": Param(requires="checksum-algorithm"),
    "checksum-algorithm": Param(choices=ALGORITHMS, requires="checksum"),
    "compression": TEXT,
    "content": Param(required=True, choices=filenames.CONTENT),
    "filename": Param(required=True, max_length=255),
    "url": Param(required=True, pattern="https?://.*"),
    "verify-certificates": BOOLEAN,
}

_MADE_UP = 100 * MIB
_SOURCE = "http://download.proxmox.com/images"


def _appliance(system: str, package: str, version: str, ending: str) -> dict[str, str]:
    name = f"{package}_{version}_amd64.{ending}"
    return {
        "template": name,
        "package": package,
        "version": version,
        "os": system,
        "architecture": "amd64",
        "type": "lxc",
        "section": "system",
        "headline": f"{system} ({package.rpartition('-')[2]})",
        "description": f"A small {system} system.",
        "infopage": "https://pve.proxmox.com/wiki/Linux_Container",
        "source": _SOURCE,
        "location": f"{_SOURCE}/system/{name}",
    }


_APPLIANCES = {
    row["template"]: row
    for row in (
        _appliance("alpine-3", "alpine-3.22-default", "20250617", "tar.xz"),
        _appliance("debian-12", "debian-12-standard", "12.7-1", "tar.zst"),
        _appliance("debian-13", "debian-13-standard", "13.1-2", "tar.zst"),
        _appliance("ubuntu-24.04", "ubuntu-24.04-standard", "24.04-2", "tar.zst"),
    )
}


def list_appliances(context: Context) -> list[dict[str, str]]:
    """Some of those that Proxmox offers; without their checksums."""
    del context
    return [*_APPLIANCES.values()]


def check_template_right(context: Context) -> None:
    context.need(f"/storage/{context.text('storage')}", "Datastore.AllocateTemplate")


def check_url_rights(context: Context) -> None:
    """The storage's right, and one to reach the network from the node; an or-tree says no more than that."""
    check_template_right(context)
    if not context.may("/", "Sys.Audit", "Sys.Modify") and not context.may(
        f"/nodes/{context.text('node')}", "Sys.AccessNetwork"
    ):
        raise forbidden()


def from_list(context: Context) -> str:
    """Returns the UPID, whose id is the template. A file that is there already is the right one."""
    name = context.text("template")
    if name not in _APPLIANCES:
        raise invalid({"template": "no such template"})
    storage = context.cluster.storage(context.text("storage"), context.node)
    if "vztmpl" not in storage.content:
        raise died(f"storage '{storage.name}' does not support templates")
    return context.fork("download", name, lambda task: _download(context, task, storage, "vztmpl", name)).upid


def from_url(context: Context) -> str:
    """Returns the UPID, whose id is the file's name as it is to be in the storage."""
    storage = context.cluster.storage(context.text("storage"), context.node)
    content = context.text("content")
    if storage.directory is None:
        raise died(f"can't upload to storage type '{storage.kind}', not a file based storage!")
    if content not in storage.content:
        raise died(f"storage '{storage.name}' is not configured for content-type '{content}'")
    name = filenames.normalized(content, context.text("filename"))
    return context.fork("download", name, lambda task: _download(context, task, storage, content, name)).upid


def _download(context: Context, task: Task, storage: Storage, content: str, name: str) -> Steps[None]:
    cluster, volume = context.cluster, f"{storage.name}:{content}/{name}"
    if "compression" in context.params and content != "iso":
        raise died(f"decompression not supported for {content}")
    if volume in storage.volumes:
        if "template" not in context.params and "checksum" not in context.params:
            raise died(f"refusing to override existing file '{storage.directory}/{filenames.folder(content)}/{name}'")
        task.say("OK, got correct file already, no need to download")
        return
    yield from context.work(task, lambda: cluster.schedule.timer(cluster.seconds("download")))
    storage.volumes[volume] = Volume(content, filenames.shape(name), _MADE_UP, int(cluster.schedule.wall()))
    cluster.journal.others()
    task.say(f"download of '{name}' finished")
