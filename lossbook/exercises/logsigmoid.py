"""Exercises of the log sigmoid chapter."""

import math

import torch
from torch import Tensor

from ._judge import Answer, Exercise, same


def _logits(scale: float, *shape: int) -> Tensor:
    """Draw logits, of a fresh number unless a shape is given; the first is 0."""
    logits = scale * torch.randn(shape or (int(torch.randint(3, 40, ())),), dtype=torch.double)
    logits.view(-1)[0] = 0
    return logits


def _by_definition(x: Tensor) -> Tensor:
    """Give log sigmoid of each logit of moderate size, one at a time."""
    values = [-math.log1p(math.exp(-v)) if v > 0 else v - math.log1p(math.exp(v)) for v in x.flatten().tolist()]
    return torch.tensor(values, dtype=torch.double).reshape(x.shape)


def _probability(x: Tensor) -> Tensor:
    return _by_definition(x).exp()


def _gradient(answer: Answer, expected: Tensor, x: Tensor, *rest: Tensor, where: str) -> None:
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(answer(x, *rest).sum(), x)
    same(gradient, expected, where)


_FAR = torch.tensor([-1000.0, 1000.0], dtype=torch.double)


def _stable_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        logits = _logits(scale)
        same(answer(logits), _by_definition(logits), f"logits of size {scale:g}")
        _gradient(answer, _probability(-logits), logits, where=f"gradient, logits of size {scale:g}")


def _stable_small(answer: Answer) -> None:
    (found,) = answer(torch.tensor([20.0])).tolist()
    assert abs(found * math.exp(20) + 1) < 1e-4, f"float32, logit 20: expected -2.06e-09, got {found:.3g}"


def _stable_far(answer: Answer) -> None:
    same(answer(_FAR), torch.tensor([-1000.0, 0.0], dtype=torch.double), "logits -1000 and 1000")
    _gradient(answer, torch.tensor([1.0, 0.0], dtype=torch.double), _FAR, where="gradient, logits -1000 and 1000")


def _targets(x: Tensor) -> Tensor:
    """Draw targets in [0, 1]; the first two are 0 and 1."""
    targets = torch.rand(x.shape, dtype=torch.double)
    targets[:2] = torch.tensor([0.0, 1.0])
    return targets


def _soft_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        x = _logits(scale)
        y = _targets(x)
        expected = -y * _by_definition(x) - (1 - y) * _by_definition(-x)
        same(answer(x, y), expected, f"logits of size {scale:g}")
        _gradient(answer, _probability(x) - y, x, y, where=f"gradient, logits of size {scale:g}")


def _soft_far(answer: Answer) -> None:
    y = torch.tensor([0.75, 0.75], dtype=torch.double)
    same(answer(_FAR, y), torch.tensor([750.0, 250.0], dtype=torch.double), "logits -1000 and 1000, target 0.75")
    expected = torch.tensor([-0.75, 0.25], dtype=torch.double)
    _gradient(answer, expected, _FAR, y, where="gradient, logits -1000 and 1000, target 0.75")


def _any_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 3.0):
        x = _logits(scale, 5, int(torch.randint(2, 8, ())))
        misses = [math.prod(1 - p for p in row) for row in _probability(x).tolist()]
        expected = torch.tensor([math.log1p(-miss) for miss in misses], dtype=torch.double)
        same(answer(x), expected, f"logits of size {scale:g}")


def _any_gradient(answer: Answer) -> None:
    x = _logits(1.0, 4, 3)
    miss = (1 - _probability(x)).prod(-1, keepdim=True)
    _gradient(answer, _probability(x) * miss / (1 - miss), x, where="gradient")


def _any_unlikely(answer: Answer) -> None:
    x = torch.full((1, 10), -50.0)
    expected = math.log(10) - 50
    (found,) = answer(x).tolist()
    assert abs(found - expected) < 1e-3, f"float32, ten logits of -50: expected {expected:.2f}, got {found:.2f}"


def _any_likely(answer: Answer) -> None:
    x = torch.full((1, 2), 15.0)
    expected = -math.exp(-30)
    (found,) = answer(x).tolist()
    assert abs(found / expected - 1) < 1e-3, f"float32, two logits of 15: expected {expected:.3g}, got {found:.3g}"
    _gradient(answer, torch.zeros(1, 10), torch.full((1, 10), 50.0), where="gradient, ten logits of 50")


EXERCISES = {
    "stable": Exercise(
        title="A log sigmoid of your own",
        stub="def my_logsigmoid(x):\n    return ...",
        nudge="-log(1 + exp(-x)) is the logarithm of a sum of two exponentials. Which two?",
        sketch="1 is exp(0); torch has one function for log(exp(a) + exp(b)) that takes the larger one out first.",
        solution="def my_logsigmoid(x):\n    return -torch.logaddexp(-x, torch.zeros_like(x))",
        reason=(
            "logaddexp is the stable form: the larger of both, plus log1p of an exponential that is at most 1. "
            "min(x, 0) - log1p(exp(-|x|)) is the same by hand, but with clamp for min the slope at 0 is 1, not 1/2."
        ),
        checks={
            "value and gradient": _stable_value,
            "a safe yes in float32": _stable_small,
            "logits of 1000": _stable_far,
        },
        wrong={
            "two steps": "def my_logsigmoid(x):\n    return torch.sigmoid(x).log()",
            "epsilon": "def my_logsigmoid(x):\n    return (torch.sigmoid(x) + 1e-8).log()",
            "formula": "def my_logsigmoid(x):\n    return -(1 + torch.exp(-x)).log()",
            "log1p of the formula": "def my_logsigmoid(x):\n    return -torch.log1p(torch.exp(-x))",
            "clamp": "def my_logsigmoid(x):\n    return x.clamp(max=0) - torch.log1p(torch.exp(-x.abs()))",
            "log without log1p": (
                "def my_logsigmoid(x):\n    least = torch.minimum(x, torch.zeros_like(x))\n"
                "    return least - (1 + torch.exp(-x.abs())).log()"
            ),
        },
    ),
    "soft": Exercise(
        title="Soft targets",
        stub="def soft_loss(x, y):\n    return ...",
        nudge="What is log(1 - sigmoid(x)), without the subtraction?",
        sketch="One log sigmoid of x and one of -x, weighted by y and 1 - y.",
        solution="def soft_loss(x, y):\n    return -y * F.logsigmoid(x) - (1 - y) * F.logsigmoid(-x)",
        reason=(
            "The subtraction rounds to 0 from 17 on in float32 (37 in float64), and its logarithm is infinite. "
            "logsigmoid(x) - x is the same number as logsigmoid(-x), for every x that is finite."
        ),
        checks={"soft and hard targets": _soft_value, "logits of 1000": _soft_far},
        wrong={
            "through probabilities": (
                "def soft_loss(x, y):\n    p = torch.sigmoid(x)\n    return -y * p.log() - (1 - y) * (1 - p).log()"
            ),
            "clamped": (
                "def soft_loss(x, y):\n    p = torch.sigmoid(x).clamp(1e-7, 1 - 1e-7)\n"
                "    return -y * p.log() - (1 - y) * (1 - p).log()"
            ),
            "BCE of probabilities": (
                'def soft_loss(x, y):\n    return F.binary_cross_entropy(torch.sigmoid(x), y, reduction="none")'
            ),
            "only the yes": "def soft_loss(x, y):\n    return -y * F.logsigmoid(x)",
            "sign as for soft margin": "def soft_loss(x, y):\n    return -F.logsigmoid((2 * y - 1) * x)",
        },
    ),
    "any": Exercise(
        title="At least one",
        stub="def log_any(x):\n    return ...",
        nudge=(
            "The log-probability that all are wrong is a sum. What is log(1 - exp(s)) for s near 0, and for s of -500?"
        ),
        sketch=(
            "Sum the log sigmoids of -x; call it s. For s near 0 take log(-expm1(s)), far below it log1p(-exp(s)). "
            "Half way, at about -0.7, is a good border; give each branch a harmless s where the other one is taken."
        ),
        solution=(
            "def log_any(x):\n"
            "    s = F.logsigmoid(-x).sum(-1)\n"
            "    near = s > -0.7\n"
            "    unlikely = (-torch.expm1(torch.where(near, s, -1.0))).log()\n"
            "    likely = torch.log1p(-torch.exp(torch.where(near, -1.0, s)))\n"
            "    return torch.where(near, unlikely, likely)"
        ),
        reason=(
            "The product of ten factors that have rounded to 1 is 1, and log(1 - 1) is infinite. expm1 keeps what is "
            "left of 1 when s is near 0, log1p when exp(s) is. Where the branch is not taken its s is replaced before "
            "the function and not after it, because autograd differentiates both branches."
        ),
        checks={
            "logits of every size": _any_value,
            "gradient": _any_gradient,
            "ten unlikely detectors": _any_unlikely,
            "sure detectors": _any_likely,
        },
        wrong={
            "as written": "def log_any(x):\n    return (1 - (1 - torch.sigmoid(x)).prod(-1)).log()",
            "sum of logarithms": "def log_any(x):\n    return F.logsigmoid(x).sum(-1)",
            "the surest one": "def log_any(x):\n    return F.logsigmoid(x.amax(-1))",
            "only log1p": "def log_any(x):\n    return torch.log1p(-F.logsigmoid(-x).sum(-1).exp())",
            "only expm1": "def log_any(x):\n    return (-torch.expm1(F.logsigmoid(-x).sum(-1))).log()",
        },
    ),
}
