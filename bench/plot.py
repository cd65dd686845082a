# SPDX-License-Identifier: GPL-2.0-or-later
"""A line plot as SVG, for docs: few points, two axes from zero, no script. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 40, 48  # margins
TICKS = 5

Point = tuple[float, float]


def line_plot(title: str, axes: tuple[str, str], points: Sequence[Point], level: float) -> str:
    """Return a plot of `points` with a dashed line at `level`; all values are 0 or more."""
    right = max(x for x, _ in points)
    top = 1.1 * max(level, *(y for _, y in points))

    def place(point: Point) -> Point:
        x = LEFT + point[0] / right * (WIDTH - LEFT - RIGHT)
        return x, HEIGHT - BOTTOM - point[1] / top * (HEIGHT - TOP - BOTTOM)

    placed = [place(point) for point in points]
    body = [
        _text(WIDTH / 2, 22, title, size=15),
        _text(WIDTH / 2, HEIGHT - 8, axes[0]),
        _text(14, TOP - 14, axes[1], anchor="start"),
        *(_text(place((x, 0))[0], HEIGHT - BOTTOM + 16, f"{x:g}") for x, _ in points[2:]),
        *(_tick(place((0, top * n / TICKS))[1], top * n / TICKS) for n in range(TICKS + 1)),
        _line(place((0, level)), place((right, level)), "#888", 'stroke-dasharray="6 4"'),
        *(_line(a, b, "#1f6fb2", 'stroke-width="2"') for a, b in pairwise(placed)),
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#1f6fb2"/>' for x, y in placed),
    ]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *body, "</svg>\n"])


def _tick(y: float, value: float) -> str:
    grid = _line((LEFT, y), (WIDTH - RIGHT, y), "#ddd", "")
    return grid + _text(LEFT - 6, y + 4, f"{value:.1f}", anchor="end")


def _line(start: Point, end: Point, colour: str, more: str) -> str:
    ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {ends} stroke="{colour}" {more}/>'


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "middle") -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
    return f"<text {where}>{escape(text)}</text>"
