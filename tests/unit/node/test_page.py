"""``GET /``: what the page shows, that nothing on it can become code, and that it loads nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from controller.node.inprocess import InProcessNode
from controller.node.page import page
from tests.unit.node.lab import Lab

HOSTILE = "<script>alert(1)</script>\"'&"


class Reader(HTMLParser):
    """Text of the page by table row, and every element that it has."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data


def text(node: InProcessNode) -> str:
    reply = page(node.door.cluster)
    assert (reply.status, reply.content_type) == (200, "text/html;charset=UTF-8")
    return reply.body.decode()


def rows(node: InProcessNode) -> list[list[str]]:
    reader = Reader()
    reader.feed(text(node).partition("<footer>")[0])
    return reader.rows


def row(node: InProcessNode, first: str, *, number: int = 0) -> list[str]:
    """The first row that has this text in one of its first two cells."""
    return [row for row in rows(node) if first in row[:2]][number]


@pytest.fixture
def lab() -> Lab:
    return Lab(nodes=("pve1", "pve2"))


def test_a_container_is_shown_with_name_place_and_state(lab: Lab) -> None:
    lab.create(100, hostname="alice", pool=lab.node.description.pool, net0="name=eth0,bridge=vmbr0,ip=dhcp")
    assert row(lab.node, "100") == ["100", "alice", "stopped", "", "pve1", "winux", "", ""]
    lab.start(100)
    lab.clock.advance(125)
    lab.node.settle()
    address = lab.door.cluster.engine.addresses(100)[0]
    assert row(lab.node, "100") == ["100", "alice", "running", "", "pve1", "winux", "2 min", address]


def test_a_lock_and_a_template_are_shown(lab: Lab) -> None:
    lab.create(100, hostname="alice")
    lab.door.lock(100, "backup")
    assert row(lab.node, "100")[2:4] == ["stopped", "backup"]
    assert row(lab.node, "9000")[2] == "template"


def test_it_is_live_where_the_statistics_lag(lab: Lab) -> None:
    lab.create(100)
    lab.start(100)
    seen = lab.row(100)
    assert seen is not None
    assert seen["status"] == "unknown"
    assert row(lab.node, "100")[2] == "running"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3720, "1 h 02"), (90000, "1 d 1 h")],
)
def test_an_uptime_has_two_units_at_most(lab: Lab, seconds: int, shown: str) -> None:
    lab.create(100)
    lab.start(100)
    lab.clock.advance(seconds)
    lab.node.settle()
    assert row(lab.node, "100")[6] == shown


def test_tasks_at_work_stand_above_those_that_ended() -> None:
    lab = Lab(profile="real")
    lab.create(100)
    upid = lab.begin(101)
    shown = [one for one in rows(lab.node) if "vzcreate" in one]
    assert [one[2:4] for one in shown] == [["running", "101"], ["OK", "100"]]
    lab.wait(upid)
    assert [one[2] for one in rows(lab.node) if "vzcreate" in one] == ["OK", "OK"]


def test_a_task_that_failed_says_why_and_who_asked(lab: Lab) -> None:
    lab.wait(lab.begin(100, ostemplate="local:vztmpl/none.tar.zst"))
    told = row(lab.node, "vzcreate")
    assert "does not exist" in told[2]
    assert told[6] == "root@pam!winux"


def test_nodes_quorum_and_storages_are_shown(lab: Lab) -> None:
    assert row(lab.node, "pve2")[:2] == ["pve2", "online"]
    assert ["local", "dir", "pve1"] in [one[:3] for one in rows(lab.node)]
    assert ["shared", "nfs", "shared"] in [one[:3] for one in rows(lab.node)]
    lab.door.set_online("pve2", online=False)
    lab.door.set_quorum(quorate=False)
    assert row(lab.node, "pve2")[:2] == ["pve2", "offline"]
    shown = text(lab.node)
    assert "<dt>quorum</dt><dd>lost</dd>" in shown
    assert "<dt>nodes online</dt><dd>1 of 2</dd>" in shown


def test_it_says_which_proxmox_it_answers_like(lab: Lab) -> None:
    assert "answers like Proxmox VE 9.2 (" in text(lab.node)


def test_of_thousands_of_containers_five_hundred_are_shown(lab: Lab) -> None:
    for vmid in range(1000, 1600):
        lab.door.add(vmid, {})
    assert sum(one[1].startswith("CT1") for one in rows(lab.node) if len(one) == 8) == 500
    assert "600 and 2 templates, of which the first 500 are shown" in text(lab.node)


# -- what must not be there ------------------------------------------------------------------------------------


def test_whatever_a_name_is_it_stays_text(lab: Lab) -> None:
    lab.door.add(100, {"hostname": HOSTILE, "lock": HOSTILE})
    shown = text(lab.node)
    assert shown.count("<script>") == 1
    assert row(lab.node, "100")[1:4] == [HOSTILE, "stopped", HOSTILE]


def test_no_secret_and_no_description_is_on_it(lab: Lab) -> None:
    lab.create(100, description="between us", password="a-password", hostname="alice")
    description, shown = lab.node.description, text(lab.node)
    for token in (description.token, description.pool_token):
        assert token.partition("=")[2] not in shown
    assert "between us" not in shown
    assert "a-password" not in shown
    assert "correct horse" not in shown


def test_it_loads_nothing_from_anywhere(lab: Lab) -> None:
    shown = text(lab.node)
    reader = Reader()
    reader.feed(shown)
    places = [
        value for _, given in reader.elements for name, value in given.items() if name in ("src", "href", "action")
    ]
    assert [place for place in places if not (place or "").startswith("data:")] == []
    assert "url(" not in shown
    assert "@import" not in shown
    assert not any(name.startswith("on") for _, given in reader.elements for name in given)


def test_its_policy_allows_its_own_style_and_script_only(lab: Lab) -> None:
    shown = text(lab.node)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', shown)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]
    for element in ("style", "script"):
        inside = re.search(rf"<{element}>(.*?)</{element}>", shown, re.DOTALL)
        assert inside is not None
        digest = base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy[1]


def test_without_a_script_it_reloads_itself(lab: Lab) -> None:
    assert re.search(r'<noscript><meta http-equiv="refresh" content="\d+"></noscript>', text(lab.node))


def test_it_suits_dark_rooms_and_small_screens(lab: Lab) -> None:
    shown = text(lab.node)
    assert "prefers-color-scheme:dark" in shown
    assert '<meta name="viewport" content="width=device-width,initial-scale=1">' in shown
