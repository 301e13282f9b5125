r"""The style of every figure, and the drawings that chapters share.

A figure is dark ink on an opaque white card. No ink has a contrast of 4.5:1 with both a white and a dark page, so a
transparent figure cannot be read on both; a card can be, in every notebook front end and on every page.
"""

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

COLOURS = ("#0072b2", "#c44e00", "#222832", "#2f7d4f", "#8d2a72")
"""Blue, vermilion, ink, green, purple: text in each is readable on white (4.5:1 and more); the first three stay apart
for every kind of colour vision, and the last two are dashed."""
VALUE, GRADIENT, INK = COLOURS[:3]
"""What a value and a gradient are drawn in, here and in `lossbook.notebook.explore`; and text."""
QUIET = "#5c6675"
"""Axes, and what only stands by for comparison."""


def style() -> None:
    """Set the style of the figures that follow; the first cell of a chapter calls it."""
    mpl.rcParams.update(
        {
            "figure.figsize": (6.4, 3.2),
            "figure.dpi": 144,  # sharp where a CSS pixel has two of the screen's
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "white",
            "font.size": 11,
            "text.color": INK,
            "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=["-", "-", "-", (0, (5, 2)), (0, (2, 1.5))]),
            "axes.edgecolor": QUIET,
            "axes.labelcolor": INK,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.axisbelow": True,
            "axes.spines.left": False,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "grid.color": "#dfe3e7",
            "grid.linewidth": 0.8,
            "image.cmap": "cividis",
            "legend.frameon": False,
            "lines.linewidth": 2,
            "xtick.color": INK,
            "ytick.color": INK,
            "ytick.major.size": 0,
        }
    )


def curves(ax: Axes, x: Any, ys: Mapping[str, Any], **settings: Any) -> None:
    """Draw each curve of ``ys`` over ``x``, its name at the end of its line and in its colour: no legend to look up.

    Set the limits of ``ax`` before: a curve that leaves them is named where it leaves.

    Args:
        ax: the axes.
        x: positions, one-dimensional, rising.
        ys: name to values, as many as ``x``; NaN leaves a gap.
        settings: further settings of ``ax.plot``, for every curve.
    """
    x = _array(x)
    ax.grid(visible=True)
    lines = {}
    for name, y in ys.items():
        if _array(y).shape != x.shape:
            raise ValueError(f"curves: {name} needs the shape of x, {x.shape}, got {_array(y).shape}")
        (lines[name],) = ax.plot(x, _array(y), **settings)
    low, high = ax.get_ylim()
    beside = []
    for name, line in lines.items():
        y = _array(line.get_ydata())
        inside = np.flatnonzero((low <= y) & (y <= high))
        if not len(inside):
            continue
        last = inside[-1]
        if last < len(x) - 1 and y[last + 1] > high:
            ax.annotate(name, (x[last], high), (0, 3), textcoords="offset points", ha="center", color=line.get_color())
        else:
            _, up = ax.transAxes.inverted().transform(ax.transData.transform((x[last], y[last])))
            beside.append((up, name, line.get_color()))
    floor, apart = -np.inf, 1.3 * mpl.rcParams["font.size"] / 72 / (ax.bbox.height / ax.figure.dpi)
    for up, name, colour in sorted(beside):
        floor = max(up, floor + apart)
        ax.annotate(name, (1, floor), (4, 0), "axes fraction", textcoords="offset points", va="center", color=colour)


def value_and_gradient(
    x: Tensor,
    losses: Mapping[str, Callable[[Tensor], Tensor]],
    *,
    value_limits: tuple[float, float] | None = None,
    gradient_limits: tuple[float, float] | None = None,
    label: str = "input",
) -> tuple[Figure, tuple[Axes, Axes]]:
    """Draw losses side by side with their gradients, by autograd.

    Args:
        x: positions, one-dimensional, rising.
        losses: name to a function that gives one value per entry of ``x``.
        value_limits: (low, high) of the value axis; fitted unless given.
        gradient_limits: (low, high) of the gradient axis; fitted unless given.
        label: of the horizontal axes.

    Returns:
        The figure and its two axes, value and gradient.
    """
    values, gradients = {}, {}
    for name, loss in losses.items():
        swept = x.detach().clone().requires_grad_()
        value = loss(swept)
        if value.shape != x.shape:
            raise ValueError(
                f"value_and_gradient: {name} must give one value per entry, shape {tuple(x.shape)}, "
                f"got {tuple(value.shape)}"
            )
        (gradients[name],) = torch.autograd.grad(value.sum(), swept)
        values[name] = value
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 2.7))
    panels = [(left, "value", values, value_limits), (right, "gradient", gradients, gradient_limits)]
    for ax, title, ys, limits in panels:
        ax.set_title(title, pad=16)
        ax.set_xlabel(label)
        ax.axhline(0, color=QUIET, linewidth=1)
        if limits is not None:
            ax.set_ylim(limits)
        curves(ax, x, ys)
    return figure, (left, right)


def _array(y: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(y.detach().cpu() if isinstance(y, Tensor) else y, dtype=np.float64)
