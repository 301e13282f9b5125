"""Exercises of the chapter on mean squared error."""

import torch
from torch import Tensor

from ..functional import mse_loss
from ._judge import Answer, Exercise, same


def _pair(*shape: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Draw predictions and observations; the first prediction is exact."""
    input, target = scale * torch.randn(2, *shape, dtype=torch.double)
    input.view(-1)[0] = target.view(-1)[0]
    return input, target


def _gradient_of(loss: Answer, input: Tensor, target: Tensor) -> Tensor:
    input = input.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(input, target), input)
    return gradient


def _gradient_of_shape(answer: Answer) -> None:
    for shape in ((int(torch.randint(3, 40, ())),), (6, 3), (2, 3, 4, 4)):
        pair = _pair(*shape)
        same(answer(*pair), _gradient_of(mse_loss, *pair), f"shape {shape}")


def _gradient_of_scale(answer: Answer) -> None:
    for scale in (0.01, 100.0):
        pair = _pair(7, scale=scale)
        same(answer(*pair), _gradient_of(mse_loss, *pair), f"errors of size {scale:g}")


def _root_value(answer: Answer) -> None:
    for shape in ((5,), (4, 3)):
        pair = _pair(*shape)
        same(answer(*pair), mse_loss(*pair).sqrt(), f"shape {shape}")


def _root_small(answer: Answer) -> None:
    target = torch.zeros(4, dtype=torch.double)
    relative = abs(answer(target + 1e-6, target).item() / 1e-6 - 1)
    assert relative < 1e-6, f"errors of 1e-6: expected 1e-6, off by {100 * relative:.2g} %"


def _root_gradient(answer: Answer) -> None:
    input, target = _pair(6)
    expected = (input - target) / (6 * mse_loss(input, target).sqrt())
    same(_gradient_of(answer, input, target), expected, "gradient")


def _root_exact(answer: Answer) -> None:
    target = torch.randn(5, dtype=torch.double)
    same(answer(target, target), torch.zeros((), dtype=torch.double), "value at an exact hit")
    same(_gradient_of(answer, target, target), torch.zeros(5, dtype=torch.double), "gradient at an exact hit")


def _half_pair(count: int) -> tuple[Tensor, Tensor]:
    input = torch.randint(-500, 501, (count,)).half()
    return input, (input.float().sign() * -500).half()


def _half_value(answer: Answer) -> None:
    for count in (9, 300):
        input, target = _half_pair(count)
        value = answer(input, target)
        assert isinstance(value, Tensor), f"expected a tensor, got {type(value).__name__}"
        assert value.dtype == torch.float32, f"expected a float32 number, got {value.dtype}"
        exact = mse_loss(input.double(), target.double()).item()
        assert value.isfinite(), f"{count} elements: expected {exact:.6g}, got {value.item()}"
        relative = abs(value.item() / exact - 1)
        assert relative < 1e-5, f"{count} elements: expected {exact:.6g}, got {value.item():.6g}"


def _half_gradient(answer: Answer) -> None:
    input, target = _half_pair(20)
    gradient = _gradient_of(answer, input, target)
    assert gradient.isfinite().all(), "gradient: not finite"
    exact = 2 * (input.double() - target.double()) / 20
    worst = (gradient.double() - exact).abs().max().item()
    assert worst <= 1e-3 * exact.abs().max().item(), f"gradient: off by {worst:.3g}"


EXERCISES = {
    "gradient": Exercise(
        title="The gradient by hand",
        stub="def mse_gradient(input, target):\n    return ...",
        nudge="One element contributes the square of its error, divided by what?",
        sketch="Twice the error, over the number of elements of the tensor, whatever its shape.",
        solution="def mse_gradient(input, target):\n    return 2 * (input - target) / input.numel()",
        reason=(
            "len(input) counts samples, and agrees with numel() only for one output per sample; the factor 2 is there "
            "because the loss is the square, not half of it."
        ),
        checks={"any shape": _gradient_of_shape, "any scale": _gradient_of_scale},
        wrong={
            "per sample": "def mse_gradient(input, target):\n    return 2 * (input - target) / len(input)",
            "of the sum": "def mse_gradient(input, target):\n    return 2 * (input - target)",
            "of half the square": "def mse_gradient(input, target):\n    return (input - target) / input.numel()",
            "uphill is downhill": "def mse_gradient(input, target):\n    return 2 * (target - input) / input.numel()",
            "averaged": "def mse_gradient(input, target):\n    return 2 * (input - target).mean()",
        },
    ),
    "root": Exercise(
        title="A root that survives an exact hit",
        stub="def rmse_loss(input, target):\n    return ...",
        nudge="Which function of a whole vector is a root of a sum of squares, and has to be defined at 0?",
        sketch="The Euclidean norm of the errors, over the root of their number; its gradient at 0 is 0 in torch.",
        solution=(
            "def rmse_loss(input, target):\n    return torch.linalg.vector_norm(input - target) / input.numel() ** 0.5"
        ),
        reason=(
            "sqrt has an infinite slope at 0, and autograd multiplies it by an error of 0. Adding eps under the root "
            "avoids that, but every error below sqrt(eps) then costs the same; the norm picks the subgradient 0."
        ),
        checks={
            "the value": _root_value,
            "small errors count": _root_small,
            "its gradient": _root_gradient,
            "an exact hit": _root_exact,
        },
        wrong={
            "textbook": "def rmse_loss(input, target):\n    return ((input - target) ** 2).mean().sqrt()",
            "eps under the root": (
                "def rmse_loss(input, target):\n    return (((input - target) ** 2).mean() + 1e-8).sqrt()"
            ),
            "clamped": (
                "def rmse_loss(input, target):\n    return ((input - target) ** 2).mean().clamp(min=1e-8).sqrt()"
            ),
            "masked afterwards": (
                "def rmse_loss(input, target):\n    mse = ((input - target) ** 2).mean()\n"
                "    return torch.where(mse > 0, mse.sqrt(), mse)"
            ),
            "norm of the mean": (
                "def rmse_loss(input, target):\n    return torch.linalg.vector_norm(input - target) / input.numel()"
            ),
        },
    ),
    "half": Exercise(
        title="Half precision in, a right mean out",
        stub="def half_mse(input, target):\n    return ...",
        nudge="At which step does the first inf appear: the difference, the square or the mean?",
        sketch="Convert both tensors before you subtract; autograd converts the gradient back.",
        solution="def half_mse(input, target):\n    return (input.float() - target.float()).square().mean()",
        reason=(
            "float() after the square converts an inf that is already there. Before the difference it also saves the "
            "digits that float16 drops in it. The gradient 2e/N is small, so it fits float16 on its way back."
        ),
        checks={"the value": _half_value, "its gradient": _half_gradient},
        wrong={
            "all in float16": "def half_mse(input, target):\n    return (input - target).square().mean()",
            "after the square": "def half_mse(input, target):\n    return (input - target).square().float().mean()",
            "after the mean": "def half_mse(input, target):\n    return F.mse_loss(input, target).float()",
            "clamped": (
                "def half_mse(input, target):\n    return (input - target).square().clamp(max=65504).float().mean()"
            ),
            "detached": (
                "def half_mse(input, target):\n    error = (input - target).detach().float()\n"
                "    return error.square().mean() + 0 * input.float().sum()"
            ),
        },
    ),
}
