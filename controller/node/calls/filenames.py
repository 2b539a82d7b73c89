"""Names of the files that people put into a storage: what they become, which are taken, and where they lie.

Source: PVE::Storage (normalize_content_filename and the endings of each kind of content).
"""

from __future__ import annotations

import re

from controller.node.errors import invalid

_ENDINGS = {
    "iso": re.compile(r".+\.(iso|img)", re.IGNORECASE),
    "vztmpl": re.compile(r".+\.(tar|tar\.(gz|xz|zst|bz2))", re.IGNORECASE),
    "import": re.compile(r"[a-zA-Z0-9\-.+=_]+\.(ova|qcow2|raw|vmdk)"),
}
CONTENT = tuple(_ENDINGS)
_FORMATS = {"tar.gz": "tgz", "tar.xz": "txz", "tar.zst": "tzst", "tar.bz2": "tbz2"}


def normalized(content: str, filename: str) -> str:
    """The last part of the name, all in it that is not a letter, digit, dot, dash a ``_``. Raises a 400."""
    name = re.sub(r"[^a-zA-Z0-9_.-]", "_", re.sub(r".*[/\\]", "", filename))
    if not _ENDINGS[content].fullmatch(name):
        text = "invalid filename or wrong extension" if content == "import" else "wrong file extension"
        raise invalid({"filename": text})
    return name


def shape(name: str) -> str:
    """The ``format`` of a file in lists."""
    return next((short for ending, short in _FORMATS.items() if name.endswith(ending)), name.rpartition(".")[2])


def folder(content: str) -> str:
    """Below the storage's directory."""
    return {"vztmpl": "template/cache", "iso": "template/iso"}.get(content, content)
