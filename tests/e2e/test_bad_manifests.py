"""A dozen bad manifests: one sentence each with file, line and column, and nobody else's session is disturbed."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.daemon import call_winux
from tests.e2e.manifests import Manifests
from tests.e2e.site import Site
from tests.e2e.waiting import until

HEAD = "apiVersion: winux.dev/v1\nkind: Session\n"
BOMB = "".join(
    f"{name}: &{name} [{', '.join([f'*{before}' if before else 'x'] * 9)}]\n"
    for before, name in [("", "a"), ("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "f")]
)
BAD: dict[str, tuple[str | bytes, str]] = {
    "alias-bomb.yaml": (
        BOMB,
        "alias-bomb.yaml:5:12: the document has more than 20000 values, its aliases written out; "
        "no manifest needs so many",
    ),
    "bad-duration.yaml": (
        HEAD + "metadata: {name: bad-duration}\nspec:\n  ttl: 30 minutes\n",
        'bad-duration.yaml:5:8: spec.ttl: "30 minutes" is not a duration; write days, hours, minutes and seconds in '
        'that order, such as "45s", "30m", "1h30m" or "2d"',
    ),
    "bare-sexagesimal.yaml": (
        HEAD + "metadata: {name: bare-sexagesimal}\nspec:\n  ttl: 1:30\n",
        "bare-sexagesimal.yaml:5:8: spec.ttl: 1:30 is the number 90 in YAML; "
        'write a duration such as "1m30s" or "1h30m"',
    ),
    "binary.yaml": (
        b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)),
        "binary.yaml:3:115: the byte 0x80 is not UTF-8 text; save the file as UTF-8",
    ),
    "capitals.yaml": (
        HEAD + "metadata:\n  name: Capitals\n",
        'capitals.yaml:4:9: metadata.name: "Capitals" is not a name (lower-case letters, digits and "-", starting and '
        'ending with a letter or digit), such as "alice"',
    ),
    "duplicate-key.yaml": (
        HEAD + "metadata: {name: duplicate-key}\nspec:\n  ttl: 30m\n  ttl: 1h\n",
        "duplicate-key.yaml:6:3: spec.ttl: is given twice, first in line 5; remove one of them",
    ),
    "five-megabytes.yaml": (
        HEAD + "metadata: {name: five-megabytes}\n# " + "x" * 5_000_000,
        "five-megabytes.yaml:1:1: the file is larger than 1 MiB, which no manifest needs; "
        "split it or move it elsewhere",
    ),
    "over-the-limit.yaml": (
        HEAD + "metadata: {name: over-the-limit}\nspec:\n  resources:\n    cores: 64\n",
        'over-the-limit.yaml:6:12: spec.resources.cores: 64 is too much: template "default" allows at most 8',
    ),
    "tab.yaml": (
        HEAD + "metadata: {name: tab}\nspec:\n\tttl: 30m\n",
        "tab.yaml:5:1: found a tab; YAML is indented with spaces only",
    ),
    "twice-b.yaml": (
        HEAD + "metadata: {name: twice}\nspec: {ttl: 2h}\n",
        'twice-b.yaml:3:18: metadata.name: the Session "twice" stands in twice-a.yaml:1 already, and that one counts; '
        "rename or remove one of the two",
    ),
    "unknown-field.yaml": (
        HEAD + "metadata: {name: unknown-field}\nspec:\n  tll: 30m\n",
        'unknown-field.yaml:5:3: spec.tll: unknown field; did you mean "ttl"?',
    ),
    "wrong-kind.yaml": (
        "apiVersion: winux.dev/v1\nkind: Pod\nmetadata: {name: wrong-kind}\n",
        'wrong-kind.yaml:2:7: kind: "Pod" is not known; write Session or SessionTemplate',
    ),
}
SENTENCES = [sentence for _, sentence in BAD.values()]


def drop_them_all(manifests: Manifests) -> None:
    manifests.text("twice-a.yaml", HEAD + "metadata: {name: twice}\nspec: {ttl: 1h}\n")
    for file, (text, _) in BAD.items():
        manifests.text(file, text)


def test_each_gets_one_sentence_and_disturbs_nobody(site: Site) -> None:
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    site.manifests.session("bob", ttl="1h")
    before = daemon.wait_ready("alice", "bob")
    drop_them_all(site.manifests)
    until(
        lambda: sorted(problem.sentence for problem in daemon.admin.status().problems) == SENTENCES,
        what="all twelve are reported",
        show=lambda: [problem.sentence for problem in daemon.admin.status().problems],
    )
    assert all(re.match(rf"{re.escape(file)}:\d+:\d+: ", sentence) for file, (_, sentence) in BAD.items())
    daemon.wait_ready("twice")
    after = daemon.wait_ready("alice", "bob")
    assert {n: (s.uid, s.vmid, s.expires_at) for n, s in after.items()} == {
        n: (s.uid, s.vmid, s.expires_at) for n, s in before.items()
    }
    assert sorted(site.admin.of()) == ["alice", "bob", "twice"]
    # A VMID may turn out to be that of a container which the controller cannot see: it then asks once more.
    taken = [event for event in daemon.admin.events(limit=10_000) if event.reason == "VmidTaken"]
    written = [write.operation for write in site.admin.writes()]
    assert written == ["create"] * (3 + len(taken)), "three creates, and nothing that a mistake caused"
    assert daemon.metric("winux_manifests_problems") == len(BAD)

    # What stands beside them goes on as ever.
    site.manifests.session("carol", ttl="1h")
    site.manifests.remove("bob")
    daemon.wait_ready("carol")
    daemon.wait_gone("bob")


def test_winux_validate_finds_them_all_in_one_run(tmp_path: Path) -> None:
    manifests = Manifests(tmp_path / "manifests")
    drop_them_all(manifests)
    found = call_winux("validate", str(manifests.path))
    assert found.returncode == 1
    *lines, last = found.stderr.splitlines()
    assert sorted(line.removeprefix(f"{manifests.path}/") for line in lines) == SENTENCES
    assert last == "12 problems in 12 of 14 files"
    for file in BAD:
        (manifests.path / file).unlink()
    clean = call_winux("validate", str(manifests.path))
    assert (clean.returncode, clean.stderr) == (0, "")


def test_a_mistake_in_a_manifest_in_force_changes_nothing_until_it_is_mended(site: Site) -> None:
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="8s")
    before = daemon.wait_ready("alice")["alice"]
    site.manifests.session("alice", ttl="1h30")
    problem = until(lambda: daemon.admin.status().problems, what="the mistake is reported")[0]
    assert problem.session == "alice"
    said = daemon.cli("describe", "alice")
    assert problem.sentence in " ".join(said.stdout.split())
    session = daemon.session("alice")
    assert session is not None
    assert (session.uid, session.expires_at) == (before.uid, before.expires_at)
    # Broken or not, it ends on time: the last good one counts.
    daemon.wait_for("alice", "Expired")
