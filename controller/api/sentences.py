"""Pydantic's validation errors in the words of a person who wrote YAML: what was found, what is allowed, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, get_args

from pydantic import BaseModel, ValidationError

from controller.api.quantities import shown
from controller.api.reading import Complaint, FieldPath, Value, dotted

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_MAX_GUESSES = 100
"""How many unknown fields of a document are compared with those that are missing."""


def explain(error: ValidationError, value: Value, model: type[BaseModel]) -> Iterator[Complaint]:
    """One complaint for every field that is wrong, made one by one: hostile documents have thousands."""
    details = [(_path_in_yaml(detail["loc"], value), detail) for detail in error.errors(include_url=False)]
    known = _fields(model)
    unknown = [path for path, detail in details if detail["type"] == "extra_forbidden"][:_MAX_GUESSES]
    meant = {(*path[:-1], nearest(str(path[-1]), _names_at(path[:-1], known))) for path in unknown}
    inside = {path[:depth] for path, _ in details for depth in range(len(path))}
    said: set[FieldPath] = set()
    for path, detail in details:
        misnamed = detail["type"] == "missing" and path in meant
        caused_by_its_items = detail["type"] == "too_short" and path in inside
        if path not in said and not misnamed and not caused_by_its_items:
            said.add(path)
            of_key = detail["type"] == "extra_forbidden" or detail["loc"][-1] == "[key]"
            yield Complaint(path, _sentence(detail, path, known), of_key=of_key)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    folded = {name.replace("_", "").lower(): name for name in known}
    matches = difflib.get_close_matches(word.replace("_", "").lower(), folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def listed(words: Iterable[str], *, last: str = "or") -> str:
    """``a, b or c``."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def _path_in_yaml(loc: tuple[int | str, ...], value: Value) -> FieldPath:
    """Pydantic's location without what is none of the document's: tags of unions and ``[key]``."""
    path: list[str | int] = []
    here: Value = value
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(part, str) and part.startswith("<"):
            continue
        if isinstance(here, dict) and isinstance(part, str) and (part in here or (last and part != "[key]")):
            here = here.get(part)
            path.append(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
            path.append(part)
    return tuple(path)


def _sentence(detail: ErrorDetails, path: FieldPath, known: tuple[FieldPath, ...]) -> str:
    context = detail.get("ctx", {})
    kind = detail["type"]
    found = detail["input"]
    if kind == "sentence":
        return str(context["sentence"])
    if kind == "missing":
        return "is missing; add it"
    if kind == "extra_forbidden":
        return _unknown_field(path, known)
    if kind == "literal_error":
        return _not_one_of(found, str(context["expected"]))
    if kind in ("greater_than_equal", "less_than_equal"):
        bound, word = (context["ge"], "least") if "ge" in context else (context["le"], "most")
        return f"{shown(found)} is not allowed; at {word} {bound}"
    if kind == "too_short":
        return "is empty; write at least one item"
    return _wrong_kind(kind, found) or f"{shown(found)}: {detail['msg']}"


_WANTED = {
    "int_type": "a whole number such as 2",
    "int_from_float": "a whole number such as 2",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": 'a list of lines that start with "- "',
    "tuple_type": 'a list of lines that start with "- "',
    "dict_type": "fields below it, indented",
    "model_type": "fields below it, indented",
    "model_attributes_type": "fields below it, indented",
}


def _wrong_kind(kind: str, found: object) -> str | None:
    wanted = _WANTED.get(kind)
    if wanted is None:
        return None
    if isinstance(found, bool):
        sort: str | None = "a truth value"
    else:
        sort = "a number" if isinstance(found, int | float) else "text" if isinstance(found, str) else None
    if sort is None:
        return f"found {shown(found)}; write {wanted}"
    if kind == "string_type":
        return f'{shown(found)} is {sort}, not text; write it in quotes: "{shown(found)}"'
    return f"{shown(found)} is {sort}; write {wanted}"


def _not_one_of(found: object, expected: str) -> str:
    allowed = [word.strip().strip("'") for word in expected.replace(" or ", ",").split(",")]
    guess = nearest(found, allowed) if isinstance(found, str) and len(allowed) > 1 else None
    hint = f"; did you mean {guess}?" if guess else f"; write {listed(allowed)}"
    return f"{shown(found)} is not known{hint}"


def _unknown_field(path: FieldPath, known: tuple[FieldPath, ...]) -> str:
    name = str(path[-1])
    here = _names_at(path[:-1], known)
    if guess := nearest(name, here):
        return f'unknown field; did you mean "{guess}"?'
    if elsewhere := next((field for field in known if field[-1] == name), None):
        return f"unknown field here; did you mean {dotted(elsewhere)}?"
    return f"unknown field; allowed here: {listed(here, last='and')}"


def _names_at(path: FieldPath, known: tuple[FieldPath, ...]) -> list[str]:
    """The names that a mapping at this path may have."""
    above = tuple(0 if isinstance(part, int) else part for part in path)
    return [str(field[-1]) for field in known if field[:-1] == above]


@cache
def _fields(model: type[BaseModel]) -> tuple[FieldPath, ...]:
    """Paths of all fields of a kind, parents before children; items of lists stand under 0."""
    return tuple(_all_fields(model, ()))


def _all_fields(model: type[BaseModel], above: FieldPath) -> Iterator[FieldPath]:
    for name, field in model.model_fields.items():
        path = (*above, field.alias or name)
        yield path
        for nested, in_list in _models_in(field.annotation):
            yield from _all_fields(nested, (*path, 0) if in_list else path)


def _models_in(annotation: object, *, in_list: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, in_list
    in_list = in_list or getattr(annotation, "__origin__", None) is tuple
    for part in get_args(annotation):
        yield from _models_in(part, in_list=in_list)
