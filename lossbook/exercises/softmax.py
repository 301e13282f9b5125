"""Exercises of the softmax chapter."""

import math
from functools import partial

import torch
from torch import Tensor

from . import _along_dim
from ._judge import Answer, Exercise, same


def _exact(x: Tensor, dim: int) -> Tensor:
    """Give the probabilities by the definition, of logits of moderate size."""
    return x.exp() / x.exp().sum(dim, keepdim=True)


def _stable_rows(answer: Answer) -> None:
    x = torch.tensor([[5000.0, 5000.0, -math.inf], [0.0, 0.0, 0.0], [-5000.0, -6000.0, -6000.0]], dtype=torch.double)
    expected = torch.tensor([[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3], [1.0, 0.0, 0.0]], dtype=torch.double)
    same(answer(x, 1), expected, "rows of size 5000, 0 and -5000 in one batch")
    same(answer(x.T, 0), expected.T, "the same in columns")


def _backward_cross_entropy(answer: Answer) -> None:
    p = _exact(_along_dim.logits(1.0)[0], 1)
    chosen = torch.zeros_like(p)
    chosen[:, 0] = 1
    same(answer(p, -chosen / p, 1), p - chosen, "the gradient of -log p of class 0")


def _sharpen_value(answer: Answer) -> None:
    for temperature in (0.3, 1.0, 4.0):
        x = _along_dim.logits(2.0)[0]
        same(answer(_exact(x, 1), temperature), _exact(x / temperature, 1), f"temperature {temperature}")


def _sharpen_zero(answer: Answer) -> None:
    p = torch.tensor([[0.8, 0.2, 0.0]], dtype=torch.double)
    same(answer(p, 0.5), torch.tensor([[0.64, 0.04, 0.0]], dtype=torch.double) / 0.68, "p = [0.8, 0.2, 0]")


def _sharpen_cold(answer: Answer) -> None:
    p = torch.tensor([[0.3, 0.3, 0.2, 0.2]], dtype=torch.double)
    expected = torch.tensor([[0.5, 0.5, 0.0, 0.0]], dtype=torch.double)
    same(answer(p, 0.001), expected, "p = [0.3, 0.3, 0.2, 0.2], temperature 0.001")


EXERCISES = {
    "stable": Exercise(
        title="A softmax of your own",
        stub="def my_softmax(x, dim):\n    return ...",
        nudge="Only differences of logits count. Which number, taken off each row, makes every exponent harmless?",
        sketch="Subtract the maximum along dim, keeping the dimension; then exponentials over their sum along dim.",
        solution=(
            "def my_softmax(x, dim):\n"
            "    exponential = torch.exp(x - x.amax(dim, keepdim=True))\n"
            "    return exponential / exponential.sum(dim, keepdim=True)"
        ),
        reason=(
            "exp overflows from 89 on in float32 and from 710 on in float64. The maximum of the whole batch is not "
            "enough: a row far below it underflows to 0 / 0."
        ),
        checks={
            "value along each dim": partial(_along_dim.value, _exact),
            "gradient": partial(_along_dim.gradient, _exact),
            "rows of very different size": _stable_rows,
        },
        wrong={
            "naive": "def my_softmax(x, dim):\n    e = torch.exp(x)\n    return e / e.sum(dim, keepdim=True)",
            "maximum of the batch": (
                "def my_softmax(x, dim):\n    e = torch.exp(x - x.max())\n    return e / e.sum(dim, keepdim=True)"
            ),
            "always the last dim": (
                "def my_softmax(x, dim):\n    e = torch.exp(x - x.amax(-1, keepdim=True))\n"
                "    return e / e.sum(-1, keepdim=True)"
            ),
            "sum of everything": "def my_softmax(x, dim):\n    e = torch.exp(x - x.max())\n    return e / e.sum()",
            "clamp": (
                "def my_softmax(x, dim):\n    e = torch.exp(x.clamp(-80, 80))\n    return e / e.sum(dim, keepdim=True)"
            ),
        },
    ),
    "backward": Exercise(
        title="The backward pass",
        stub="def softmax_backward(p, g, dim):\n    return ...",
        nudge="Multiply diag(p) - p p^T by g. What does the second term become when you put the brackets round p^T g?",
        sketch="p^T g is one number for each row, the mean of g under p. Subtract it from g, then multiply by p.",
        solution="def softmax_backward(p, g, dim):\n    return p * (g - (p * g).sum(dim, keepdim=True))",
        reason=(
            "The Jacobian is diag(p) - p p^T, so its product with g is p g - p (p^T g): work in proportion to the "
            "number of classes, not to its square. Its rows add up to 0, so does this gradient."
        ),
        checks={
            "value along each dim": partial(_along_dim.backward, _exact),
            "cross entropy gives p - y": _backward_cross_entropy,
        },
        wrong={
            "as for the sigmoid": "def softmax_backward(p, g, dim):\n    return g * p * (1 - p)",
            "without the mean": "def softmax_backward(p, g, dim):\n    return p * g",
            "plain mean": "def softmax_backward(p, g, dim):\n    return p * (g - g.mean(dim, keepdim=True))",
            "always the last dim": (
                "def softmax_backward(p, g, dim):\n    return p * (g - (p * g).sum(-1, keepdim=True))"
            ),
            "p - g": "def softmax_backward(p, g, dim):\n    return p - g",
        },
    ),
    "sharpen": Exercise(
        title="A temperature after the fact",
        stub="def sharpen(p, temperature):\n    return ...",
        nudge="Are the lost logits needed, or is any set of logits with these probabilities as good?",
        sketch="log p is a set of logits of p. Divide it by the temperature and take the softmax of each row.",
        solution="def sharpen(p, temperature):\n    return torch.softmax(p.log() / temperature, dim=1)",
        reason=(
            "The powers p ** (1 / T) over their sum are the same on paper, and 0 / 0 for a small T: 0.3 ** 1000 is 0. "
            "In the logarithm only the distance to the largest counts, and a p of 0 stays 0."
        ),
        checks={
            "value": _sharpen_value,
            "a probability of 0": _sharpen_zero,
            "a very low temperature": _sharpen_cold,
        },
        wrong={
            "softmax of p": "def sharpen(p, temperature):\n    return torch.softmax(p / temperature, dim=1)",
            "powers": (
                "def sharpen(p, temperature):\n    q = p ** (1 / temperature)\n    return q / q.sum(1, keepdim=True)"
            ),
            "inverse": ("def sharpen(p, temperature):\n    q = p**temperature\n    return q / q.sum(1, keepdim=True)"),
            "not normalised": "def sharpen(p, temperature):\n    return p ** (1 / temperature)",
            "epsilon": (
                "def sharpen(p, temperature):\n    return torch.softmax((p + 1e-8).log() / temperature, dim=1)"
            ),
        },
    ),
}
