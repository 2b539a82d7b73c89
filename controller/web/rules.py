"""By which rules people get desktops here, as the settings say."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.web.limits import Rate
from controller.web.quotas import Quotas


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Replaced as a whole when the settings are loaded anew."""

    rate: Rate
    """Launches of one person, or of one address without a name."""
    quotas: Quotas = field(default_factory=Quotas)
    max_duration: float = 86_400.0
    """Seconds that a session may live in all; its template may allow less."""
    templates: tuple[str, ...] | None = None
    """Those that are offered, the first one to who asks for none; None: all."""

    @property
    def usual_template(self) -> str:
        return self.templates[0] if self.templates else "default"

    def offers(self, template: str) -> bool:
        return self.templates is None or template in self.templates
