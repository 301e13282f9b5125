"""Exercises of the Huber chapter."""

import torch
from torch import Tensor

from ..functional import huber_loss
from ._judge import Answer, Exercise, same


def _errors(scale: float) -> Tensor:
    """Draw errors of a fresh number and sign; the first is an exact hit."""
    errors = scale * torch.randn(int(torch.randint(3, 40, ())), dtype=torch.double)
    errors[0] = 0
    return errors


def _gradient_by_autograd(error: Tensor, delta: float) -> Tensor:
    error = error.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(huber_loss(error, torch.zeros_like(error), delta=delta, reduction="sum"), error)
    return gradient


def _gradient_at_scales(answer: Answer) -> None:
    for scale in (0.1, 1.0, 100.0):
        error = _errors(scale)
        same(answer(error, 1.5), _gradient_by_autograd(error, 1.5), f"errors of size {scale:g}, delta 1.5")


def _gradient_at_deltas(answer: Answer) -> None:
    for delta in (0.2, 5.0):
        error = _errors(3.0)
        same(answer(error, delta), _gradient_by_autograd(error, delta), f"delta {delta:g}")


def _pseudo_value(answer: Answer) -> None:
    for delta in (0.5, 2.0):
        error = _errors(5.0)
        exact = delta**2 * ((1 + (error / delta) ** 2).sqrt() - 1)
        same(answer(error, delta), exact, f"float64, delta {delta:g}")


def _pseudo_small(answer: Answer) -> None:
    error = torch.tensor([1e-3, -1e-4, 1e-5])
    relative = (answer(error, 1.0) / (0.5 * error**2) - 1).abs().max().item()
    assert relative < 1e-5, f"float32 errors 1e-3 to 1e-5: expected half the square, relative error {relative:.2g}"


def _pseudo_gradient(answer: Answer) -> None:
    error = _errors(2.0).requires_grad_()
    (gradient,) = torch.autograd.grad(answer(error, 1.0).sum(), error)
    same(gradient, error.detach() / (1 + error.detach() ** 2).sqrt(), "gradient")


def _weight_gradient(answer: Answer) -> None:
    for delta in (0.5, 2.0):
        error = _errors(3.0)
        same(answer(error, delta) * error, _gradient_by_autograd(error, delta), f"weight * error, delta {delta:g}")


def _weight_at_zero(answer: Answer) -> None:
    same(answer(torch.zeros(3, dtype=torch.double), 1.0), torch.ones(3, dtype=torch.double), "exact hits")


EXERCISES = {
    "gradient": Exercise(
        title="The gradient by hand",
        stub="def huber_gradient(error, delta):\n    return ...",
        nudge="The gradient is the error while the error is small. What is the largest value it ever takes?",
        sketch="Limit the error to the interval from -delta to delta; torch has one function for that.",
        solution="def huber_gradient(error, delta):\n    return error.clamp(-delta, delta)",
        reason=(
            "sign(error) alone forgets the quadratic part, and dividing by delta gives the gradient of smooth L1. "
            "The clamp is exact, has no branch, and shows that no single error pulls harder than delta."
        ),
        checks={"errors small and large": _gradient_at_scales, "several deltas": _gradient_at_deltas},
        wrong={
            "absolute error": "def huber_gradient(error, delta):\n    return delta * error.sign()",
            "squared error": "def huber_gradient(error, delta):\n    return error",
            "smooth L1": "def huber_gradient(error, delta):\n    return error.clamp(-delta, delta) / delta",
            "delta ignored": "def huber_gradient(error, delta):\n    return error.clamp(-1.5, 1.5)",
        },
    ),
    "pseudo": Exercise(
        title="A smooth relative that survives small errors",
        stub="def pseudo_huber(error, delta):\n    return ...",
        nudge="In float32, what is sqrt(1 + 1e-10) - 1?",
        sketch="Multiply and divide by sqrt(1 + (error / delta)**2) + 1: the difference in the numerator disappears.",
        solution=(
            "def pseudo_huber(error, delta):\n    root = (1 + (error / delta) ** 2).sqrt()\n"
            "    return error**2 / (root + 1)"
        ),
        reason=(
            "The textbook form subtracts 1 from a number that rounds to 1, so an error below about 3e-4 * delta costs "
            "exactly 0 in float32, and its gradient is lost with it in a sum. The product form has no subtraction."
        ),
        checks={
            "the formula in float64": _pseudo_value,
            "small errors in float32": _pseudo_small,
            "its gradient": _pseudo_gradient,
        },
        wrong={
            "textbook": (
                "def pseudo_huber(error, delta):\n    return delta**2 * ((1 + (error / delta) ** 2).sqrt() - 1)"
            ),
            "huber": (
                "def pseudo_huber(error, delta):\n    clipped = error.clamp(-delta, delta)\n"
                "    return clipped * (error - 0.5 * clipped)"
            ),
            "detached": (
                "def pseudo_huber(error, delta):\n    root = (1 + (error.detach() / delta) ** 2).sqrt()\n"
                "    return error**2 / (root + 1)"
            ),
        },
    ),
    "weight": Exercise(
        title="Least squares that trusts outliers less",
        stub="def huber_weight(error, delta):\n    return ...",
        nudge="You want weight * error to be the Huber gradient. What does that make the weight for a large error?",
        sketch="1 within delta, delta / |error| beyond it; mind the division where the error is 0.",
        solution="def huber_weight(error, delta):\n    return delta / error.abs().clamp(min=delta)",
        reason=(
            "Gradient divided by error is 0/0 at an exact hit, and a mask applied afterwards does not remove the NaN. "
            "Limiting |error| from below by delta makes the division safe and gives 1 there by itself."
        ),
        checks={"weighted least squares has the Huber gradient": _weight_gradient, "no NaN at 0": _weight_at_zero},
        wrong={
            "divides by 0": "def huber_weight(error, delta):\n    return error.clamp(-delta, delta) / error",
            "hard cut": "def huber_weight(error, delta):\n    return (error.abs() <= delta).double()",
            "squared": "def huber_weight(error, delta):\n    return (delta / error.abs().clamp(min=delta)) ** 2",
        },
    ),
}
