"""What may go wrong at the node: faults of calls, nodes, quorum, rights; drawn at random."""

from __future__ import annotations

from random import Random

from controller.node.faults import FaultKind
from tests.scenarios.people import FaultSpec

_MAKING, _OTHER_WRITES = ("create", "clone"), ("start", "update", "delete", "resize")
_READS = ("resources", "tasks", "config", "nextid", "interfaces", "permissions", "task_status", "nodes", "current")
_TEXTS = (
    "injected fault",
    "cfs-lock 'file-user_cfg' error: got lock request timeout",
    "can't lock file '/run/lock/lxc/pve-config-1.lock' - got timeout",
    "got no worker upid - start worker failed",
    "cluster not ready - no quorum?",
)
_TASK_TEXTS = ("command failed", "can't lock file '/run/lock/lxc/pve-config-1.lock' - got timeout", "no space left")


def draw_fault(random: Random) -> FaultSpec:
    """One rule: a few calls, or a share of all of them until faults are healed."""
    kind = random.choice([*FaultKind])
    tasks = kind in {FaultKind.SLOW_TASK, FaultKind.TASK_ERROR, FaultKind.WORKER_KILLED}
    if tasks:
        operation = random.choice([*_MAKING, *_MAKING, "start", "delete", "resize"])
    else:
        operation = random.choice([*_MAKING, *_MAKING, *_OTHER_WRITES, *_READS])
    status, text = random.choice([(500, random.choice(_TEXTS)), (500, _TEXTS[0]), (403, "Permission check failed")])
    if random.random() < 0.1:
        status, text = 595, "No route to host"
    often = random.random() < 0.25
    return FaultSpec(
        kind=kind,
        operation=operation,
        status=status,
        text=random.choice(_TASK_TEXTS) if tasks else text,
        seconds=random.choice([0.0, 0.2, 1.0, 4.0, 12.0] if tasks else [0.5, 3.0, 11.0, 33.0, 38.0, 50.0]),
        done=random.random() < 0.5,
        count=None if often else random.randint(1, 3),
        probability=random.uniform(0.1, 0.6) if often else 1.0,
        skip=random.choice([0, 0, 0, 1, 2]),
    )
