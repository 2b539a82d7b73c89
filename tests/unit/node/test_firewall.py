"""A container's firewall: options, rules with positions and digests, IP sets; what becomes of it with its container."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.node.lab import Answer, Lab

CHANGED = (500, "detected modified configuration - file changed by other user? Try again.")


def at(lab: Lab, tail: str, vmid: int = 100) -> str:
    return lab.ct(vmid, f"/firewall/{tail}")


def rules(lab: Lab, vmid: int = 100) -> list[dict[str, Any]]:
    return list(lab.root.get(at(lab, "rules", vmid)).data)


def add(lab: Lab, **rule: object) -> Answer:
    return lab.root.post(at(lab, "rules"), **({"type": "in", "action": "ACCEPT"} | rule))


def accept(lab: Lab, comment: str) -> None:
    assert add(lab, comment=comment).status == 200


def errors(answer: Answer) -> dict[str, str]:
    assert answer.status == 400, answer
    return dict(answer.document["errors"])


# options


def test_options_are_empty_until_they_are_set(lab: Lab) -> None:
    lab.create()
    assert set(lab.root.get(at(lab, "options")).data) == {"digest"}
    wanted = {"enable": 1, "policy_in": "DROP", "log_level_in": "info"}
    assert lab.root.call("PUT", at(lab, "options"), data=wanted).status == 200
    options = lab.root.get(at(lab, "options")).data
    assert (options["enable"], options["policy_in"], options["log_level_in"]) == (1, "DROP", "info")
    assert lab.root.put(at(lab, "options"), delete="policy_in").status == 200
    assert "policy_in" not in lab.root.get(at(lab, "options")).data


def test_options_are_written_under_a_digest(lab: Lab) -> None:
    lab.create()
    digest = lab.root.get(at(lab, "options")).data["digest"]
    assert lab.root.put(at(lab, "options"), enable=1, digest=digest).status == 200
    assert lab.root.put(at(lab, "options"), enable=0, digest=digest).refusal == CHANGED


def test_an_unknown_option_is_not_deleted(lab: Lab) -> None:
    answer = lab.root.put(at(lab, "options"), delete="nonsense")
    assert errors(answer) == {"delete": "no such option 'nonsense'"}


def test_nobody_looks_whether_the_container_is_there(lab: Lab) -> None:
    assert lab.root.get(at(lab, "rules", 777)).data == []
    assert lab.root.put(at(lab, "options", 777), enable=1).status == 200
    assert lab.root.get(at(lab, "options", 777)).data["enable"] == 1


def test_reading_needs_audit_and_writing_the_network(lab: Lab) -> None:
    lab.create(pool="winux")
    assert lab.limited.post(at(lab, "rules"), type="in", action="DROP").status == 200
    lab.door.set_role("WinuxController", frozenset({"VM.Audit"}))
    assert lab.limited.get(at(lab, "rules")).status == 200
    wanted = (403, "Permission check failed (/vms/100, VM.Config.Network)")
    assert lab.limited.post(at(lab, "rules"), type="nonsense").refusal == wanted
    lab.door.set_role("WinuxController", frozenset())
    assert lab.limited.get(at(lab, "options")).refusal == (403, "Permission check failed (/vms/100, VM.Audit)")


# rules


def test_a_new_rule_is_the_first_one_and_off(lab: Lab) -> None:
    accept(lab, "one")
    assert add(lab, comment="two", proto="tcp", dport="22", enable=1, pos=5).status == 200
    first, second = rules(lab)
    assert (first["pos"], first["comment"], first["enable"], first["dport"]) == (0, "two", 1, "22")
    assert (second["pos"], second["comment"], second["enable"]) == (1, "one", 0)
    assert first["digest"] == second["digest"]


def test_one_rule(lab: Lab) -> None:
    accept(lab, "one")
    assert lab.root.get(at(lab, "rules/0")).data == rules(lab)[0]
    for answer in (lab.root.get(at(lab, "rules/1")), lab.root.delete(at(lab, "rules/1"))):
        assert answer.refusal == (500, "no rule at position 1")


@pytest.mark.parametrize(("target", "order"), [(0, "dabc"), (1, "adbc"), (2, "abdc")])
def test_a_rule_is_moved_in_front_of_another_and_not_changed(lab: Lab, target: int, order: str) -> None:
    for comment in "dcba":
        accept(lab, comment)
    assert lab.root.put(at(lab, "rules/3"), moveto=target, comment="ignored").status == 200
    assert "".join(rule["comment"] for rule in rules(lab)) == order


def test_a_rule_is_moved_behind_the_last_one(lab: Lab) -> None:
    for comment in "cba":
        accept(lab, comment)
    assert lab.root.put(at(lab, "rules/0"), moveto=3).status == 200
    assert "".join(rule["comment"] for rule in rules(lab)) == "bca"


def test_a_rule_is_changed_under_a_digest(lab: Lab) -> None:
    assert add(lab, comment="c", proto="tcp", dport="80").status == 200
    digest = rules(lab)[0]["digest"]
    assert lab.root.put(at(lab, "rules/0"), dport="443", digest=digest).status == 200
    assert lab.root.put(at(lab, "rules/0"), dport="80", digest=digest).refusal == CHANGED
    assert lab.root.delete(at(lab, "rules/0"), digest=digest).refusal == CHANGED
    assert lab.root.put(at(lab, "rules/0"), delete="comment").status == 200
    assert (rules(lab)[0]["dport"], "comment" in rules(lab)[0]) == ("443", False)
    assert lab.root.delete(at(lab, "rules/0"), digest=rules(lab)[0]["digest"]).status == 200
    assert rules(lab) == []


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        ({"action": "MAYBE"}, {"action": "unknown action 'MAYBE'"}),
        ({"type": "forward"}, {"type": "invalid rule type 'forward' for rule_env 'ct'"}),
        ({"iface": "eth0"}, {"iface": "value does not match the regex pattern 'net\\d+'"}),
        ({"macro": "Nonsense"}, {"macro": "unknown macro 'Nonsense'"}),
        ({"dport": "80"}, {"proto": "missing property - 'dport' requires this property"}),
        ({"sport": "80", "proto": "gre"}, {"sport": "protocol 'gre' does not support ports"}),
        (
            {"icmp-type": "echo-request", "proto": "tcp"},
            {"proto": "missing property - 'icmp-type' requires this property"},
        ),
        ({"source": "+nobody"}, {"source": "no such ipset 'nobody'"}),
        ({"source": "somebody"}, {"source": "no such alias 'somebody'"}),
        ({"source": "10.0.0.1", "dest": "fd00::1"}, {"dest": "detected mixed ipv4/ipv6 addresses in rule"}),
        ({"proto": "nonsense"}, {"proto": "invalid format - unknown protocol 'nonsense'\n"}),
        ({"dport": "70000", "proto": "tcp"}, {"dport": "invalid format - invalid port '70000'\n"}),
        ({"source": "10.0.0.1,"}, {"source": "invalid format - extraneous commas in list\n"}),
    ],
)
def test_rules_that_are_refused(lab: Lab, rule: dict[str, object], refused: dict[str, str]) -> None:
    answer = add(lab, **{name.replace("-", "_"): value for name, value in rule.items()})
    assert errors(answer) == refused
    assert rules(lab) == []


def test_a_rule_without_type_or_action_is_refused(lab: Lab) -> None:
    missing = "property is missing and it is not optional"
    assert errors(lab.root.post(at(lab, "rules"))) == {"type": missing, "action": missing}
    accept(lab, "one")
    text = "unable to delete required property 'type'"
    assert errors(lab.root.put(at(lab, "rules/0"), delete="type")) == {"delete": text}
    text = "no such property ('nonsense')"
    assert errors(lab.root.put(at(lab, "rules/0"), delete="nonsense")) == {"delete": text}


def test_the_version_of_a_rule_follows_from_its_addresses(lab: Lab) -> None:
    assert add(lab, source="10.0.0.0/8").status == 200
    assert add(lab, proto="icmpv6").status == 200
    assert add(lab, macro="ssh").status == 200
    assert [rule.get("ipversion") for rule in rules(lab)] == [None, 6, 4]
    assert rules(lab)[0]["macro"] == "SSH"


# IP sets


def test_an_ip_set_and_what_it_holds(lab: Lab) -> None:
    assert lab.root.post(at(lab, "ipset"), name="office", comment="c").status == 200
    ((name, comment),) = [(row["name"], row["comment"]) for row in lab.root.get(at(lab, "ipset")).data]
    assert (name, comment) == ("office", "c")
    for cidr in ("10.0.0.5/8", "10.1.2.3/32", "fd00::1"):
        assert lab.root.post(at(lab, "ipset/office"), cidr=cidr).status == 200
    held = [row["cidr"] for row in lab.root.get(at(lab, "ipset/office")).data]
    assert held == ["fd00::1", "10.1.2.3", "10.0.0.0/8"]
    assert add(lab, source="+office").status == 200


def test_a_network_stands_in_the_path_with_its_slash(lab: Lab) -> None:
    lab.root.post(at(lab, "ipset"), name="office")
    lab.root.post(at(lab, "ipset/office"), cidr="10.0.0.0/8", nomatch=1)
    for path in ("ipset/office/10.0.0.0/8", "ipset/office/10.0.0.0%2F8"):
        row = lab.root.get(at(lab, path)).data
        assert (row["cidr"], row["nomatch"]) == ("10.0.0.0/8", 1)
    assert lab.root.put(at(lab, "ipset/office/10.0.0.0/8"), comment="c").status == 200
    row = lab.root.get(at(lab, "ipset/office/10.0.0.0/8")).data
    assert (row["comment"], "nomatch" in row) == ("c", False)
    assert lab.root.delete(at(lab, "ipset/office/10.0.0.0/8"), digest="0").refusal == CHANGED
    assert lab.root.delete(at(lab, "ipset/office/10.0.0.0/8"), digest=row["digest"]).status == 200
    assert lab.root.get(at(lab, "ipset/office")).data == []


def test_ip_sets_that_are_refused(lab: Lab) -> None:
    assert lab.root.get(at(lab, "ipset/office")).refusal == (500, "no such IPSet 'office'")
    lab.root.post(at(lab, "ipset"), name="office")
    assert errors(lab.root.post(at(lab, "ipset"), name="office")) == {"name": "IPSet 'office' already exists"}
    lab.root.post(at(lab, "ipset/office"), cidr="10.0.0.1")
    twice = lab.root.post(at(lab, "ipset/office"), cidr="10.0.0.1/32")
    assert errors(twice) == {"cidr": "address '10.0.0.1' already exists"}
    zero = lab.root.post(at(lab, "ipset/office"), cidr="0.0.0.0/0")
    assert errors(zero) == {"cidr": "a zero prefix is not allowed in ipset entries"}
    assert lab.root.post(at(lab, "ipset/office"), cidr="alias").refusal == (500, "no such alias 'alias'")
    bad = lab.root.post(at(lab, "ipset/office"), cidr="1.2.3")
    text = "invalid format - value does not look like a valid IP address or CIDR network\n"
    assert errors(bad) == {"cidr": text}
    assert errors(lab.root.get(at(lab, "ipset/office/10.9.9.9"))) == {"cidr": "no such IP/Network"}
    assert lab.root.delete(at(lab, "ipset/office")).refusal == (500, "IPSet 'office' is not empty")
    assert lab.root.delete(at(lab, "ipset/office"), force=1).status == 200
    assert lab.root.get(at(lab, "ipset")).data == []


def test_an_ip_set_gets_another_name_or_comment(lab: Lab) -> None:
    lab.root.post(at(lab, "ipset"), name="office", comment="c")
    lab.root.post(at(lab, "ipset/office"), cidr="10.0.0.1")
    assert lab.root.post(at(lab, "ipset"), name="home", rename="office").status == 200
    assert lab.root.post(at(lab, "ipset"), name="home", rename="home", comment="d").status == 200
    (row,) = lab.root.get(at(lab, "ipset")).data
    assert (row["name"], row["comment"]) == ("home", "d")
    assert [one["cidr"] for one in lab.root.get(at(lab, "ipset/home")).data] == ["10.0.0.1"]
    lab.root.post(at(lab, "ipset"), name="office")
    taken = lab.root.post(at(lab, "ipset"), name="office", rename="home")
    assert errors(taken) == {"name": "IPSet 'office' does already exist"}
    missing = lab.root.post(at(lab, "ipset"), name="office", rename="nobody")
    assert errors(missing) == {"name": "IPSet 'nobody' does not exist"}


# with its container


def test_a_destroy_drops_it(lab: Lab) -> None:
    lab.create()
    accept(lab, "one")
    assert lab.done(lab.root.delete(lab.ct(100))) == "OK"
    lab.create()
    assert rules(lab) == []


def test_a_clone_has_one_of_its_own(lab: Lab) -> None:
    lab.create()
    accept(lab, "one")
    lab.root.post(at(lab, "ipset"), name="office")
    assert lab.done(lab.root.post(lab.ct(100, "/clone"), newid=101)) == "OK"
    accept(lab, "later")
    assert [rule["comment"] for rule in rules(lab, 101)] == ["one"]
    assert [row["name"] for row in lab.root.get(at(lab, "ipset", 101)).data] == ["office"]


def test_a_failed_create_drops_what_was_written_before(lab: Lab) -> None:
    lab.root.put(at(lab, "options"), enable=1)
    assert lab.wait(lab.begin(100, ostemplate="local:vztmpl/missing.tar.zst")) != "OK"
    assert set(lab.root.get(at(lab, "options")).data) == {"digest"}
