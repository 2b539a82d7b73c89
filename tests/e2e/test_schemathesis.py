"""Requests that a generator makes of the APIs' own descriptions, right ones and wrong ones: they meet no fault of the
server's, and nothing that is not described. Bounded in time and number, and the same requests each time.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.conftest import MakeSite
from tests.e2e.daemon import Daemon
from tests.e2e.site import QUICK
from tests.e2e.webhouse import LISTEN, V1, Visitor, web_of

PROGRAMME = Path(sys.executable).with_name("schemathesis")
TICKET = "wxt_" + "S" * 43
"""All sessions of a run are launched with it, so that it reaches what only their owner may."""
EXAMPLES = 20
"""For each operation and phase."""
WITHIN = 240.0
"""Seconds for one run; it takes about half a minute on two cores."""
OPEN: Mapping[str, object] = {
    "listen": LISTEN,
    # Each launch makes a container: enough of them are refused by the quotas, as they should be.
    "quotas": {"total": "unlimited", "perPerson": 6, "perAddress": 6},
    "rate": {"launches": 10_000, "per": "1s"},
    "wait": "0s",
}
BEHIND_A_PROXY: Mapping[str, object] = {
    **OPEN,
    "mode": "proxy",
    "trustedProxies": ["127.0.0.1/32"],
    "proxy": {"header": "X-Remote-User", "rolesHeader": "X-Remote-Groups"},
    "roles": {"operators": ["staff"]},
}
VISITOR = {"Authorization": f"Bearer {TICKET}"}
OPERATOR = {"X-Remote-User": "olga", "X-Remote-Groups": "staff"}
V1_ALONE, BOTH = "/api/v1/openapi.json", "/api/openapi.json"
RUNS = {
    "v1": (OPEN, VISITOR, V1_ALONE, "^/api/v1/"),
    "v1 for operators": (BEHIND_A_PROXY, OPERATOR, V1_ALONE, "^/api/v1/"),
    "old": (OPEN, VISITOR, BOTH, "^/api/winux"),
}
CONFIGURATION = """\
[checks.positive_data_acceptance]
# Whether a template is offered, a tag is the present one or a page's token is ours is in no schema.
enabled = false

[checks.use_after_free]
# An end takes a while: what is ending can be looked at until it is gone.
enabled = false

[generation]
database = "none"
"""


@pytest.fixture(scope="module")
def programme() -> Path:
    pytest.importorskip("schemathesis", reason="schemathesis is in the extra 'test'")
    return PROGRAMME


@pytest.mark.parametrize("run", RUNS)
def test_whatever_is_sent_is_answered_as_described(run: str, programme: Path, make_site: MakeSite) -> None:
    web, headers, description, paths = RUNS[run]
    daemon = make_site(settings={**QUICK, "web": web}).daemon().in_sync()
    with Visitor(web_of(daemon), headers=headers) as owner:
        assert owner.post(V1, json={"name": "desk-1"}).status_code == 201
    done = _run(programme, daemon, headers, description, paths)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert " passed" in done.stdout
    assert daemon.process.status is None, daemon.process.tail()
    assert [line for line in daemon.log() if line["level"] == "error"] == []


def _run(
    programme: Path, daemon: Daemon, headers: Mapping[str, str], description: str, paths: str
) -> subprocess.CompletedProcess[str]:
    configuration = daemon.config.with_name("schemathesis.toml")
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    options = [
        ("--max-examples", str(EXAMPLES)),
        ("--include-path-regex", paths),
        ("--exclude-path-regex", "/stream$"),  # it goes on for minutes
        ("--request-timeout", "60"),
        *(("--header", f"{name}: {value}") for name, value in headers.items()),
    ]
    return subprocess.run(
        [
            str(programme), f"--config-file={configuration}", "run", f"{web_of(daemon)}{description}",
            "--generation-deterministic", "--continue-on-failure", "--no-color",
            *(part for option in options for part in option),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN,
        cwd=daemon.config.parent,
    )  # fmt: skip
