"""Colours by Grafana's names on a light and on a dark page, and numbers in its units; near enough for a preview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_HUES = {
    # super-light, light, plain, semi-dark, dark
    "red": ("#FFA6B0", "#FF7383", "#F2495C", "#E02F44", "#C4162A"),
    "orange": ("#FFCB7D", "#FFB357", "#FF9830", "#FF780A", "#FA6400"),
    "yellow": ("#FFF899", "#FFEE52", "#FADE2A", "#F2CC0C", "#E0B400"),
    "green": ("#C8F2C2", "#96D98D", "#73BF69", "#56A64B", "#37872D"),
    "blue": ("#C0D8FF", "#8AB8FF", "#5794F2", "#3274D9", "#1F60C4"),
    "purple": ("#DEB6F2", "#CA95E5", "#B877D9", "#A352CC", "#8F3BB8"),
}
_SHADES = ("super-light-", "light-", "", "semi-dark-", "dark-")
CLASSIC = ("green", "yellow", "blue", "orange", "red", "semi-dark-blue", "purple", "light-green", "light-yellow",
           "light-blue", "light-orange", "light-red", "light-purple", "dark-green", "dark-yellow")  # fmt: skip


@dataclass(frozen=True)
class Theme:
    name: str
    page: str
    panel: str
    edge: str
    text: str
    faint: str
    grid: str

    def colour(self, name: str) -> str:
        for hue, shades in _HUES.items():
            if name.endswith(hue):
                at = _SHADES.index(name.removesuffix(hue))
                return shades[min(at + 1, 4)] if self.name == "light" and at == 2 else shades[at]
        return self.text if name == "text" else "none"


LIGHT = Theme("light", "#F4F5F5", "#FFFFFF", "#E1E2E4", "#24292E", "#6B7075", "#E7E8EA")
DARK = Theme("dark", "#111217", "#181B1F", "#25282D", "#CCCCDC", "#8E8E9A", "#2A2D33")
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}


def written(value: float, unit: str, decimals: int | None = None) -> str:
    if unit == "s":
        return _seconds(value, decimals)
    if unit == "percentunit":
        return f"{value:.{decimals if decimals is not None else 1}%}".replace("%", " %")
    if unit == "bytes":
        for name in ("B", "KiB", "MiB", "GiB"):
            if abs(value) < 1024:
                return f"{value:.3g} {name}"
            value /= 1024
        return f"{value:.3g} TiB"
    ending = {"reqps": " req/s", "ops": " ops/s"}.get(unit, "")
    if decimals is None and abs(value) < 1000:
        return f"{value:.3g}{ending}"
    return f"{value:.{decimals or 0}f}{ending}"


def _seconds(value: float, decimals: int | None) -> str:
    for size, name in ((31536000.0, "years"), (86400.0, "days"), (3600.0, "hours"), (60.0, "min"), (1.0, "s")):
        if abs(value) >= size:
            return f"{value / size:.{decimals}f} {name}" if decimals is not None else f"{value / size:.3g} {name}"
    return "0 s" if abs(value) < 1e-6 or decimals == 0 else f"{value * 1000:.3g} ms"


def worded(value: float, defaults: dict[str, Any]) -> tuple[str, str | None]:
    """What stands for a value, and the colour if the word has one."""
    for mapping in defaults.get("mappings", ()):
        if (result := mapping["options"].get(f"{value:g}")) is not None:
            return str(result["text"]), result.get("color")
    return written(value, defaults.get("unit", "short"), defaults.get("decimals")), None


def step_colour(value: float, steps: Sequence[dict[str, Any]]) -> str:
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return str(reached[-1]) if reached else "green"
