"""Exercises of the NLL chapter."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ._judge import Answer, Exercise, same


def _sizes(count: int) -> list[int]:
    """Draw sizes, no two of them equal."""
    return [int(n) for n in torch.randperm(7)[:count] + 2]


def _pick(answer: Answer, dims: int) -> None:
    shape = _sizes(dims)
    log_q = torch.randn(shape, dtype=torch.double).log_softmax(dim=1).requires_grad_()
    target = torch.randint(shape[1], [shape[0], *shape[2:]])
    expected = F.nll_loss(log_q, target, reduction="none")
    found = answer(log_q, target)
    same(found, expected, f"shape {tuple(shape)}")
    (slope,), (exact,) = (torch.autograd.grad(loss.sum(), log_q) for loss in (found, expected))
    same(slope, exact, f"gradient, shape {tuple(shape)}")


def _pick_flat(answer: Answer) -> None:
    _pick(answer, dims=2)


def _pick_deep(answer: Answer) -> None:
    _pick(answer, dims=3)


def _two_columns(logit: Tensor) -> Tensor:
    return torch.stack([F.logsigmoid(-logit), F.logsigmoid(logit)], dim=1)


def _two(answer: Answer, logit: Tensor, where: str) -> None:
    logit = logit.requires_grad_()
    found, expected = answer(logit), _two_columns(logit)
    same(found, expected, where)
    for column, name in enumerate(("no", "yes")):
        (slope,) = torch.autograd.grad(found[:, column].sum(), logit, retain_graph=True)
        (exact,) = torch.autograd.grad(expected[:, column].sum(), logit, retain_graph=True)
        same(slope, exact, f'gradient of "{name}", {where}')


def _two_usual(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        _two(answer, scale * torch.randn(6, dtype=torch.double), f"logits of size {scale:g}")


def _two_large(answer: Answer) -> None:
    _two(answer, torch.tensor([1000.0, -1000.0, 40.0, -40.0], dtype=torch.double), "logits up to 1000")


def _mixture(answer: Answer, scale: float) -> None:
    samples, experts, classes = _sizes(3)
    scores = scale * torch.randn(samples, experts, classes, dtype=torch.double)
    if scale > 100:
        scores[..., 0] += 10 * scale  # every expert is sure: the other probabilities are 0 in float64
    scores.requires_grad_()
    gate = (scale * torch.randn(samples, experts, dtype=torch.double)).requires_grad_()
    expected = (scores.log_softmax(dim=2) + gate.log_softmax(dim=1).unsqueeze(2)).logsumexp(dim=1)
    found = answer(scores, gate)
    same(found, expected, f"scores of size {scale:g}")
    pull = torch.randn(samples, classes, dtype=torch.double)
    slopes, exact = (torch.autograd.grad((pull * out).sum(), [scores, gate]) for out in (found, expected))
    for name, slope, right in zip(("scores", "gate"), slopes, exact, strict=True):
        same(slope, right, f"gradient for {name}, scores of size {scale:g}")


def _mixture_usual(answer: Answer) -> None:
    for scale in (0.3, 3.0):
        _mixture(answer, scale)


def _mixture_large(answer: Answer) -> None:
    _mixture(answer, 1000.0)


def _mixture_adds_up(answer: Answer) -> None:
    log_q = answer(torch.randn(4, 3, 5, dtype=torch.double), torch.randn(4, 3, dtype=torch.double))
    total = log_q.exp().sum(dim=1)
    assert math.isclose(total.min(), 1, rel_tol=1e-9), f"the rows must add up to 1, one is {total.min():.4f}"


EXERCISES = {
    "pick": Exercise(
        title="Pick and negate, in any shape",
        stub="def losses(log_q, target):\n    return ...",
        nudge="Which function of torch picks one entry along a dimension, by an index of the same number of axes?",
        sketch="Give the target an axis of length 1 where the classes are, gather along it, and take the axis off.",
        solution=(
            "def losses(log_q, target):\n"
            "    picked = log_q.gather(1, target.unsqueeze(1))\n"
            "    return -picked.squeeze(1)"
        ),
        reason=(
            "log_q[:, target] picks every label from every row, (N, N) numbers, and its mean looks like a loss. "
            "gather asks for an index with as many axes as the input, so that each position keeps its own label; a "
            "bare squeeze() would also swallow a batch of one."
        ),
        checks={"shape (N, C)": _pick_flat, "shape (N, C, L)": _pick_deep},
        wrong={
            "every label from every row": "def losses(log_q, target):\n    return -log_q[:, target]",
            "sign": ("def losses(log_q, target):\n    return log_q.gather(1, target.unsqueeze(1)).squeeze(1)"),
            "logarithm again": (
                "def losses(log_q, target):\n    return -log_q.gather(1, target.unsqueeze(1)).squeeze(1).log()"
            ),
            "classes last": (
                "def losses(log_q, target):\n    return -log_q.gather(-1, target.unsqueeze(-1)).squeeze(-1)"
            ),
            "two axes only": "def losses(log_q, target):\n    return -log_q[range(len(target)), target]",
            "mean": ("def losses(log_q, target):\n    return -log_q.gather(1, target.unsqueeze(1)).squeeze(1).mean()"),
        },
    ),
    "two": Exercise(
        title="Two log-probabilities from one logit",
        stub="def no_and_yes(logit):\n    return ...",
        nudge='The probability of "no" is 1 - sigmoid(z). Which sigmoid is that, without a subtraction?',
        sketch="1 - sigmoid(z) is sigmoid(-z), and its logarithm has a function of its own; stack along dimension 1.",
        solution=("def no_and_yes(logit):\n    return torch.stack([F.logsigmoid(-logit), F.logsigmoid(logit)], dim=1)"),
        reason=(
            "sigmoid(40) is 1 in float64, so log(1 - sigmoid) is -inf long before 1000, and its gradient NaN. "
            "log_softmax of the pair (0, z) is the same function; of (-z, z) it is that of twice the logit."
        ),
        checks={"logits of usual size": _two_usual, "logits up to 1000": _two_large},
        wrong={
            "probabilities": (
                "def no_and_yes(logit):\n    p = logit.sigmoid()\n    return torch.stack([1 - p, p], dim=1)"
            ),
            "logarithm of sigmoid": (
                "def no_and_yes(logit):\n    p = logit.sigmoid()\n    return torch.stack([1 - p, p], dim=1).log()"
            ),
            "yes first": (
                "def no_and_yes(logit):\n    return torch.stack([F.logsigmoid(logit), F.logsigmoid(-logit)], dim=1)"
            ),
            "twice the logit": (
                "def no_and_yes(logit):\n    return torch.stack([-logit, logit], dim=1).log_softmax(dim=1)"
            ),
            "wrong axis": (
                "def no_and_yes(logit):\n    return torch.stack([F.logsigmoid(-logit), F.logsigmoid(logit)])"
            ),
            "minus the other": (
                "def no_and_yes(logit):\n    return torch.stack([-F.logsigmoid(logit), F.logsigmoid(logit)], dim=1)"
            ),
            "a small number": (
                "def no_and_yes(logit):\n    p = logit.sigmoid()\n"
                "    return (torch.stack([1 - p, p], dim=1) + 1e-12).log()"
            ),
        },
    ),
    "mixture": Exercise(
        title="A mixture with learnt shares",
        stub="def mixture(scores, gate):\n    return ...",
        nudge="The mixture is a sum over the experts of share times probability. What is that in logarithms?",
        sketch="log_softmax of both, each over its own axis; add them, and log-sum-exp over the experts.",
        solution=(
            "def mixture(scores, gate):\n"
            "    log_q = scores.log_softmax(dim=2)\n"
            "    log_share = gate.log_softmax(dim=1).unsqueeze(2)\n"
            "    return (log_share + log_q).logsumexp(dim=1)"
        ),
        reason=(
            "A product is a sum of logarithms, and a sum is a log-sum-exp, so nothing ever leaves the logarithms. "
            "Averaging scores before the softmax is another model, and the logarithm of a mixed softmax is -inf "
            "where every expert is sure."
        ),
        checks={
            "rows add up to 1": _mixture_adds_up,
            "scores of usual size": _mixture_usual,
            "scores of size 1000": _mixture_large,
        },
        wrong={
            "logarithm of the mixed softmax": (
                "def mixture(scores, gate):\n    return (gate.softmax(1).unsqueeze(2) * scores.softmax(2)).sum(1).log()"
            ),
            "mixed scores": (
                "def mixture(scores, gate):\n    return (gate.softmax(1).unsqueeze(2) * scores).sum(1).log_softmax(1)"
            ),
            "mixed logarithms": (
                "def mixture(scores, gate):\n    return (gate.softmax(1).unsqueeze(2) * scores.log_softmax(2)).sum(1)"
            ),
            "equal shares": (
                "def mixture(scores, gate):\n    return scores.log_softmax(2).logsumexp(1) - math.log(scores.shape[1])"
            ),
            "gate not normalised": (
                "def mixture(scores, gate):\n    return (gate.unsqueeze(2) + scores.log_softmax(2)).logsumexp(1)"
            ),
            "experts not normalised": (
                "def mixture(scores, gate):\n"
                "    return (gate.log_softmax(1).unsqueeze(2) + scores).logsumexp(1).log_softmax(1)"
            ),
            "softmax over the experts": (
                "def mixture(scores, gate):\n"
                "    return (gate.log_softmax(1).unsqueeze(2) + scores.log_softmax(1)).logsumexp(1)"
            ),
        },
    ),
}
