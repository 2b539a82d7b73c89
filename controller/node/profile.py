"""How long things take: profiles of durations, measured or pleasant or none. Drawing from them is seeded."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Spread:
    """A log-normal duration in seconds, by its median and 95th percentile."""

    median: float
    p95: float

    def draw(self, rng: random.Random) -> float:
        """One duration, at most three deviations from the median."""
        if self.median <= 0:
            return 0.0
        deviations = max(-3.0, min(3.0, rng.gauss(0, 1)))
        return float(self.median * (self.p95 / self.median) ** (deviations / 1.645))


def _fixed(seconds: float) -> Spread:
    return Spread(seconds, seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    name: str
    tasks: Mapping[str, Spread] = field(default_factory=dict)
    """By task type; ``vzdestroy-running`` includes the stop. What is missing takes no time."""
    calls: Mapping[str, Spread] = field(default_factory=dict)
    """By operation: how long the synchronous part of a call takes. A task list that is not just the active one is
    ``tasks_archive``."""
    per_guest: float = 0.0
    """Seconds that ``/cluster/resources`` takes for each guest."""
    per_running: float = 0.0
    """Seconds that a node's list takes for each running container."""
    unauthorized: float = 3.0
    """The delay of every 401."""
    finishing: float = 0.0
    """From the moment that a create has written the whole config to its end."""
    dhcp: float = 0.0
    """From the end of a start to the address."""
    rdp: float = 0.0
    """From the end of a start to the answer of its RDP server."""
    statistics: float = 10.0
    """pvestatd's cycle: how old status and name in ``/cluster/resources`` may be."""


_QUICK = dict.fromkeys(("version", "nextid", "resources", "config", "tasks", "nodes", "permissions"), 0.002)
_SLOW = {
    **dict.fromkeys(("create", "update"), Spread(0.082, 0.110)),
    **dict.fromkeys(("start", "stop", "shutdown", "reboot", "template"), Spread(0.059, 0.092)),
    **dict.fromkeys(("current", "interfaces"), Spread(0.080, 0.105)),
    **dict.fromkeys(("task_status", "task_log", "pools", "pool_read", "acl"), Spread(0.035, 0.048)),
    "tasks_archive": Spread(0.013, 0.015),
    "clone": Spread(0.065, 0.108),
    "delete": Spread(0.056, 0.077),
    "resize": Spread(0.080, 0.110),
    "list": Spread(0.060, 0.084),
}

_NOT_MEASURED = {
    **dict.fromkeys(("vzsnapshot", "vzdelsnapshot", "vzrollback"), Spread(0.300, 0.600)),
    "download": Spread(2.000, 4.000),
    "imgcopy": Spread(0.500, 1.500),
    "imgdel": Spread(0.100, 0.200),
}

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(name="instant", unauthorized=0.0),
        Profile(
            name="demo",
            tasks={
                "vzcreate": Spread(0.4, 0.6),
                "vzclone": Spread(0.3, 0.5),
                "vzstart": Spread(1.0, 1.4),
                "vzstop": Spread(0.4, 0.6),
                "vzshutdown": Spread(0.6, 0.9),
                "vzdestroy": Spread(0.2, 0.3),
                "vzdestroy-running": Spread(0.6, 0.8),
            },
            calls={**{name: _fixed(seconds) for name, seconds in _QUICK.items()}, "create": _fixed(0.03)},
            dhcp=0.2,
            rdp=0.8,
        ),
        Profile(
            name="real",
            tasks={
                "vzcreate": Spread(0.330, 0.568),
                "vzclone": Spread(0.496, 1.004),
                "vzstart": Spread(1.577, 2.620),
                "vzstop": Spread(0.706, 0.849),
                "vzshutdown": Spread(0.737, 1.936),
                "vzreboot": Spread(2.300, 4.500),
                "vzdestroy": Spread(0.056, 0.109),
                "vzdestroy-running": Spread(0.725, 1.019),
                "vztemplate": Spread(0.100, 0.200),
                "resize": Spread(0.300, 0.500),
                **_NOT_MEASURED,
            },
            calls={**{name: Spread(seconds, seconds * 1.6) for name, seconds in _QUICK.items()}, **_SLOW},
            per_guest=0.00003,
            per_running=0.030,
            finishing=0.040,
            dhcp=0.5,
            rdp=2.5,
        ),
    )
}
"""``real`` holds the figures measured on PVE 9.2 with two cores; ``instant`` takes no time at all."""
