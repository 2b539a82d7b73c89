"""What a session gets of its template, what it may not ask for, and what its generation stands for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.api.builtin import BUILT_IN_TEMPLATES
from controller.api.load import parse
from controller.api.manifest import Manifest
from controller.core.model import (
    AddressRange,
    ArchiveSource,
    CloneSource,
    CloneTemplate,
    Credentials,
    Network,
    Probe,
    Readiness,
    Resources,
    RestartPolicy,
    SessionSpec,
)
from controller.core.offer import NoOffer, Offer, TemplateDefaults, settle
from controller.core.resolve import generation, resolve

DEFAULTS = TemplateDefaults(
    archive="local:vztmpl/winux.tar.zst", storage="local-lvm", bridge="vmbr0", pool="winux", nodes=("pve1", "pve2")
)
NOTHING = TemplateDefaults()


def manifest(kind: str, name: str, spec: str) -> Manifest:
    text = f"apiVersion: winux.dev/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec: {spec}\n"
    parsed = parse(text.encode(), f"{name}.yaml")
    assert parsed.problems == ()
    return parsed.manifests[0]


def session(spec: str) -> Manifest:
    return manifest("Session", "alice", spec)


def offers(template: str | None = None, defaults: TemplateDefaults = DEFAULTS) -> dict[str, Offer | NoOffer]:
    """Of the built-in template and of one named xfce."""
    found = {name: settle(built_in, defaults=defaults) for name, built_in in BUILT_IN_TEMPLATES.items()}
    if template is not None:
        found["xfce"] = settle(manifest("SessionTemplate", "xfce", template), defaults=defaults)
    return found


def resolved(spec: str, template: str | None = None, defaults: TemplateDefaults = DEFAULTS) -> SessionSpec:
    result = resolve(session(spec), offers(template, defaults))
    assert isinstance(result, SessionSpec), [str(problem) for problem in result]
    return result


def refused(spec: str, template: str | None = None, defaults: TemplateDefaults = DEFAULTS) -> list[str]:
    result = resolve(session(spec), offers(template, defaults))
    assert isinstance(result, tuple), result
    return [str(problem) for problem in result]


def test_a_session_that_says_nothing_gets_the_old_systems_defaults() -> None:
    assert resolved("{}") == SessionSpec(
        template="default",
        owner=None,
        source=ArchiveSource(volume="local:vztmpl/winux.tar.zst"),
        storage="local-lvm",
        pool="winux",
        nodes=("pve1", "pve2"),
        resources=Resources(cores=2, memory_mib=1024, disk_gib=10),
        network=Network(bridge="vmbr0"),
        desktop_user="winux",
        nesting=False,
        ttl=1800.0,
        max_ttl=86400.0,
        expires_at=None,
        start_at=None,
        paused=False,
        restart_policy=RestartPolicy.ALWAYS,
        readiness=Readiness(probe=Probe.RDP, port=3389, timeout=300.0),
        credentials=Credentials.PASSWORD,
    )


def test_a_template_goes_before_the_sites_defaults_and_the_session_before_both() -> None:
    spec = resolved(
        "{template: xfce, owner: a@b, ttl: 2h, resources: {memory: 4Gi}, restartPolicy: Never, paused: true}",
        "{source: {clone: {templates: [{vmid: 9000, node: pve2}], full: true}}, storage: fast, nodes: [pve2],"
        " pool: lab, resources: {cores: 4, disk: 20Gi}, network: {bridge: vmbr7, vlan: 30,"
        " addresses: {first: 10.0.0.10, last: 10.0.0.99, prefix: 24, gateway: 10.0.0.1}, nameservers: [10.0.0.53]},"
        " desktopUser: student, ttl: {default: 1h, max: 4h}, features: {nesting: true},"
        " readiness: {probe: none, port: 13389, timeout: 1m}}",
    )
    assert spec == SessionSpec(
        template="xfce",
        owner="a@b",
        source=CloneSource(templates=(CloneTemplate(vmid=9000, node="pve2"),), full=True),
        storage="fast",
        pool="lab",
        nodes=("pve2",),
        resources=Resources(cores=4, memory_mib=4096, disk_gib=20),
        network=Network(
            bridge="vmbr7",
            vlan=30,
            addresses=AddressRange(first="10.0.0.10", last="10.0.0.99", prefix=24, gateway="10.0.0.1"),
            nameservers=("10.0.0.53",),
        ),
        desktop_user="student",
        nesting=True,
        ttl=7200.0,
        max_ttl=14400.0,
        paused=True,
        restart_policy=RestartPolicy.NEVER,
        readiness=Readiness(probe=Probe.NONE, port=13389, timeout=60.0),
        credentials=Credentials.PASSWORD,
    )


def test_points_in_time_are_unix_seconds() -> None:
    spec = resolved('{startAt: "2030-01-01T00:00:00Z", expiresAt: "2030-01-01T02:00:00+01:00"}')
    assert (spec.start_at, spec.expires_at) == (1893456000.0, 1893459600.0)


def test_a_clone_needs_no_storage() -> None:
    assert resolved("{template: xfce}", "{source: {clone: {templates: [{vmid: 9000}]}}}", NOTHING).storage == ""


@pytest.mark.parametrize(
    ("template", "ttl", "max_ttl"),
    [
        ("{}", 1800, 86400),
        ("{ttl: {max: 10m}}", 600, 600),
        ("{ttl: {default: 2d}}", 172800, 172800),
        ("{ttl: {default: 1h, max: 2h}}", 3600, 7200),
    ],
)
def test_what_a_templates_ttl_leaves_out_fits_what_it_says(template: str, ttl: float, max_ttl: float) -> None:
    spec = resolved("{template: xfce}", template)
    assert (spec.ttl, spec.max_ttl) == (ttl, max_ttl)


@pytest.mark.parametrize(
    ("spec", "template", "sentence"),
    [
        (
            "{template: xfcd}",
            "{}",
            'alice.yaml:5:18: spec.template: there is no valid SessionTemplate "xfcd"; did you mean "xfce"?',
        ),
        (
            "{template: windows}",
            "{}",
            'alice.yaml:5:18: spec.template: there is no valid SessionTemplate "windows"; there is "default", "xfce"',
        ),
        ("{resources: {cores: 9}}", None, 'cores: 9 is too much: template "default" allows at most 8'),
        ("{resources: {memory: 16Gi}}", None, 'memory: 16Gi is too much: template "default" allows at most 8Gi'),
        ("{resources: {disk: 1Ti}}", None, 'disk: 1Ti is too much: template "default" allows at most 100Gi'),
        (
            "{template: xfce, resources: {memory: 2Gi}}",
            "{limits: {memory: 1536Mi}}",
            'alice.yaml:5:44: spec.resources.memory: 2Gi is too much: template "xfce" allows at most 1536Mi',
        ),
        (
            "{ttl: 25h}",
            None,
            'alice.yaml:5:13: spec.ttl: 1d1h is too long: template "default" allows at most 1d',
        ),
    ],
)
def test_what_a_session_may_not_ask_for_is_one_sentence(spec: str, template: str | None, sentence: str) -> None:
    [found] = refused(spec, template)
    assert found.endswith(sentence)


def test_all_that_is_too_much_is_said_at_once() -> None:
    assert len(refused("{ttl: 2d, resources: {cores: 64, memory: 1024Gi, disk: 9Ti}}")) == 4


def test_a_template_may_give_more_than_the_usual_limits_and_then_allows_it() -> None:
    template = "{resources: {cores: 32, memory: 64Gi, disk: 1Ti}}"
    assert resolved("{template: xfce}", template).resources.cores == 32
    assert resolved("{template: xfce, resources: {memory: 64Gi}}", template).resources.memory_mib == 65536


def test_what_neither_template_nor_settings_say_is_named() -> None:
    template = settle(manifest("SessionTemplate", "xfce", "{}"), defaults=NOTHING)
    assert isinstance(template, NoOffer)
    assert [str(problem) for problem in template.problems] == [
        "xfce.yaml:5:1: spec.source: is left out, and the settings have no defaults.archive either; set one of the two"
    ]
    [sentence] = refused("{template: xfce}", "{source: {archive: 'local:vztmpl/x.tar.zst'}}", NOTHING)
    assert 'SessionTemplate "xfce" cannot be used: xfce.yaml:5:1: spec.storage: is left out' in sentence
    [sentence] = refused("{}", None, NOTHING)
    assert "(built-in):1:1: spec.source: is left out" in sentence


def test_a_container_template_on_a_node_where_sessions_may_not_run_is_named() -> None:
    template = settle(
        manifest("SessionTemplate", "xfce", "{source: {clone: {templates: [{vmid: 9000, node: pve9}]}}}"),
        defaults=DEFAULTS,
    )
    assert isinstance(template, NoOffer)
    [problem] = template.problems
    assert str(problem) == (
        "xfce.yaml:5:56: spec.source.clone.templates[0].node: "
        "9000 is on pve9, but sessions of this template may only run on pve1, pve2"
    )


SAME = [
    ("{}", "{template: default}"),
    ("{}", "{restartPolicy: Always, paused: false, resources: {}}"),
    ("{}", "{paused: true}"),
    ("{ttl: 1h}", "{ttl: 60m}"),
    ("{resources: {memory: 2Gi}}", "{resources: {memory: 2048Mi}}"),
    ("{ttl: 1h, owner: a}", "{owner: a, ttl: 1h}  # swapped"),
    ("{revision: 2}", '{revision: "2"}'),
    ('{expiresAt: "2030-01-01T00:00:00Z"}', '{expiresAt: "2030-01-01T01:00:00+01:00"}'),
]

DIFFERENT = [
    "{}",
    "{template: xfce}",
    "{owner: a}",
    "{ttl: 1h}",
    "{ttl: 2h}",
    '{expiresAt: "2030-01-01T00:00:00Z"}',
    '{startAt: "2030-01-01T00:00:00Z"}',
    "{resources: {cores: 2}}",
    "{resources: {memory: 1Gi}}",
    "{resources: {disk: 10Gi}}",
    "{restartPolicy: Never}",
    "{revision: 1}",
    "{revision: 2}",
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_specs_of_one_meaning_have_one_generation(one: str, other: str) -> None:
    assert generation(session(one)) == generation(session(other))


def test_specs_of_different_meaning_have_different_generations() -> None:
    assert len({generation(session(spec)) for spec in DIFFERENT}) == len(DIFFERENT)


def test_labels_and_annotations_are_no_part_of_the_generation() -> None:
    text = "apiVersion: winux.dev/v1\nkind: Session\nmetadata: {name: alice, labels: {a: b}, annotations: {c: d}}\n"
    assert generation(parse(text.encode(), "a.yaml").manifests[0]) == generation(session("{}"))


def test_a_generation_means_the_same_in_every_version() -> None:
    """Were these values to change, an upgrade would take every session for changed."""
    full = (
        '{template: xfce, owner: a@b, ttl: 90m, startAt: "2030-01-01T00:00:00Z", '
        "resources: {cores: 2, memory: 2Gi, disk: 10Gi}, restartPolicy: Never, revision: 7}"
    )
    assert generation(session("{}")) == "v1-44136fa355b3678a"
    assert generation(session(full)) == "v1-5df7f24c4be6840f"


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ("source: {clone: {templates: [{vmid: 9000}]}}", "spec.credentials"),
        ("source: {clone: {templates: [{vmid: 9000}]}}, credentials: template", None),
        ("source: {clone: {templates: [{vmid: 9000}]}}, credentials: none", None),
        ("sudo: true", "spec.sudo"),
        ("credentials: none", None),
    ],
)
def test_what_needs_the_controllers_ssh_key_is_refused_without_it(spec: str, field: str | None) -> None:
    template = manifest("SessionTemplate", "t", f"{{{spec}}}")
    assert isinstance(settle(template, defaults=DEFAULTS), Offer)
    offer = settle(template, defaults=replace(DEFAULTS, guest_key=False))
    if field is None:
        assert isinstance(offer, Offer)
    else:
        assert isinstance(offer, NoOffer)
        assert field in str(offer.problems[0])
        assert "guest.sshKeyFile" in str(offer.problems[0])
