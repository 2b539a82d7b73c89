"""From the bytes of a manifest file to its text, refusing what is no plain UTF-8 text. No YAML here."""

from __future__ import annotations

import re

MAX_BYTES = 1024 * 1024
"""A manifest file larger than this is refused unread."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOM = "\ufeff"
# Control characters, and the three exotic line breaks on which YAML versions disagree.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")


class NotText(Exception):
    """The bytes are no manifest text; ``str()`` says why, ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def decode(raw: bytes) -> str:
    """The text, its line ends untouched: encoding it again gives the same bytes."""
    if len(raw) > MAX_BYTES:
        raise NotText("the file is larger than 1 MiB, which no manifest needs; split it or move it elsewhere")
    if raw.startswith(_UTF16):
        raise NotText("the file is UTF-16 text; save it as UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = place(raw[: error.start].decode("utf-8", errors="replace"), None)
        found = f"the byte 0x{raw[error.start]:02x}"
        raise NotText(f"{found} is not UTF-8 text; save the file as UTF-8", line=line, column=column) from None
    if text.startswith(_BOM):
        raise NotText("the file starts with a byte order mark; save it as UTF-8 without one")
    if (bad := _FORBIDDEN.search(text)) is not None:
        line, column = place(text, bad.start())
        code = ord(bad.group())
        what = "a NUL byte: this is a binary file" if code == 0 else f"the control character U+{code:04X}"
        raise NotText(f"found {what}; a manifest is plain text", line=line, column=column)
    return text


def place(text: str, offset: int | None) -> tuple[int, int]:
    """Line and column, both from 1, of an offset into the text; of its end for None."""
    before = text if offset is None else text[:offset]
    lines = re.split(r"\r\n|\n|\r", before)
    return len(lines), len(lines[-1]) + 1
