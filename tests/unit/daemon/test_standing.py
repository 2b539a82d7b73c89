"""One line about how everything stands."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from controller.core.model import Phase
from controller.daemon.standing import standing

R, E, F, T, P = Phase.READY, Phase.EXPIRED, Phase.FAILED, Phase.TERMINATING, Phase.PENDING


@pytest.mark.parametrize(
    ("phases", "sentences", "line"),
    [
        ([], [], "no sessions"),
        ([R], [], "1 session, 1 ready"),
        ([R] * 10 + [P, P], [], "12 sessions, 10 ready"),
        ([R, E, T], [], "1 session, 1 ready"),
        ([E], [], "no sessions"),
        ([R, F], [], "2 sessions, 1 ready, 1 failed"),
        ([P], ["Proxmox does not answer"], "1 session, 0 ready; Proxmox does not answer"),
        ([], ["one", "two", "three"], "no sessions; one (and 2 more)"),
    ],
)
def test_what_it_says(phases: Sequence[Phase], sentences: Sequence[str], line: str) -> None:
    assert standing(phases, {str(number): sentence for number, sentence in enumerate(sentences)}) == line
