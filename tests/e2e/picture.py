"""What is to be seen in a picture of a screen: XFCE's panel, or xrdp's refusal. Reads pictures, takes none."""

from __future__ import annotations

import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

Colour = tuple[int, int, int]
PANEL_HEIGHTS = range(20, 49)
"""Pixels; XFCE's default is 26."""


@dataclass(frozen=True, slots=True)
class Picture:
    """``pixels``: rows from the top, three bytes for each pixel."""

    width: int
    height: int
    pixels: bytes

    @classmethod
    def read(cls, file: Path) -> Picture:
        """Of any format that ImageMagick reads."""
        said = subprocess.run(["convert", str(file), "-depth", "8", "ppm:-"], capture_output=True, check=True).stdout
        kind, width, height, deepest = said[:40].split()[:4]
        assert (kind, deepest) == (b"P6", b"255"), said[:40]
        return cls(int(width), int(height), said[-3 * int(width) * int(height) :])

    @classmethod
    def filled(cls, colour: Colour, *, width: int = 1280, height: int = 800) -> Picture:
        return cls(width, height, bytes(colour) * (width * height))

    def row(self, y: int, *, start: float = 0.0, end: float = 1.0) -> list[Colour]:
        """Pixels of a row; ``start`` and ``end`` are parts of the width."""
        first, last = int(start * self.width), int(end * self.width)
        line = self.pixels[3 * (y * self.width + first) : 3 * (y * self.width + last)]
        return list(zip(line[::3], line[1::3], line[2::3], strict=True))

    def below(self, y: int) -> Picture:
        """Without the rows above ``y``."""
        return Picture(self.width, self.height - y, self.pixels[3 * y * self.width :])

    def over(self, other: Picture) -> Picture:
        """This one on top, the other one under it."""
        return Picture(self.width, self.height + other.height, self.pixels + other.pixels)

    def without(self, start: float, end: float, *, rows: int, colour: Colour) -> Picture:
        """A part of the width painted over, in so many rows from the top."""
        first, last = int(start * self.width), int(end * self.width)
        pixels = bytearray(self.pixels)
        for y in range(rows):
            pixels[3 * (y * self.width + first) : 3 * (y * self.width + last)] = bytes(colour) * (last - first)
        return Picture(self.width, self.height, bytes(pixels))


def panel_height(picture: Picture) -> int | None:
    """The rows of XFCE's panel; None where there is none.

    It is a bar of one colour from the left edge to the right edge at the top, with a border to what is below, the
    button of the applications at its left end and the clock and the user's name at its right one.
    """
    bar = Counter(picture.row(4) + picture.row(12)).most_common(1)[0][0]
    height = next((y for y in range(PANEL_HEIGHTS.stop) if not _is_of(picture.row(y), bar)), None)
    if height not in PANEL_HEIGHTS:
        return None
    inside = range(2, height - 2)
    written = [[_differing(picture.row(y, start=a, end=b), bar) for y in inside] for a, b in ((0.0, 0.1), (0.85, 1.0))]
    shares = [sum(parts) / len(parts) for parts in written]
    empty = [_differing(picture.row(y, start=0.25, end=0.6), bar) for y in inside]
    return height if all(0.04 < share < 0.6 for share in shares) and max(empty) < 0.05 else None


def refused(picture: Picture) -> bool:
    """Whether it is what xrdp shows after a wrong password: its log in a light box at the left, and nothing else."""
    rows = [int(part * picture.height) for part in (0.2, 0.25, 0.3, 0.4)]
    box, rest = picture.row(rows[0], start=0.2)[0], picture.row(rows[0], start=0.5)[0]
    title = picture.row(int(0.025 * picture.height), start=0.15, end=0.3)
    return (
        _differing([box], rest) > 0
        and sum(box) > sum(rest)
        and all(_differing(picture.row(y, start=0.03, end=0.3), box) == 0 for y in rows)
        and all(_differing(picture.row(y, start=0.35), rest) == 0 for y in range(0, picture.height, 20))
        and _differing(title, box) == 1
    )


def _is_of(row: list[Colour], bar: Colour) -> bool:
    """A row of the panel: more than a third of it is of the bar's colour, and its quarters all have some."""
    quarter = len(row) // 4
    parts = [row[n * quarter : (n + 1) * quarter] for n in range(4)]
    return _differing(row, bar) < 0.65 and all(_differing(part, bar) < 0.98 for part in parts)


def _differing(row: list[Colour], colour: Colour) -> float:
    """Which part of the pixels is clearly of another colour."""
    return sum(sum(abs(a - b) for a, b in zip(pixel, colour, strict=True)) > 48 for pixel in row) / len(row)
