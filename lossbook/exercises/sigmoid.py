"""Exercises of the sigmoid chapter."""

import math

import torch
from torch import Tensor

from ._judge import Answer, Exercise, same


def _logits(scale: float) -> Tensor:
    """Draw logits of a fresh number; the first is 0."""
    logits = scale * torch.randn(int(torch.randint(3, 40, ())), dtype=torch.double)
    logits[0] = 0
    return logits


def _exact(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Give value and slope by the definition, of logits of moderate size."""
    values = [1 / (1 + math.exp(-x)) for x in logits.tolist()]
    slopes = [1 / (2 + math.exp(x) + math.exp(-x)) for x in logits.tolist()]
    return torch.tensor(values, dtype=torch.double), torch.tensor(slopes, dtype=torch.double)


def _autograd(answer: Answer, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(answer(x).sum(), x)
    return gradient


def _tails(slope: Tensor) -> None:
    """Expect the slopes of float32 logits -20 and 20."""
    exact = 1 / (2 + math.exp(20) + math.exp(-20))
    for logit, found in zip((-20, 20), slope.tolist(), strict=True):
        assert abs(found / exact - 1) < 1e-4, f"float32, logit {logit}: expected a slope of 2.06e-09, got {found:.3g}"


_TAILS = (-20.0, 20.0)
_FAR = torch.tensor([-1000.0, 1000.0], dtype=torch.double)


def _slope_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        logits = _logits(scale)
        same(answer(logits), _exact(logits)[1], f"logits of size {scale:g}")


def _slope_tails(answer: Answer) -> None:
    _tails(answer(torch.tensor(_TAILS)))


def _slope_far(answer: Answer) -> None:
    same(answer(_FAR), torch.zeros_like(_FAR), "logits -1000 and 1000")


def _stable_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        logits = _logits(scale)
        value, slope = _exact(logits)
        same(answer(logits), value, f"logits of size {scale:g}")
        same(_autograd(answer, logits), slope, f"gradient, logits of size {scale:g}")


def _stable_small(answer: Answer) -> None:
    (found,) = answer(torch.tensor([-50.0])).tolist()
    assert abs(found / math.exp(-50) - 1) < 1e-4, f"float32, logit -50: expected 1.93e-22, got {found:.3g}"


def _stable_tails(answer: Answer) -> None:
    _tails(_autograd(answer, torch.tensor(_TAILS)))


def _stable_far(answer: Answer) -> None:
    same(answer(_FAR), torch.tensor([0.0, 1.0], dtype=torch.double), "logits -1000 and 1000")
    same(_autograd(answer, _FAR), torch.zeros_like(_FAR), "gradient, logits -1000 and 1000")


def _ends() -> tuple[float, float, float]:
    """Draw low, high and a start between them."""
    low = 20 * torch.rand(()).item() - 10
    high = low + 1 + 9 * torch.rand(()).item()
    return low, high, low + (high - low) * (0.1 + 0.3 * torch.rand(()).item())


def _head_start(answer: Answer) -> None:
    for low, high, start in ((1.0, 5.0, 2.0), (0.0, 300.0, 150.0), _ends()):
        found = answer(torch.zeros(4, dtype=torch.double), low, high, start)
        same(found, torch.full((4,), start, dtype=torch.double), f"input 0, from {low:g} to {high:g}")


def _head_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        logits, (low, high, start) = _logits(scale), _ends()
        value, slope = _exact(logits + math.log((start - low) / (high - start)))
        where = f"inputs of size {scale:g}, from {low:.3g} to {high:.3g}, start {start:.3g}"
        same(answer(logits, low, high, start), low + (high - low) * value, where)
        found = _autograd(lambda x, ends=(low, high, start): answer(x, *ends), logits)
        same(found, (high - low) * slope, f"gradient, {where}")


def _head_ends(answer: Answer) -> None:
    same(answer(_FAR, 1.0, 5.0, 2.0), torch.tensor([1.0, 5.0], dtype=torch.double), "inputs -1000 and 1000")


EXERCISES = {
    "slope": Exercise(
        title="The slope that does not die",
        stub="def sigmoid_slope(x):\n    return ...",
        nudge="p * (1 - p) is the formula. Which of its two factors is 0 at 20, and what else is that factor?",
        sketch="1 - sigmoid(x) is sigmoid(-x), and that one does not round to 0.",
        solution="def sigmoid_slope(x):\n    return torch.sigmoid(x) * torch.sigmoid(-x)",
        reason=(
            "p * (1 - p) subtracts from 1 a number that has rounded to 1: it is 0 from 17 on in float32, and that is "
            "what torch's own backward returns. The product of both sigmoids has no subtraction."
        ),
        checks={
            "logits of every size": _slope_value,
            "the tails in float32": _slope_tails,
            "logits of 1000": _slope_far,
        },
        wrong={
            "p (1 - p)": "def sigmoid_slope(x):\n    p = torch.sigmoid(x)\n    return p * (1 - p)",
            "exponential of x": "def sigmoid_slope(x):\n    u = torch.exp(-x)\n    return u / (1 + u) ** 2",
            "sigmoid itself": "def sigmoid_slope(x):\n    return torch.sigmoid(-x)",
            "tanh": "def sigmoid_slope(x):\n    return (1 - torch.tanh(x / 2) ** 2) / 4",
        },
    ),
    "stable": Exercise(
        title="A sigmoid of your own",
        stub="def my_sigmoid(x):\n    return ...",
        nudge="Which exponentials never overflow? And what is the slope of abs at 0, according to autograd?",
        sketch=(
            "The exponential of the logarithm of the sigmoid never overflows, and torch has that logarithm. "
            "Or take the two stable forms and join them by a mask of ones and zeros."
        ),
        solution="def my_sigmoid(x):\n    return torch.exp(F.logsigmoid(x))",
        reason=(
            "Autograd multiplies the value, which may have rounded to 1, by the slope of the log sigmoid, which is "
            "sigmoid(-x) and has not rounded to 0. torch.sigmoid keeps only its result and computes p * (1 - p)."
        ),
        checks={
            "value and gradient": _stable_value,
            "small probabilities in float32": _stable_small,
            "the slope in the tails in float32": _stable_tails,
            "logits of 1000": _stable_far,
        },
        wrong={
            "one line": "def my_sigmoid(x):\n    return 1 / (1 + torch.exp(-x))",
            "the other line": "def my_sigmoid(x):\n    return torch.exp(x) / (1 + torch.exp(x))",
            "torch": "def my_sigmoid(x):\n    return torch.sigmoid(x)",
            "tanh": "def my_sigmoid(x):\n    return 0.5 * (1 + torch.tanh(x / 2))",
            "where": (
                "def my_sigmoid(x):\n"
                "    return torch.where(x >= 0, 1 / (1 + torch.exp(-x)), torch.exp(x) / (1 + torch.exp(x)))"
            ),
            "clamp": "def my_sigmoid(x):\n    return 1 / (1 + torch.exp(-x.clamp(-15, 15)))",
            "flat at 0": (
                "def my_sigmoid(x):\n    small = torch.exp(-x.abs())\n"
                "    return torch.where(x >= 0, 1 / (1 + small), small / (1 + small))"
            ),
        },
    ),
    "head": Exercise(
        title="A head for grades",
        stub="def grade_head(x, low, high, start):\n    return ...",
        nudge="Which probability p makes low + (high - low) * p equal to start, and which logit has that probability?",
        sketch="Add the logit of (start - low) / (high - low) to the input; then stretch the sigmoid and shift it.",
        solution=(
            "def grade_head(x, low, high, start):\n"
            "    odds = torch.tensor((start - low) / (high - start), dtype=x.dtype)\n"
            "    return low + (high - low) * torch.sigmoid(x + odds.log())"
        ),
        reason=(
            "The odds of (start - low) / (high - low) are (start - low) / (high - start). Shifting the logit moves the "
            "start and leaves both ends reachable; shifting the output would move the range, and a clamp kills slopes."
        ),
        checks={
            "the start": _head_start,
            "value and gradient": _head_value,
            "both ends": _head_ends,
        },
        wrong={
            "starts in the middle": (
                "def grade_head(x, low, high, start):\n    return low + (high - low) * torch.sigmoid(x)"
            ),
            "shifts the output": (
                "def grade_head(x, low, high, start):\n    return start + (high - low) * (torch.sigmoid(x) - 0.5)"
            ),
            "clamp": "def grade_head(x, low, high, start):\n    return (x + start).clamp(low, high)",
            "stretched to high": (
                "def grade_head(x, low, high, start):\n    shift = math.log((start - low) / (high - start))\n"
                "    return low + high * torch.sigmoid(x + shift)"
            ),
            "log odds of the share": (
                "def grade_head(x, low, high, start):\n    shift = math.log((start - low) / (high - low))\n"
                "    return low + (high - low) * torch.sigmoid(x + shift)"
            ),
        },
    ),
}
