"""Exercises of the L1 chapter."""

import torch
from torch import Tensor

from ..functional import l1_loss
from ._judge import Answer, Exercise, same


def _pair(*shape: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Draw predictions and observations; the first prediction is exact."""
    input, target = scale * torch.randn(2, *shape, dtype=torch.double)
    input.view(-1)[0] = target.view(-1)[0]
    return input, target


def _gradient_of(loss: Answer, input: Tensor, *arguments: object) -> Tensor:
    input = input.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(input, *arguments).sum(), input)
    return gradient


def _gradient_of_shape(answer: Answer) -> None:
    for shape in ((int(torch.randint(3, 40, ())),), (6, 3), (2, 3, 4, 4)):
        pair = _pair(*shape)
        same(answer(*pair), _gradient_of(l1_loss, *pair), f"shape {shape}")


def _gradient_of_scale(answer: Answer) -> None:
    for scale in (1e-6, 1e6):
        pair = _pair(7, scale=scale)
        same(answer(*pair), _gradient_of(l1_loss, *pair), f"errors of size {scale:g}")


def _pinball(input: Tensor, target: Tensor, q: float) -> Tensor:
    above = (target - input).clamp(min=0)
    below = (input - target).clamp(min=0)
    return (q * above + (1 - q) * below).mean()


def _quantile_value(answer: Answer) -> None:
    for q in (0.1, 0.5, 0.9):
        for shape in ((8,), (4, 3)):
            pair = _pair(*shape, scale=10.0)
            same(answer(*pair, q), _pinball(*pair, q), f"q = {q}, shape {shape}")


def _quantile_gradient(answer: Answer) -> None:
    input, target = _pair(9)
    input[0] += 1.0  # no exact hit: the slope there is a convention, checked apart
    for q in (0.25, 0.9):
        expected = ((input > target).double() - q) / 9
        same(_gradient_of(answer, input, target, q), expected, f"gradient, q = {q}")


def _quantile_at_half(answer: Answer) -> None:
    pair = _pair(5)
    expected = 0.5 * _gradient_of(l1_loss, *pair)
    same(_gradient_of(answer, *pair, 0.5), expected, "gradient at q = 0.5 with an exact hit: half that of L1")


def _settle_value(answer: Answer) -> None:
    target = torch.randn(4, dtype=torch.double)
    offset = torch.tensor([2.0, -3.0, 0.3, -0.2], dtype=torch.double)
    expected = target + torch.tensor([1.5, -2.5, 0.0, 0.0], dtype=torch.double)
    same(answer(target + offset, target, 0.5), expected, "offsets 2, -3, 0.3 and -0.2, step 0.5")


def _settle_lands(answer: Answer) -> None:
    target = torch.randn(6, dtype=torch.double)
    position = target + torch.randn(6, dtype=torch.double).clamp(-3, 3)
    for _ in range(40):
        position = answer(position, target, 0.1)
    same(position, target, "after 40 steps of 0.1")


def _settle_gradient(answer: Answer) -> None:
    target = torch.randn(4, dtype=torch.double)
    offset = torch.tensor([2.0, -3.0, 0.3, 0.0], dtype=torch.double)
    expected = torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.double)
    same(_gradient_of(answer, target + offset, target, 0.5), expected, "gradient with respect to position")


EXERCISES = {
    "gradient": Exercise(
        title="The gradient by hand",
        stub="def l1_gradient(input, target):\n    return ...",
        nudge="Which three values can the slope of one absolute value have?",
        sketch="The sign of the error, over the number of elements; torch's sign of 0 is 0.",
        solution="def l1_gradient(input, target):\n    return (input - target).sign() / input.numel()",
        reason=(
            "Error over absolute error is 0/0 at an exact hit, and two cases give it -1 or 1, which pushes a right "
            "prediction away. sign has the third value, 0, which is the convention of torch."
        ),
        checks={"any shape": _gradient_of_shape, "any scale": _gradient_of_scale},
        wrong={
            "0/0 at a hit": (
                "def l1_gradient(input, target):\n    error = input - target\n"
                "    return error / error.abs() / input.numel()"
            ),
            "two cases": (
                "def l1_gradient(input, target):\n    return torch.where(input > target, 1.0, -1.0) / input.numel()"
            ),
            "per sample": "def l1_gradient(input, target):\n    return (input - target).sign() / len(input)",
            "of the sum": "def l1_gradient(input, target):\n    return (input - target).sign()",
            "of the square": "def l1_gradient(input, target):\n    return 2 * (input - target) / input.numel()",
            "soft sign": "def l1_gradient(input, target):\n    return (input - target).tanh() / input.numel()",
        },
    ),
    "quantile": Exercise(
        title="A promise that nine in ten calls keep",
        stub="def pinball_loss(input, target, q):\n    return ...",
        nudge="For q = 0.9, which is worse: to promise too little or too much?",
        sketch="q times the part of (target - input) above 0, plus 1 - q times the part of (input - target) above 0.",
        solution=(
            "def pinball_loss(input, target, q):\n    error = input - target\n"
            "    return (0.5 * error.abs() + (0.5 - q) * error).mean()"
        ),
        reason=(
            "Half the absolute error plus a tilt: at q = 0.5 the tilt is 0 and half of L1 is left, with gradient 0 at "
            "an exact hit. The two cases in torch.where give the same values and a slope of -q or 1 - q there."
        ),
        checks={
            "the value": _quantile_value,
            "its gradient": _quantile_gradient,
            "half of L1 at q = 0.5": _quantile_at_half,
        },
        wrong={
            "sides swapped": (
                "def pinball_loss(input, target, q):\n    error = input - target\n"
                "    return (0.5 * error.abs() + (q - 0.5) * error).mean()"
            ),
            "weighted L1": "def pinball_loss(input, target, q):\n    return q * (input - target).abs().mean()",
            "two cases": (
                "def pinball_loss(input, target, q):\n    error = input - target\n"
                "    return torch.where(error > 0, (1 - q) * error, -q * error).mean()"
            ),
            "of squares": (
                "def pinball_loss(input, target, q):\n    error = input - target\n"
                "    return (torch.where(error > 0, 1 - q, q) * error**2).mean()"
            ),
            "sum": (
                "def pinball_loss(input, target, q):\n    error = input - target\n"
                "    return (0.5 * error.abs() + (0.5 - q) * error).sum()"
            ),
        },
    ),
    "settle": Exercise(
        title="A step that does not overshoot",
        stub="def settle(position, target, step):\n    return ...",
        nudge="How far may you go at most, if the target is 0.3 away and the step is 0.5?",
        sketch="Limit the way to the target to the interval from -step to step, and go that far.",
        solution=("def settle(position, target, step):\n    return position + (target - position).clamp(-step, step)"),
        reason=(
            "step * sign(error) goes the full step even when the target is closer, and oscillates for ever. The "
            "limited step is the exact minimiser of the absolute error plus (distance moved)^2 / (2 step), known as "
            "soft thresholding: it lands, and a penalty that is minimised with it gives weights of exactly 0."
        ),
        checks={"far and near": _settle_value, "it lands": _settle_lands, "its gradient": _settle_gradient},
        wrong={
            "the walk": (
                "def settle(position, target, step):\n    return position - step * (position - target).sign()"
            ),
            "hard threshold": (
                "def settle(position, target, step):\n"
                "    return torch.where((position - target).abs() > step, position, target)"
            ),
            "proportional": "def settle(position, target, step):\n    return position - step * (position - target)",
            "jumps": "def settle(position, target, step):\n    return target + 0 * position",
            "towards 0": (
                "def settle(position, target, step):\n    return position.sign() * (position.abs() - step).clamp(min=0)"
            ),
        },
    ),
}
