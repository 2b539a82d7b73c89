"""A site that a real Prometheus watches with the alert rules as they are delivered, only quicker.

Quicker is: every duration of the rules divided by ``FACTOR``, and the thresholds of ``SOONER``, each with its reason.
What is measured stays what the controller exports; nobody feeds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps

from tests.e2e.daemon import Daemon
from tests.e2e.prometheus import Alert, Prometheus, own_address
from tests.e2e.rules import each_rule, load_rules, quickened
from tests.e2e.site import Section, Site
from tests.e2e.waiting import PATIENCE

FACTOR, SHORTEST = 360.0, 4.0
"""By what durations of the rules are divided, and how many seconds a range has left at least: some scrapes."""


@dataclass(frozen=True)
class Sooner:
    """Another threshold for a test, in the text of a rule's expression."""

    found: str
    replaced: str
    because: str


_STUCK = Sooner("> 90", "> 8", "a test lets a call hang for seconds, and no idle thread is silent for longer")
SOONER: Mapping[str, tuple[Sooner, ...]] = {
    "WinuxThreadStuck": (_STUCK,),
    "WinuxObservationStale": (
        Sooner("> 120", "> 3", "the node hangs for seconds, with a tick of half a second"),
        _STUCK,
    ),
    "WinuxManifestsStale": (
        Sooner("> 300", "> 8", "the directory is gone for seconds; scans are 5 s apart then"),
        _STUCK,
    ),
    "WinuxSessionsNotReady": (Sooner("> 300", "> 5", "desktops are silent for seconds"),),
    "WinuxNoneReady": (Sooner("> 300", "> 5", "desktops are silent for seconds"),),
    "WinuxExpiryLate": (Sooner("> 300", "> 3", "a container is locked for seconds after its end"),),
    "WinuxEventsNotDelivered": (Sooner("> 900", "> 3", "the receiver is down for seconds"),),
    "WinuxReadySlow": (
        Sooner("increase1h >= 20", "increase1h >= 8", "on a busy machine a class is not Ready within one range"),
    ),
    **{
        f"instance:winux_sessions_late:ratio{window}": (
            Sooner('"30(', '"3(', "sessions that took 3 s are late, which desktops that are silent for seconds cause"),
        )
        for window in ("5m", "30m", "1h", "6h")
    },
}
"""By alert or recorded series."""

SHOWN: dict[str, frozenset[str]] = {}
"""By name of a test: the alerts that it makes fire and resolve."""


def shows(*alerts: str) -> Callable[[Callable[[MakeWatch], None]], Callable[[MakeWatch], None]]:
    """Of a test: these alerts fire in it because of what it does, and resolve when that is undone."""

    def claim(test: Callable[[MakeWatch], None]) -> Callable[[MakeWatch], None]:
        SHOWN[test.__name__] = frozenset(alerts)

        @wraps(test)
        def shown(watch: MakeWatch) -> None:
            test(watch)
            assert watch.seen == set(alerts), "what the test says it shows, and what was seen firing and resolving"

        return shown

    return claim


def quick_rules() -> dict[str, object]:
    """The delivered rules, quickened."""
    rules = quickened(load_rules(), FACTOR, shortest=SHORTEST)
    for rule in each_rule(rules):
        for sooner in SOONER.get(rule.get("alert") or rule["record"], ()):
            assert sooner.found in rule["expr"], f"there is no {sooner.found!r} in {rule['expr']!r}"
            rule["expr"] = rule["expr"].replace(sooner.found, sooner.replaced)
    return rules


class Watch:
    """A site, the controller at an address of its own, so that a restart is the same target, and Prometheus."""

    def __init__(self, site: Site, rules: Mapping[str, object]) -> None:
        self.site = site
        self.address = own_address()
        self.seen: set[str] = set()
        """Alerts that fired and resolved."""
        self.prometheus = Prometheus(self.address, rules=rules)

    def daemon(self, *, settings: Mapping[str, Section] | None = None, mortal: bool = False) -> Daemon:
        """Start the controller; returns when it sees everything and Prometheus sees it."""
        environment = {"WINUX_TELEMETRY__LISTEN": self.address}
        daemon = self.site.daemon(settings=settings, environment=environment, mortal=mortal).in_sync()
        self.prometheus.scraped().evaluated()
        return daemon

    def fires(self, *alerts: str, within: float = PATIENCE) -> dict[str, Alert]:
        """Returns when each of them did; what they say to people is whole."""
        found = self.prometheus.wait_firing(*alerts, within=within)
        for alert in found.values():
            for name in ("summary", "description", "runbook_url"):
                said = alert.annotations.get(name, "")
                assert said, f"{alert.name} has no {name}"
                # Prometheus puts the error of a template into its text.
                assert "error expanding template" not in said, f"{alert.name}: {said}"
                assert "<no value>" not in said, f"{alert.name}: {said}"
        return found

    def resolves(self, *alerts: str, within: float = PATIENCE) -> None:
        """Returns when none of them fires any more; they had to."""
        self.prometheus.wait_quiet(*alerts, within=within)
        self.seen |= set(alerts) & self.prometheus.ever_fired()

    def end(self) -> None:
        self.prometheus.end()


class MakeWatch:
    """Makes watched sites with arguments of ``Site``."""

    def __init__(self, make_site: Callable[..., Site]) -> None:
        self._make_site = make_site
        self._watches: list[Watch] = []

    def __call__(self, *, rules: Mapping[str, object] | None = None, **arguments: object) -> Watch:
        """``rules`` instead of the quick ones."""
        self._watches.append(Watch(self._make_site(**arguments), quick_rules() if rules is None else rules))
        return self._watches[-1]

    @property
    def seen(self) -> set[str]:
        return {alert for watch in self._watches for alert in watch.seen}

    def end(self) -> None:
        for watch in self._watches:
            watch.end()
