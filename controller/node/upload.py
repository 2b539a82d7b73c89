"""A file that comes with a request: a form in parts, streamed to a temporary file past the limit for bodies.

As in pveproxy (PVE::APIServer::AnyEvent, file_upload_multipart): its part is named ``filename``, the other parts are
parameters, and nothing is decoded. The file is gone when this is done: what is kept of it is its size and checksum.
Not measured: pveproxy lets the connection of an upload that is no such form idle out; here it is served without file.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from aiohttp import BodyPartReader, web

from controller.node.errors import Refusal

ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
FIELD_BYTES = 512 * 1024
"""Of all parameters together."""
_PATH = re.compile(r"/api2/json/nodes/[^/]+/storage/[^/]+/upload")
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What arrived. ``parameters`` are those of query and form, with the file's name as ``filename``."""

    parameters: Mapping[str, str]
    size: int
    """Bytes of the file."""
    checksum: str
    """Of the file, by the algorithm that ``checksum-algorithm`` names; empty without one."""


def carries_file(incoming: web.BaseRequest) -> bool:
    """Whether the body is to be taken as a file, however large it is."""
    ours = incoming.method == "POST" and _PATH.fullmatch(incoming.rel_url.raw_path) is not None
    return ours and incoming.content_type == "multipart/form-data"


async def receive(incoming: web.BaseRequest) -> Upload:
    """Take the body in.

    Raises:
        Refusal: 501, the form is broken, has no file, or the disk here is full.
    """
    try:
        with tempfile.TemporaryFile() as file:
            return await _receive(incoming, file)
    except (ValueError, AssertionError) as error:  # what aiohttp raises for a broken form
        raise _failed() from error
    except OSError as error:
        raise Refusal(501, f"write to temporary file failed - {error.strerror}", body=False) from error


async def _receive(incoming: web.BaseRequest, file: BinaryIO) -> Upload:
    parameters = dict(incoming.query)
    taken, name = 0, ""
    reader = await incoming.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader) or not part.name:
            raise _failed()
        if part.filename is None:
            text = await part.read()
            taken += len(text)
            if taken >= FIELD_BYTES:
                raise _failed()
            parameters[part.name] = text.decode("utf-8", "replace")
        elif part.name == "filename":
            name = part.filename
            while chunk := await part.read_chunk(_CHUNK):
                file.write(chunk)
        else:
            raise _failed()
    if not name:
        raise _failed()
    size = file.tell()
    # The name is what Proxmox shows of its own; this file has none.
    parameters |= {"filename": name, "tmpfilename": f"/var/tmp/pveupload-{size:032x}"}  # noqa: S108
    checksum = await _checksum(file, parameters.get("checksum-algorithm", ""))
    return Upload(parameters=parameters, size=size, checksum=checksum)


async def _checksum(file: BinaryIO, algorithm: str) -> str:
    if algorithm not in ALGORITHMS:
        return ""
    file.seek(0)
    digest = await asyncio.to_thread(hashlib.file_digest, file, algorithm)  # type: ignore[arg-type]
    return str(digest.hexdigest())


def _failed() -> Refusal:
    return Refusal(501, "upload failed", body=False)
