"""Exercises of the chapter on writing a loss."""

import torch
from torch import Tensor

from ._judge import Answer, Exercise, same


def _records(scale: float) -> tuple[Tensor, Tensor]:
    """Draw forecasts and observations of a fresh number; the first two are too low and too high."""
    records = int(torch.randint(3, 40, ()))
    input, target = scale * torch.randn(2, records, dtype=torch.double)
    target[0], target[1] = input[0] + scale, input[1] - scale
    return input, target


def _expectiles(input: Tensor, target: Tensor, under: float) -> Tensor:
    prices = torch.tensor([under if t > i else 1.0 for i, t in zip(input, target, strict=True)], dtype=torch.double)
    return prices * (target - input) ** 2


def _expectile_value(answer: Answer) -> None:
    for under in (0.5, 4.0):
        input, target = _records(3.0)
        same(answer(input, target, under), _expectiles(input, target, under), f"value, under {under:g}")


def _expectile_gradient(answer: Answer) -> None:
    input, target = _records(3.0)
    input.requires_grad_()
    (found,) = torch.autograd.grad(answer(input, target, 4.0).sum(), input)
    (expected,) = torch.autograd.grad(_expectiles(input, target, 4.0).sum(), input)
    same(found, expected, "gradient")


def _expectile_dtype(answer: Answer) -> None:
    for dtype in (torch.float32, torch.bfloat16):
        input, target = (t.to(dtype) for t in _records(3.0))
        found = answer(input, target, 4.0).dtype
        assert found == dtype, f"expected {dtype}, got {found}"


def _expectile_shapes(answer: Answer) -> None:
    input, target = _records(3.0)
    try:
        answer(input.unsqueeze(-1), target, 4.0)
    except (ValueError, RuntimeError, TypeError):
        return
    raise AssertionError(f"shapes {(len(input), 1)} and {(len(input),)}: expected a ValueError, got a result")


def _lopsided_gradient(arriving: Tensor, input: Tensor, target: Tensor, under: float) -> Tensor:
    slopes = [-under if t > i else 1.0 if t < i else 0.0 for i, t in zip(input, target, strict=True)]
    return arriving * torch.tensor(slopes, dtype=torch.double)


def _backward_plain(answer: Answer) -> None:
    for under in (2.0, 9.0):
        input, target = _records(3.0)
        arriving = torch.ones_like(input)
        expected = _lopsided_gradient(arriving, input, target, under)
        same(answer(arriving, input, target, under), expected, f"a sum, under {under:g}")


def _backward_scaled(answer: Answer) -> None:
    input, target = _records(3.0)
    arriving = 10 * torch.randn_like(input)
    expected = _lopsided_gradient(arriving, input, target, 9.0)
    same(answer(arriving, input, target, 9.0), expected, "another gradient for each record")


def _backward_exact(answer: Answer) -> None:
    input, target = _records(3.0)
    target[2] = input[2]
    arriving = torch.ones_like(input)
    expected = _lopsided_gradient(arriving, input, target, 9.0)
    same(answer(arriving, input, target, 9.0), expected, "an exact hit")


def _points(scale: float) -> tuple[Tensor, Tensor]:
    """Draw two sets of points of a fresh number and dimension."""
    points, dimension = (int(n) for n in torch.randperm(6)[:2] + 2)
    input, shift = torch.randn(2, points, dimension, dtype=torch.double)
    input = input * scale
    return input, input + scale * shift


def _distance_value(answer: Answer) -> None:
    for scale in (1.0, 100.0):
        input, target = _points(scale)
        expected = torch.stack([sum((b - a) ** 2) ** 0.5 for a, b in zip(input, target, strict=True)])
        same(answer(input, target), expected, f"points of size {scale:g}")


def _distance_tiny(answer: Answer) -> None:
    input = torch.zeros(2, 2, dtype=torch.double)
    target = torch.tensor([[3e-7, 4e-7], [0.0, 0.0]], dtype=torch.double)
    same(1e7 * answer(input, target), torch.tensor([5.0, 0.0], dtype=torch.double), "distances 5e-7 and 0, times 1e7")


def _distance_gradient(answer: Answer) -> None:
    input, target = _points(1.0)
    target[0] = input[0]
    input.requires_grad_()
    (found,) = torch.autograd.grad(answer(input, target).sum(), input)
    difference = (input - target).detach()
    length = (difference**2).sum(dim=1, keepdim=True) ** 0.5
    expected = torch.where(length > 0, difference / length, 0.0)
    same(found, expected, "gradient, the first two points equal")


EXERCISES = {
    "expectile": Exercise(
        title="Squares with two prices",
        stub="def expectile_loss(input, target, under):\n    return ...",
        nudge="Which number is larger when the forecast is too low, and what does `-` do to (N, 1) and (N,)?",
        sketch="Compare the shapes and raise ValueError; then choose between under times the square and the square.",
        solution=(
            "def expectile_loss(input, target, under):\n"
            "    if input.shape != target.shape:\n"
            '        raise ValueError(f"shapes must match: {tuple(input.shape)}, {tuple(target.shape)}")\n'
            "    square = (target - input) ** 2\n"
            "    return torch.where(target > input, under * square, square)"
        ),
        reason=(
            "A new tensor of prices has the default dtype and device, which promotes half precision to float32 and "
            "fails on a GPU; a number times a tensor keeps both. Nothing but a comparison of the shapes stops "
            "broadcasting."
        ),
        checks={
            "the value": _expectile_value,
            "the gradient": _expectile_gradient,
            "float32 and bfloat16 kept": _expectile_dtype,
            "shapes that differ": _expectile_shapes,
        },
        wrong={
            "no look at the shapes": (
                "def expectile_loss(input, target, under):\n    square = (target - input) ** 2\n"
                "    return torch.where(target > input, under * square, square)"
            ),
            "price squared": (
                "def expectile_loss(input, target, under):\n    assert input.shape == target.shape\n"
                "    error = target - input\n    return torch.where(error > 0, under * error, error) ** 2"
            ),
            "sides exchanged": (
                "def expectile_loss(input, target, under):\n    square = (input - target) ** 2\n"
                "    return torch.where(input > target, under * square, square)"
            ),
            "a new tensor of prices": (
                "def expectile_loss(input, target, under):\n    if input.shape != target.shape:\n"
                "        raise ValueError\n    price = torch.ones(input.shape)\n    price[target > input] = under\n"
                "    return price * (target - input) ** 2"
            ),
            "mean": (
                "def expectile_loss(input, target, under):\n    square = (target - input) ** 2\n"
                "    return torch.where(target > input, under * square, square).mean()"
            ),
        },
    ),
    "backward": Exercise(
        title="Mend the backward",
        stub="def lopsided_backward(grad_output, input, target, under):\n    return ...",
        nudge="If everything after your loss multiplies it by 10, where does the 10 enter?",
        sketch="The slope is -under, 1 or 0 by the sign of the error; the chain rule multiplies it by what arrives.",
        solution=(
            "def lopsided_backward(grad_output, input, target, under):\n"
            "    slope = torch.where(target > input, -under, 1.0)\n"
            "    return grad_output * slope.where(target != input, 0.0)"
        ),
        reason=(
            "backward does not return the derivative of the loss but the product of that derivative with grad_output. "
            "The two agree for a plain sum, which is why a test on the loss alone does not see the slip."
        ),
        checks={
            "under a sum": _backward_plain,
            "with a gradient that arrives": _backward_scaled,
            "an exact hit": _backward_exact,
        },
        wrong={
            "grad_output ignored": (
                "def lopsided_backward(grad_output, input, target, under):\n"
                "    return torch.where(target > input, -under, 1.0) * (target != input).double()"
            ),
            "gradient for the target": (
                "def lopsided_backward(grad_output, input, target, under):\n"
                "    return grad_output * torch.where(target > input, under, -1.0)"
            ),
            "1 at an exact hit": (
                "def lopsided_backward(grad_output, input, target, under):\n"
                "    return grad_output * torch.where(target > input, -under, 1.0)"
            ),
            "only the sign that arrives": (
                "def lopsided_backward(grad_output, input, target, under):\n"
                "    slope = torch.where(target > input, -under, 1.0).where(target != input, 0.0)\n"
                "    return grad_output.sign() * slope"
            ),
        },
    ),
    "distance": Exercise(
        title="A distance with a gradient everywhere",
        stub="def distance(input, target):\n    return ...",
        nudge="What is the slope of the square root at 0, and what is 0 times that?",
        sketch="Replace a sum of squares that is 0 by 1 before the root, and the root by 0 after it.",
        solution=(
            "def distance(input, target):\n"
            "    squares = ((input - target) ** 2).sum(dim=1)\n"
            "    apart = squares > 0\n"
            "    return torch.where(apart, torch.where(apart, squares, 1.0).sqrt(), 0.0)"
        ),
        reason=(
            "One where after the root chooses the value and leaves the NaN in the gradient. A small number under the "
            "root, or a clamp, removes the NaN and makes tiny distances wrong. torch.linalg.vector_norm takes the "
            "same care inside, so the one-line answer with it is right as well."
        ),
        checks={"the distances": _distance_value, "tiny distances": _distance_tiny, "the gradient": _distance_gradient},
        wrong={
            "the root alone": "def distance(input, target):\n    return ((input - target) ** 2).sum(dim=1).sqrt()",
            "one where": (
                "def distance(input, target):\n    squares = ((input - target) ** 2).sum(dim=1)\n"
                "    return torch.where(squares > 0, squares.sqrt(), 0.0)"
            ),
            "a small number under the root": (
                "def distance(input, target):\n    return (((input - target) ** 2).sum(dim=1) + 1e-12).sqrt()"
            ),
            "clamp": (
                "def distance(input, target):\n    return ((input - target) ** 2).sum(dim=1).clamp(min=1e-12).sqrt()"
            ),
            "squared": "def distance(input, target):\n    return ((input - target) ** 2).sum(dim=1)",
        },
    ),
}
