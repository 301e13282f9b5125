"""Exercises of the log_softmax chapter."""

import math
from functools import partial

import torch
from torch import Tensor

from . import _along_dim
from ._judge import Answer, Exercise, same


def _exact(x: Tensor, dim: int) -> Tensor:
    """Give the log-probabilities by the definition, of logits of moderate size."""
    return x - x.exp().sum(dim, keepdim=True).log()


def _stable_rows(answer: Answer) -> None:
    x = torch.tensor([[0.0, 2000.0], [-5000.0, -5000.0], [1e8, 1e8]], dtype=torch.double)
    half = -math.log(2)
    expected = torch.tensor([[-2000.0, 0.0], [half, half], [half, half]], dtype=torch.double)
    same(answer(x, 1), expected, "rows of size 2000, -5000 and 1e8 in one batch")
    (ruled_out,) = answer(torch.tensor([[0.0, -math.inf]], dtype=torch.double), 1).tolist()
    assert ruled_out == [0.0, -math.inf], f"logits [0, -inf]: expected [0, -inf], got {ruled_out}"


def _backward_far(answer: Answer) -> None:
    log_p = torch.tensor([[0.0, -2000.0, -math.inf]], dtype=torch.double)
    g = torch.tensor([[0.0, -1.0, 0.0]], dtype=torch.double)
    expected = torch.tensor([[1.0, -1.0, 0.0]], dtype=torch.double)
    same(answer(log_p, g, 1), expected, "log-probabilities 0, -2000 and -inf; -1 for the second")


def _mixture_value(answer: Answer) -> None:
    for scale in (0.1, 3.0):
        x = _along_dim.logits(scale)
        x = x + 5 * torch.randn(x.shape[:-1], dtype=torch.double).unsqueeze(-1)
        expected = _exact(x, -1).exp().mean(0).log()
        same(answer(x), expected, f"{len(x)} models, logits of size {scale:g}")


def _mixture_far(answer: Answer) -> None:
    x = torch.tensor([[[0.0, 2000.0]], [[0.0, 3000.0]]], dtype=torch.double)
    same(answer(x), torch.tensor([[-2000.0 - math.log(2), 0.0]], dtype=torch.double), "a class 2000 and 3000 behind")


EXERCISES = {
    "stable": Exercise(
        title="A log softmax of your own",
        stub="def my_log_softmax(x, dim):\n    return ...",
        nudge="What is left of log(softmax) when you take the logarithm of the fraction on paper?",
        sketch="Subtract the maximum along dim, then the logarithm of the sum of exponentials along dim.",
        solution=(
            "def my_log_softmax(x, dim):\n"
            "    x = x - x.amax(dim, keepdim=True)\n"
            "    return x - x.exp().sum(dim, keepdim=True).log()"
        ),
        reason=(
            "The logarithm of the numerator is the logit itself, so nothing underflows; the maximum keeps the sum "
            "between 1 and the number of classes. Add the maximum back last, as m + log(sum), and 1e8 swallows log 2."
        ),
        checks={
            "value along each dim": partial(_along_dim.value, _exact),
            "gradient": partial(_along_dim.gradient, _exact),
            "rows of very different size": _stable_rows,
        },
        wrong={
            "log of softmax": "def my_log_softmax(x, dim):\n    return torch.softmax(x, dim).log()",
            "epsilon": "def my_log_softmax(x, dim):\n    return (torch.softmax(x, dim) + 1e-12).log()",
            "no shift": "def my_log_softmax(x, dim):\n    return x - x.exp().sum(dim, keepdim=True).log()",
            "maximum of the batch": (
                "def my_log_softmax(x, dim):\n    x = x - x.max()\n    return x - x.exp().sum(dim, keepdim=True).log()"
            ),
            "always the last dim": ("def my_log_softmax(x, dim):\n    return x - torch.logsumexp(x, -1, keepdim=True)"),
        },
    ),
    "backward": Exercise(
        title="The backward pass",
        stub="def log_softmax_backward(log_p, g, dim):\n    return ...",
        nudge="Every output contains minus log-sum-exp, whose gradient is p. How often is it taken off?",
        sketch="g itself, minus p times the sum of g along dim; p is the exponential of what you have.",
        solution=("def log_softmax_backward(log_p, g, dim):\n    return g - log_p.exp() * g.sum(dim, keepdim=True)"),
        reason=(
            "The Jacobian is 1 - p, row for row, so a gradient g becomes g - p sum(g). With -1 for the target it is "
            "p - y, bounded however improbable the target; through softmax and log it would be 0 times infinity."
        ),
        checks={
            "value along each dim": partial(_along_dim.backward, _exact),
            "far behind and ruled out": _backward_far,
        },
        wrong={
            "of softmax": (
                "def log_softmax_backward(log_p, g, dim):\n    p = log_p.exp()\n"
                "    return p * (g - (p * g).sum(dim, keepdim=True))"
            ),
            "diagonal only": "def log_softmax_backward(log_p, g, dim):\n    return g * (1 - log_p.exp())",
            "through p": (
                "def log_softmax_backward(log_p, g, dim):\n    p = log_p.exp()\n    h = g / p\n"
                "    return p * (h - (p * h).sum(dim, keepdim=True))"
            ),
            "log p for p": (
                "def log_softmax_backward(log_p, g, dim):\n    return g - log_p * g.sum(dim, keepdim=True)"
            ),
            "wrong sign": (
                "def log_softmax_backward(log_p, g, dim):\n    return g + log_p.exp() * g.sum(dim, keepdim=True)"
            ),
        },
    ),
    "mixture": Exercise(
        title="The average of several models",
        stub="def mixture_log_probs(logits):\n    return ...",
        nudge="The average of probabilities is a sum. Which function takes the logarithm of a sum of exponentials?",
        sketch="log_softmax along the classes, logsumexp along the models, minus the logarithm of their number.",
        solution=(
            "def mixture_log_probs(logits):\n"
            "    log_p = torch.log_softmax(logits, dim=-1)\n"
            "    return torch.logsumexp(log_p, dim=0) - math.log(len(logits))"
        ),
        reason=(
            "Averaging log-probabilities is a geometric mean, which does not add up to 1; averaging logits weighs "
            "models by how loud they are. Averaging probabilities and taking the logarithm is right until it is -inf."
        ),
        checks={"value": _mixture_value, "a class far behind": _mixture_far},
        wrong={
            "mean of logarithms": (
                "def mixture_log_probs(logits):\n    return torch.log_softmax(logits, dim=-1).mean(0)"
            ),
            "mean of logits": "def mixture_log_probs(logits):\n    return torch.log_softmax(logits.mean(0), dim=-1)",
            "log of the mean": "def mixture_log_probs(logits):\n    return torch.softmax(logits, dim=-1).mean(0).log()",
            "not divided": (
                "def mixture_log_probs(logits):\n    return torch.logsumexp(torch.log_softmax(logits, dim=-1), dim=0)"
            ),
            "not normalised first": (
                "def mixture_log_probs(logits):\n    return torch.log_softmax(torch.logsumexp(logits, dim=0), dim=-1)"
            ),
        },
    ),
}
