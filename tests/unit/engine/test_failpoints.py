"""A process is killed exactly where the environment says, and otherwise never."""

import os
import signal
import subprocess
import sys

import pytest

from controller.engine.failpoints import VARIABLE, Failpoint, hit

PROGRAM = """
from controller.engine.failpoints import Failpoint, hit
for round in range(3):
    for point in Failpoint:
        print(round, point, flush=True)
        hit(point)
print("end", flush=True)
"""


def run(value: str | None) -> subprocess.CompletedProcess[str]:
    environ = {name: text for name, text in os.environ.items() if name != VARIABLE}
    if value is not None:
        environ[VARIABLE] = value
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_variable_nothing_happens(value: str | None) -> None:
    done = run(value)
    assert done.returncode == 0
    assert done.stdout.endswith("end\n")


@pytest.mark.parametrize("point", [Failpoint.ACCEPT_RECORDED, Failpoint.CREATE_CALLED, Failpoint.DESTROY_TASK_DONE])
def test_the_process_dies_at_the_point_that_is_named(point: Failpoint) -> None:
    done = run(point)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.splitlines()[-1] == f"0 {point}"


def test_with_a_count_it_dies_the_nth_time() -> None:
    done = run("start.called:3")
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.splitlines()[-1] == "2 start.called"


@pytest.mark.parametrize("value", ["start.caled", "start.called:0", "start.called:x", "START_CALLED"])
def test_a_point_that_does_not_exist_is_refused_at_the_start(value: str) -> None:
    done = run(value)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"WINUX_FAILPOINT is '{value}'; allowed is NAME or NAME:COUNT" in done.stderr


def test_unarmed_points_are_passed_in_this_very_process() -> None:
    assert [hit(point) for point in Failpoint] == [None] * 19
