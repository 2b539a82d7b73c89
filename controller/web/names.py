"""Names of sessions: made up for people who give none, and checked where they give one."""

from __future__ import annotations

import re
from random import Random

from controller.web.refusals import Refused

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z", re.ASCII)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _words(
    """
    amber ample azure bold brave brief bright brisk calm clear clever cosy crisp deep eager early easy fair fine firm
    fleet fond fresh gentle glad golden grand green happy hardy honest jolly keen kind large light lively lucky lunar
    mellow merry mild neat nimble noble opal plain proud pure quick quiet rapid rare ready regal rosy royal ruby sage
    serene sharp shiny silver smart snowy solar solid sound steady sunny sure swift tidy tranquil true vivid warm  well
    whole wide wise witty young zesty
    """
)
_SECOND = _words(
    """
    acorn alder anchor apple arrow aspen badger barley basil beacon beaver birch bison brook cedar cherry cliff clover
    cloud comet coral crane cricket dawn delta dove eagle ember falcon fern field finch fjord forest fox garden  glacier
    grove gull harbor hare hazel heron hill iris island ivy jasper juniper kite koala lagoon lake larch lark  lemon lily
    lotus lynx maple marten meadow mint moon moss oak olive orchid otter owl panda pearl pebble pine planet  plum pond
    poppy quail quartz rain raven reed river robin rose sparrow spruce star stone stork swan thistle tiger  trout tulip
    valley violet walnut wave willow wren
    """
)


def made_up(random: Random) -> str:
    """Two words and a number, as ``amber-otter-42``: a million of them, and each easy to say on the telephone."""
    return f"{random.choice(_FIRST)}-{random.choice(_SECOND)}-{random.randrange(10, 100)}"


def checked(name: str) -> str:
    """The name as it is. Raises ``Refused`` with 400."""
    if not _NAME.match(name):
        found = name if len(name) <= 63 else f"{name[:60]}…"
        raise Refused(
            400,
            "BadName",
            f"{found!a} cannot be the name of a session; use up to 63 lower-case letters, digits and dashes",
        )
    return name
