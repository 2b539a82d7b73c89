"""What a plain YAML scalar means: the core schema of YAML 1.2, without the readings on which YAML versions disagree.

``yes``, ``on``, dates and ``1:30`` are text here; ``010`` is refused, being 8 to some readers and 10 to others.
"""

from __future__ import annotations

import re

from controller.api.quantities import shown

Scalar = None | bool | int | float | str

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = frozenset(("true", "True", "TRUE"))
_FALSE = frozenset(("false", "False", "FALSE"))
_DECIMAL = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_MAX_DIGITS = 18

_TAG_TYPES: dict[str, tuple[type, ...]] = {
    "tag:yaml.org,2002:null": (type(None),),
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (float, int),
}
STR_TAG = "tag:yaml.org,2002:str"


def read_plain(text: str) -> Scalar:
    """The value of an unquoted scalar; ``ValueError`` with a sentence where it would be ambiguous."""
    first = text[:1]
    if first.isalpha() and first not in "nNtTfF":
        return text
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _DECIMAL.match(text) or _BASED.match(text):
        return _read_int(text)
    if _FLOAT.match(text) or _SPECIAL.match(text):
        return float(text.replace(".", "", 1) if _SPECIAL.match(text) else text)
    return text


def read_tagged(text: str, tag: str) -> Scalar:
    """The value of a scalar with an explicit tag such as ``!!str``."""
    if tag == STR_TAG:
        return text
    kinds = _TAG_TYPES.get(tag)
    if kinds is None:
        raise ValueError(f"the tag {shown(short(tag))} is not supported; remove it")
    value = read_plain(text)
    if (isinstance(value, bool) and bool not in kinds) or not isinstance(value, kinds):
        raise ValueError(f"the value does not fit its tag {short(tag)}; remove the tag")
    return value


def short(tag: str) -> str:
    """A tag as it is written in manifests."""
    return tag.replace("tag:yaml.org,2002:", "!!", 1)


def _read_int(text: str) -> int:
    digits = text.lstrip("+-")
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"{text[:_MAX_DIGITS]}… is too large a number; put it in quotes if it is meant as text")
    if digits[:2] in ("0x", "0o"):
        return int(digits, 0)
    if len(digits) > 1 and digits[0] == "0":
        raise ValueError(
            f'{text} starts with a zero, which YAML readers understand differently; write {int(digits)} or "{text}"'
        )
    return int(text)
