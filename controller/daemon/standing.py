"""How everything stands, in one line: for ``systemctl status``. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from controller.core.model import Phase

_OVER = frozenset({Phase.EXPIRED, Phase.TERMINATING})


def standing(phases: Iterable[Phase], notices: Mapping[str, str]) -> str:
    """``12 sessions, 10 ready``, then what holds it back. ``notices``: sentences by reason."""
    counts = Counter(phases)
    living = sum(count for phase, count in counts.items() if phase not in _OVER)
    said = [f"{living or 'no'} session{'' if living == 1 else 's'}"]
    said += [f"{counts[Phase.READY]} ready"] if living else []
    said += [f"{counts[Phase.FAILED]} failed"] if counts[Phase.FAILED] else []
    sentences = list(notices.values())
    more = f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else ""
    return "; ".join([", ".join(said), *(f"{sentence}{more}" for sentence in sentences[:1])])
