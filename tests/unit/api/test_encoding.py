"""What is no plain UTF-8 text is refused with its line and column."""

from __future__ import annotations

import pytest

from controller.api.encoding import MAX_BYTES, NotText, decode

REFUSED = {
    b"a: 1\nb: \x00": (2, 4, "found a NUL byte: this is a binary file; a manifest is plain text"),
    b"a: \x1b[31m": (1, 4, "found the control character U+001B; a manifest is plain text"),
    "a: x\u2028b".encode(): (1, 5, "found the control character U+2028; a manifest is plain text"),
    b"a: 1\r\nb: caf\xe9": (2, 7, "the byte 0xe9 is not UTF-8 text; save the file as UTF-8"),
    b"\xef\xbb\xbfa: 1": (1, 1, "the file starts with a byte order mark; save it as UTF-8 without one"),
    b"\xff\xfea\x00": (1, 1, "the file is UTF-16 text; save it as UTF-8"),
    b"#" * (MAX_BYTES + 1): (
        1,
        1,
        "the file is larger than 1 MiB, which no manifest needs; split it or move it elsewhere",
    ),
}


@pytest.mark.parametrize(("raw", "expected"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_is_no_text_is_refused_with_its_place(raw: bytes, expected: tuple[int, int, str]) -> None:
    with pytest.raises(NotText) as caught:
        decode(raw)
    assert (caught.value.line, caught.value.column, str(caught.value)) == expected


@pytest.mark.parametrize("raw", ["name: Zoë 🦊\n".encode(), b"a: 1\r\nb: 2\r\n", b"", b"#" * MAX_BYTES])
def test_text_stays_as_it_is_byte_for_byte(raw: bytes) -> None:
    assert decode(raw).encode() == raw
