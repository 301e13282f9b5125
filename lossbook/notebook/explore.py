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
import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ._curve import Curve
from ._numbers import Frame, Limits, grid, numbers, rounded, say, span_of, text_of
from ._panel import TALL, TANGENT, Panel, fit_limits

STORED = "<p>The sliders appear when this cell runs, and on the page of the built book.</p>"
"""What a stored notebook holds in place of an explorer's HTML."""
STORED_PATTERN = re.compile(r'(?s)<div class="lossbook-explorer".*</div><!-- lossbook-explorer -->')
"""What `STORED` replaces."""

_STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
SAMPLES = 201  # at most, over the swept argument


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
    low, high = span_of(f"{curve}: span", span)
    if len(curve.sliders) > 2:
        raise ValueError(f"{curve}: at most two sliders, got {len(curve.sliders)}: {', '.join(curve.sliders)}")
    if at is None:
        at = low + 0.75 * (high - low)
    elif not low <= at <= high:
        raise ValueError(f"{curve}: at must lie in the span {text_of(low)} to {text_of(high)}, got {at}")
    return Explorer(
        curve,
        grid(low, high, SAMPLES, include=at),
        float(at),
        {name: Curve.beside(curve, name, function) for name, function in (compare or {}).items()},
        curve.over if label is None else label,
        (value_limits, gradient_limits),
    )


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
                fit_limits([numbers(frame[k]) for frame in frames], start)
                if limits[k] is None
                else span_of(f"{curve}: {kind}_limits", limits[k]),
                {name: numbers(reference[k]) for name, reference in still.items() if reference[k] is not None},
            )
            for k, (kind, title) in enumerate(titles.items())
        ]
        self._frames = [rounded(*frame) for frame in frames]
        self._start = self._frames[start]

    def frame(self, **settings: Any) -> Frame:
        """Value and gradient over the grid, from the function itself, to four digits."""
        return rounded(*self.curve(self._x, {**self.curve.start, **settings}))

    def __repr__(self) -> str:
        """One line: what is drawn, the sliders, and one value and slope."""
        curve = self.curve
        parts = [f"value and gradient over {curve.over} from {text_of(self.grid[0])} to {text_of(self.grid[-1])}"]
        for name, slider in curve.sliders.items():
            parts.append(f"{name} {slider}, now {say(slider.choices[slider.start])}")
        return f"{curve}: {'; '.join(parts)}; {self._reading(self._start, self.at)}"

    @property
    def html(self) -> str:
        """A self-contained page fragment: the figure, range inputs and the script that joins them."""
        curve = self.curve
        sliders = {name: ([say(c) for c in s.choices], s.start) for name, s in curve.sliders.items()}
        sliders[curve.over] = ([text_of(x) for x in self.grid], self.at)
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
            "tall": TALL,
            "reach": TANGENT,
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
            sliders = {n: slider(n, map(say, s.choices), s.start) for n, s in self.curve.sliders.items()}
            point = slider(self.curve.over, map(text_of, self.grid), self.at)

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
        value, slope = ("not finite" if y[at] is None else text_of(y[at] or 0.0) for y in frame)
        return f"at {self.curve.over} = {text_of(self.grid[at])} the value is {value} and the slope is {slope}"

    def _figure(self, settings: Mapping[str, Any], frame: Frame, at: int) -> str:
        """Style, both panels and the sentence under them."""
        said = ", ".join(f"{name} = {say(value)}" for name, value in settings.items())
        summary = f"{f'with {said}, ' if said else ''}{self._reading(frame, at)}."
        panels = "".join(panel.svg(self.grid, y, at, frame[1][at]) for panel, y in zip(self.panels, frame, strict=True))
        return (
            f'<style>{_STYLE}</style><div class="panels">{panels}</div>'
            f'<p class="summary" aria-live="polite">{html.escape(summary)}</p>'
        )
