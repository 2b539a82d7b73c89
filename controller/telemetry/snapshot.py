"""What metrics show of the controller's state at the moment of a scrape: values by family and labels.

The daemon fills it in; ``collector`` turns it into samples. What happened, unlike what is, is counted in ``metrics``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from controller.telemetry.families import READ, Family, Named

Labels = tuple[str, ...]
"""Label values, in the order in which the family declares its labels."""


class TelemetrySnapshot:
    """One moment. What is not put in is 0 where its label values are known, and else not shown."""

    __slots__ = ("names", "values")

    def __init__(self) -> None:
        self.values: dict[str, dict[Labels, float]] = {}
        """By the name of the family."""
        self.names: dict[Named, Collection[str]] = {}
        """What the site has now: its series are there before anything is counted."""

    def put(self, family: Family, value: float, *labels: str) -> None:
        """One value; a second one with the same labels replaces it."""
        self.put_all(family, {labels: value})

    def put_all(self, family: Family, values: Mapping[Labels, float]) -> None:
        """Several values at once, by labels.

        Raises:
            ValueError: the family is counted elsewhere, or has other labels.
        """
        if family.name not in READ:
            raise ValueError(f"{family.name} is counted where it happens, not read at a scrape")
        if any(len(labels) != len(family.labels) for labels in values):
            raise ValueError(f"{family.name} has the labels ({', '.join(family.labels)}), nothing else")
        self.values.setdefault(family.name, {}).update(values)
