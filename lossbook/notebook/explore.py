r"""Draw a loss and its gradient side by side, under sliders.

`explore` returns one object that is two things. In a live notebook it is ipywidgets: each move of a slider calls
the function and redraws. In a built page, where no kernel runs, it is a self-contained piece of HTML: the frames
are precomputed numbers, the figure is inline SVG, the sliders are plain range inputs. Nothing is fetched.

**How an explorer is stored in a notebook.** A fresh output holds three keys:

- ``text/plain``: one line with the settings and one value and slope, kept and compared by nbval;
- ``application/vnd.jupyter.widget-view+json``: a random model id, to be dropped from the stored output
  (nbval skips that key, on both sides);
- ``text/html``: the payload, far too long to store. nbval does compare this key and fails when one side lacks it,
  so the stored output keeps the key and `STORED` replaces the payload: ``STORED_PATTERN.sub(STORED, html)``.
  The same pair, as a section of the file given to ``nbval --nbval-sanitize-with``, makes a fresh output equal to
  the stored one. The notebook's ``metadata.widgets`` is dropped too.

A built page takes the HTML when ``_config.yml`` says, under ``sphinx: config:``,
``nb_mime_priority_overrides: [["html", "text/html", 0]]`` and ``nb_ipywidgets_js: {}``.
"""

import contextlib
import functools
import html
import importlib
import inspect
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

STORED = "<p>The sliders appear when this cell runs, and on the page of the built book.</p>"
"""What a stored notebook holds in place of an explorer's HTML."""
STORED_PATTERN = re.compile(r'(?s)<div class="lossbook-explorer".*</div><!-- lossbook-explorer -->')
"""What `STORED` replaces."""

Limits = tuple[float, float]
Frame = tuple[list[float | None], list[float | None]]  # value and gradient, one number per sample, None: not finite

_STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

_SAMPLES = 201  # at most, over the swept argument
_STEPS = {0: 1, 1: 31, 2: 11}  # most steps of a slider, by the number of sliders: a page stays under 200 kB
_WIDTH, _HEIGHT = 340.0, 250.0  # of one panel, in CSS pixels at scale 1: a phone shows one, a desktop two
_LEFT, _TOP, _TALL = 42.0, 36.0, 172.0  # the plot area: its corner and height
_TANGENT = 50.0  # half its length
_DASHES = ("5 3", "1.5 3", "8 3 2 3")


def explore(
    fn: Callable[..., Tensor],
    over: str | None = None,
    span: Limits = (-4.0, 4.0),
    *,
    at: float | None = None,
    compare: Mapping[str, Callable[..., Tensor]] | None = None,
    label: str | None = None,
    value_limits: Limits | None = None,
    gradient_limits: Limits | None = None,
    **arguments: Any,
) -> "Explorer":
    """Draw value and gradient of ``fn`` over one of its arguments, under sliders for up to two others.

    The value is what ``fn`` returns for a float64 tensor of inputs, with ``reduction="none"`` where it takes it; the
    gradient is autograd's. A last slider moves a point along the curve and shows the tangent there.

    Args:
        fn: maps a tensor to one value per entry; further arguments are fixed or put under a slider.
        over: the argument on the horizontal axis; the first one unless given.
        span: (low, high) of that axis.
        at: where the point starts on that axis; three quarters of the way unless given.
        compare: reference curves, label to function. Each gets the same input and, by name, the same tensors.
        label: of the horizontal axis; the name of the argument unless given.
        value_limits: (low, high) of the value axis; fitted unless given.
        gradient_limits: (low, high) of the gradient axis; fitted unless given.
        arguments: every other argument of ``fn`` by name. ``(low, high)`` or ``(low, high, start)`` makes a slider,
            so does a list of choices; any other value is fixed. Where ``fn`` takes a tensor (an argument without a
            default, or named ``...weight``) a number is spread to a tensor shaped like the input. ``target`` is 0
            unless given.

    Returns:
        An `Explorer`: as the last line of a cell it shows itself.

    Raises:
        ValueError: unknown or missing argument, a range that is not low < high, more than two sliders, or ``fn``
            returning anything but one value per entry, differentiable in the swept argument.

    Example:
        >>> import torch.nn.functional as F
        >>> explore(F.huber_loss, delta=(0.1, 3.0))
        explore(huber_loss): value and gradient over input from -4 to 4; delta 0.1 to 3, now 1; at input = 2 the value is 1.5 and the slope is 1
        >>> explore(F.gaussian_nll_loss, var=(0.2, 4.0, 1.0), compare={"squared error": lambda e: e**2 / 2})
        explore(gaussian_nll_loss): value and gradient over input from -4 to 4; var 0.2 to 4, now 1; at input = 2 the value is 2 and the slope is 2
    """  # noqa: E501
    curve = Curve.of(fn, over, arguments)
    low, high = _span(f"{curve}: span", span)
    if len(curve.sliders) > 2:
        raise ValueError(f"{curve}: at most two sliders, got {len(curve.sliders)}: {', '.join(curve.sliders)}")
    if at is None:
        at = low + 0.75 * (high - low)
    elif not low <= at <= high:
        raise ValueError(f"{curve}: at must lie in the span {_text(low)} to {_text(high)}, got {at}")
    return Explorer(
        curve,
        _grid(low, high, _SAMPLES, include=at),
        float(at),
        {name: Curve.beside(curve, name, function) for name, function in (compare or {}).items()},
        curve.over if label is None else label,
        (value_limits, gradient_limits),
    )


@dataclass(frozen=True)
class Slider:
    """The settings of one argument, in order, and where to start."""

    choices: list[Any]
    start: int
    is_range: bool = False

    @staticmethod
    def of(owner: str, setting: tuple[Any, ...] | list[Any], default: Any, steps: int) -> "Slider":
        """Read a range ``(low, high[, start])`` or a list of choices."""
        if isinstance(setting, list):
            if len(setting) < 2:
                raise ValueError(f"{owner} needs at least two choices, got {setting}")
            return Slider(setting, setting.index(default) if default in setting else 0)
        if len(setting) not in (2, 3):
            raise ValueError(f"{owner} takes (low, high) or (low, high, start), got {setting}")
        low, high = _span(owner, setting[:2])
        if len(setting) == 3:
            start = setting[2]
            if not (_is_number(start) and low <= start <= high):
                raise ValueError(f"{owner} needs low <= start <= high, got {setting}")
        else:
            start = default if _is_number(default) and low <= default <= high else None
        choices = _grid(low, high, steps, include=start)
        return Slider(choices, len(choices) // 2 if start is None else choices.index(start), is_range=True)

    def __str__(self) -> str:
        """What it offers, in words."""
        said = [_say(choice) for choice in self.choices]
        return f"{said[0]} to {said[-1]}" if self.is_range else ", ".join(said)


@dataclass(frozen=True)
class Curve:
    """A function, the argument that is swept, and what the other arguments are."""

    fn: Callable[..., Tensor]
    over: str
    fixed: dict[str, Any]
    sliders: dict[str, Slider]
    tensors: frozenset[str]  # arguments for which a number is spread to a tensor

    @property
    def name(self) -> str:
        """The function's own name."""
        function = self.fn.func if isinstance(self.fn, functools.partial) else self.fn
        name = str(getattr(function, "__name__", type(function).__name__))
        return "loss" if name == "<lambda>" else name

    def __str__(self) -> str:
        """How messages begin."""
        return f"explore({self.name})"

    @staticmethod
    def of(fn: Callable[..., Tensor], over: str | None, arguments: Mapping[str, Any]) -> "Curve":
        """Sort the arguments into fixed ones and sliders; refuse what ``fn`` does not take."""
        owner = str(Curve(fn, "", {}, {}, frozenset()))
        named, anything = _parameters(owner, fn)
        over = next(iter(named)) if over is None else over
        for name in [over, *arguments]:
            if name not in named and not anything:
                raise ValueError(f"{owner}: no argument named {name}; it takes {', '.join(named)}")
        if over in arguments:
            raise ValueError(f"{owner}: {over} is on the axis; give its range as span, got {arguments[over]}")

        required = {n for n, p in named.items() if p.default is p.empty}
        fixed: dict[str, Any] = {"target": 0.0} if "target" in required - {over} else {}
        fixed |= {n: a for n, a in arguments.items() if not isinstance(a, tuple | list)}
        ranges = {n: a for n, a in arguments.items() if isinstance(a, tuple | list)}
        fixed = {n: a for n, a in fixed.items() if n not in ranges}
        if missing := sorted(required - {over, *fixed, *ranges}):
            raise ValueError(f"{owner}: {missing[0]} has no default: give a number, (low, high) or a list of choices")
        if "reduction" in named and "reduction" not in arguments:
            fixed["reduction"] = "none"
        steps = _STEPS[min(len(ranges), 2)]
        sliders = {
            n: Slider.of(f"{owner}: {n}", a, named[n].default if n in named else None, steps) for n, a in ranges.items()
        }
        tensors = required | {n for n in named if n.endswith("weight")}
        return Curve(fn, over, fixed, sliders, frozenset(tensors))

    @staticmethod
    def beside(curve: "Curve", label: str, fn: Callable[..., Tensor]) -> "Curve":
        """A reference curve: it shares the tensors of ``curve`` by name, and keeps its own settings."""
        named, _ = _parameters(f"{curve}: {label}", fn)
        shared = [name for name in list(named)[1:] if name in curve.tensors]
        if moving := [name for name in shared if name in curve.sliders]:
            raise ValueError(f"{curve}: {label} stands still, so it cannot take {moving[0]}, which is on a slider")
        return Curve.of(fn, None, {name: curve.fixed[name] for name in shared if name in curve.fixed})

    @property
    def start(self) -> dict[str, Any]:
        """Where the sliders stand at first."""
        return {name: slider.choices[slider.start] for name, slider in self.sliders.items()}

    def __call__(self, x: Tensor, settings: Mapping[str, Any]) -> tuple[Tensor, Tensor | None]:
        """Value and gradient at every entry of ``x``; no gradient where autograd finds no path to it."""
        x = x.detach().clone().requires_grad_()
        arguments = {
            name: torch.full_like(x, a, requires_grad=False) if name in self.tensors and _is_number(a) else a
            for name, a in {**self.fixed, **settings}.items()
        }
        try:
            value = self.fn(**{self.over: x}, **arguments)
        except Exception as error:
            said = "".join(f", {name} = {_say(a)}" for name, a in settings.items())
            error.add_note(f"{self} called it with {self.over} from {x[0]:g} to {x[-1]:g}{said}")
            raise
        if not isinstance(value, Tensor) or value.shape != x.shape:
            got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f"{self}: it must return one value per entry, shape {tuple(x.shape)}, got {got}")
        if not value.requires_grad:
            return value, None
        (gradient,) = torch.autograd.grad(value.sum(), x, allow_unused=True)
        return value.detach(), gradient


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
        w, h = self.width, _TALL
        axes = [
            f'<g transform="translate(0 {self._down(v):.1f})"><line class="{"grid" if v else "axis"}" x2="{w:.1f}"/>'
            f'<text x="-7" y="4" text-anchor="end">{_text(v).replace("-", "−")}</text></g>'
            for v in _ticks(*self.limits)
        ]
        axes += [
            f'<text x="{self._across(v):.1f}" y="{h + 17:.1f}" text-anchor="middle">{_text(v).replace("-", "−")}</text>'
            for v in _ticks(*self.span)
        ]
        lines = [
            f'<path class="reference" stroke-dasharray="{dashes}" d="{self.path(grid, reference)}"/>'
            for reference, dashes in zip(self.references.values(), itertools.cycle(_DASHES), strict=False)
        ]
        x0, y0 = self._across(grid[at]), self._down(y[at] or 0.0)
        steep = (slope or 0.0) * (self.span[1] - self.span[0]) / (self.limits[1] - self.limits[0]) * h / w
        dx = _TANGENT / math.hypot(1, steep)
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
                place = f'x="{self._across(grid[inside[-1]]) - 6:.1f}" y="{_TALL - 5:.1f}" text-anchor="end"'
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
        down = (self.limits[1] - y) / (self.limits[1] - self.limits[0]) * _TALL
        return min(max(down, -9 * _TALL), 9 * _TALL)  # renderers lose precision far outside


class Explorer:
    """Value and gradient under sliders: ipywidgets in a live notebook, self-contained HTML anywhere else."""

    def __init__(
        self,
        curve: Curve,
        grid: list[float],
        at: float,
        references: Mapping[str, Curve],
        label: str,
        limits: tuple[Limits | None, Limits | None],
    ) -> None:
        """Compute every frame, and from them the axes."""
        self.curve, self.grid, self.at = curve, grid, grid.index(at)
        self._x = torch.tensor(grid, dtype=torch.float64)
        self._widget: Any = None
        self._check(curve)
        settings = itertools.product(*(slider.choices for slider in curve.sliders.values()))
        frames = [curve(self._x, dict(zip(curve.sliders, s, strict=True))) for s in settings]
        still = {name: reference(self._x, {}) for name, reference in references.items()}
        start = functools.reduce(lambda n, s: n * len(s.choices) + s.start, curve.sliders.values(), 0)
        titles = {"value": f"value of {curve.name}", "gradient": f"gradient by {curve.over}"}
        self.panels = [
            Panel(
                kind,
                title,
                label,
                (grid[0], grid[-1]),
                _fit([_numbers(frame[k]) for frame in frames], start)
                if limits[k] is None
                else _span(f"{curve}: {kind}_limits", limits[k]),
                {name: _numbers(reference[k]) for name, reference in still.items() if reference[k] is not None},
            )
            for k, (kind, title) in enumerate(titles.items())
        ]
        self._frames = [_rounded(*frame) for frame in frames]
        self._start = self._frames[start]

    def frame(self, **settings: Any) -> Frame:
        """Value and gradient over the grid, from the function itself, to four digits."""
        return _rounded(*self.curve(self._x, {**self.curve.start, **settings}))

    def __repr__(self) -> str:
        """One line: what is drawn, the sliders, and one value and slope."""
        curve = self.curve
        parts = [f"value and gradient over {curve.over} from {_text(self.grid[0])} to {_text(self.grid[-1])}"]
        for name, slider in curve.sliders.items():
            parts.append(f"{name} {slider}, now {_say(slider.choices[slider.start])}")
        return f"{curve}: {'; '.join(parts)}; {self._reading(self._start, self.at)}"

    @property
    def html(self) -> str:
        """A self-contained page fragment: the figure, range inputs and the script that joins them."""
        curve = self.curve
        sliders = {name: ([_say(c) for c in s.choices], s.start) for name, s in curve.sliders.items()}
        sliders[curve.over] = ([_text(x) for x in self.grid], self.at)
        rows = "".join(
            f'<label><span>{html.escape(name)}</span><input type="range" min="0" max="{len(texts) - 1}" step="1"'
            f' value="{start}" aria-valuetext="{html.escape(texts[start])}" autocomplete="off"></label>'
            f'<output aria-live="off">{html.escape(texts[start])}</output>'
            for name, (texts, start) in sliders.items()
        )
        data = {
            "names": list(sliders),
            "texts": [texts for texts, _ in sliders.values()],
            "grid": self.grid,
            "frames": self._frames,
            "limits": [panel.limits for panel in self.panels],
            "widths": [panel.width for panel in self.panels],
            "tall": _TALL,
            "reach": _TANGENT,
        }
        packed = json.dumps(data, separators=(",", ":"), allow_nan=False).replace(".0,", ",").replace("<", "\\u003c")
        return (
            f'<div class="lossbook-explorer" role="group" aria-label="Explorer of {html.escape(curve.name)}">'
            f"{self._figure(curve.start, self._start, self.at)}"
            f'<div class="sliders" hidden>{rows}</div><noscript><p>The sliders need JavaScript.</p></noscript>'
            f'<script type="application/json">{packed}</script><script>{_SCRIPT}</script>'
            "</div><!-- lossbook-explorer -->"
        )

    @property
    def widget(self) -> Any:
        """The ipywidgets box: sliders that call the function and redraw."""
        if self._widget is None:
            widgets = importlib.import_module("ipywidgets")
            layout = widgets.Layout(width="min(100%, 36em)")

            def slider(name: str, texts: Iterable[str], start: int) -> Any:
                options = [(text, i) for i, text in enumerate(texts)]
                style = {"description_width": "8em"}
                return widgets.SelectionSlider(
                    options=options, value=start, description=name, style=style, layout=layout
                )

            figure = widgets.HTML()
            sliders = {n: slider(n, map(_say, s.choices), s.start) for n, s in self.curve.sliders.items()}
            point = slider(self.curve.over, map(_text, self.grid), self.at)

            def redraw(_: Any = None) -> None:
                settings = {n: s.choices[sliders[n].value] for n, s in self.curve.sliders.items()}
                drawn = self._figure(settings, self.frame(**settings), point.value)
                figure.value = f'<div class="lossbook-explorer">{drawn}</div>'

            redraw()
            for control in (*sliders.values(), point):
                control.observe(redraw, "value")
            self._widget = widgets.VBox([figure, *sliders.values(), point])
        return self._widget

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Every form at once: a front end shows the richest that it can."""
        bundle: dict[str, Any] = {"text/plain": repr(self), "text/html": self.html}
        with contextlib.suppress(ModuleNotFoundError):
            view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
            bundle["application/vnd.jupyter.widget-view+json"] = view
        return bundle

    def _check(self, curve: Curve) -> None:
        """Refuse a function without a gradient, or whose entries depend on each other."""
        value, gradient = curve(self._x, curve.start)
        if gradient is None:
            raise ValueError(f"{curve}: autograd finds no path from its value to {curve.over}")
        if any(isinstance(a, Tensor) and a.ndim for a in curve.fixed.values()):
            return  # a fixed tensor fits one number of entries
        half = self._x[::2]
        if not torch.allclose(curve(half, curve.start)[0], value[::2], rtol=1e-4, equal_nan=True):
            raise ValueError(f"{curve}: each value must depend on its own entry of {curve.over} alone")

    def _reading(self, frame: Frame, at: int) -> str:
        value, slope = ("not finite" if y[at] is None else _text(y[at] or 0.0) for y in frame)
        return f"at {self.curve.over} = {_text(self.grid[at])} the value is {value} and the slope is {slope}"

    def _figure(self, settings: Mapping[str, Any], frame: Frame, at: int) -> str:
        """Style, both panels and the sentence under them."""
        said = ", ".join(f"{name} = {_say(value)}" for name, value in settings.items())
        summary = f"{f'with {said}, ' if said else ''}{self._reading(frame, at)}."
        panels = "".join(panel.svg(self.grid, y, at, frame[1][at]) for panel, y in zip(self.panels, frame, strict=True))
        return (
            f'<style>{_STYLE}</style><div class="panels">{panels}</div>'
            f'<p class="summary" aria-live="polite">{html.escape(summary)}</p>'
        )


def _parameters(owner: str, fn: Callable[..., Tensor]) -> tuple[dict[str, inspect.Parameter], bool]:
    """The arguments that go by name, and whether any other name is taken too."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        raise ValueError(f"{owner}: its arguments cannot be read; pass `lambda input: ...` instead") from None
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    if not named:
        raise ValueError(f"{owner}: it must take at least one argument by name, got {inspect.signature(fn)}")
    return named, any(p.kind is p.VAR_KEYWORD for p in parameters)


def _is_number(a: Any) -> bool:
    return isinstance(a, int | float) and not isinstance(a, bool)


def _span(owner: str, limits: Any) -> Limits:
    if not (isinstance(limits, tuple | list) and len(limits) == 2 and all(map(_is_number, limits))):
        raise ValueError(f"{owner} takes (low, high), two numbers, got {limits}")
    low, high = limits
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"{owner} needs low < high, both finite, got {limits}")
    return float(low), float(high)


def _grid(low: float, high: float, most: int, include: float | None = None) -> list[float]:
    """Both ends, the round numbers between them, and ``include``; ``most`` bounds the round ones."""
    step = _round_step((high - low) / (most - 1))
    inner = (step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1))
    digits = max(0, 1 - math.floor(math.log10(step)))
    numbers = {low, high, *(min(max(round(v, digits) + 0.0, low), high) for v in inner)}
    return sorted(numbers if include is None else numbers | {float(include)})


def _ticks(low: float, high: float) -> list[float]:
    step = _round_step((high - low) / 5.5)
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(step * k, digits) + 0.0 for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _round_step(least: float) -> float:
    """The smallest of ..., 0.1, 0.2, 0.5, 1, 2, 5, ... that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= least * (1 - 1e-9))


def _fit(frames: list[list[float]], start: int) -> Limits:
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


def _numbers(y: Tensor | None) -> list[float]:
    return [] if y is None else [float(v) for v in y.tolist()]


def _hidden(hidden: bool) -> str:
    return ' visibility="hidden"' if hidden else ""


def _rounded(value: Tensor, gradient: Tensor | None) -> Frame:
    """Four digits of each number, none past the sixth decimal, None for what is not finite."""
    value_, gradient_ = (
        [round(float(f"{v:.4g}"), 6) + 0.0 if math.isfinite(v) else None for v in y.tolist()]
        for y in (value, torch.full_like(value, math.nan) if gradient is None else gradient)
    )
    return value_, gradient_


def _text(v: float) -> str:
    return f"{v:.6f}".rstrip("0").rstrip(".")


def _say(choice: Any) -> str:
    """A setting in words: numbers without noise, functions by name."""
    if _is_number(choice):
        return f"{choice:.6g}"
    return str(getattr(choice, "__name__", choice))


def _long(name: str) -> float:
    """About how wide a name is drawn."""
    return 6.2 * len(name)
