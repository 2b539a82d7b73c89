"""The options of the whole cluster that change what a session controller may do or sees (``datacenter.cfg``).

Which VMIDs ``nextid`` offers, how tags are kept, and who may set which. Source: PVE::DataCenterConfig and
PVE::GuestHelpers. The other options of the real file change nothing here and are refused.
"""

from __future__ import annotations

from controller.node import formats
from controller.node.schema import Param, Schema, split_properties

_TAGS = r"[\w][\w\-+.]*(?:;[\w][\w\-+.]*)*"
_VMIDS = Param(kind="integer", minimum=100, maximum=1_000_000_000)

OPTIONS: Schema = {
    "next-id": Param(properties={"lower": _VMIDS, "upper": _VMIDS}),
    "registered-tags": Param(pattern=_TAGS),
    "tag-style": Param(
        properties={
            "case-sensitive": Param(kind="boolean"),
            "color-map": Param(),
            "ordering": Param(choices=("config", "alphabetical")),
            "shape": Param(choices=("full", "circle", "dense", "none")),
        }
    ),
    "user-tag-access": Param(
        properties={
            "user-allow": Param(choices=("none", "list", "existing", "free")),
            "user-allow-list": Param(pattern=_TAGS),
        }
    ),
}
UPDATE: Schema = {**OPTIONS, "delete": Param(format=formats.each(formats.config_id))}


class Datacenter:
    """``options`` are texts as they were given, checked before."""

    def __init__(self) -> None:
        self.options: dict[str, str] = {}

    def _part(self, option: str, part: str, default: str) -> str:
        return split_properties(self.options.get(option, "")).get(part, default)

    @property
    def vmids(self) -> tuple[int, int]:
        """The first VMID that ``nextid`` offers, and the first that it does not any more."""
        return int(self._part("next-id", "lower", "100")), int(self._part("next-id", "upper", "1000000"))

    @property
    def registered(self) -> frozenset[str]:
        """Tags that only those may set who have Sys.Modify on /."""
        return frozenset(filter(None, self.options.get("registered-tags", "").split(";")))

    @property
    def allowed(self) -> str:
        """Which tags the others may set: ``free``, ``existing``, ``list`` or ``none``."""
        return self._part("user-tag-access", "user-allow", "free")

    @property
    def listed(self) -> frozenset[str]:
        return frozenset(filter(None, self._part("user-tag-access", "user-allow-list", "").split(";")))

    def tidy(self, tags: list[str]) -> list[str]:
        """Each tag once; in lower case and sorted unless the cluster wants it otherwise."""
        exact = self._part("tag-style", "case-sensitive", "0") in ("1", "on", "yes", "true")
        tags = tags if exact else [tag.lower() for tag in tags]
        kept = list(dict.fromkeys(tags))
        return kept if self._part("tag-style", "ordering", "alphabetical") == "config" else sorted(kept)
