"""Exercises of the tanh chapter."""

import math

import torch
from torch import Tensor

from ._judge import Answer, Exercise, same


def _inputs(scale: float) -> Tensor:
    """Draw inputs of a fresh number; the first is 0."""
    x = scale * torch.randn(int(torch.randint(3, 40, ())), dtype=torch.double)
    x[0] = 0
    return x


def _autograd(answer: Answer, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(answer(x).sum(), x)
    return gradient


def _each(function: Answer, x: Tensor) -> Tensor:
    return torch.tensor([function(number) for number in x.tolist()], dtype=torch.double)


_FAR = torch.tensor([-1000.0, 1000.0], dtype=torch.double)


def _stable_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        x = _inputs(scale)
        same(answer(x), _each(math.tanh, x), f"inputs of size {scale:g}")
        slope = _each(lambda number: 1 / math.cosh(number) ** 2, x)
        same(_autograd(answer, x), slope, f"gradient, inputs of size {scale:g}")


def _stable_small(answer: Answer) -> None:
    for number in (1e-4, -1e-7):
        (found,) = answer(torch.tensor([number])).tolist()
        assert abs(found / math.tanh(number) - 1) < 1e-5, f"float32, {number:g}: expected {number:g}, got {found:.6g}"


def _stable_far(answer: Answer) -> None:
    same(answer(_FAR), torch.tensor([-1.0, 1.0], dtype=torch.double), "inputs -1000 and 1000")
    same(_autograd(answer, _FAR), torch.zeros_like(_FAR), "gradient, inputs -1000 and 1000")


def _log_slope_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 5.0):
        x = _inputs(scale)
        same(answer(x), _each(lambda number: -2 * math.log(math.cosh(number)), x), f"inputs of size {scale:g}")
        slope = _each(lambda number: -2 * math.tanh(number), x)
        same(_autograd(answer, x), slope, f"gradient, inputs of size {scale:g}")


def _log_slope_far(answer: Answer) -> None:
    x = torch.tensor([-1000.0, 20.0, 1000.0], dtype=torch.double)
    same(answer(x), 2 * math.log(2) - 2 * x.abs(), "inputs -1000, 20 and 1000")
    same(_autograd(answer, x), -2 * x.sign(), "gradient, inputs -1000, 20 and 1000")


def _ends() -> tuple[float, float]:
    low = 20 * torch.rand(()).item() - 10
    return low, low + 1 + 9 * torch.rand(()).item()


def _undo_value(answer: Answer) -> None:
    for low, high in ((-1.0, 1.0), (0.0, 255.0), _ends()):
        x = 2 * torch.tanh(_inputs(1.0))
        action = low + (high - low) * (1 + torch.tanh(x)) / 2
        same(answer(action, low, high), x, f"actions from {low:.3g} to {high:.3g}")


def _undo_near(answer: Answer) -> None:
    action = torch.tensor([1e-20, 1e-10], dtype=torch.double)
    expected = torch.tensor([-10 * math.log(10), -5 * math.log(10)], dtype=torch.double)
    same(answer(action, 0.0, 1.0), expected, "actions 1e-20 and 1e-10, from 0 to 1")


def _undo_ends(answer: Answer) -> None:
    found = answer(torch.tensor([-2.0, 3.0], dtype=torch.double), -2.0, 3.0)
    assert found.tolist() == [-math.inf, math.inf], f"both ends: expected [-inf, inf], got {found.tolist()}"


EXERCISES = {
    "stable": Exercise(
        title="A tanh of your own",
        stub="def my_tanh(x):\n    return ...",
        nudge="Which exponential never overflows? Which function gives e^u - 1 with all its digits for a small u?",
        sketch=(
            "With t = expm1(-2 |x|) the result is -t / (t + 2) with the sign of x. Take the sign as 1 at 0, or the "
            "slope there is 0."
        ),
        solution=(
            "def my_tanh(x):\n"
            "    sign = torch.where(x < 0, -1.0, 1.0)\n"
            "    t = torch.expm1(-2 * sign * x)\n"
            "    return -sign * t / (t + 2)"
        ),
        reason=(
            "expm1 keeps the digits near 0, where a difference of two exponentials near 1 loses them, and the "
            "exponent is never above 0. torch.sign is 0 at 0 and would take the slope with it."
        ),
        checks={
            "value and gradient": _stable_value,
            "small inputs in float32": _stable_small,
            "inputs of 1000": _stable_far,
        },
        wrong={
            "the formula": (
                "def my_tanh(x):\n    return (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))"
            ),
            "sigmoid": "def my_tanh(x):\n    return 2 * torch.sigmoid(2 * x) - 1",
            "sinh over cosh": "def my_tanh(x):\n    return torch.sinh(x) / torch.cosh(x)",
            "flat at 0": (
                "def my_tanh(x):\n    t = torch.expm1(-2 * x.abs())\n    return -torch.sign(x) * t / (t + 2)"
            ),
            "overflow on one side": "def my_tanh(x):\n    t = torch.expm1(-2 * x)\n    return -t / (t + 2)",
        },
    ),
    "log_slope": Exercise(
        title="The logarithm of the slope",
        stub="def log_slope(x):\n    return ...",
        nudge="1 - tanh(x)^2 is 4 sigmoid(2x) sigmoid(-2x). What is the logarithm of a product?",
        sketch="log 4 plus two log sigmoids, or 2 (log 2 - x - softplus(-2x)). Nothing is subtracted from 1.",
        solution=(
            "def log_slope(x):\n"
            "    log_sigmoid = torch.nn.functional.logsigmoid\n"
            "    return math.log(4) + log_sigmoid(2 * x) + log_sigmoid(-2 * x)"
        ),
        reason=(
            "1 - tanh^2 is 0 as soon as tanh has rounded to 1, and its logarithm -inf; an epsilon stops at its own "
            "logarithm with a gradient of 0. The log sigmoids never round to the end of a range."
        ),
        checks={"value and gradient": _log_slope_value, "far out": _log_slope_far},
        wrong={
            "the formula": "def log_slope(x):\n    return torch.log(1 - torch.tanh(x) ** 2)",
            "epsilon": "def log_slope(x):\n    return torch.log(1 - torch.tanh(x) ** 2 + 1e-6)",
            "log1p": "def log_slope(x):\n    return torch.log1p(-torch.tanh(x) ** 2)",
            "cosh": "def log_slope(x):\n    return -2 * torch.log(torch.cosh(x))",
            "slope of the sigmoid": "def log_slope(x):\n    return F.logsigmoid(2 * x) + F.logsigmoid(-2 * x)",
            "x not doubled": "def log_slope(x):\n    return 2 * (math.log(2) - x - F.softplus(-x))",
        },
    ),
    "undo": Exercise(
        title="Back from the action",
        stub="def undo(action, low, high):\n    return ...",
        nudge="atanh(y) is half the logarithm of (1 + y) / (1 - y). What are 1 + y and 1 - y in terms of the action?",
        sketch="The distances to both ends, action - low and high - action, are exact near the end; divide them.",
        solution="def undo(action, low, high):\n    return 0.5 * torch.log((action - low) / (high - action))",
        reason=(
            "Scaling to (-1, 1) first adds 1 to a small distance, and an action of 1e-20 becomes the end itself. "
            "The distance to an end keeps its digits. At the end the answer is infinite, and should be."
        ),
        checks={"value": _undo_value, "close to an end": _undo_near, "at both ends": _undo_ends},
        wrong={
            "atanh of the scaled": (
                "def undo(action, low, high):\n    return torch.atanh(2 * (action - low) / (high - low) - 1)"
            ),
            "logit": "def undo(action, low, high):\n    return torch.log((action - low) / (high - action))",
            "clamp": (
                "def undo(action, low, high):\n    y = 2 * (action - low) / (high - low) - 1\n"
                "    return torch.atanh(y.clamp(-1 + 1e-6, 1 - 1e-6))"
            ),
            "range forgotten": "def undo(action, low, high):\n    return torch.atanh(action)",
            "ends swapped": (
                "def undo(action, low, high):\n    return 0.5 * torch.log((high - action) / (action - low))"
            ),
        },
    ),
}
