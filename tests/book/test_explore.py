"""The explorer: right numbers, clear refusals, and a figure that moves in a browser without a kernel."""

from __future__ import annotations

import importlib
import json
import math
import re
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from browser import CHROMIUM, absent
from torch import Tensor

from lossbook.notebook import plots
from lossbook.notebook.explore import STORED, STORED_PATTERN, explore


def tilted(input: Tensor, target: Tensor, tau: float = 0.5) -> Tensor:
    error = target - input
    return torch.maximum(tau * error, (tau - 1) * error)


def curves(figure: str) -> list[str]:
    """The path data of the main curves, value and gradient."""
    return re.findall(r'<path class="curve" d="([^"]+)"', figure)


def names(figure: str) -> list[str]:
    return re.findall(r'<text class="name"[^>]*>([^<]*)<', figure)


# ---- numbers


@pytest.mark.parametrize("delta", [0.1, 1.0, 2.5])
def test_values_and_gradients_are_the_formulas(delta):
    explorer = explore(F.huber_loss, delta=(0.1, 3.0))
    value, gradient = explorer.frame(delta=delta)
    assert len(explorer.grid) == 161
    for e, v, g in zip(explorer.grid, value, gradient, strict=True):
        expected = e * e / 2 if abs(e) < delta else delta * (abs(e) - delta / 2)
        assert v == pytest.approx(expected, rel=1e-3, abs=1e-6)
        assert g == pytest.approx(max(-delta, min(delta, e)), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(
    ("fn", "settings"),
    [
        (F.gaussian_nll_loss, {"var": 0.7, "target": 0.3}),
        (F.binary_cross_entropy_with_logits, {"target": 1.0, "pos_weight": 3.0}),
        (F.poisson_nll_loss, {"target": 2.0}),
        (tilted, {"tau": 0.9, "target": 0.123}),
    ],
)
def test_gradients_are_finite_differences(fn, settings):
    explorer = explore(fn, span=(-2, 2), **settings)
    x = torch.tensor(explorer.grid, dtype=torch.float64)
    (above, _), (below, _) = explorer.curve(x + 1e-5, {}), explorer.curve(x - 1e-5, {})
    _, gradient = explorer.frame()
    assert gradient == pytest.approx(((above - below) / 2e-5).tolist(), rel=1e-3, abs=1e-4)


def test_it_starts_where_it_is_told_else_at_the_default_else_in_the_middle():
    assert explore(F.huber_loss, delta=(0.1, 3.0, 0.333)).curve.start == {"delta": 0.333}
    assert explore(F.huber_loss, delta=(0.1, 3.0)).curve.start == {"delta": 1.0}
    assert explore(F.gaussian_nll_loss, var=(1.0, 3.0)).curve.start == {"var": 2.0}
    assert explore(tilted, tau=[0.9, 0.5]).curve.start == {"tau": 0.5}
    assert explore(tilted, tau=[0.9, 0.1]).curve.start == {"tau": 0.9}


def test_sliders_step_through_round_numbers():
    (slider,) = explore(F.huber_loss, delta=(0.1, 3.0)).curve.sliders.values()
    assert slider.choices == [n / 10 for n in range(1, 31)]
    assert explore(F.mse_loss, span=(0.01, 0.99), at=0.3).grid[:4] == [0.01, 0.015, 0.02, 0.025]


def test_any_argument_can_be_on_the_axis():
    explorer = explore(F.gaussian_nll_loss, "var", (0.1, 4.0), input=1.0, at=1.0)
    value, gradient = explorer.frame()
    assert value[explorer.at] == pytest.approx(0.5)
    assert gradient[explorer.at] == pytest.approx(0.0)


def test_one_line_says_what_is_drawn():
    assert repr(explore(tilted, tau=(0.1, 0.9), target=[-1, 1])) == (
        "explore(tilted): value and gradient over input from -4 to 4; tau 0.1 to 0.9, now 0.5; target -1, 1, now -1; "
        "at input = 2 the value is 1.5 and the slope is 0.5"
    )


def test_what_is_not_finite_leaves_a_gap():
    def log(input: Tensor) -> Tensor:
        return -input.log()

    explorer = explore(log, span=(-1, 1), at=0.0)
    value, _ = explorer.frame()
    assert value[0] is None
    assert value[-1] == 0
    assert "the value is not finite" in repr(explorer)
    assert all("nan" not in path and "inf" not in path for path in curves(explorer.html))
    assert curves(explorer.html)[0].count("M") == 1


def test_axes_show_the_first_frame_whole_and_cut_an_asymptote():
    value, gradient = explore(F.huber_loss, delta=(0.1, 3.0)).panels
    assert value.limits[1] >= 3.5
    assert gradient.limits[0] <= -1 <= 1 <= gradient.limits[1]
    value, _ = explore(lambda p: 1 / p, span=(0.001, 1.0)).panels
    assert 10 < value.limits[1] < 200
    value, _ = explore(F.mse_loss, value_limits=(-1, 5)).panels
    assert value.limits == (-1, 5)


def test_references_share_tensors_and_keep_their_settings():
    explorer = explore(
        F.huber_loss, delta=(0.1, 3.0), target=1.0, compare={"L1": F.l1_loss, "half": lambda e: e**2 / 2}
    )
    value, gradient = explorer.panels
    assert value.references["L1"] == pytest.approx([abs(x - 1) for x in explorer.grid])
    assert value.references["half"] == pytest.approx([x * x / 2 for x in explorer.grid])
    assert gradient.references["half"] == pytest.approx(explorer.grid)
    assert sorted(names(explorer.html)) == ["L1", "L1", "half", "half"]


def test_references_are_named_at_the_side_above_and_below():
    compare = {"flat": lambda e: 0 * e, "up": lambda e: 10 * e, "down": lambda e: -10 * e}
    explorer = explore(F.mse_loss, value_limits=(-9, 9), compare=compare)
    shown = re.findall(r'<text class="name" x="([\d.]+)" y="([-\d.]+)"[^>]*>(\w+)<', explorer.html)[:3]
    places = {name: (float(x), float(y)) for x, y, name in shown}
    assert places["flat"][0] > explorer.panels[0].width
    assert places["up"][1] < 0 < 150 < places["down"][1] < 172


def test_a_reference_without_a_gradient_has_only_a_value():
    explorer = explore(lambda z: z.exp(), compare={"0-1": lambda z: (z > 0).double()})
    assert [list(panel.references) for panel in explorer.panels] == [["0-1"], []]


# ---- refusals


def detached(input: Tensor) -> Tensor:
    return input.detach() ** 2


@pytest.mark.parametrize(
    ("fn", "settings", "said"),
    [
        (F.huber_loss, {"detla": (0.1, 3.0)}, "explore(huber_loss): no argument named detla; it takes input, target,"),
        (F.huber_loss, {"over": "x"}, "explore(huber_loss): no argument named x; it takes input, target,"),
        (
            F.huber_loss,
            {"input": (0, 1)},
            "explore(huber_loss): input is on the axis; give its range as span, got (0, 1)",
        ),
        (
            F.huber_loss,
            {"delta": (3.0, 0.1)},
            "explore(huber_loss): delta needs low < high, both finite, got (3.0, 0.1)",
        ),
        (
            F.huber_loss,
            {"delta": (1.0, 1.0)},
            "explore(huber_loss): delta needs low < high, both finite, got (1.0, 1.0)",
        ),
        (
            F.huber_loss,
            {"delta": (0.0, math.inf)},
            "explore(huber_loss): delta needs low < high, both finite, got (0.0, inf)",
        ),
        (
            F.huber_loss,
            {"delta": (0.1, "3")},
            "explore(huber_loss): delta takes (low, high), two numbers, got (0.1, '3')",
        ),
        (F.huber_loss, {"delta": (1,)}, "explore(huber_loss): delta takes (low, high) or (low, high, start), got (1,)"),
        (F.huber_loss, {"delta": (1, 2, 3)}, "explore(huber_loss): delta needs low <= start <= high, got (1, 2, 3)"),
        (F.huber_loss, {"delta": [1]}, "explore(huber_loss): delta needs at least two choices, got [1]"),
        (F.huber_loss, {"span": (1, -1)}, "explore(huber_loss): span needs low < high, both finite, got (1, -1)"),
        (F.huber_loss, {"at": 9}, "explore(huber_loss): at must lie in the span -4 to 4, got 9"),
        (
            F.huber_loss,
            {"value_limits": (1, 0)},
            "explore(huber_loss): value_limits needs low < high, both finite, got (1, 0)",
        ),
        (
            F.gaussian_nll_loss,
            {},
            "explore(gaussian_nll_loss): var has no default: give a number, (low, high) or a list",
        ),
        (tilted, {"tau": (0, 1), "target": (0, 1), "extra": 1}, "explore(tilted): no argument named extra; it takes"),
        (
            lambda x, a, b, c: x,
            {"a": (0, 1), "b": (0, 1), "c": (0, 1)},
            "explore(loss): at most two sliders, got 3: a, b, c",
        ),
        (lambda x: x.mean(), {}, "explore(loss): it must return one value per entry, shape (161,), got shape ()"),
        (lambda x: 1.0, {}, "explore(loss): it must return one value per entry, shape (161,), got float"),
        (lambda x: x.log_softmax(0), {}, "explore(loss): each value must depend on its own entry of x alone"),
        (detached, {}, "explore(detached): autograd finds no path from its value to input"),
        (torch.sigmoid, {}, "explore(sigmoid): its arguments cannot be read; pass `lambda input: ...` instead"),
        (lambda *x: x[0], {}, "explore(loss): it must take at least one argument by name, got (*x)"),
        (
            F.huber_loss,
            {"target": (-1, 1), "compare": {"L1": F.l1_loss}},
            "explore(huber_loss): L1 stands still, so it cannot take target, which is on a slider",
        ),
        (F.huber_loss, {"compare": {"s": torch.sigmoid}}, "explore(huber_loss): s: its arguments cannot be read"),
    ],
)
def test_refuses(fn, settings, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        explore(fn, **settings)


def test_what_the_function_refuses_comes_with_the_settings():
    with pytest.raises(RuntimeError, match="delta") as raised:
        explore(F.huber_loss, delta=(-1.0, 1.0))
    assert raised.value.__notes__ == ["explore(huber_loss) called it with input from -4 to 4, delta = -1"]


# ---- what is shown


def test_stored_output_is_one_line_and_the_same_twice():
    first, second = (explore(F.huber_loss, delta=(0.1, 3.0))._repr_mimebundle_() for _ in range(2))
    assert first["text/plain"] == second["text/plain"]
    assert first["text/html"] == second["text/html"]
    assert STORED_PATTERN.sub(STORED, first["text/html"]) == STORED
    assert STORED_PATTERN.sub(STORED, STORED) == STORED


def test_html_asks_for_nothing_and_stays_small():
    shown = explore(F.gaussian_nll_loss, var=(0.2, 4.0), target=(-2.0, 2.0)).html
    assert not re.search(r"https?:|//cdn|@import|src=|href=|url\(", shown)
    assert len(shown) < 200_000


def test_names_cannot_break_out_of_the_html():
    explorer = explore(tilted, label="<b>&", compare={"</svg>": lambda e: e.abs()})
    assert "<b>&" not in explorer.html
    assert explorer.html.count("</svg>") == 4

    def choose(input: Tensor, kind: str) -> Tensor:
        return input * len(kind)

    shown = explore(choose, kind=["</script>", "b"]).html
    assert shown.count("</script>") == 2
    assert json.loads(re.search(r'json">(.*?)</script>', shown)[1])["texts"][0] == ["</script>", "b"]


def test_widget_calls_the_function_and_redraws():
    calls = []

    def square(input: Tensor, scale: float = 1.0) -> Tensor:
        calls.append(scale)
        return scale * input**2

    explorer = explore(square, scale=[1.0, 2.0, 3.0])
    bundle = explorer._repr_mimebundle_()
    figure, slider, point = explorer.widget.children
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.widget.model_id
    assert curves(figure.value) == curves(explorer.html)
    calls.clear()
    slider.value = 2
    assert calls == [3.0]
    assert curves(figure.value)[0] == explorer.panels[0].path(explorer.grid, explorer.frame(scale=3.0)[0])
    assert "With scale = 3, at input = 2 the value is 12 and the slope is 12." in figure.value.replace(">with", ">With")
    point.value = 0
    assert "at input = -4 the value is 48 and the slope is -24." in figure.value


def test_without_ipywidgets_the_html_remains(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert list(explore(F.mse_loss)._repr_mimebundle_()) == ["text/plain", "text/html"]


def test_the_package_and_the_explorer_need_torch_alone():
    said = subprocess.run(
        [sys.executable, "-c", "import sys, lossbook, lossbook.notebook.explore; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"matplotlib", "ipywidgets", "sklearn"}.isdisjoint(said)


def test_figures_and_explorer_share_their_colours():
    shown = explore(F.mse_loss).html
    assert f"--own: {plots.VALUE}; --other: {plots.GRADIENT}" in shown
    assert f".gradient {{ --own: {plots.GRADIENT} }}" in shown


# ---- in a browser


@pytest.fixture(scope="module")
def chromium():
    try:
        sync_api = importlib.import_module("playwright.sync_api")
    except ImportError:
        absent("playwright is not installed: run `make setup` first")
    if CHROMIUM is None:
        absent("there is no Chromium")
    with sync_api.sync_playwright() as playwright:
        flags = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def explorers():
    return [
        explore(F.huber_loss, delta=(0.1, 3.0), compare={"half": lambda e: e**2 / 2}),
        explore(F.gaussian_nll_loss, var=(0.2, 4.0, 1.0), target=[-2.0, 0.0, 2.0]),
        explore(lambda p: -p.log(), span=(-1, 1), at=0.5),
    ]


@pytest.fixture
def opened(chromium, explorers, tmp_path, request):
    """A page with every explorer on it, from the disk; it must ask for nothing and complain about nothing."""
    fragments = "".join(f"<section>{explorer.html}</section>" for explorer in explorers)
    file = tmp_path / "page.html"
    file.write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>{fragments}', "utf-8")
    context = chromium.new_context(viewport={"width": 900, "height": 800}, **getattr(request, "param", {}))
    page = context.new_page()
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(file.as_uri())
    yield page
    assert requests == [file.as_uri()]
    assert complaints == []
    context.close()


def slider(section, name: str):
    return section.get_by_role("slider", name=name, exact=True)


def drawn(section) -> list[str]:
    return section.locator(".curve").evaluate_all("paths => paths.map(path => path.getAttribute('d'))")


def numbers(path: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?[\d.]+", path)]


def same(path: str, expected: str) -> bool:
    """Equal but for the last digit: Python and JavaScript round halves differently."""
    return re.sub(r"[-\d. ]", "", path) == re.sub(r"[-\d. ]", "", expected) and numbers(path) == pytest.approx(
        numbers(expected), abs=0.11
    )


def expect_frame(section, explorer, **settings):
    frame = explorer.frame(**settings)
    for path, panel, y in zip(drawn(section), explorer.panels, frame, strict=True):
        assert same(path, panel.path(explorer.grid, y))


def test_arrow_keys_move_the_curve_to_the_right_values(opened, explorers):
    huber, gaussian, log = opened.locator("section").all()
    before = drawn(huber), drawn(gaussian), drawn(log)
    assert before[0] == curves(explorers[0].html)
    delta = slider(huber, "delta")
    delta.focus()
    for _ in range(5):
        opened.keyboard.press("ArrowRight")
    assert delta.get_attribute("aria-valuetext") == "1.5"
    assert huber.locator("output").first.inner_text() == "1.5"
    assert drawn(huber) != before[0]
    expect_frame(huber, explorers[0], delta=1.5)
    assert (drawn(gaussian), drawn(log)) == before[1:]
    assert huber.locator(".summary").text_content() == (
        "with delta = 1.5, at input = 2 the value is 1.875 and the slope is 1.5."
    )
    opened.keyboard.press("Home")
    expect_frame(huber, explorers[0], delta=0.1)
    opened.keyboard.press("End")
    expect_frame(huber, explorers[0], delta=3.0)


def test_two_sliders_reach_every_frame(opened, explorers):
    _, gaussian, _ = opened.locator("section").all()
    for label, key in [("var", "ArrowRight"), ("target", "End"), ("var", "ArrowRight"), ("target", "ArrowLeft")]:
        slider(gaussian, label).focus()
        opened.keyboard.press(key)
    settings = {name: slider.choices for name, slider in explorers[1].curve.sliders.items()}
    var, target = settings["var"][settings["var"].index(1.0) + 2], settings["target"][-2]
    assert gaussian.locator("output").all_inner_texts()[:2] == [f"{var:g}", f"{target:g}"]
    expect_frame(gaussian, explorers[1], var=var, target=target)


def test_the_point_moves_with_its_tangent_and_says_where_it_is(opened, explorers):
    _, _, log = opened.locator("section").all()
    point = slider(log, "p")
    point.focus()
    opened.keyboard.press("End")
    at = log.locator("circle").first
    assert numbers(at.get_attribute("cx")) == [pytest.approx(explorers[2].panels[0].width, abs=0.1)]
    tangent = [numbers(log.locator(".tangent").get_attribute(a))[0] for a in ("x1", "y1", "x2", "y2")]
    assert math.dist(tangent[:2], tangent[2:]) == pytest.approx(100, abs=0.3)
    (left, right), (low, high) = (-1, 1), explorers[2].panels[0].limits
    panel = explorers[2].panels[0]
    rise = -(tangent[3] - tangent[1]) / 172 * (high - low)
    run = (tangent[2] - tangent[0]) / panel.width * (right - left)
    assert rise / run == pytest.approx(-1, abs=0.02)  # d(-log p)/dp at 1
    opened.keyboard.press("Home")
    assert log.locator(".summary").text_content() == "at p = -1 the value is not finite and the slope is 1."
    assert not at.is_visible()
    assert not log.locator(".tangent").is_visible()


def test_it_stands_side_by_side_or_stacked_and_never_overflows(opened):
    for width, stacked in [(900, False), (640, False), (390, True), (320, True)]:
        opened.set_viewport_size({"width": width, "height": 800})
        value, gradient = (p.bounding_box() for p in opened.locator("section").first.locator(".panels > svg").all())
        assert (gradient["y"] >= value["y"] + value["height"]) == stacked
        assert opened.evaluate("document.documentElement.scrollWidth") <= width


def test_paper_shows_the_figure_without_sliders(opened):
    opened.emulate_media(media="print")
    assert opened.locator(".panels > svg").first.is_visible()
    assert not opened.locator("input").first.is_visible()


@pytest.mark.parametrize("opened", [{"java_script_enabled": False}], indirect=True)
def test_without_scripts_the_first_frame_stands(opened):
    assert opened.locator(".panels > svg").first.is_visible()
    assert opened.locator("noscript").first.is_visible()
    assert not opened.locator("input").first.is_visible()
