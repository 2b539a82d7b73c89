"""What holds the controller back is a metric from the first scrape on, whatever it is."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable

from controller.core.guards import Brakes
from controller.reconcile.picture import Picture
from controller.reconcile.reconciler import WHOLE_PICTURE
from controller.telemetry.snapshot import GUARDS


def syntax(function: Callable[..., object]) -> list[ast.AST]:
    return list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))))


def said_by_the_picture() -> set[str]:
    """The reason codes in ``Picture.sentences``: the keys of its literal and of every entry added to it."""
    keys: list[ast.expr | None] = []
    for node in syntax(Picture.sentences):
        keys += node.keys if isinstance(node, ast.Dict) else [node.slice] if isinstance(node, ast.Subscript) else []
    return {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def raised_by_the_brakes() -> set[str]:
    """The reason codes that ``Brakes`` gives for what it holds."""
    against = (Brakes.against_expiry, Brakes.against_orphan, Brakes.against_creation)
    calls = [node for function in against for node in syntax(function) if isinstance(node, ast.Call)]
    return {keyword.arg for call in calls for keyword in call.keywords if keyword.arg is not None}


def test_the_metric_has_every_reason_that_people_can_be_told() -> None:
    assert {"Paused", "NoQuorum", "NotSynced"} < said_by_the_picture(), "the source is not read right any more"
    assert sorted(GUARDS) == list(GUARDS) == sorted(said_by_the_picture())


def test_whatever_brakes_a_session_is_one_of_them() -> None:
    assert len(raised_by_the_brakes()) >= 5, "the source is not read right any more"
    assert raised_by_the_brakes() <= set(GUARDS)
    assert set(GUARDS) >= WHOLE_PICTURE
