"""How much of the range of VMIDs that the site gave is used. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Set


def vmid_use(first: int, last: int, *, used: Iterable[int], taken: Set[int], seen: Set[int]) -> dict[str, int]:
    """VMIDs by what they are. ``used``: by lives; ``taken``: those, and what rests; ``seen``: all that exist."""
    inside = range(first, last + 1).__contains__
    ours, held, foreign = sum(map(inside, used)), sum(map(inside, taken)), sum(map(inside, seen - taken))
    free = max(0, last - first + 1 - held - foreign)
    return {"used": ours, "resting": max(0, held - ours), "foreign": foreign, "free": free}
