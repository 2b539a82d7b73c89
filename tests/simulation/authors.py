"""Those who write manifests, at random: new ones, edits, removals, mistakes, a directory that is not there."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.scenarios.people import Authors
from tests.simulation.setting import Act, Setting
from tests.simulation.truth import Wish

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")
TEMPLATES: dict[str, dict[str, object]] = {
    "quick": {"readiness": {"timeout": "40s"}, "ttl": {"default": "5m"}},
    "closed": {"network": {"egress": ["10.0.0.0/8", {"cidr": "192.0.2.7", "ports": ["443/tcp"]}]}},
    "ranged": {"network": {"addresses": {"range": "10.0.0.10-10.0.0.40", "prefix": 24}}},
}
_CUT = "apiVersion: winux.dev/v1\nkind: Session\nmeta"


class RandomAuthors:
    """``wish`` and ``put_directory_back`` are for who sets the scene and tidies up."""

    def __init__(self, setting: Setting) -> None:
        self.world, self.truth, self.random = setting.world, setting.truth, setting.random
        self.verbs = Authors(self.world)
        clones = [{"vmid": 9000 + n, "node": node} for n, node in enumerate(self.world.nodes)]
        self.verbs.templates(
            {**TEMPLATES, "cloned": {"source": {"clone": {"templates": clones}}, "credentials": "template"}}
        )

    def acts(self) -> dict[Act, float]:
        return {
            self._write: 14,
            self._edit: 10,
            self._remove: 7,
            self._remove_many: 1.5,
            self._break: 3,
            self._directory: 2,
        }

    def _write(self) -> str | None:
        name = self.random.choice(NAMES)
        if self.truth.directory != "there" or name in self.truth.wishes:
            return None
        return self.wish(name)

    def wish(self, name: str) -> str:
        """A new session."""
        return self._wish(name, self._spec())

    def _edit(self) -> str | None:
        name = self._wished()
        if name is None:
            return None
        spec = {**self.truth.wishes[name].spec}
        change = self.random.choice(
            ["ttl", "resources", "revision", "template", "paused", "restartPolicy", "startAt", "nothing"]
        )
        if change == "ttl" and "expiresAt" not in spec:
            spec["ttl"] = self._ttl()
        elif change == "resources":
            spec["resources"] = self._resources()
        elif change == "revision":
            spec["revision"] = self.random.randint(1, 99)
        elif change == "template":
            spec["template"] = self._template()
        elif change == "paused":
            spec["paused"] = not spec.get("paused", False)
        elif change == "restartPolicy":
            spec["restartPolicy"] = self.random.choice(["Always", "Never"])
        elif change == "startAt" and "expiresAt" not in spec:
            spec["startAt"] = self._instant(self.random.uniform(-20, 60))
        return self._wish(name, spec)

    def _wish(self, name: str, spec: dict[str, object]) -> str:
        self.verbs.sessions({name: spec})
        self.truth.wishes[name] = Wish(spec)
        return f"people sessions: {name}: {spec}"

    def _remove(self) -> str | None:
        name = self._wished()
        if name is None:
            return None
        self.verbs.remove([name])
        del self.truth.wishes[name]
        return f"people remove: {name}"

    def _remove_many(self) -> str | None:
        names = [name for name in sorted(self.truth.wishes) if self.random.random() < 0.6]
        if self.truth.directory != "there" or len(names) < 3:
            return None
        self.verbs.remove(names)
        for name in names:
            del self.truth.wishes[name]
        return f"people remove: {names}"

    def _break(self) -> str | None:
        name = self._wished()
        if name is None or not self.truth.wishes[name].readable:
            return None
        self.truth.wishes[name].readable = False
        how = self.random.choice(["cut", "empty", "binary", "unreadable"])
        if how == "unreadable":
            self.verbs.unreadable(name)
            return f"people unreadable: {name}"
        text = {"cut": _CUT.encode(), "empty": b"", "binary": b"\x00\xff\x17"}[how]
        self.world.write(f"{name}.yaml", text)
        return f"people write {how}: {name}"

    def _directory(self) -> str | None:
        if self.truth.directory != "there":
            return self.put_directory_back()
        what = self.random.choice(["missing", "emptied"])
        self.truth.directory = what
        self.verbs.directory(what)
        return f"people directory: {what}"

    def put_directory_back(self) -> str | None:
        if self.truth.directory == "there":
            return None
        self.truth.directory = "there"
        self.verbs.directory("back")
        return "people directory: back"

    def _wished(self) -> str | None:
        if self.truth.directory != "there" or not self.truth.wishes:
            return None
        return self.random.choice(sorted(self.truth.wishes))

    def _spec(self) -> dict[str, object]:
        spec: dict[str, object] = {"template": self._template(), "ttl": self._ttl()}
        if self.random.random() < 0.3:
            spec["resources"] = self._resources()
        if self.random.random() < 0.15:
            spec["restartPolicy"] = "Never"
        if self.random.random() < 0.05:
            spec["paused"] = True
        if self.random.random() < 0.1:
            spec["startAt"] = self._instant(self.random.uniform(-20, 60))
        if self.random.random() < 0.1:
            del spec["ttl"]
            spec["expiresAt"] = self._instant(self.random.uniform(61, 400))
        return spec

    def _template(self) -> str:
        return self.random.choice(
            ["default", "default", "default", "quick", "quick", "quick", "cloned", "ranged", "closed"]
        )

    def _ttl(self) -> str:
        return self.random.choice(["5s", "20s", "45s", "90s", "5m", "30m"])

    def _resources(self) -> dict[str, object]:
        return {
            "cores": self.random.randint(1, 4),
            "memory": f"{self.random.randint(1, 4)}Gi",
            "disk": f"{self.random.randint(9, 13)}Gi",
        }

    def _instant(self, seconds: float) -> str:
        return datetime.fromtimestamp(round(self.world.clock.now() + seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
