"""Wrong manifests and the sentence that each is answered with. Line, column and sentence, without the file."""

from __future__ import annotations

HEAD = "apiVersion: winux.dev/v1\nkind: Session\nmetadata:\n  name: alice\n"
SPEC = HEAD + "spec:\n  "
TEMPLATE = "apiVersion: winux.dev/v1\nkind: SessionTemplate\nmetadata:\n  name: xfce\nspec:\n  "
SESSION_FIELDS = "template, owner, ttl, expiresAt, startAt, resources, paused, restartPolicy and revision"
NAME = 'a name (lower-case letters, digits and "-", starting and ending with a letter or digit), such as "alice"'

SESSIONS = {
    # durations
    SPEC + "ttl: 90": '6:8: spec.ttl: 90 is a number; write a duration with units such as "90s" or "1h30m"',
    SPEC + "ttl: 1:30": '6:8: spec.ttl: 1:30 is the number 90 in YAML; write a duration such as "1m30s" or "1h30m"',
    SPEC + "ttl: [1h]": '6:3: spec.ttl: a list is not a duration; write one with units such as "90s" or "1h30m"',
    SPEC + "ttl: soon": "6:8: spec.ttl: "
    '"soon" is not a duration; write days, hours, minutes and seconds in that order, '
    'such as "45s", "30m", "1h30m" or "2d"',
    SPEC + "ttl:": "6:3: spec.ttl: has no value; write one or remove the line",
    # points in time
    SPEC + "expiresAt: 2030-01-01T10:00:00": "6:14: spec.expiresAt: "
    '"2030-01-01T10:00:00" has no time zone; write "2030-01-01T10:00:00Z" or add the offset, such as "+02:00"',
    SPEC + "expiresAt: 2030-01-01T10:00:00Z\n  ttl: 1h": "6:14: spec.expiresAt: "
    "cannot stand next to spec.ttl; remove one of the two",
    SPEC + "expiresAt: 2030-01-01T10:00:00Z\n  startAt: 2030-01-01T12:00:00+02:00": "6:14: spec.expiresAt: "
    "is not after spec.startAt; the session would end before it starts",
    # sizes
    SPEC + "resources: {memory: 2048}": "6:23: spec.resources.memory: "
    '2048 is a number; write the memory with a unit, such as "2048Mi"',
    SPEC + "resources: {disk: 10GB}": "6:21: spec.resources.disk: "
    '"10GB" is not a disk size; write a whole number with Gi or Ti, such as "10Gi"',
    SPEC + "resources: {cores: two}": '6:22: spec.resources.cores: "two" is text; write a whole number such as 2',
    SPEC + "resources: {cores: 2.5}": "6:22: spec.resources.cores: 2.5 is a number; write a whole number such as 2",
    SPEC + "resources: {cores: 0}": "6:22: spec.resources.cores: 0 is not allowed; at least 1",
    SPEC
    + "resources: {cores: true}": "6:22: spec.resources.cores: true is a truth value; write a whole number such as 2",
    # other values
    SPEC + "paused: yes": '6:11: spec.paused: "yes" is text; write true or false',
    SPEC + "paused: 1": "6:11: spec.paused: 1 is a number; write true or false",
    SPEC + "restartPolicy: always": '6:18: spec.restartPolicy: "always" is not known; did you mean Always?',
    SPEC + "restartPolicy: Sometimes": '6:18: spec.restartPolicy: "Sometimes" is not known; write Always or Never',
    SPEC + "revision: 1.5": "6:13: spec.revision: "
    "1.5 is not a revision; write a number or a short word without blanks, such as 2",
    SPEC + "owner: 7": '6:10: spec.owner: 7 is a number, not text; write it in quotes: "7"',
    SPEC + 'owner: " x"': '6:10: spec.owner: " x" is not an owner (text without blanks around it), '
    'such as "alice@example.org"',
    HEAD + "spec: []": "5:1: spec: found a list; write fields below it, indented",
    HEAD + "spec: 30m": '5:7: spec: "30m" is text; write fields below it, indented',
    # fields
    SPEC + "tll: 30m": '6:3: spec.tll: unknown field; did you mean "ttl"?',
    SPEC + "expires_at: x": '6:3: spec.expires_at: unknown field; did you mean "expiresAt"?',
    SPEC + "vcpus: 4": f"6:3: spec.vcpus: unknown field; allowed here: {SESSION_FIELDS}",
    SPEC + "cores: 4": "6:3: spec.cores: unknown field here; did you mean spec.resources.cores?",
    HEAD + "ttl: 30m": "5:1: ttl: unknown field here; did you mean spec.ttl?",
    SPEC + "ttl: 30m\n  ttl: 40m": "7:3: spec.ttl: is given twice, first in line 6; remove one of them",
    # names
    HEAD.replace("alice", "Alice"): f'4:9: metadata.name: "Alice" is not {NAME}',
    HEAD.replace("alice", "a_b"): f'4:9: metadata.name: "a_b" is not {NAME}',
    HEAD.replace("alice", "-a"): f'4:9: metadata.name: "-a" is not {NAME}',
    HEAD.replace("alice", "7"): '4:9: metadata.name: 7 is a number, not text; write it in quotes: "7"',
    HEAD.replace("alice", "a" * 64): f'4:9: metadata.name: "{"a" * 60}…" has 64 characters; at most 63 are allowed',
    HEAD.replace("  name: alice", "  labels: {}"): "3:1: metadata.name: is missing; add it",
    HEAD
    + "  labels: {course: 101}": '5:20: metadata.labels.course: 101 is a number, not text; write it in quotes: "101"',
    HEAD + "  labels: {c d: x}": "5:12: metadata.labels.c d: "
    '"c d" is not a label\'s name (letters, digits, "-", "_" and ".", with an optional "domain/" before it), '
    'such as "course"',
    # what it is
    HEAD.replace("Session", "Sesion"): '2:7: kind: "Sesion" is not known; did you mean Session?',
    HEAD.replace("Session", "Pod"): '2:7: kind: "Pod" is not known; write Session or SessionTemplate',
    HEAD.replace("kind: Session\n", ""): "1:1: kind: is missing; add kind: Session or SessionTemplate",
    HEAD.replace("/v1", "/v2"): '1:13: apiVersion: "winux.dev/v2" is not known; write "apiVersion: winux.dev/v1"',
    HEAD.replace("apiVersion: winux.dev/v1\n", ""): '1:1: apiVersion: is missing; add "apiVersion: winux.dev/v1"',
    "- alice": '1:1: found a list where a manifest belongs; start it with "apiVersion: winux.dev/v1"',
    "alice": '1:1: found "alice" where a manifest belongs; start it with "apiVersion: winux.dev/v1"',
}

TEMPLATES = {
    TEMPLATE
    + "source: {archive: winux.tar.zst}": '6:21: spec.source.archive: "winux.tar.zst" is not an archive volume '
    '(storage:vztmpl/file), such as "local:vztmpl/winux.tar.zst"',
    TEMPLATE + "source: {}": "6:3: spec.source: needs exactly one of archive and clone",
    TEMPLATE
    + "source: {clone: {templates: []}}": "6:20: spec.source.clone.templates: is empty; write at least one item",
    TEMPLATE + "source: {clone: {templates: [{vmid: 9}]}}": "6:39: spec.source.clone.templates[0].vmid: "
    "9 is not allowed; at least 100",
    TEMPLATE + "source: {clone: {templates: [{vmd: 9000}]}}": "6:33: spec.source.clone.templates[0].vmd: "
    'unknown field; did you mean "vmid"?',
    TEMPLATE + "source: {clone: {templates: [{vmid: 900}, {vmid: 900}]}}": "6:52: spec.source.clone.templates[1].vmid: "
    "900 stands there twice",
    TEMPLATE + "nodes: pve1": '6:10: spec.nodes: "pve1" is text; write a list of lines that start with "- "',
    TEMPLATE + "network: {vlan: 5000}": "6:19: spec.network.vlan: 5000 is not allowed; at most 4094",
    TEMPLATE + "network: {nameservers: [dns]}": '6:27: spec.network.nameservers[0]: "dns" is not an IP address, '
    'such as "10.0.0.53"',
    TEMPLATE + "network: {addresses: static}": '6:24: spec.network.addresses: "static" is not known; '
    "write dhcp, or range and prefix on lines of their own below it",
    TEMPLATE + "network: {addresses: {range: 10.0.0.5-10.0.0.9}}": "6:13: spec.network.addresses.prefix: "
    "is missing; add it",
    TEMPLATE + "network: {addresses: {range: 10.0.0.5, prefix: 24}}": "6:32: spec.network.addresses.range: "
    '"10.0.0.5" is not a range of IPv4 addresses, such as "10.0.0.10-10.0.0.99"',
    TEMPLATE + "network: {addresses: {first: 10.0.0.5, prefix: 24}}": "6:13: spec.network.addresses: "
    'needs either range, such as "10.0.0.10-10.0.0.99", or both first and last',
    TEMPLATE + "network: {addresses: {range: 10.0.0.9-10.0.0.5, prefix: 24}}": "6:32: spec.network.addresses.range: "
    "ends at 10.0.0.5, before it starts at 10.0.0.9",
    TEMPLATE + "network: {addresses: {range: 10.0.0.5-10.0.1.5, prefix: 24}}": "6:32: spec.network.addresses.range: "
    "10.0.1.5 is outside the network 10.0.0.0/24 of 10.0.0.5; is the prefix right?",
    TEMPLATE + "network: {addresses: {range: 10.0.0.5-10.0.0.255, prefix: 24}}": "6:32: spec.network.addresses.range: "
    "holds the first or the last address of 10.0.0.0/24, which no host can have",
    TEMPLATE + "network: {addresses: {range: 10.0.0.1-10.0.0.9, prefix: 24, gateway: 10.0.0.1}}": "6:72: "
    "spec.network.addresses.gateway: 10.0.0.1 is inside the range; a container would get it",
    TEMPLATE + "network: {addresses: {range: 10.0.0.5-10.0.0.9, prefix: 24, gateway: 10.1.0.1}}": "6:72: "
    "spec.network.addresses.gateway: 10.1.0.1 is outside the network 10.0.0.0/24 of the range",
    TEMPLATE + "network: {egress: all}": '6:21: spec.network.egress: "all" is not known; '
    "write internet, none, or a list of networks below it",
    TEMPLATE + "network: {egress: []}": "6:13: spec.network.egress: is empty; write at least one item",
    TEMPLATE + "network: {egress: {cidr: 10.0.0.0/8}}": "6:13: spec.network.egress: a mapping is not known; "
    "write internet, none, or a list of networks below it",
    TEMPLATE + "network: {egress: [example.org]}": '6:22: spec.network.egress[0]: "example.org" is not a network, '
    'such as "10.0.0.0/8" or "192.0.2.7"',
    TEMPLATE + "network: {egress: [10.0.0.5/8]}": '6:22: spec.network.egress[0]: "10.0.0.5/8" is an address inside of '
    'a network; write "10.0.0.0/8", or "10.0.0.5" for it alone',
    TEMPLATE + "network: {egress: [10.0.0.0/8, 10.0.0.0/8]}": "6:34: spec.network.egress[1]: "
    "10.0.0.0/8 stands there twice",
    TEMPLATE + "network: {egress: [{cidr: 10.0.0.0/8}]}": "6:22: spec.network.egress[0].ports: is missing; add it",
    TEMPLATE + "network: {egress: [{cidr: 10.0.0.0/8, port: 443/tcp}]}": "6:41: spec.network.egress[0].port: "
    'unknown field; did you mean "ports"?',
    TEMPLATE + "network: {egress: [{cidr: 10.0.0.0/8, ports: [443]}]}": "6:49: spec.network.egress[0].ports[0]: "
    '443 has no protocol; write "443/tcp" or "443/udp"',
    TEMPLATE + "network: {egress: [{cidr: 10.0.0.0/8, ports: [https]}]}": "6:49: spec.network.egress[0].ports[0]: "
    '"https" is not a port with its protocol, such as "443/tcp" or "8000-8010/tcp"',
    TEMPLATE + "network: {egress: [{cidr: 10.0.0.0/8, ports: [80-70/tcp]}]}": "6:49: "
    'spec.network.egress[0].ports[0]: "80-70/tcp" is no range of ports: they go from 1 to 65535, the lower one first',
    TEMPLATE + "ttl: {default: 2h, max: 1h}": "6:18: spec.ttl.default: 2h is more than spec.ttl.max, 1h",
    TEMPLATE + "limits: {memory: 512Mi}": "6:20: spec.limits.memory: "
    "512Mi is less than the 1Gi that spec.resources.memory gives every session",
    TEMPLATE + "readiness: {probe: ssh}": '6:22: spec.readiness.probe: "ssh" is not known; write rdp or none',
}
