"""A real Prometheus scrapes a site with some life in it: every metric is there, and every query has an answer.

Whether alerts fire when they should is the business of ``test_alerts``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping

from controller.telemetry.families import FAMILIES, Family, Kind
from tests.dashboards.written import dashboards, filled_in
from tests.e2e.conftest import MakeSite
from tests.e2e.daemon import Daemon
from tests.e2e.dashboards import panel_queries
from tests.e2e.manifests import CLONED
from tests.e2e.prometheus import Sample, need_prometheus, own_address, watching
from tests.e2e.rules import each_rule, load_rules, rule_queries
from tests.e2e.site import Site
from tests.e2e.waiting import CLOCK

Ask = Callable[[str], list[Sample]]
SETTINGS = {
    "manifests": {"grace": "1s", "rescan": "1s"},
    "proxmox": {"tick": "500ms"},
    "readiness": {"attempts": 1},
    "telemetry": {"sessionInfo": True},
}
SILENT: Mapping[str, str] = {
    "Winux: overview / Alerts / A": "nothing fires: every rule waits for longer than this site is there",
}
"""Queries of panels that answer with nothing here, and why that is right."""
_SELECTOR = re.compile(r"""(?<!["\w:])(?:winux_\w+|\w+:winux_\w+:\w+|process_\w+|up)\b(?:\{[^}]*\})?(?!\w*=)""")
"""A series in a query, with what it is chosen by."""


def test_every_metric_is_there_and_every_query_answers(make_site: MakeSite) -> None:
    need_prometheus()
    site, address = make_site(nodes=2, settings=SETTINGS), own_address()
    token = "/access/users/winux@pve/token/controller"
    site.admin.call("PUT", token, expire=int(CLOCK.now()) + 90 * 86_400)
    with watching(address, rules=patient_rules()) as prometheus:
        checked_out(site, "5ca1ab1e" * 5)
        events = {"events": {"file": str(site.directory / "events.jsonl")}}
        daemon = site.daemon(settings=events, environment={"WINUX_TELEMETRY__LISTEN": address}).in_sync()
        prometheus.scraped()
        live(site, daemon)
        check_what_promtool_says(daemon)
        prometheus.evaluated()
        moment = prometheus.moment()

        def ask(query: str) -> list[Sample]:
            return prometheus.query(query, at=moment)

        check_every_metric(ask)
        check_every_query(ask)
        check_every_choice(ask)


def patient_rules() -> dict[str, object]:
    """The delivered ones, of which none fires however long a busy machine takes."""
    rules = load_rules()
    for rule in each_rule(rules):
        if "for" in rule:
            rule["for"] = "1h"
    return rules


def checked_out(site: Site, commit: str) -> None:
    """The directory of manifests looks like a git checkout of that commit."""
    (site.manifests.path / ".git").mkdir()
    (site.manifests.path / ".git" / "HEAD").write_text(f"{commit}\n", encoding="utf-8")


def live(site: Site, daemon: Daemon) -> None:
    """Some of everything: sessions that are ready, expired, removed, failed, held; a call and a manifest gone wrong."""
    # It hits the one that stays: what a call of unknown outcome may still make is watched for a minute after the end.
    site.admin.fault("error", operation="clone", text="got no worker upid - start worker failed", count=1)
    site.manifests.text("template-cloned.yaml", CLONED.replace("vmid: 9000", "vmid: 9000, node: pve1"))
    site.manifests.text("template-addressed.yaml", ADDRESSED.format(net=own_net()))
    site.manifests.text("template-impatient.yaml", IMPATIENT)
    site.manifests.session("ready", ttl="1h")
    site.manifests.session("cloned", ttl="1h", template="cloned")
    site.manifests.session("addressed", ttl="1h", template="addressed")
    site.manifests.session("removed", ttl="1h")
    site.manifests.session("expired", ttl="1s")
    site.manifests.session("held", ttl="1h", paused=True)
    site.manifests.session("failed", ttl="1h", template="impatient")
    site.manifests.text("broken.yaml", "kind: Sess")
    daemon.wait_ready("ready", "cloned", "addressed", "removed")
    daemon.wait_for("expired", "Expired")
    daemon.wait_for("held", "Held")
    daemon.wait_for("failed", "Failed")
    # What happens for the second time can be seen to increase: a series of events begins with the first one.
    site.manifests.session("failed-too", ttl="1h", template="impatient")
    daemon.wait_for("failed-too", "Failed")
    daemon.admin.pause(None)
    daemon.admin.resume(None)
    site.manifests.remove("removed")
    daemon.wait_gone("removed")
    daemon.wait_ticks(2)


ADDRESSED = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {{name: addressed}}
spec: {{network: {{addresses: {{first: {net}.1, last: {net}.9, prefix: 24}}}}}}
"""
IMPATIENT = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {name: impatient}
spec: {readiness: {timeout: 2s, port: 3390}}
"""


def own_net() -> str:
    """Three numbers of addresses on loopback that no other process takes."""
    return f"127.{128 + (os.getpid() >> 8 & 63)}.{os.getpid() & 255}"


def check_what_promtool_says(daemon: Daemon) -> None:
    if shutil.which("promtool") is None:
        return  # it is in the same package as Prometheus
    text = daemon.page("/metrics")[1]
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def check_every_metric(ask: Ask) -> None:
    """All that is declared is scraped, and no more than that."""
    names = {sample.labels["__name__"] for sample in ask('{__name__=~"winux_.+"}')}
    assert names == {name for family in FAMILIES for name in _samples(family)}


def _samples(family: Family) -> set[str]:
    ends = ("_bucket", "_count", "_sum") if family.kind is Kind.HISTOGRAM else ("",)
    return {f"{family.name}{end}" for end in ends}


def check_every_query(ask: Ask) -> None:
    """None is refused; every series that one names is there; each answers with data, or is known not to.

    Two kinds may always answer with nothing: an alert that has nothing to tell (that it can is shown elsewhere), and
    an annotation of what did not happen.
    """
    # An interval that holds all that happened, however long a busy machine took for it.
    panels, rules = panel_queries(interval="1h"), rule_queries()
    marks = {
        f"{board.title} / {mark['name']}": filled_in(mark["expr"], interval="1h", over="1h")
        for board in dashboards()
        for mark in board.raw["annotations"]["list"]
    }
    silent = set()
    for name, query in {**panels, **rules, **marks}.items():
        for series in _SELECTOR.findall(query):
            assert ask(series), f"{name}: there is no series {series}"
        if not ask(query) and (name in panels or (":" in name and name in rules)):
            silent.add(name)
    assert silent == SILENT.keys()


def check_every_choice(ask: Ask) -> None:
    """What can be chosen at the top of a dashboard has values."""
    choices = [
        (board.title, name, filled_in(variable["query"]["query"], interval="1m", over="1h"))
        for board in dashboards()
        for name, variable in board.variables.items()
        if variable["type"] == "query"
    ]
    assert choices
    for board, name, query in choices:
        found = re.fullmatch(r"label_values\((?P<series>.+), (?P<label>\w+)\)", query)
        assert found is not None, query
        values = {sample.labels.get(found["label"]) for sample in ask(found["series"])}
        assert values - {None}, f"{board}: there is nothing to choose from for {name}"
