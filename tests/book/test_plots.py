"""The shared drawings: the numbers given, each curve named where it ends, and text that can be read."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from lossbook.notebook import plots


@pytest.fixture(autouse=True)
def styled():
    with plt.rc_context(), plt.style.context("default"):
        plt.switch_backend("agg")
        plots.style()
        yield
    plt.close("all")


def luminance(colour: str) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [*plots.COLOURS, plots.QUIET])
def test_text_in_every_colour_is_readable_on_the_card(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5


@pytest.mark.parametrize("colour", [plots.VALUE, plots.GRADIENT])
def test_the_explorers_lines_are_visible_on_both_pages(colour):
    for page in ("#ffffff", "#14181e"):
        darker, lighter = sorted([luminance(colour), luminance(page)])
        assert (lighter + 0.05) / (darker + 0.05) >= 3


def test_curves_are_named_at_their_ends_in_their_colours_apart_from_each_other():
    _, ax = plt.subplots()
    x = torch.linspace(0, 1, 5)
    plots.curves(ax, x, {"first": x, "second": 1.01 * x, "third": torch.zeros(5)})
    assert [line.get_ydata()[-1] for line in ax.lines] == pytest.approx([1, 1.01, 0])
    ax.figure.draw_without_rendering()
    renderer = FigureCanvasAgg(ax.figure).get_renderer()
    boxes = {text.get_text(): text.get_window_extent(renderer) for text in ax.texts}
    assert boxes["third"].y1 < boxes["first"].y0 < boxes["first"].y1 < boxes["second"].y0
    assert [text.get_color() for text in ax.texts] == [plots.COLOURS[2], *plots.COLOURS[:2]]
    assert all(box.x0 > ax.bbox.x1 and box.x1 < ax.figure.bbox.x1 for box in boxes.values())


def test_a_curve_that_leaves_the_axes_is_named_where_it_leaves():
    _, ax = plt.subplots()
    ax.set_ylim(0, 4)
    x = torch.arange(5.0)
    plots.curves(ax, x, {"square": x**2})
    assert [text.xy for text in ax.texts] == [(2.0, 4.0)]


def test_curves_refuse_another_shape():
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match=r"curves: odd needs the shape of x, \(5,\), got \(4,\)"):
        plots.curves(ax, torch.zeros(5), {"odd": torch.zeros(4)})


def test_value_and_gradient_are_those_of_the_function():
    x = torch.linspace(-2, 2, 9)
    _, (value, gradient) = plots.value_and_gradient(x, {"cube": lambda e: e**3}, value_limits=(-9, 9))
    assert value.get_ylim() == (-9, 9)
    assert value.lines[-1].get_ydata() == pytest.approx((x**3).numpy())
    assert gradient.lines[-1].get_ydata() == pytest.approx((3 * x**2).numpy())
    with pytest.raises(ValueError, match=r"mean must give one value per entry, shape \(9,\), got \(\)"):
        plots.value_and_gradient(x, {"mean": torch.mean})
