"""One panel of an explorer, drawn as SVG."""

import html
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ._numbers import Limits, round_step, text_of

_WIDTH, _HEIGHT = 340.0, 250.0  # of one panel, in CSS pixels at scale 1: a phone shows one, a desktop two
_LEFT, _TOP, TALL = 42.0, 36.0, 172.0  # the plot area: its corner and height
TANGENT = 50.0  # half its length
_DASHES = ("5 3", "1.5 3", "8 3 2 3")


@dataclass(frozen=True)
class Panel:
    """One set of axes: what stays while the sliders move."""

    kind: str  # "value" or "gradient": the class of its SVG, and with it the colours
    title: str
    label: str
    span: Limits
    limits: Limits
    references: dict[str, list[float]]

    @property
    def width(self) -> float:
        """Of the plot area; the right margin holds the names of the reference curves that end there."""
        ends = [_long(name) + 8 for name, y in self.references.items() if self._inside(y[-1])]
        return _WIDTH - _LEFT - max([12.0, *ends])

    def svg(self, grid: Sequence[float], y: Sequence[float | None], at: int, slope: float | None) -> str:
        """The panel with one frame in it, its point and, where there is a ``slope``, the tangent."""
        w, h = self.width, TALL
        axes = [
            f'<g transform="translate(0 {self._down(v):.1f})"><line class="{"grid" if v else "axis"}" x2="{w:.1f}"/>'
            f'<text x="-7" y="4" text-anchor="end">{text_of(v).replace("-", "−")}</text></g>'
            for v in _ticks(*self.limits)
        ]
        axes += [
            f'<text x="{self._across(v):.1f}" y="{h + 17:.1f}" text-anchor="middle">'
            f"{text_of(v).replace('-', '−')}</text>"
            for v in _ticks(*self.span)
        ]
        lines = [
            f'<path class="reference" stroke-dasharray="{dashes}" d="{self.path(grid, reference)}"/>'
            for reference, dashes in zip(self.references.values(), itertools.cycle(_DASHES), strict=False)
        ]
        x0, y0 = self._across(grid[at]), self._down(y[at] or 0.0)
        steep = (slope or 0.0) * (self.span[1] - self.span[0]) / (self.limits[1] - self.limits[0]) * h / w
        dx = TANGENT / math.hypot(1, steep)
        dy = dx * steep
        lines.append(
            f'<line class="probe" x1="{x0:.1f}" x2="{x0:.1f}" y2="{h:.1f}"/>'
            f'<path class="curve" d="{self.path(grid, y)}"/>'
        )
        if self.kind == "value":
            ends = f'x1="{x0 - dx:.1f}" y1="{y0 + dy:.1f}" x2="{x0 + dx:.1f}" y2="{y0 - dy:.1f}"'
            lines.append(f'<line class="tangent" {ends}{_hidden(slope is None)}/>')
        seen = y[at] is not None and self._inside(y[at] or 0.0)
        return (
            f'<svg class="{self.kind}" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img"'
            f' aria-label="{html.escape(self.title)}">'
            f'<path class="swatch" d="M0 11h16"/><text class="title" x="22" y="15">{html.escape(self.title)}</text>'
            f'<g transform="translate({_LEFT:g} {_TOP:g})">{"".join(axes)}'
            f'<text x="{w / 2:.1f}" y="{h + 35:.1f}" text-anchor="middle">{html.escape(self.label)}</text>'
            f'<svg width="{w:.1f}" height="{h:.1f}">{"".join(lines)}</svg>'
            f'<circle r="4.5" cx="{x0:.1f}" cy="{y0:.1f}"{_hidden(not seen)}/>'
            f"{self._names(grid)}</g></svg>"
        )

    def path(self, grid: Sequence[float], y: Iterable[float | None]) -> str:
        """SVG path data, with a gap wherever a number is missing; the script says the same."""
        parts, pen = [], "M"
        for x, v in zip(grid, y, strict=True):
            if v is None or not math.isfinite(v):
                pen = "M"
            else:
                parts.append(f"{pen}{self._across(x):.1f} {self._down(v):.1f}")
                pen = "L"
        return "".join(parts)

    def _names(self, grid: Sequence[float]) -> str:
        """The names of the reference curves, each where its curve leaves the plot area, none over another."""
        beside, above, texts = [], [], []
        for name, y in self.references.items():
            inside = [i for i, v in enumerate(y) if self._inside(v)]
            if inside and inside[-1] == len(y) - 1:
                beside.append((self._down(y[-1]), name))
            elif inside and y[inside[-1] + 1] > self.limits[1]:
                above.append((self._across(grid[inside[-1]]), name))
            elif inside:
                place = f'x="{self._across(grid[inside[-1]]) - 6:.1f}" y="{TALL - 5:.1f}" text-anchor="end"'
                texts.append(f'<text class="name" {place}>{html.escape(name)}</text>')
        floor, edge = -math.inf, math.inf
        for down, name in sorted(beside):
            floor = max(down + 4, floor + 13)
            texts.append(f'<text class="name" x="{self.width + 5:.1f}" y="{floor:.1f}">{html.escape(name)}</text>')
        for across, name in sorted(above, reverse=True):
            edge = min(across + _long(name) / 2, edge, _WIDTH - _LEFT)
            texts.append(f'<text class="name" x="{edge:.1f}" y="-5" text-anchor="end">{html.escape(name)}</text>')
            edge -= _long(name) + 8
        return "".join(texts)

    def _inside(self, y: float) -> bool:
        return self.limits[0] <= y <= self.limits[1]

    def _across(self, x: float) -> float:
        return (x - self.span[0]) / (self.span[1] - self.span[0]) * self.width

    def _down(self, y: float) -> float:
        down = (self.limits[1] - y) / (self.limits[1] - self.limits[0]) * TALL
        return min(max(down, -9 * TALL), 9 * TALL)  # renderers lose precision far outside


def _ticks(low: float, high: float) -> list[float]:
    step = round_step((high - low) / 5.5)
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(step * k, digits) + 0.0 for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def fit_limits(frames: list[list[float]], start: int) -> Limits:
    """Limits that show the first frame, and of the others as much as leaves it large."""
    first = sorted(v for v in frames[start] if math.isfinite(v)) or [0.0]
    every = sorted(v for frame in frames for v in frame if math.isfinite(v)) or [0.0]
    cut, room = len(first) // 20, 4 * (first[-1 - len(first) // 20] - first[len(first) // 20])
    low, high = max(first[0], first[cut] - room), min(first[-1], first[-1 - cut] + room)  # no asymptote
    reach = high - low
    low = max(min(low, every[len(every) // 20]), low - reach)
    high = min(max(high, every[-1 - len(every) // 20]), high + reach)
    if low == high:
        low, high = low - 1, high + 1
    if 0 < low < 0.4 * high:
        low = 0.0
    margin = 0.04 * (high - low)
    return low - margin, high + margin


def _hidden(hidden: bool) -> str:
    return ' visibility="hidden"' if hidden else ""


def _long(name: str) -> float:
    """About how wide a name is drawn."""
    return 6.2 * len(name)
