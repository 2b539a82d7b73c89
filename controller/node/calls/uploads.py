"""A file that a client sends becomes one of a storage's, as task ``imgcopy`` (PVE::API2::Storage::Status, upload).

Only its size is kept: a container that is made from it is one of the engine's own making, and with the engine ``lxc``
the create task fails and says that there is no file. Texts are those of the source, not measured.
"""

from __future__ import annotations

from controller.node import formats
from controller.node.calls import filenames
from controller.node.context import Context
from controller.node.errors import died
from controller.node.parameters import ON_NODE
from controller.node.schedule import Steps
from controller.node.schema import Param, Schema
from controller.node.storage import Storage, Volume
from controller.node.tasks import Task
from controller.node.upload import ALGORITHMS, Upload

UPLOAD: Schema = {
    **ON_NODE,
    "storage": Param(required=True, format=formats.storage_id),
    "checksum": Param(requires="checksum-algorithm"),
    "checksum-algorithm": Param(choices=ALGORITHMS, requires="checksum"),
    "content": Param(required=True, choices=filenames.CONTENT),
    "filename": Param(required=True, max_length=255),
    "tmpfilename": Param(pattern="/var/tmp/pveupload-[0-9a-f]+"),  # noqa: S108  # a name, as Proxmox has it
}


def upload(context: Context) -> str:
    """Returns the UPID, whose id is empty. A file of that name is overwritten."""
    storage = context.cluster.storage(context.text("storage"), context.node)
    content, temporary, received = context.text("content"), context.text("tmpfilename"), context.upload
    if storage.directory is None:
        raise died(f"can't upload to storage type '{storage.kind}'")
    if not temporary:
        raise died("missing temporary file name")
    if received is None:
        raise died(f"temporary file '{temporary}' does not exist")
    name = filenames.normalized(content, context.text("filename"))
    if content not in storage.content:
        raise died(f"storage '{storage.name}' does not support '{content}' content")
    return context.fork("imgcopy", "", lambda task: _import(context, task, storage, received, name)).upid


def _import(context: Context, task: Task, storage: Storage, received: Upload, name: str) -> Steps[None]:
    cluster, content, temporary = context.cluster, context.text("content"), context.text("tmpfilename")
    task.say(f"starting file import from: {temporary}")
    if wanted := context.text("checksum"):
        if received.checksum != wanted.lower():
            task.say("calculating checksum...")
            raise died(f"checksum mismatch: got '{received.checksum}' != expect '{wanted}'")
        task.say("calculating checksum...OK, checksum verified")
    target = f"{storage.directory}/{filenames.folder(content)}/{name}"
    task.say(f"target node: {context.node}")
    task.say(f"target file: {target}")
    task.say(f"file size is: {received.size}")
    task.say(f"command: cp -- {temporary} {target}")
    yield from context.work(task, lambda: cluster.schedule.timer(cluster.seconds("imgcopy")))
    storage.volumes[f"{storage.name}:{content}/{name}"] = Volume(
        content, filenames.shape(name), received.size, int(cluster.schedule.wall())
    )
    cluster.journal.others()
    task.say("finished file import successfully")
